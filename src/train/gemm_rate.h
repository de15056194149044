#pragma once
#include <cstdint>

#include "train/engine.h"

namespace vitrine {

namespace f32 {
double measure_gemm(int64_t m, int64_t n, int64_t k, int threads, double seconds);
double measure_bandwidth(int64_t bytes, int threads, double seconds);
}
namespace f64 {
double measure_gemm(int64_t m, int64_t n, int64_t k, int threads, double seconds);
double measure_bandwidth(int64_t bytes, int threads, double seconds);
}

// Floating-point operations a second, 2·m·n·k a product, of C [m,n] = A [m,k] Bᵀ with B [n,k], as a linear layer asks for it, on
// `threads` threads that each compute their own; the best of the time given.
inline double measure_gemm(Precision precision, int64_t m, int64_t n, int64_t k, int threads, double seconds) {
  return precision == Precision::kFloat32 ? f32::measure_gemm(m, n, k, threads, seconds)
                                          : f64::measure_gemm(m, n, k, threads, seconds);
}

// Bytes a second that y = a + b moves (two in, one out) when the three take `bytes` on each of the threads: those of a cache, if they fit.
inline double measure_bandwidth(int64_t bytes, int threads, double seconds) {
  return f32::measure_bandwidth(bytes, threads, seconds);
}

}  // namespace vitrine
