#include "backend/ops/optimizer_math.h"

#include "backend/cuda_backend.h"
#include "backend/ops/map.cuh"

namespace vitrine::inline VITRINE_PRECISION {

void CudaBackend::adam(Tensor w, Tensor m, Tensor v, Tensor g, const AdamStep& step) {
  map(stream_, w.rows, w.cols, AdamUpdate(step), InOut{w}, InOut{m}, InOut{v}, In{g});
}

void CudaBackend::sgd(Tensor w, Tensor u, Tensor g, const SgdStep& step) {
  map(stream_, w.rows, w.cols, SgdUpdate{step}, InOut{w}, InOut{u}, In{g});
}

}  // namespace vitrine::inline VITRINE_PRECISION
