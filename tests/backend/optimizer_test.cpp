#include "support/tensors.h"

using namespace vitrine;

// Three steps against the formulas of torch.optim.AdamW, Adam and SGD, written one number at a time.
TEST_CASE("adam and adamw") {
  Backend& ops = backend_under_test();
  for (int64_t n : {1, 7, 130}) {
    for (bool decoupled : {true, false}) {
      CAPTURE(n, decoupled);
      const Guarded w = Guarded(1, n).random(1), m = Guarded(1, n).fill(0), v = Guarded(1, n).fill(0);
      Dense W(w), M(1, n), V(1, n);
      for (int t = 1; t <= 3; ++t) {
        const Guarded g = Guarded(1, n).random(static_cast<uint32_t>(1 + t));
        const Dense G(g);
        const double rate = 0.01 / t, beta1 = 0.9, beta2 = 0.99, epsilon = 1e-4, decay = 0.1, clip = 0.5;
        for (int64_t j = 0; j < n; ++j) {
          double gj = clip * G(0, j);
          if (decoupled) {
            W(0, j) -= rate * decay * W(0, j);
          } else {
            gj += decay * W(0, j);
          }
          M(0, j) = beta1 * M(0, j) + (1 - beta1) * gj;
          V(0, j) = beta2 * V(0, j) + (1 - beta2) * gj * gj;
          const double mhat = M(0, j) / (1 - std::pow(beta1, t)), vhat = V(0, j) / (1 - std::pow(beta2, t));
          W(0, j) -= rate * mhat / (std::sqrt(vhat) + epsilon);
        }
        const AdamStep step{.learning_rate = static_cast<Real>(rate),
                            .beta1 = static_cast<Real>(beta1),
                            .beta2 = static_cast<Real>(beta2),
                            .epsilon = static_cast<Real>(epsilon),
                            .correction1 = static_cast<Real>(1 - std::pow(beta1, t)),
                            .correction2 = static_cast<Real>(1 - std::pow(beta2, t)),
                            .weight_decay = static_cast<Real>(decay),
                            .decoupled = decoupled,
                            .gradient_scale = static_cast<Real>(clip)};
        ops.adam(w, m, v, g, step);
      }
      check_close("w", w, W);
      check_close("m", m, M);
      check_close("v", v, V, kDouble ? kTolerance : 1e-5);  // 1 − β₂ in float is off by 2e-6
      CHECK((w.intact() && m.intact() && v.intact()));
    }
  }
}

TEST_CASE("sgd with momentum") {
  Backend& ops = backend_under_test();
  for (int64_t n : {1, 7, 130}) {
    const Guarded w = Guarded(1, n).random(1), u = Guarded(1, n).fill(0);
    Dense W(w), U(1, n);
    for (int t = 1; t <= 3; ++t) {
      const Guarded g = Guarded(1, n).random(static_cast<uint32_t>(1 + t));
      const Dense G(g);
      for (int64_t j = 0; j < n; ++j) {
        U(0, j) = 0.9 * U(0, j) + 0.5 * G(0, j) + 0.1 * W(0, j);
        W(0, j) -= 0.01 * U(0, j);
      }
      ops.sgd(w, u, g,
              {.learning_rate = Real(0.01), .momentum = Real(0.9), .weight_decay = Real(0.1), .gradient_scale = Real(0.5)});
    }
    check_close("w", w, W);
    check_close("u", u, U);
    CHECK((w.intact() && u.intact()));
  }
}
