#include "backend/cuda_backend.h"

namespace vitrine::inline VITRINE_PRECISION {

// As Plugin::make_backend wants it: a Backend, whose type the caller knows.
void* new_backend(bool host_visible, bool tf32) { return static_cast<Backend*>(make_cuda_backend(host_visible, tf32).release()); }

}  // namespace vitrine::inline VITRINE_PRECISION
