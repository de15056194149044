#include "base/plugin.h"

#include "backend/simt/machine.h"

namespace vitrine {
namespace f32 {
void* new_backend(bool host_visible, bool tf32);
}
namespace f64 {
void* new_backend(bool host_visible, bool tf32);
}

namespace {
void* make_backend(size_t bytes, const DeviceSettings& settings) {
  simt::set_order(settings.order, settings.seed);
  return bytes == sizeof(float) ? f32::new_backend(true, false) : f64::new_backend(true, false);
}
}  // namespace

}  // namespace vitrine

extern "C" __attribute__((visibility("default"))) const vitrine::Plugin* vitrine_plugin() {
  static const vitrine::Plugin plugin{VITRINE_PLUGIN_VERSION, [] { return std::string(); }, [] { return size_t{0}; },
                                      vitrine::make_backend};
  return &plugin;
}
