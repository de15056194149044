#include "support/gradient_check.h"
#include "support/tensors.h"

using namespace vitrine;

namespace {

struct Reference {
  Activation f;
  const char* name;
  double (*value)(double);
  double (*slope)(double);
};

double density(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * M_PI); }
double cumulative(double x) { return 0.5 * (1 + std::erf(x / std::sqrt(2.0))); }
double inner(double x) { return std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x); }
double logistic(double x) { return 1 / (1 + std::exp(-x)); }

const Reference kReferences[] = {
    {Activation::kGelu, "gelu", [](double x) { return x * cumulative(x); },
     [](double x) { return cumulative(x) + x * density(x); }},
    {Activation::kGeluTanh, "gelu_tanh", [](double x) { return 0.5 * x * (1 + std::tanh(inner(x))); },
     [](double x) {
       const double t = std::tanh(inner(x));
       return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * std::sqrt(2 / M_PI) * (1 + 3 * 0.044715 * x * x);
     }},
    {Activation::kRelu, "relu", [](double x) { return x > 0 ? x : 0; }, [](double x) { return x > 0 ? 1.0 : 0.0; }},
    {Activation::kSilu, "silu", [](double x) { return x * logistic(x); },
     [](double x) { return logistic(x) * (1 + x * (1 - logistic(x))); }},
    {Activation::kTanh, "tanh", [](double x) { return std::tanh(x); },
     [](double x) { return 1 / (std::cosh(x) * std::cosh(x)); }},
    {Activation::kSigmoid, "sigmoid", [](double x) { return logistic(x); }, [](double x) { return logistic(x) * logistic(-x); }},
};

// Random numbers that keep away from relu's kink.
Guarded inputs(int64_t rows, int64_t cols, int64_t gap, uint32_t stream) {
  Guarded x = Guarded(rows, cols, gap).random(stream, 2);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) x(i, j) += x(i, j) < 0 ? Real(-0.05) : Real(0.05);
  }
  return x;
}

Dense map(const Dense& x, double (*f)(double)) {
  Dense y = x;
  for (double& v : y.values) v = f(v);
  return y;
}

Dense times(Dense a, const Dense& b) {
  for (size_t k = 0; k < a.values.size(); ++k) a.values[k] *= b.values[k];
  return a;
}

}  // namespace

TEST_CASE("activations") {
  Backend& ops = backend_under_test();
  for (const Reference& reference : kReferences) {
    for_shapes([&](int64_t rows, int64_t cols, int64_t gap) {
      CAPTURE(reference.name);
      const Guarded x = inputs(rows, cols, gap, 1), dy = Guarded(rows, cols, gap).random(2);
      const Guarded y = Guarded(rows, cols, gap).garbage(), dx = Guarded(rows, cols, gap).garbage();
      const Guarded slope = Guarded(rows, cols, gap).garbage();
      const auto forward = [&] {
        ops.activation_forward(y, slope, x, reference.f);
        return dot(y, dy);
      };
      forward();
      ops.activation_backward(dx, dy, slope);
      check_close("y", y, map(Dense(x), reference.value));
      check_close("dx", dx, times(Dense(dy), map(Dense(x), reference.slope)));
      CHECK((y.intact() && dx.intact() && slope.intact()));
      check_gradient("x", forward, x, dx, 0, 100);
      forward();
      const Guarded in_place(dy);
      ops.activation_backward(in_place, in_place, slope);
      check_close("dx in place", in_place, Dense(dx), 0);
      const Dense value(y), derivative(slope);
      ops.activation_forward(y, x, x, reference.f);  // the slope takes the place of x
      check_close("y", y, value, 0);
      check_close("slope in place", x, derivative, 0);
    });
  }
}

TEST_CASE("gated activations") {
  Backend& ops = backend_under_test();
  for (const Reference& reference : kReferences) {
    for_shapes([&](int64_t rows, int64_t cols, int64_t gap) {
      CAPTURE(reference.name);
      const Guarded gate = inputs(rows, cols, gap, 1), up = Guarded(rows, cols, gap).random(2),
                    dy = Guarded(rows, cols, gap).random(3);
      const Guarded y = Guarded(rows, cols, gap).garbage(), dgate = Guarded(rows, cols, gap).garbage();
      const Guarded dup = Guarded(rows, cols, gap).garbage();
      const auto forward = [&] {
        ops.gated_forward(y, gate, up, reference.f);
        return dot(y, dy);
      };
      forward();
      ops.gated_backward(dgate, dup, dy, gate, up, reference.f);
      const Dense f = map(Dense(gate), reference.value), slope = map(Dense(gate), reference.slope);
      check_close("y", y, times(f, Dense(up)));
      check_close("dgate", dgate, times(times(Dense(dy), Dense(up)), slope));
      check_close("dup", dup, times(Dense(dy), f));
      CHECK((y.intact() && dgate.intact() && dup.intact()));
      check_gradient("gate", forward, gate, dgate, 0, 100);
      check_gradient("up", forward, up, dup, 0, 100);
    });
  }
}

TEST_CASE("activations of large numbers and of numbers that are none") {
  Backend& ops = backend_under_test();
  for (const Reference& reference : kReferences) {
    CAPTURE(reference.name);
    const Guarded x(1, 8), y(1, 8), dx(1, 8), dy = Guarded(1, 8).fill(1);
    const double numbers[] = {1e4, -1e4, 50, -50, 0, -0.0, 1e-30, std::nan("")};
    for (int64_t j = 0; j < 8; ++j) x(0, j) = static_cast<Real>(numbers[j]);
    const Dense X(x);
    ops.activation_forward(y, x, x, reference.f);
    ops.activation_backward(dx, dy, x);
    for (int64_t j = 0; j < 7; ++j) {
      CHECK(static_cast<double>(y(0, j)) == Approx(reference.value(X(0, j))).margin(1e-30));
      CHECK(std::isfinite(dx(0, j)));
    }
    CHECK(std::isnan(y(0, 7)));
  }
}
