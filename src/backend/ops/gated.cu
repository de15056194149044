#include "backend/cuda_backend.h"
#include "backend/ops/activation_math.h"
#include "backend/ops/map.cuh"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// y = f(gate) ⊙ up                                                                      (Shazeer 2020, arXiv 2002.05202)
template <Activation f>
struct GatedOf {
  __device__ void operator()(Real& y, Real gate, Real up) const { y = activate<f>(gate).value * up; }
};

// dgate = dy ⊙ up ⊙ f'(gate)   dup = dy ⊙ f(gate)
template <Activation f>
struct GatedBackward {
  __device__ void operator()(Real& dgate, Real& dup, Real dy, Real gate, Real up) const {
    const ValueAndSlope g = activate<f>(gate);
    dgate = dy * up * g.slope;
    dup = dy * g.value;
  }
};

}  // namespace

void CudaBackend::gated_forward(Tensor y, Tensor gate, Tensor up, Activation f) {
  with_activation(f, [&](auto kind) { map(stream_, y.rows, y.cols, GatedOf<kind()>{}, Out{y}, In{gate}, In{up}); });
}

void CudaBackend::gated_backward(Tensor dgate, Tensor dup, Tensor dy, Tensor gate, Tensor up, Activation f) {
  with_activation(f, [&](auto kind) {
    map(stream_, dy.rows, dy.cols, GatedBackward<kind()>{}, Out{dgate}, Out{dup}, In{dy}, In{gate}, In{up});
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
