#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <vector>

#include "backend/cpu_backend.h"
#include "base/workers.h"
#include "data/batch.h"
#include "layers/attention/core.h"
#include "train/attention_case.h"

namespace vitrine::inline VITRINE_PRECISION {
namespace {

// One sequence with random Q, K, V and dO, and a core over it.
class Lane {
 public:
  explicit Lane(const AttentionCase& what)
      : D_(what.D), H_(what.H), core_(make_attention_core({"attention", 0, what.H, what.D, 0, 1}, what.attention)) {
    plan_.extent = {what.T, 1, what.T, what.T * what.T, 0};
    core_->plan(plan_);  // unbound: counts
  }

  int64_t bytes() const {
    return int64_t(sizeof(Real)) * (plan_.activations.peak() + plan_.gradients.peak());  // parameters are no more than a few
  }

  void prepare() {
    Arena* arenas[] = {&plan_.params, &plan_.grads, &plan_.activations, &plan_.gradients, &plan_.tables};
    for (Arena* arena : arenas) {
      memory_.push_back(ops_->allocate(arena->peak()));
      arena->bind(memory_.back()->data);
    }
    plan_.parameters.clear(), plan_.constants.clear(), plan_.states.clear();
    core_->plan(plan_);  // bound
    for (const NamedParameter& p : plan_.parameters) ops_->fill(p.at.value, Real(p.init.constant));
    for (const NamedState& s : plan_.states) s.start(*ops_, RngKey{1, 0, 0});
    const int64_t T = plan_.extent.tokens;
    Batch batch;
    batch.tokens.assign(size_t(T), 0);
    batch.offsets.push_back(T), batch.sequences.push_back(0);
    inputs_.load(*ops_, batch, 0);
    for (Tensor* x : {&qkv_, &dqkv_}) *x = tensor(T, 3 * D_);
    dO_ = tensor(T, D_);
  }

  void pass(bool backward) {
    Step s{*ops_, inputs_, backward, RngKey{1, 0, 1}};
    const auto part = [&](Tensor x, int64_t k) { return s.heads(x.columns(k * D_, D_), H_); };
    core_->forward(s, part(qkv_, 0), part(qkv_, 1), part(qkv_, 2));
    if (backward) core_->backward(s, part(dqkv_, 0), part(dqkv_, 1), part(dqkv_, 2), s.heads(dO_, H_));
  }

 private:
  Tensor tensor(int64_t rows, int64_t cols) {
    memory_.push_back(ops_->allocate(rows * cols));
    const Tensor x{memory_.back()->data, rows, cols, cols};
    const RngKey key{1, uint32_t(memory_.size()), 0};
    std::vector<Real> row(size_t(cols), 0);
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < cols; ++j) row[size_t(j)] = Real(key.normal(uint32_t(i), uint32_t(j)));
      ops_->write(x.slice(i, 1), row);
    }
    return x;
  }

  int64_t D_, H_;
  std::unique_ptr<Backend> ops_ = make_cpu_backend();
  std::unique_ptr<AttentionCore> core_;
  Plan plan_;
  Inputs inputs_;
  std::vector<std::unique_ptr<Memory>> memory_;
  Tensor qkv_, dqkv_, dO_;
};

}  // namespace

int64_t plan_attention(const AttentionCase& what) { return Lane(what).bytes(); }

AttentionRate measure_attention(const AttentionCase& what, double seconds) {
  using Clock = std::chrono::steady_clock;
  std::vector<std::unique_ptr<Lane>> lanes;
  for (int k = 0; k < what.threads; ++k) lanes.push_back(std::make_unique<Lane>(what)), lanes.back()->prepare();
  Workers workers(what.threads);
  AttentionRate rate{std::numeric_limits<double>::infinity(), lanes[0]->bytes()};
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  for (int pass = 0; pass < 2 || Clock::now() < end; ++pass) {
    const auto begin = Clock::now();
    workers.run(what.threads, [&](int64_t k) { lanes[size_t(k)]->pass(what.backward); });
    if (pass > 0) rate.seconds = std::min(rate.seconds, std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return rate;
}

}  // namespace vitrine::inline VITRINE_PRECISION
