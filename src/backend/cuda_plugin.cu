#include <cuda_runtime.h>

#include <string>

#include "base/plugin.h"

namespace vitrine {
inline namespace VITRINE_PRECISION {
void* new_backend(bool host_visible, bool tf32);
}

namespace {

__global__ void probe() {}

// "13.0" of 13000
std::string version(int v) { return std::to_string(v / 1000) + "." + std::to_string(v % 1000 / 10); }

std::string missing() {
  int driver = 0, devices = 0;
  if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0)
    return "there is no NVIDIA driver\nhelp: install it (it comes with nvidia-smi); `run.device: cpu` needs none";
  if (driver < CUDART_VERSION / 1000 * 1000)
    return "the NVIDIA driver is for CUDA " + version(driver) + ", and Vitrine was built with CUDA " + version(CUDART_VERSION) +
           "\nhelp: update the driver, or build with an older toolkit";
  const cudaError_t found = cudaGetDeviceCount(&devices);
  if (found == cudaErrorNoDevice || (found == cudaSuccess && devices == 0))
    return "the driver shows no GPU\nhelp: `nvidia-smi -L` lists them; CUDA_VISIBLE_DEVICES may hide them";
  cudaFuncAttributes attributes;
  const cudaError_t usable = found == cudaSuccess ? cudaFuncGetAttributes(&attributes, probe) : found;
  if (usable == cudaErrorNoKernelImageForDevice || usable == cudaErrorInvalidDeviceFunction)
    return "the GPU is of an architecture for which Vitrine was not built\nhelp: build with -DCMAKE_CUDA_ARCHITECTURES=native on "
           "this machine";
  if (usable != cudaSuccess)
    return std::string("the GPU cannot be used: ") + cudaGetErrorName(usable) + ", " + cudaGetErrorString(usable) +
           "\nhelp: `nvidia-smi` says what the driver sees";
  return "";
}

size_t free_bytes() {
  size_t free = 0, all = 0;
  return cudaMemGetInfo(&free, &all) == cudaSuccess ? free : 0;
}

void* make_backend(size_t bytes, const DeviceSettings& settings) {
  return bytes == sizeof(float) ? new_backend(settings.host_visible, settings.tf32) : nullptr;
}

}  // namespace

}  // namespace vitrine

extern "C" __attribute__((visibility("default"))) const vitrine::Plugin* vitrine_plugin() {
  static const vitrine::Plugin plugin{VITRINE_PLUGIN_VERSION, vitrine::missing, vitrine::free_bytes, vitrine::make_backend};
  return &plugin;
}
