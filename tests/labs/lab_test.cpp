#include <algorithm>
#include <cmath>

#include "backend/backend.h"
#include "backend/device.h"
#include "labs/cases.h"
#include "labs/folder.h"
#include "support/catch.h"

using namespace vitrine;
using namespace vitrine::labs;

namespace {

bool near(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || a == b || std::abs(a - b) <= 1e-9 * std::max(1.0, std::abs(a));
}

// The outputs of a variant differ from another's in some case of a lab.
bool differ(const Lab& lab, size_t a, size_t b, const std::vector<Case>& cases) {
  return std::any_of(cases.begin(), cases.end(), [&](const Case& c) {
    if (c.kind == Kind::kCost) return false;
    const std::vector<double> x = run_variant(lab, a, c), y = run_variant(lab, b, c);
    return !std::equal(x.begin(), x.end(), y.begin(), near);
  });
}

Tensor tensor(const Case& c, std::vector<double>& memory, size_t m) {
  const View& v = c.question.views[m];
  return {memory.data() + c.question.at[m], v.rows, v.cols, v.stride};
}

// Every case of function f: what the lab expects, and what `engine` makes of the same memory.
template <class F>
void check_same(const char* name, size_t f, F engine) {
  const Lab& lab = find_lab(name);
  for (const Case& c : make_cases(lab, 3)) {
    if (c.function != f) continue;
    const std::vector<double> want = run_variant(lab, 0, c);
    std::vector<double> got = c.question.memory;
    std::vector<Tensor> tensors;
    for (size_t m = 0; m < c.matrices.size(); ++m) tensors.push_back(tensor(c, got, m));
    engine(tensors, c.question.numbers);
    for (size_t m = 0; m < c.matrices.size(); ++m)
      for (int64_t i = 0; i < c.question.views[m].rows; ++i)
        for (int64_t j = 0; j < c.question.views[m].cols; ++j) {
          const size_t at = word(c, m, i, j);
          INFO(name << " " << c.matrices[m]->name << " " << c.sizes << " " << i << " " << j);
          CHECK(got[at] == Approx(want[at]).epsilon(1e-7).margin(1e-7));
        }
  }
}

}  // namespace

TEST_CASE("every known mistake changes something, no two are the same, and each says what to read again on the page") {
  for (const Lab& lab : all_labs()) {
    INFO(lab.about.name);
    const std::vector<Case> cases = make_cases(lab, 1);
    const std::string page = lab.code->page;
    for (size_t a = 0; a < lab.about.mistakes.size(); ++a) {
      INFO(lab.about.mistakes[a].what);
      CHECK(differ(lab, 0, a + 1, cases));
      CHECK((!lab.about.mistakes[a].read.empty() && page.find(lab.about.mistakes[a].read) != page.npos));
      for (size_t b = 0; b < a; ++b) {
        INFO(lab.about.mistakes[b].what);
        CHECK(differ(lab, a + 1, b + 1, cases));
      }
    }
    for (const std::string& other : lab.about.after) CHECK_NOTHROW(find_lab(other));
  }
}

TEST_CASE("what is handed out holds no line of a solution, and asks for what it hides") {
  for (const Lab& lab : all_labs()) {
    const std::string skeleton = skeleton_of(lab);
    for (const CutFunction& f : lab.functions) {
      CHECK(skeleton.find(f.signature) != skeleton.npos);
      CHECK(f.body.find("\n") != f.body.npos);
      for (size_t at = 0, end; at < f.body.size(); at = end + 1) {
        end = f.body.find('\n', at);
        const std::string line = f.body.substr(at, end - at);
        if (line.find_first_not_of(" {}") == line.npos) continue;
        INFO(line);
        CHECK(skeleton.find(line) == skeleton.npos);
      }
    }
    CHECK(lab.handout.find("> **") != lab.handout.npos);
  }
}

TEST_CASE("what a lab expects is what the engine computes") {
  const std::unique_ptr<Backend> ops = make_backend({});
  // The scores of one sequence as tiles are square; any matrix is one row after the other of those.
  const auto by_rows = [&](const std::vector<Tensor>& t, auto one) {
    for (int64_t i = 0; i < t[0].rows; ++i) {
      const int64_t n = t[0].cols;
      std::vector<std::vector<Real>> square(t.size(), std::vector<Real>(static_cast<size_t>(n * n)));
      Packing row;
      row.add(n);
      std::vector<Tiles> tiles;
      for (size_t m = 0; m < t.size(); ++m) {
        for (int64_t r = 0; r < n; ++r) std::copy_n(t[m].row(i), n, square[m].begin() + r * n);
        tiles.push_back({{square[m].data(), 1, n * n, n * n}, &row, 1, true});
      }
      one(tiles);
      std::copy_n(square[0].begin(), n, t[0].row(i));
    }
  };
  check_same("softmax", 0, [&](const std::vector<Tensor>& t, const auto&) {
    by_rows(t, [&](const std::vector<Tiles>& s) { ops->softmax_forward(s[0], s[1], {}); });
  });
  check_same("softmax", 1, [&](const std::vector<Tensor>& t, const auto&) {
    by_rows(t, [&](const std::vector<Tiles>& s) { ops->softmax_backward(s[0], s[1], s[2], {}); });
  });
  check_same("layer_norm", 0, [&](const std::vector<Tensor>& t, const std::vector<double>& n) {
    ops->layer_norm_forward(t[0], t[1], t[2], t[3], t[4], t[5], n[0]);
  });
  check_same("layer_norm", 1, [&](const std::vector<Tensor>& t, const auto&) {
    ops->layer_norm_backward(t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7]);
  });
  check_same("adamw", 0, [&](const std::vector<Tensor>& t, const std::vector<double>& n) {
    const double correction1 = 1 - std::pow(n[1], n[5]), correction2 = 1 - std::pow(n[2], n[5]);
    for (int64_t i = 0; i < t[0].rows; ++i)  // a row is a view without gaps
      ops->adam(t[0].slice(i, 1), t[1].slice(i, 1), t[2].slice(i, 1), t[3].slice(i, 1),
                {n[0], n[1], n[2], n[3], correction1, correction2, n[4], true, 1});
  });
  const auto classes = [](Tensor targets) {
    std::vector<int32_t> out;
    for (int64_t i = 0; i < targets.rows; ++i) out.push_back(static_cast<int32_t>(targets.row(i)[0]));
    return out;
  };
  check_same("masked_lm", 0, [&](const std::vector<Tensor>& t, const auto&) {
    const std::vector<int32_t> targets = classes(t[3]);
    std::vector<Real> losses(targets.size());
    ops->cross_entropy_forward({losses.data(), t[2].rows, 1, 1}, t[1], t[2], {targets.data(), t[2].rows}, {}, 0);
    const auto predicted = std::count_if(targets.begin(), targets.end(), [](int32_t c) { return c >= 0; });
    t[0].data[0] = 0;
    for (Real loss : losses) t[0].data[0] += loss / static_cast<Real>(std::max<int64_t>(1, predicted));
  });
  check_same("masked_lm", 1, [&](const std::vector<Tensor>& t, const auto&) {
    const std::vector<int32_t> targets = classes(t[4]);
    const auto predicted = std::count_if(targets.begin(), targets.end(), [](int32_t c) { return c >= 0; });
    ops->cross_entropy_backward(t[0], t[2], t[3], {targets.data(), t[2].rows}, {}, 0,
                                t[1].data[0] / static_cast<Real>(std::max<int64_t>(1, predicted)));
  });
  check_same("feed_forward", 0, [&](const std::vector<Tensor>& t, const auto&) {
    std::vector<Real> a(static_cast<size_t>(t[1].size())), slope(a.size());
    const Tensor A{a.data(), t[1].rows, t[1].cols, t[1].cols}, S{slope.data(), t[1].rows, t[1].cols, t[1].cols};
    ops->linear(t[1], t[2], t[3], t[4]);
    ops->activation_forward(A, S, t[1], Activation::kGelu);
    ops->linear(t[0], A, t[5], t[6]);
  });
  check_same("feed_forward", 1, [&](const std::vector<Tensor>& t, const auto&) {
    const Tensor dx = t[0], u = t[7];
    std::vector<Real> a(static_cast<size_t>(u.size())), slope(a.size()), du(a.size());
    const Tensor A{a.data(), u.rows, u.cols, u.cols}, S{slope.data(), u.rows, u.cols, u.cols},
        dU{du.data(), u.rows, u.cols, u.cols};
    ops->activation_forward(A, S, u, Activation::kGelu);
    ops->matmul(t[3], t[5].T(), A, 1, Write::kAdd);
    ops->bias_backward(t[4], t[5]);
    ops->matmul(dU, t[5], t[9]);
    ops->activation_backward(dU, dU, S);
    ops->matmul(t[1], dU.T(), t[6], 1, Write::kAdd);
    ops->bias_backward(t[2], dU);
    ops->matmul(dx, dU, t[8]);
  });
}

TEST_CASE("what the labs of attention expect is what fused attention computes") {
  const std::unique_ptr<Backend> ops = make_backend({});
  const bool causal = GENERATE(false, true);
  const auto tiles = [](Tensor t, const Packing& p) { return Tiles{t, &p, 1, false}; };
  const auto weights = [&](int64_t d) { return AttentionWeights{{.causal = causal}, 1 / std::sqrt(Real(d)), 0, {}, 0, {}}; };
  check_same(causal ? "causal_attention" : "attention", 0, [&](const std::vector<Tensor>& t, const auto&) {
    Packing p;
    p.add(t[0].rows);
    std::vector<Real> lse(static_cast<size_t>(t[0].rows));
    const Tensor L{lse.data(), t[0].rows, 1, 1};
    ops->fused_attention_forward(tiles(t[0], p), L, tiles(t[2], p), tiles(t[3], p), tiles(t[4], p), weights(t[2].cols));
    for (int64_t i = 0; i < t[1].rows; ++i)  // P = e^(S − lse)
      for (int64_t j = 0; j < t[1].cols; ++j) {
        Real s = 0;
        for (int64_t c = 0; c < t[2].cols; ++c) s += t[2].row(i)[c] * t[3].row(j)[c];
        t[1].row(i)[j] = causal && j > i ? 0 : std::exp(s / std::sqrt(Real(t[2].cols)) - lse[static_cast<size_t>(i)]);
      }
  });
  check_same(causal ? "causal_attention" : "attention", 1, [&](const std::vector<Tensor>& t, const auto&) {
    Packing p;
    p.add(t[0].rows);
    std::vector<Real> lse(static_cast<size_t>(t[0].rows)), out(static_cast<size_t>(t[0].size()));
    const Tensor L{lse.data(), t[0].rows, 1, 1}, O{out.data(), t[0].rows, t[0].cols, t[0].cols};
    ops->fused_attention_forward(tiles(O, p), L, tiles(t[5], p), tiles(t[6], p), tiles(t[7], p), weights(t[5].cols));
    ops->fused_attention_backward(tiles(t[0], p), tiles(t[1], p), tiles(t[2], p), {}, tiles(t[3], p), tiles(O, p), L,
                                  tiles(t[5], p), tiles(t[6], p), tiles(t[7], p), weights(t[5].cols));
  });
}
