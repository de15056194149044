#pragma once
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace vitrine {

// A few threads that live as long as this object. run(n, f) calls f(0) … f(n−1), each once, on any of them and on the caller, and
// returns when all are done. What a call computes may not depend on which thread runs it. The first exception is thrown again.
class Workers {
 public:
  explicit Workers(int threads);  // the caller is one of them
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  int threads() const { return static_cast<int>(threads_.size()) + 1; }
  void run(int64_t n, const std::function<void(int64_t)>& f);

 private:
  void work();
  void take_calls(std::unique_lock<std::mutex>& lock);

  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  const std::function<void(int64_t)>* f_ = nullptr;
  int64_t next_ = 0, count_ = 0, running_ = 0;
  std::exception_ptr error_;
  bool stop_ = false;
};

}  // namespace vitrine
