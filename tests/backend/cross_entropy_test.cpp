#include "support/gradient_check.h"
#include "support/tensors.h"

using namespace vitrine;

namespace {

// loss_m, and dz_k = scale Σ_c a_c (p_k − [c = k]), from p = e^z / Σ e^z
void reference(Dense& losses, Dense& dz, const Dense& z, const std::vector<int32_t>& targets, const std::vector<double>& w,
               double smoothing, double scale) {
  const int64_t C = z.cols;
  for (int64_t m = 0; m < z.rows; ++m) {
    const int64_t t = targets[static_cast<size_t>(m)];
    if (t < 0) continue;
    double sum = 0;
    for (int64_t c = 0; c < C; ++c) sum += std::exp(z(m, c));
    for (int64_t c = 0; c < C; ++c) {
      const double p = std::exp(z(m, c)) / sum, q = (c == t ? 1 - smoothing : 0) + smoothing / static_cast<double>(C);
      const double a = q * (w.empty() ? 1 : w[static_cast<size_t>(c)]);
      losses(m, 0) -= a * std::log(p);
      for (int64_t k = 0; k < C; ++k) dz(m, k) += scale * a * (std::exp(z(m, k)) / sum - (c == k ? 1 : 0));
    }
  }
}

}  // namespace

TEST_CASE("cross-entropy with smoothing, class weights and targets that do not count") {
  Backend& ops = backend_under_test();
  for_shapes([&](int64_t rows, int64_t C, int64_t gap) {
    for (double smoothing : {0.0, 0.1}) {
      for (bool weighted : {false, true}) {
        CAPTURE(smoothing, weighted);
        std::vector<int32_t> targets(static_cast<size_t>(rows));
        for (int64_t m = 0; m < rows; ++m) targets[static_cast<size_t>(m)] = m % 4 == 3 ? -1 : static_cast<int32_t>(m * 7 % C);
        const Indices t = ops.upload(targets);
        const Guarded z = Guarded(rows, C, gap).random(1, 2), weights = Guarded(1, C).random(2, 0.2, 1.5);
        const Tensor w = weighted ? *weights : Tensor{};
        const Guarded losses = Guarded(rows, 1).garbage(), lse = Guarded(rows, 1).garbage(), dz = Guarded(rows, C, gap).garbage();
        const auto s = static_cast<Real>(smoothing);
        const auto forward = [&] {
          ops.cross_entropy_forward(losses, lse, z, t, w, s);
          double sum = 0;
          for (double loss : Dense(losses).values) sum += 0.25 * loss;
          return sum;
        };
        forward();
        ops.cross_entropy_backward(dz, z, lse, t, w, s, Real(0.25));
        Dense want(rows, 1), want_dz(rows, C);
        reference(want, want_dz, Dense(z), targets, weighted ? Dense(weights).values : std::vector<double>{},
                  static_cast<double>(s), 0.25);
        if (C > 1) {
          check_close("losses", losses, want);
          check_close("dz", dz, want_dz);
          check_gradient("z", forward, z, dz, 0, 100);
        }
        for (int64_t m = 3; m < rows; m += 4) {
          CHECK(losses(m, 0) == 0);
          for (int64_t c = 0; c < C; ++c) CHECK(dz(m, c) == 0);
        }
        CHECK((losses.intact() && lse.intact() && dz.intact()));
        forward();
        ops.cross_entropy_backward(z, z, lse, t, w, s, Real(0.25));
        check_close("dz in place", z, Dense(dz), 0);
      }
    }
  });
}

TEST_CASE("cross-entropy of logits of ±10,000 is finite") {
  Backend& ops = backend_under_test();
  const Guarded z = Guarded(2, 5).fill(-10000), losses(2, 1), lse(2, 1), dz(2, 5);
  z(0, 2) = 10000, z(1, 2) = 10000;
  const std::vector<int32_t> host{2, 3};
  const Indices t = ops.upload(host);
  ops.cross_entropy_forward(losses, lse, z, t, {}, 0);
  ops.cross_entropy_backward(dz, z, lse, t, {}, 0, 1);
  CHECK(losses(0, 0) == 0);
  CHECK(losses(1, 0) == 20000);
  const Dense got(dz);
  for (int64_t c = 0; c < 5; ++c) {
    CHECK(got(0, c) == Approx(0).margin(1e-30));
    CHECK(got(1, c) == Approx(c == 2 ? 1 : c == 3 ? -1 : 0).margin(1e-30));
  }
}

TEST_CASE("one class has loss 0 and gradient 0") {
  Backend& ops = backend_under_test();
  const Guarded z = Guarded(3, 1).random(1), losses(3, 1), lse(3, 1), dz(3, 1);
  const std::vector<int32_t> host{0, 0, 0};
  const Indices t = ops.upload(host);
  ops.cross_entropy_forward(losses, lse, z, t, {}, Real(0.1));
  ops.cross_entropy_backward(dz, z, lse, t, {}, Real(0.1), 1);
  for (int64_t m = 0; m < 3; ++m) CHECK((std::abs(losses(m, 0)) < 1e-6 && std::abs(dz(m, 0)) < 1e-6));
}
