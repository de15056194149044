#include "backend/device.h"

#include "backend/checked_backend.h"
#include "backend/cpu_backend.h"
#include "base/error.h"
#include "base/plugin.h"

namespace vitrine::inline VITRINE_PRECISION {

std::unique_ptr<Backend> make_backend(const DeviceSettings& settings) {
  if (settings.kind == Device::kCpu) return make_cpu_backend();
  void* const made = open_plugin(settings).make_backend(sizeof(Real), settings);
  if (!made) fail(ErrorKind::kDevice, "run.device: it does not compute in {}", sizeof(Real) == 4 ? "float32" : "float64");
  std::unique_ptr<Backend> backend(static_cast<Backend*>(made));
  return settings.checked ? std::make_unique<CheckedBackend>(std::move(backend)) : std::move(backend);
}

}  // namespace vitrine::inline VITRINE_PRECISION
