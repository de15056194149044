#include "backend/uploads.h"

#include <algorithm>
#include <cstring>

#include "backend/launch.cuh"
#include "base/check.h"

namespace vitrine::inline VITRINE_PRECISION {

Uploads::Uploads(cudaStream_t stream) : stream_(stream) {
  check_cuda(cudaEventCreateWithFlags(&copied_, cudaEventDisableTiming));
}

Uploads::~Uploads() {
  (void)cudaStreamSynchronize(stream_);
  for (const Block& block : blocks_) (void)cudaFreeHost(block.pinned), (void)cudaFree(block.device);
  (void)cudaEventDestroy(copied_);
}

void Uploads::rewind() {
  check_cuda(cudaEventSynchronize(copied_));
  block_ = used_ = 0;
}

const void* Uploads::put(const void* host, size_t bytes) {
  constexpr size_t kBlock = 1 << 18, kAlign = 256;
  while (block_ < blocks_.size() && used_ + bytes > blocks_[block_].size) ++block_, used_ = 0;
  if (block_ == blocks_.size()) {
    Block block{nullptr, nullptr, std::max(kBlock, bytes)};
    check_cuda(cudaMallocHost(reinterpret_cast<void**>(&block.pinned), block.size));
    check_cuda(cudaMalloc(reinterpret_cast<void**>(&block.device), block.size));
    blocks_.push_back(block);
    used_ = 0;
  }
  char *pinned = blocks_[block_].pinned + used_, *device = blocks_[block_].device + used_;
  if (bytes > 0) {
    std::memcpy(pinned, host, bytes);
    check_cuda(cudaMemcpyAsync(device, pinned, bytes, cudaMemcpyHostToDevice, stream_));
    check_cuda(cudaEventRecord(copied_, stream_));
  }
  used_ += (bytes + kAlign - 1) / kAlign * kAlign;
  return device;
}

const void* Uploads::host_copy(const void* device) const {
  const char* at = static_cast<const char*>(device);
  for (const Block& block : blocks_)
    if (at >= block.device && at < block.device + block.size) return block.pinned + (at - block.device);
  check(false, "indices come from upload()");
  return nullptr;
}

}  // namespace vitrine::inline VITRINE_PRECISION
