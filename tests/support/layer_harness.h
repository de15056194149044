#pragma once
#include <memory>
#include <vector>

#include "data/batch.h"
#include "layers/layer.h"
#include "support/gradient_check.h"
#include "support/tensors.h"

namespace vitrine::inline VITRINE_PRECISION {

// A batch of sequences of these lengths with made-up tokens and types.
inline Batch batch_of(const std::vector<int64_t>& lengths, int32_t vocabulary = 11) {
  Batch batch;
  for (int64_t T : lengths) {
    for (int64_t t = 0; t < T; ++t) {
      const auto word = RngKey{5, 99, 0}.word(uint32_t(batch.tokens.size()), 0);
      batch.tokens.push_back(int32_t(word % uint32_t(vocabulary)));
      batch.types.push_back(int32_t(word >> 8 & 1));
    }
    batch.offsets.push_back(batch.size());
    batch.sequences.push_back(int64_t(batch.sequences.size()));
  }
  return batch;
}

// Memory for one layer (anything with plan(Plan&)): parameters random, everything else NaN until it is written.
class Harness {
 public:
  template <class Planned>
  Harness(Planned& layer, Extent extent) {
    plan_.extent = extent;
    layer.plan(plan_);
    const Arena* counted[] = {&plan_.params, &plan_.grads, &plan_.activations, &plan_.gradients, &plan_.tables};
    for (const Arena* arena : counted) {
      memory_.push_back(ops_->allocate(arena->peak()));
      set(*memory_.back(), std::numeric_limits<Real>::quiet_NaN());
    }
    plan_.params.bind(memory_[0]->data), plan_.grads.bind(memory_[1]->data), plan_.activations.bind(memory_[2]->data);
    plan_.gradients.bind(memory_[3]->data), plan_.tables.bind(memory_[4]->data);
    plan_.parameters.clear(), plan_.constants.clear(), plan_.states.clear();
    layer.plan(plan_);
    set(*memory_[0], 0);
    zero_gradients();
    uint32_t stream = 1000;
    for (const NamedParameter& p : plan_.parameters) {
      const RngKey key{7, ++stream, 0};
      const double shift = p.init.constant, scale = p.is_vector ? 0.3 : 0.5;  // γ ≠ 1, β ≠ 0
      for (int64_t i = 0; i < p.at.value.rows; ++i)
        for (int64_t j = 0; j < p.at.value.cols; ++j)
          p.at.value.row(i)[j] = Real(shift + scale * key.normal(uint32_t(i), uint32_t(j)));
    }
    for (const Table& table : plan_.constants)
      for (int64_t i = 0; i < table.at.rows; ++i)
        for (int64_t j = 0; j < table.at.cols; ++j) table.at.row(i)[j] = Real(table.f(i, j));
    for (const NamedState& state : plan_.states) state.start(*ops_, RngKey{7, 0, 0});
  }

  void load(const Batch& batch, int64_t first_sequence = 0) { inputs_.load(*ops_, batch, first_sequence); }
  Step step(bool training = false, Probe* probe = nullptr) { return {*ops_, inputs_, training, RngKey{3, 0, 17}, probe}; }
  void zero_gradients() { set(*memory_[1], 0); }
  std::vector<Real> gradient_buffer() const { return {memory_[1]->data, memory_[1]->data + memory_[1]->size}; }
  void poison_gradients_of_activations() { set(*memory_[3], std::numeric_limits<Real>::quiet_NaN()); }
  const std::vector<NamedParameter>& parameters() const { return plan_.parameters; }
  const std::vector<NamedState>& states() const { return plan_.states; }
  Backend& ops() const { return *ops_; }
  double largest_gradient() const {
    double largest = 0;
    for (Real g : gradient_buffer()) largest = std::max(largest, std::fabs(double(g)));
    return largest;
  }

 private:
  static void set(Memory& memory, Real value) { std::fill_n(memory.data, memory.size, value); }

  Plan plan_;
  std::unique_ptr<Backend> ops_ = make_backend(device_under_test());
  Inputs inputs_;
  std::vector<std::unique_ptr<Memory>> memory_;
};

inline Extent extent_for(int64_t tokens, int64_t longest) { return {tokens, tokens, longest, tokens * longest, tokens}; }

inline std::vector<Real> copy_of(Tensor x) {
  std::vector<Real> out;
  for (int64_t i = 0; i < x.rows; ++i) out.insert(out.end(), x.row(i), x.row(i) + x.cols);
  return out;
}

// Everything that layer.h promises of a layer [N,in] → [N,out], on a ragged batch: gradients of x and of every parameter, sets and adds,
// a smaller batch after a larger one, and sequences that never see each other.
inline void test_layer(Layer& layer, int64_t in, int64_t out, bool training = false) {
  const std::vector<int64_t> lengths{5, 1, 3};
  const Batch batch = batch_of(lengths), larger = batch_of({5, 7, 4});
  Harness harness(layer, extent_for(20, 9));

  Guarded big(larger.size(), in);
  big.random(1);
  harness.load(larger);
  Step warm = harness.step(training);
  Guarded big_dy(larger.size(), out);
  layer.forward(warm, big);
  layer.backward(warm, big_dy.random(2));
  harness.zero_gradients();

  harness.load(batch);
  Step s = harness.step(training);
  const int64_t N = batch.size();
  Guarded x(N, in), dy(N, out);
  x.random(3), dy.random(4);
  const Tensor y = layer.forward(s, x);
  REQUIRE(y.rows == N);
  REQUIRE(y.cols == out);
  const std::vector<Real> first_y = copy_of(y);
  harness.poison_gradients_of_activations();
  const std::vector<Real> first_dx = copy_of(layer.backward(s, dy));
  const std::vector<Real> first_gradients = harness.gradient_buffer();

  SECTION("dx is set, parameter gradients are added") {
    CHECK(copy_of(layer.backward(s, dy)) == first_dx);
    const std::vector<Real> twice = harness.gradient_buffer();
    double worst = 0;
    for (size_t k = 0; k < twice.size(); ++k)
      worst = std::max(worst, std::fabs(double(twice[k]) - 2 * double(first_gradients[k])));
    CHECK(worst <= kTolerance * harness.largest_gradient());
  }

  SECTION("gradients are those of finite differences") {
    const double largest = harness.largest_gradient();
    const auto loss = [&] { return dot(layer.forward(s, x), dy); };
    Guarded dx(N, in);
    for (int64_t k = 0; k < dx.operator*().size(); ++k) dx(k / in, k % in) = first_dx[size_t(k)];
    check_gradient("x", loss, x, dx, largest);
    for (const NamedParameter& p : harness.parameters()) check_gradient(p.name, loss, p.at.value, p.at.grad, largest);
  }

  SECTION("a sequence does not see the others, to the bit") {
    const int64_t changed = lengths[0];  // rows of sequence 0
    for (int64_t i = 0; i < changed; ++i)
      for (int64_t j = 0; j < in; ++j) x(i, j) += 1, dy(i, j % out) -= 1;
    const std::vector<Real> now_y = copy_of(layer.forward(s, x)), now_dx = copy_of(layer.backward(s, dy));
    CHECK(std::equal(now_y.begin() + changed * out, now_y.end(), first_y.begin() + changed * out));
    CHECK(std::equal(now_dx.begin() + changed * in, now_dx.end(), first_dx.begin() + changed * in));
    CHECK(!std::equal(now_y.begin(), now_y.begin() + changed * out, first_y.begin()));
  }

  SECTION("a sequence alone gives what it gives inside a batch") {
    Batch alone;
    batch.slice(2, 3, alone);  // keeps its place in the whole batch, and so its dropout masks
    harness.load(alone, 2);
    Step single = harness.step(training);
    const int64_t first = batch.offsets[2];
    const Tensor z = layer.forward(single, (*x).slice(first, alone.size()));
    Dense want(alone.size(), out);
    for (int64_t i = 0; i < want.rows; ++i)
      for (int64_t j = 0; j < out; ++j) want(i, j) = double(first_y[size_t((first + i) * out + j)]);
    check_close("alone", z, want);
  }
}

}  // namespace vitrine::inline VITRINE_PRECISION
