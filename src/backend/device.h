#pragma once
#include <memory>

#include "backend/backend.h"
#include "base/device.h"

namespace vitrine::inline VITRINE_PRECISION {

// What computes the primitives. Error{kDevice} where the device, or the library for it, is missing (base/plugin.h).
std::unique_ptr<Backend> make_backend(const DeviceSettings& settings);

}  // namespace vitrine::inline VITRINE_PRECISION
