#include <cublas_v2.h>

#include <cmath>
#include <limits>

#include "backend/simt/support.h"

using namespace vitrine;

namespace {

// Column-major, columns `ld` apart.
struct Matrix {
  int rows, columns, ld;
  std::vector<double> numbers;
  Matrix(int r, int c, double seed) : rows(r), columns(c), ld(r + 2), numbers(size_t(ld * c)) {
    for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = std::sin(seed + double(i));
  }
  double at(int i, int j, bool turned) const { return numbers[size_t(turned ? i * ld + j : j * ld + i)]; }
};

}  // namespace

TEST_CASE("products are those of cuBLAS: op(A) op(B), batches, and a C that is not read where beta is 0") {
  const int m = 5, n = 7, k = 3, count = 2;
  for (int turned = 0; turned < 4; ++turned) {
    const bool ta = turned & 1, tb = turned & 2;
    const Matrix a(ta ? k : m, (ta ? m : k) * count, 1), b(tb ? n : k, (tb ? k : n) * count, 2);
    Matrix c(m, n * count, 3);
    const std::vector<double> old = c.numbers;
    for (const double beta : {0.0, 0.5}) {
      if (beta == 0) c.numbers.assign(old.size(), std::numeric_limits<double>::quiet_NaN());
      if (beta != 0) c.numbers = old;
      const double alpha = 2;
      OnDevice<double> A(a.numbers), B(b.numbers), C(c.numbers);
      REQUIRE(cublasDgemmStridedBatched(nullptr, ta ? CUBLAS_OP_T : CUBLAS_OP_N, tb ? CUBLAS_OP_T : CUBLAS_OP_N, m, n, k, &alpha,
                                        A, a.ld, a.ld * (ta ? m : k), B, b.ld, b.ld * (tb ? k : n), &beta, C, c.ld, c.ld * n,
                                        count) == CUBLAS_STATUS_SUCCESS);
      const std::vector<double> got = C.read();
      for (int s = 0; s < count; ++s)
        for (int j = 0; j < n; ++j)
          for (int i = 0; i < m; ++i) {
            double want = 0;
            for (int p = 0; p < k; ++p)
              want += alpha * a.at(i + (ta ? s * m : 0), p + (ta ? 0 : s * k), ta) *
                      b.at(p + (tb ? s * k : 0), j + (tb ? 0 : s * n), tb);
            const size_t at = size_t((s * n + j) * c.ld + i);
            if (beta != 0) want += beta * old[at];
            CHECK(got[at] == Approx(want));
          }
    }
  }
}

TEST_CASE("products refuse strides that are too small and memory that is not the device's") {
  const float one = 1;
  std::vector<float> host(16);
  OnDevice<float> x(host);
  CHECK(cublasSgemm(nullptr, CUBLAS_OP_N, CUBLAS_OP_N, 4, 4, 4, &one, x, 4, x, 3, &one, x, 4) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(cublasSgemm(nullptr, CUBLAS_OP_N, CUBLAS_OP_N, 4, 4, 4, &one, host.data(), 4, x, 4, &one, x, 4) ==
        CUBLAS_STATUS_EXECUTION_FAILED);
  CHECK(std::string(cublasGetStatusName(CUBLAS_STATUS_INVALID_VALUE)) == "CUBLAS_STATUS_INVALID_VALUE");
}
