#pragma once
#include <memory>

#include "backend/backend.h"

namespace vitrine::inline VITRINE_PRECISION {

// The primitives on the CPU, one thread: a lane has a backend of its own and runs on one thread, so nothing here is shared.
std::unique_ptr<Backend> make_cpu_backend();

}  // namespace vitrine::inline VITRINE_PRECISION
