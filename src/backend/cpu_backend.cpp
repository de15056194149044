#include "backend/cpu_backend.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// Zeroed by calloc: large blocks come from the system as zero pages, which cost nothing until they are touched.
struct CpuMemory final : Memory {
  static constexpr size_t kCacheLine = 64;

  explicit CpuMemory(int64_t count) {
    const size_t bytes = static_cast<size_t>(count) * sizeof(Real);
    size_t room = bytes + kCacheLine;
    block_ = std::calloc(room, 1);
    if (!block_) throw std::bad_alloc();
    void* start = block_;
    data = static_cast<Real*>(std::align(kCacheLine, bytes, start, room));
    size = count;
  }
  ~CpuMemory() override { std::free(block_); }

 private:
  void* block_;
};

}  // namespace

std::unique_ptr<Memory> CpuBackend::allocate(int64_t size) { return std::make_unique<CpuMemory>(size); }

void CpuBackend::read(std::span<Real> out, Tensor x) {
  for (int64_t i = 0; i < x.rows; ++i) std::copy_n(x.row(i), x.cols, out.data() + i * x.cols);
}

void CpuBackend::write(Tensor y, std::span<const Real> in) {
  for (int64_t i = 0; i < y.rows; ++i) std::copy_n(in.data() + i * y.cols, y.cols, y.row(i));
}

Indices CpuBackend::upload(std::span<const int32_t> host) {
  constexpr size_t kBlock = 16384;
  while (block_ < blocks_.size() && used_ + host.size() > blocks_[block_].size()) ++block_, used_ = 0;
  if (block_ == blocks_.size()) blocks_.emplace_back(std::max(kBlock, host.size())), used_ = 0;
  int32_t* data = blocks_[block_].data() + used_;
  std::copy(host.begin(), host.end(), data);
  used_ += host.size();
  return {data, static_cast<int64_t>(host.size())};
}

std::unique_ptr<Backend> make_cpu_backend() { return std::make_unique<CpuBackend>(); }

}  // namespace vitrine::inline VITRINE_PRECISION
