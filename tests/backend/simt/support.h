#pragma once
#include <fstream>
#include <string>
#include <vector>

#include "backend/launch.cuh"
#include "base/error.h"
#include "support/catch.h"

namespace vitrine {

using Catch::Matchers::Contains;

// Numbers on the device: a copy of some of the host's, or as cudaMalloc leaves them.
template <class T>
class OnDevice {
 public:
  explicit OnDevice(size_t size) : size_(size) { check_cuda(cudaMalloc(&data_, size * sizeof(T))); }
  explicit OnDevice(const std::vector<T>& host) : OnDevice(host.size()) {
    check_cuda(cudaMemcpy(data_, host.data(), size_ * sizeof(T), cudaMemcpyHostToDevice));
  }
  ~OnDevice() { cudaFree(data_); }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;
  operator T*() const { return data_; }
  std::vector<T> read() const {
    std::vector<T> host(size_);
    check_cuda(cudaMemcpy(host.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost));
    return host;
  }

 private:
  T* data_ = nullptr;
  size_t size_;
};

// What `launch` says is wrong; "" when nothing is.
template <class F>
std::string fault_of(F launch) {
  try {
    launch();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

// "file.cu:12": where `file` of tests/backend/simt has a line that ends with the comment `mark`.
inline std::string line_of(const std::string& file, const std::string& mark) {
  std::ifstream in(VITRINE_SOURCE_DIR "/tests/backend/simt/" + file);
  int number = 1;
  for (std::string line; std::getline(in, line); ++number)
    if (line.ends_with("// " + mark)) return file + ":" + std::to_string(number);
  return file + " has no line // " + mark;
}

// f in every order of threads and blocks.
template <class F>
void in_every_order(F f) {
  for (const auto& [order, seed] :
       {std::pair{ThreadOrder::kForward, 1}, {ThreadOrder::kReverse, 1}, {ThreadOrder::kRandom, 1}, {ThreadOrder::kRandom, 2}}) {
    INFO("order " << int(order) << ", seed " << seed);
    simt::set_order(order, uint64_t(seed));
    f();
  }
  simt::set_order(ThreadOrder::kForward, 1);
}

}  // namespace vitrine
