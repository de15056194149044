#include "backend/cuda_backend.h"
#include "backend/ops/activation_math.h"
#include "backend/ops/map.cuh"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// y = f(x)   slope = f'(x)
template <Activation f>
struct ValueAndSlopeOf {
  __device__ void operator()(Real& y, Real& slope, Real x) const {
    const ValueAndSlope f_x = activate<f>(x);
    y = f_x.value, slope = f_x.slope;
  }
};

// dx = dy ⊙ slope
struct ProductOf {
  __device__ void operator()(Real& dx, Real dy, Real slope) const { dx = dy * slope; }
};

}  // namespace

void CudaBackend::activation_forward(Tensor y, Tensor slope, Tensor x, Activation f) {
  with_activation(f, [&](auto kind) { map(stream_, x.rows, x.cols, ValueAndSlopeOf<kind()>{}, Out{y}, Out{slope}, In{x}); });
}

void CudaBackend::activation_backward(Tensor dx, Tensor dy, Tensor slope) {
  map(stream_, dy.rows, dy.cols, ProductOf{}, Out{dx}, In{dy}, In{slope});
}

}  // namespace vitrine::inline VITRINE_PRECISION
