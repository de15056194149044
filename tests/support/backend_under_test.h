#pragma once
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string_view>

#include "backend/device.h"

namespace vitrine::inline VITRINE_PRECISION {

// What tests of the primitives and of layers run on. VITRINE_TEST_DEVICE: cpu (also when it is not set), simt, simt_check or cuda;
// VITRINE_TEST_ORDER, of simt: forward, reverse or random. The same cases, whatever computes.
inline DeviceSettings device_under_test() {
  const auto variable = [](const char* name, std::string_view otherwise) -> std::string_view {
    const char* value = std::getenv(name);
    return value ? value : otherwise;
  };
  const std::string_view device = variable("VITRINE_TEST_DEVICE", "cpu"), order = variable("VITRINE_TEST_ORDER", "forward");
  DeviceSettings settings{.host_visible = true};
  if (device == "simt" || device == "simt_check")
    settings.kind = Device::kSimt, settings.check = device == "simt_check";
  else if (device == "cuda")
    settings.kind = Device::kCuda;
  else if (device != "cpu")
    throw std::runtime_error("VITRINE_TEST_DEVICE is none of cpu, simt, simt_check, cuda");
  settings.order = order == "reverse" ? ThreadOrder::kReverse : order == "random" ? ThreadOrder::kRandom : ThreadOrder::kForward;
  return settings;
}

inline Backend& backend_under_test() {
  static const std::unique_ptr<Backend> backend = make_backend(device_under_test());
  return *backend;
}

}  // namespace vitrine::inline VITRINE_PRECISION
