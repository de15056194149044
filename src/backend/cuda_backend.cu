#include "backend/cuda_backend.h"

#include <algorithm>

#include "backend/launch.cuh"
#include "backend/ops/cublas.cuh"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

cudaError_t allocate_bytes(void** block, size_t bytes, [[maybe_unused]] bool host_visible) {
#if defined(__CUDACC__)
  if (host_visible) return cudaMallocManaged(block, bytes);
#endif
  return cudaMalloc(block, bytes);
}

struct CudaMemory final : Memory {
  CudaMemory(int64_t count, bool host_visible, cudaStream_t stream) {
    const size_t bytes = static_cast<size_t>(count) * sizeof(Real);
    void* block = nullptr;
    if (bytes > 0) {
      check_cuda(allocate_bytes(&block, bytes, host_visible));
      check_cuda(cudaMemsetAsync(block, 0, bytes, stream));
      check_cuda(cudaStreamSynchronize(stream));
    }
    data = static_cast<Real*>(block);
    size = count;
  }
  ~CudaMemory() override { (void)cudaFree(data); }
};

size_t bytes_of(int64_t numbers) { return static_cast<size_t>(numbers) * sizeof(Real); }

}  // namespace

CudaBackend::CudaBackend(bool host_visible, bool tf32) : host_visible_(host_visible) {
  constexpr int64_t kScratch = 1 << 18, kWorkspace = (int64_t{4} << 20) / sizeof(Real);
  check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  check_cublas(cublasCreate(&blas_));
  check_cublas(cublasSetStream(blas_, stream_));
  check_cublas(cublasSetMathMode(blas_, tf32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH));
  scratch_ = std::make_unique<CudaMemory>(kScratch, false, stream_);
  blas_workspace_ = std::make_unique<CudaMemory>(kWorkspace, false, stream_);
  check_cublas(cublasSetWorkspace(blas_, blas_workspace_->data, bytes_of(kWorkspace)));
  uploads_ = std::make_unique<Uploads>(stream_);
}

CudaBackend::~CudaBackend() {
  (void)cudaStreamSynchronize(stream_);
  uploads_.reset(), scratch_.reset(), blas_workspace_.reset();
  (void)cublasDestroy(blas_);
  (void)cudaStreamDestroy(stream_);
}

std::unique_ptr<Memory> CudaBackend::allocate(int64_t size) { return std::make_unique<CudaMemory>(size, host_visible_, stream_); }

void CudaBackend::read(std::span<Real> out, Tensor x) {
  if (x.size() == 0) return;
  check_cuda(cudaMemcpy2DAsync(out.data(), bytes_of(x.cols), x.data, bytes_of(x.stride), bytes_of(x.cols),
                               static_cast<size_t>(x.rows), cudaMemcpyDeviceToHost, stream_));
  check_cuda(cudaStreamSynchronize(stream_));
}

void CudaBackend::write(Tensor y, std::span<const Real> in) {
  if (y.size() == 0) return;
  check_cuda(cudaMemcpy2DAsync(y.data, bytes_of(y.stride), in.data(), bytes_of(y.cols), bytes_of(y.cols),
                               static_cast<size_t>(y.rows), cudaMemcpyHostToDevice, stream_));
  check_cuda(cudaStreamSynchronize(stream_));  // `in` may go now
}

void CudaBackend::begin_step() {
  uploads_->rewind();
  packings_used_ = 0;
  patterns_.clear(), segments_.clear();
}

Indices CudaBackend::upload(std::span<const int32_t> host) { return {uploads_->put(host), static_cast<int64_t>(host.size())}; }

Real* CudaBackend::scratch(int64_t size) {
  if (size > scratch_->size) {
    check_cuda(cudaStreamSynchronize(stream_));
    scratch_ = std::make_unique<CudaMemory>(size, false, stream_);
  }
  return scratch_->data;
}

// Found by what it says, not by its address: a packing may have changed since.
const DevicePacking& CudaBackend::on_device(const Packing& packing) {
  for (size_t k = 0; k < packings_used_; ++k)
    if (packings_[k].host.offset == packing.offset) return packings_[k].device;
  if (packings_used_ == packings_.size()) packings_.emplace_back();
  KnownPacking& known = packings_[packings_used_++];
  known.host = packing;
  DevicePacking& device = known.device;
  device = {nullptr, nullptr, nullptr, packing.sequences(), packing.tokens()};
  host_numbers_.clear();
  for (int64_t b = 0; b < device.sequences; ++b) {
    host_numbers_.insert(host_numbers_.end(), static_cast<size_t>(packing.length(b)), static_cast<int32_t>(b));
    device.longest = std::max(device.longest, packing.length(b));
  }
  device.equal = device.longest * device.sequences == device.tokens;
  device.offset = uploads_->put(std::span<const int64_t>(packing.offset));
  device.pair_offset = uploads_->put(std::span<const int64_t>(packing.pair_offset));
  device.sequence = uploads_->put(std::span<const int32_t>(host_numbers_));
  return device;
}

const DevicePattern& CudaBackend::on_device(const Pattern& pattern, const Tiles& tiles) {
  const Packing& packing = *tiles.packing;
  const int64_t *offset = on_device(packing).offset, heads = tiles.heads;
  const auto same = [&](const Pattern& p) {
    return p.causal == pattern.causal && p.window == pattern.window && p.block == pattern.block && p.reach == pattern.reach &&
           p.global == pattern.global && p.random == pattern.random && p.stride == pattern.stride &&
           p.key.seed == pattern.key.seed && p.key.stream == pattern.key.stream && p.key.step == pattern.key.step &&
           std::ranges::equal(p.windows, pattern.windows);
  };
  for (const KnownPattern& known : patterns_)
    if (known.offset == offset && known.heads == heads && same(known.host)) return known.device;
  DevicePattern device{pattern};
  if (!pattern.windows.empty()) device.pattern.windows = {uploads_->put(pattern.windows), pattern.windows.size()};
  if (pattern.block > 0) {
    host_numbers_.clear(), host_list_.clear();
    std::vector<int32_t>& first = host_numbers_;
    std::vector<int32_t> group;
    first.push_back(0);
    for (int64_t h = 0; h < heads; ++h) {
      int32_t groups = 0;
      for (int64_t b = 0; b < packing.sequences(); ++b) {
        const int64_t T = packing.length(b);
        for (int64_t row = 0, rows; row < T; row += rows, ++groups) {
          rows = pattern.rows_alike(h, row, T, T);
          pattern.seen_by(host_keys_, h, row, rows, T);
          host_list_.insert(host_list_.end(), host_keys_.begin(), host_keys_.end());
          first.push_back(static_cast<int32_t>(host_list_.size()));
          if (h == 0) group.insert(group.end(), static_cast<size_t>(rows), groups);
        }
      }
      device.groups = groups;
    }
    device.list = uploads_->put(std::span<const Keys>(host_list_));
    device.first = uploads_->put(std::span<const int32_t>(first));
    device.group = uploads_->put(std::span<const int32_t>(group));
  }
  patterns_.push_back({offset, heads, pattern, device});
  return patterns_.back().device;
}

Segments CudaBackend::segments(Indices index) {
  for (const KnownSegments& known : segments_)
    if (known.index.data == index.data && known.index.size == index.size) return known.device;
  const int32_t* host = uploads_->host(index.data);
  const auto size = static_cast<size_t>(index.size);
  host_order_.resize(size);
  for (size_t m = 0; m < size; ++m) host_order_[m] = uint64_t{static_cast<uint32_t>(host[m])} << 32 | m;
  std::sort(host_order_.begin(), host_order_.end());
  host_numbers_.clear();
  for (uint64_t at : host_order_) host_numbers_.push_back(static_cast<int32_t>(at));
  Segments device{uploads_->put(std::span<const int32_t>(host_numbers_)), nullptr, 0};
  host_numbers_.clear();
  for (size_t k = 0; k < size; ++k)
    if (k == 0 || host_order_[k] >> 32 != host_order_[k - 1] >> 32) host_numbers_.push_back(static_cast<int32_t>(k));
  device.count = static_cast<int64_t>(host_numbers_.size());
  host_numbers_.push_back(static_cast<int32_t>(size));
  device.start = uploads_->put(std::span<const int32_t>(host_numbers_));
  segments_.push_back({index, device});
  return device;
}

std::unique_ptr<Backend> make_cuda_backend(bool host_visible, bool tf32) {
  return std::make_unique<CudaBackend>(host_visible, tf32);
}

}  // namespace vitrine::inline VITRINE_PRECISION
