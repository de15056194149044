#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/cpu_backend.h"
#include "backend/ops/each_row.h"
#include "backend/ops/entmax_math.h"

// Derived in layers/attention/entmax.md.
namespace vitrine::inline VITRINE_PRECISION {
namespace {

// λ with Σ_j exp_α(t_j − λ) = 1, for t whose largest entry is 0. Newton's method for ‖[1 + ε (t − λ)]₊‖_(1/ε) = 1, from λ = 0: a convex
// function that falls, so every step stays on the left of the root, where the norm is ≥ 1, until rounding is all that is left.
template <class Exp>
Real solve(const Real* t, int64_t n, Real epsilon, Exp exp) {
  constexpr int kMost = 100;
  Real lambda = 0;
  for (int step = 0; step < kMost; ++step) {
    Real P = 0, U = 0;
#pragma omp simd reduction(+ : P, U)
    for (int64_t j = 0; j < n; ++j) {
      const ExpValue e = exp.of(t[j] - lambda);
      P += e.p, U += e.u;
    }
    const Real next = lambda + newton_step(P, U, epsilon);
    if (!(next > lambda)) break;
    lambda = next;
  }
  return lambda;
}

}  // namespace

// Of each row of S:  p_j = exp_α(s_j − m − λ),  m = max s, with the λ that makes Σ p = 1
void CpuBackend::entmax_forward(Tiles p, Tiles s, Tensor alpha, const Pattern& pattern) {
  Real* t = scratch_->data;
  each_row(p, pattern, [&](int64_t b, int64_t h, int64_t i, const std::vector<Keys>& seen) {
    const int64_t T = p.packing->length(b);
    const Real epsilon = epsilon_of(alpha.row(0)[h]), *si = s(b, h).row(i);
    Real *pi = p(b, h).row(i), m = -std::numeric_limits<Real>::infinity();
    for (const Keys& k : seen) {
#pragma omp simd reduction(max : m)
      for (int64_t j = k.at; j < k.end(); ++j) m = m < si[j] ? si[j] : m;
    }
    int64_t n = 0, done = 0;
    for (const Keys& k : seen)  // candidates: at λ = 0 they have p > 0
      for (int64_t j = k.at; j < k.end(); ++j) {
        t[n] = si[j] - m;
        n += !(1 + epsilon * t[n] <= 0);
      }
    with_form(epsilon, [&](auto exp) {
      const Real shift = n > 0 ? m + solve(t, n, epsilon, exp) : 0;
      Real sum = 0;
      for (const Keys& k : seen) {
        std::fill(pi + done, pi + k.at, Real{0});
#pragma omp simd reduction(+ : sum)
        for (int64_t j = k.at; j < k.end(); ++j) {
          pi[j] = exp.of(si[j] - shift).p;
          sum += pi[j];
        }
        done = k.end();
      }
      const Real scale = sum == 0 ? 0 : 1 / sum;  // rounding
      for (const Keys& k : seen) {
#pragma omp simd
        for (int64_t j = k.at; j < k.end(); ++j) pi[j] *= scale;
      }
    });
    std::fill(pi + done, pi + T, Real{0});
  });
}

// u = p^(2 − α),  ũ = u / Σ u,  dS = u ⊙ (dP − Σ ũ dP)                                 (Peters et al. 2019, §3.2)
// dα_h += Σ dP ⊙ ((p − ũ)/(α − 1)² + (η − ũ Σ η)/(α − 1)),  η = −p ln p              (Correia et al. 2019, §3.2)
void CpuBackend::entmax_backward(Tiles ds, Tensor dalpha, Tiles dp, Tiles p, Tensor alpha, const Pattern& pattern) {
  Real* u = scratch_->data;
  each_row(p, pattern, [&](int64_t b, int64_t h, int64_t i, const std::vector<Keys>& seen) {
    const int64_t T = p.packing->length(b);
    const Real epsilon = epsilon_of(alpha.row(0)[h]), *dpi = dp(b, h).row(i), *pi = p(b, h).row(i);
    Real *dsi = ds(b, h).row(i), sum = 0, dot = 0;
    with_form(epsilon, [&](auto exp) {
      for (const Keys& k : seen) {
#pragma omp simd reduction(+ : sum, dot)
        for (int64_t j = k.at; j < k.end(); ++j) {
          u[j] = exp.slope(pi[j]);
          sum += u[j];
          dot += u[j] * dpi[j];
        }
      }
    });
    const Real mean = sum > 0 ? dot / sum : 0;
    if (!dalpha.empty() && sum > 0) {
      Real direct = 0, entropy = 0, weighted = 0;
      for (const Keys& k : seen) {
#pragma omp simd reduction(+ : direct, entropy, weighted)
        for (int64_t j = k.at; j < k.end(); ++j) {
          const Real eta = pi[j] > 0 ? -pi[j] * vlog(pi[j]) : 0;
          direct += dpi[j] * (pi[j] - u[j] / sum);
          entropy += eta;
          weighted += dpi[j] * eta;
        }
      }
      dalpha.row(0)[h] += direct / (epsilon * epsilon) + (weighted - mean * entropy) / epsilon;
    }
    int64_t done = 0;
    for (const Keys& k : seen) {
      std::fill(dsi + done, dsi + k.at, Real{0});
#pragma omp simd
      for (int64_t j = k.at; j < k.end(); ++j) dsi[j] = u[j] * (dpi[j] - mean);
      done = k.end();
    }
    std::fill(dsi + done, dsi + T, Real{0});
  });
}

}  // namespace vitrine::inline VITRINE_PRECISION
