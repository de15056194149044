#include "base/workers.h"

namespace vitrine {

Workers::Workers(int threads) {
  for (int i = 1; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

Workers::~Workers() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& t : threads_) t.join();
}

void Workers::run(int64_t n, const std::function<void(int64_t)>& f) {
  std::unique_lock lock(mutex_);
  f_ = &f, next_ = 0, count_ = n, error_ = nullptr;
  if (n > 1) wake_.notify_all();
  take_calls(lock);
  done_.wait(lock, [this] { return running_ == 0; });
  f_ = nullptr, count_ = 0;
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

void Workers::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stop_ || next_ < count_; });
    if (stop_) return;
    take_calls(lock);
    if (running_ == 0) done_.notify_one();
  }
}

void Workers::take_calls(std::unique_lock<std::mutex>& lock) {
  while (next_ < count_) {
    const int64_t i = next_++;
    ++running_;
    lock.unlock();
    std::exception_ptr error;
    try {
      (*f_)(i);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    --running_;
    if (error && !error_) error_ = error;
  }
}

}  // namespace vitrine
