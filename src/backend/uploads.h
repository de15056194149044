#pragma once
#include <cuda_runtime.h>

#include <memory>
#include <span>
#include <vector>

#include "tensor/tensor.h"

namespace vitrine::inline VITRINE_PRECISION {

// What a step needs of the host's data, on the device: copied through pinned memory without waiting. Blocks of memory are kept from step to
// step, so that a step of known size allocates nothing. What put() returned is valid until rewind().
class Uploads {
 public:
  explicit Uploads(cudaStream_t stream);
  ~Uploads();
  Uploads(const Uploads&) = delete;
  Uploads& operator=(const Uploads&) = delete;

  void rewind();
  template <class T>
  const T* put(std::span<const T> host) {
    return static_cast<const T*>(put(host.data(), host.size_bytes()));
  }
  // The host's copy of what put() returned.
  template <class T>
  const T* host(const T* device) const {
    return static_cast<const T*>(host_copy(device));
  }

 private:
  struct Block {
    char *pinned, *device;
    size_t size;
  };
  const void* put(const void* host, size_t bytes);
  const void* host_copy(const void* device) const;

  cudaStream_t stream_;
  cudaEvent_t copied_;  // when it has happened, pinned memory may be written again
  std::vector<Block> blocks_;
  size_t block_ = 0, used_ = 0;
};

}  // namespace vitrine::inline VITRINE_PRECISION
