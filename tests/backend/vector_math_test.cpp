#include "backend/ops/vector_math.h"

#include <bit>
#include <limits>

#include "support/catch.h"
#include "support/tolerance.h"

using namespace vitrine;

namespace {

// f(x) for every `every`-th float, of both signs, from 0 to infinity
template <class F>
void for_floats(uint32_t every, F f) {
  for (uint32_t bits = 0; bits < 0x7F800000; bits += every) {
    f(std::bit_cast<float>(bits));
    f(std::bit_cast<float>(bits | 0x80000000));
  }
}

double ulp_of(double x) {
  const float f = static_cast<float>(std::fabs(x));
  return static_cast<double>(std::nextafter(f, std::numeric_limits<float>::infinity())) - static_cast<double>(f);
}

}  // namespace

TEST_CASE("exp over all floats") {
  double worst = 0;
  for_floats(997, [&](float x) {
    if (x < -87.3f || x > 88.3f) return;
    const double want = std::exp(static_cast<double>(x));
    worst = std::max(worst, std::fabs(static_cast<double>(vexp(x)) - want) / ulp_of(want));
  });
  CHECK(worst <= 2);
  CHECK(vexp(0.f) == 1);
  CHECK(vexp(-88.f) == 0);
  CHECK(vexp(-1e30f) == 0);
  CHECK(vexp(-std::numeric_limits<float>::infinity()) == 0);
  CHECK(std::isinf(vexp(89.f)));
  CHECK(std::isinf(vexp(std::numeric_limits<float>::infinity())));
  CHECK(std::isnan(vexp(std::numeric_limits<float>::quiet_NaN())));
}

TEST_CASE("log over all floats") {
  double worst = 0;
  for_floats(997, [&](float x) {
    if (x < std::numeric_limits<float>::min()) return;
    const double want = std::log(static_cast<double>(x));
    worst = std::max(worst, std::fabs(static_cast<double>(vlog(x)) - want) / ulp_of(want));
  });
  CHECK(worst <= 2);
  CHECK(vlog(1.f) == 0);
  CHECK(std::isnan(vlog(std::numeric_limits<float>::quiet_NaN())));
}

TEST_CASE("tanh over all floats") {
  double worst = 0;
  for_floats(997, [&](float x) {
    const double want = std::tanh(static_cast<double>(x));
    if (std::fabs(x) > 1e-37f) worst = std::max(worst, std::fabs(static_cast<double>(vtanh(x)) - want) / ulp_of(want));
  });
  CHECK(worst <= 3);
  CHECK(vtanh(0.f) == 0);
  CHECK(vtanh(std::numeric_limits<float>::infinity()) == 1);
  CHECK(vtanh(-std::numeric_limits<float>::infinity()) == -1);
  CHECK(std::isnan(vtanh(std::numeric_limits<float>::quiet_NaN())));
}

TEST_CASE("the normal distribution over all floats") {
  double cumulative = 0, product = 0, density = 0, tail = 0;
  for_floats(997, [&](float x) {
    const double v = static_cast<double>(x);
    const double want = 0.5 * std::erfc(-v / std::sqrt(2.0)), bell = std::exp(-v * v / 2) / std::sqrt(2 * M_PI);
    const Normal<float> got = vnormal(x);
    cumulative = std::max(cumulative, std::fabs(static_cast<double>(got.cumulative) - want));
    if (std::fabs(x) < 100) product = std::max(product, std::fabs(v) * std::fabs(static_cast<double>(got.cumulative) - want));
    density = std::max(density, std::fabs(static_cast<double>(got.density) - bell));
    if (x < 0 && x > -4.5f) tail = std::max(tail, std::fabs(static_cast<double>(got.cumulative) / want - 1));
  });
  CHECK(cumulative <= 2.5e-7);
  CHECK(product <= 2e-7);
  CHECK(density <= 1e-7);
  CHECK(tail <= 2e-6);
}

TEST_CASE("in double the functions are those of the standard library") {
  for (double x : {-30.0, -1.0, -0.1, 0.0, 0.3, 2.0, 8.0}) {
    CHECK(vexp(x) == std::exp(x));
    CHECK(vtanh(x) == std::tanh(x));
    CHECK(vnormal(x).cumulative == Approx(0.5 * (1 + std::erf(x / std::sqrt(2.0)))).epsilon(1e-14).margin(1e-16));
  }
  CHECK(vsigmoid(Real(0)) == Real(0.5));
}
