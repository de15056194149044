#pragma once
#include <cstdint>

namespace vitrine {

// What computes: the processor; a GPU; or the GPU's kernels, executed on the processor one thread after the other (backend/simt/README.md).
enum class Device { kCpu, kCuda, kSimt };
// In which simt takes threads and blocks; a correct kernel does not see it.
enum class ThreadOrder { kForward, kReverse, kRandom };
struct DeviceSettings {
  Device kind = Device::kCpu;
  bool check = false;  // simt: looks at every access to memory
  ThreadOrder order = ThreadOrder::kForward;
  uint64_t seed = 1;          // of a random order
  bool host_visible = false;  // cuda: memory that the host can read, too, slowly; for tests and for `checked`
  bool tf32 = false;          // cuda: products may round their factors to TF32
  bool checked = false;       // every primitive is done by the CPU, too, and compared
  bool operator==(const DeviceSettings&) const = default;
};

}  // namespace vitrine
