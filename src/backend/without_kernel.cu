#include "backend/cuda_backend.h"
#include "backend/device_error.h"

// The primitives that have no kernel yet.
namespace vitrine::inline VITRINE_PRECISION {

void CudaBackend::fused_attention_forward(Tiles, Tensor, Tiles, Tiles, Tiles, const AttentionWeights&) {
  no_kernel("fused_attention_forward");
}
void CudaBackend::fused_attention_backward(Tiles, Tiles, Tiles, Tensor, Tiles, Tiles, Tensor, Tiles, Tiles, Tiles,
                                           const AttentionWeights&) {
  no_kernel("fused_attention_backward");
}
void CudaBackend::elu_features_forward(Tensor, Tensor) { no_kernel("elu_features_forward"); }
void CudaBackend::elu_features_backward(Tensor, Tensor, Tensor) { no_kernel("elu_features_backward"); }
void CudaBackend::linear_attention_forward(Tiles, Tensor, Tiles, Tiles, Tiles, const KernelWeights&) {
  no_kernel("linear_attention_forward");
}
void CudaBackend::linear_attention_backward(Tiles, Tiles, Tiles, Tiles, Tiles, Tensor, Tiles, Tiles, Tiles,
                                            const KernelWeights&) {
  no_kernel("linear_attention_backward");
}
void CudaBackend::random_features_forward(Tiles, Tiles, Tensor, Real, Stabiliser) { no_kernel("random_features_forward"); }
void CudaBackend::random_features_backward(Tiles, Tiles, Tiles, Tiles, Tensor, Real) { no_kernel("random_features_backward"); }
void CudaBackend::route(Members, Tensor, Tiles, Tensor, Tensor) { no_kernel("route"); }
void CudaBackend::count_members(Tensor, Members) { no_kernel("count_members"); }
void CudaBackend::gather_members(Tensor, Tiles, Members, Tensor) { no_kernel("gather_members"); }
void CudaBackend::scatter_members(Tiles, Tensor, Members, Tensor) { no_kernel("scatter_members"); }
void CudaBackend::scatter_weights(Tiles, Tiles, Members, Members, Tensor) { no_kernel("scatter_weights"); }
void CudaBackend::add_to_centroids(Tensor, Tiles, Tensor) { no_kernel("add_to_centroids"); }
void CudaBackend::move_centroids(Tensor, Tensor, Real) { no_kernel("move_centroids"); }

}  // namespace vitrine::inline VITRINE_PRECISION
