#include "support/gradient_check.h"
#include "support/tensors.h"

using namespace vitrine;

TEST_CASE("the gradient of a bias") {
  Backend& ops = backend_under_test();
  for_shapes([&](int64_t rows, int64_t cols, int64_t gap) {
    const Guarded x = Guarded(rows, cols, gap).random(1);
    const Guarded db = Guarded(1, cols).random(3);
    Dense dwant(db);
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < cols; ++j) dwant(0, j) += 2 * static_cast<double>(x(i, j));
    }
    ops.bias_backward(db, x);
    ops.bias_backward(db, x);  // added, twice
    check_close("db", db, dwant);
    CHECK(db.intact());
  });
}

namespace {

constexpr double kEpsilon = 0.1;

// One row of layer norm (centred) or RMS norm by the textbook: y = γ (x − μ)/√(σ² + ε) + β. Returns y.
std::vector<double> normalise(const std::vector<double>& x, const Dense& gamma, const Dense& beta, bool centred, double* mean,
                              double* rstd) {
  double mu = 0, variance = 0;
  for (double v : x) mu += centred ? v / static_cast<double>(x.size()) : 0;
  for (double v : x) variance += (v - mu) * (v - mu) / static_cast<double>(x.size());
  std::vector<double> y(x.size());
  for (size_t j = 0; j < x.size(); ++j) {
    y[j] = gamma.values[j] * (x[j] - mu) / std::sqrt(variance + kEpsilon) + (centred ? beta.values[j] : 0);
  }
  *mean = mu, *rstd = 1 / std::sqrt(variance + kEpsilon);
  return y;
}

// dx_k = Σ_j dy_j ∂y_j/∂x_k with the Jacobian written out:  ∂y_j/∂x_k = γ_j r ([j = k] − c/D − x̂_j x̂_k / D),  c = 1 if centred, else 0
void normalise_backward(Dense& dx, Dense& dgamma, Dense& dbeta, const Dense& dy, const Dense& x, const Dense& gamma,
                        bool centred) {
  const int64_t D = x.cols;
  for (int64_t i = 0; i < x.rows; ++i) {
    const std::vector<double> xi(x.values.begin() + i * D, x.values.begin() + (i + 1) * D);
    double mu = 0, r = 0;
    normalise(xi, gamma, dbeta, centred, &mu, &r);
    for (int64_t k = 0; k < D; ++k) {
      const double hat_k = (x(i, k) - mu) * r;
      dx(i, k) = 0;
      for (int64_t j = 0; j < D; ++j) {
        const double hat_j = (x(i, j) - mu) * r, one = j == k ? 1 : 0;
        dx(i, k) += dy(i, j) * gamma(0, j) * r *
                    (one - (centred ? 1.0 : 0.0) / static_cast<double>(D) - hat_j * hat_k / static_cast<double>(D));
      }
      dgamma(0, k) += dy(i, k) * hat_k;
      dbeta(0, k) += dy(i, k);
    }
  }
}

void check_norm(bool centred) {
  Backend& ops = backend_under_test();
  for_shapes([&](int64_t rows, int64_t cols, int64_t gap) {
    const Guarded x = Guarded(rows, cols, gap).random(1, 2, 0.5), gamma = Guarded(1, cols).random(2, 0.3, 1.2);
    const Guarded beta = Guarded(1, cols).random(3), dy = Guarded(rows, cols, gap).random(4);
    const Guarded y = Guarded(rows, cols, gap).garbage(), dx = Guarded(rows, cols, gap).garbage();
    const Guarded mean = Guarded(rows, 1).garbage(), rstd = Guarded(rows, 1).garbage();
    const Guarded dgamma = Guarded(1, cols).random(5), dbeta = Guarded(1, cols).random(6);
    const auto forward = [&] {
      if (centred) {
        ops.layer_norm_forward(y, mean, rstd, x, gamma, beta, Real(kEpsilon));
      } else {
        ops.rms_norm_forward(y, rstd, x, gamma, Real(kEpsilon));
      }
      return dot(y, dy);
    };
    const auto backward = [&] {
      if (centred) {
        ops.layer_norm_backward(dx, dgamma, dbeta, dy, x, mean, rstd, gamma);
      } else {
        ops.rms_norm_backward(dx, dgamma, dy, x, rstd, gamma);
      }
    };

    Dense want(rows, cols), want_mean(rows, 1), want_rstd(rows, 1), want_dx(rows, cols), want_dgamma(dgamma), want_dbeta(dbeta);
    const Dense X(x);
    for (int64_t i = 0; i < rows; ++i) {
      const std::vector<double> xi(X.values.begin() + i * cols, X.values.begin() + (i + 1) * cols);
      const auto yi = normalise(xi, Dense(gamma), Dense(beta), centred, &want_mean(i, 0), &want_rstd(i, 0));
      std::copy(yi.begin(), yi.end(), want.values.begin() + i * cols);
    }
    for (int twice = 0; twice < 2; ++twice) {
      normalise_backward(want_dx, want_dgamma, want_dbeta, Dense(dy), X, Dense(gamma), centred);
    }
    forward();
    check_close("y", y, want);
    if (centred) check_close("mean", mean, want_mean);
    check_close("rstd", rstd, want_rstd);
    backward();
    backward();  // dx is set again, parameters' gradients are added again
    if (cols > 1) check_close("dx", dx, want_dx);
    check_close("dgamma", dgamma, want_dgamma);
    if (centred) check_close("dbeta", dbeta, want_dbeta);
    CHECK((y.intact() && dx.intact() && mean.intact() && rstd.intact() && dgamma.intact() && dbeta.intact()));

    ops.fill(dgamma, 0), ops.fill(dbeta, 0);
    backward();
    if (cols > 1) check_gradient("x", forward, x, dx, 0, 100);
    check_gradient("gamma", forward, gamma, dgamma, 0, 100);
    if (centred) check_gradient("beta", forward, beta, dbeta, 0, 100);
  });
}

}  // namespace

TEST_CASE("layer norm") { check_norm(true); }
TEST_CASE("rms norm") { check_norm(false); }

TEST_CASE("a constant row has layer norm beta, and finite gradients") {
  Backend& ops = backend_under_test();
  const Guarded x = Guarded(2, 5).fill(3), gamma = Guarded(1, 5).random(1), beta = Guarded(1, 5).random(2), y(2, 5), mean(2, 1),
                rstd(2, 1);
  ops.layer_norm_forward(y, mean, rstd, x, gamma, beta, Real(1e-5));
  for (int64_t j = 0; j < 5; ++j) CHECK(y(1, j) == beta(0, j));
  const Guarded dx(2, 5), dgamma = Guarded(1, 5).fill(0), dbeta = Guarded(1, 5).fill(0);
  ops.layer_norm_backward(dx, dgamma, dbeta, Guarded(2, 5).random(3), x, mean, rstd, gamma);
  for (int64_t j = 0; j < 5; ++j) CHECK(std::isfinite(dx(0, j)));
}

// mean((x − μ)²), not mean(x²) − μ²: a large common part must not eat the variance
TEST_CASE("layer norm of numbers far from 0") {
  Backend& ops = backend_under_test();
  const Guarded x(1, 4), gamma = Guarded(1, 4).fill(1), beta = Guarded(1, 4).fill(0), y(1, 4), mean(1, 1), rstd(1, 1);
  const Real offset = 10000;
  for (int64_t j = 0; j < 4; ++j) x(0, j) = offset + static_cast<Real>(j);
  ops.layer_norm_forward(y, mean, rstd, x, gamma, beta, 0);
  CHECK(y(0, 3) == Approx(1.5 / std::sqrt(1.25)).epsilon(1e-6));
}

// Of routing, where dy happens to have mean 0 in each head; here it has any.
TEST_CASE("the norm of each head's part of a row") {
  Backend& ops = backend_under_test();
  constexpr int64_t H = 2, d = 5, N = 7;
  Packing packing;
  packing.add(4), packing.add(3);
  const Guarded x = Guarded(N, H * d, 3).random(1, 2, 1), dy = Guarded(N, H * d).random(2, 1, 0.5), y(N, H * d), rstd(N, H),
                dx(N, H * d);
  const auto tiles = [&](const Guarded& t) { return Tiles{t, &packing, H, false}; };
  const auto forward = [&] {
    ops.normalise_heads_forward(tiles(y), rstd, tiles(x), Real(1e-5));
    return dot(y, dy);
  };
  forward();
  for (int64_t i = 0; i < N; ++i)
    for (int64_t h = 0; h < H; ++h) {
      double mean = 0, squares = 0;
      for (int64_t j = 0; j < d; ++j) mean += double(x(i, h * d + j)) / d;
      for (int64_t j = 0; j < d; ++j) squares += std::pow(double(x(i, h * d + j)) - mean, 2) / d;
      for (int64_t j = 0; j < d; ++j)
        CHECK(double(y(i, h * d + j)) == Approx((double(x(i, h * d + j)) - mean) / std::sqrt(squares + 1e-5)).margin(kTolerance));
    }
  ops.normalise_heads_backward(tiles(dx), tiles(dy), tiles(y), rstd);
  check_gradient("x", forward, x, dx);
}
