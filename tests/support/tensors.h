#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "support/backend_under_test.h"
#include "support/catch.h"
#include "support/tolerance.h"
#include "tensor/packing.h"

namespace vitrine::inline VITRINE_PRECISION {

// A matrix of doubles: what references compute with.
struct Dense {
  int64_t rows = 0, cols = 0;
  std::vector<double> values;

  Dense(int64_t r, int64_t c, double value = 0) : rows(r), cols(c), values(static_cast<size_t>(r * c), value) {}
  explicit Dense(Tensor t) : Dense(t.rows, t.cols) {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < cols; ++j) (*this)(i, j) = static_cast<double>(t.row(i)[j]);
    }
  }
  double& operator()(int64_t i, int64_t j) { return values[static_cast<size_t>(i * cols + j)]; }
  double operator()(int64_t i, int64_t j) const { return values[static_cast<size_t>(i * cols + j)]; }
  double largest() const {
    double largest = 0;
    for (double v : values) largest = std::max(largest, std::fabs(v));
    return largest;
  }
};

// A matrix, where the backend under test computes, with `gap` numbers between its rows and a margin around it, all of which must stay as they are.
class Guarded {
 public:
  Guarded(int64_t rows, int64_t cols, int64_t gap = 0)
      : memory_(backend_under_test().allocate(rows * (cols + gap) + 2 * kMargin)),
        view_{memory_->data + kMargin, rows, cols, cols + gap} {
    std::fill_n(memory_->data, memory_->size, kSentinel);
  }
  Guarded(const Guarded& other) : Guarded(other.view_.rows, other.view_.cols, other.view_.stride - other.view_.cols) {
    std::copy_n(other.memory_->data, memory_->size, memory_->data);
  }
  Guarded& operator=(const Guarded&) = delete;
  operator Tensor() const { return view_; }
  Tensor operator*() const { return view_; }
  Real& operator()(int64_t i, int64_t j) const { return view_.row(i)[j]; }

  Guarded& fill(Real value) {
    for (int64_t i = 0; i < view_.rows; ++i) std::fill_n(view_.row(i), view_.cols, value);
    return *this;
  }
  // Normal numbers: another `stream`, other numbers.
  Guarded& random(uint32_t stream, double scale = 1, double shift = 0) {
    const RngKey key{7, stream, 0};
    for (int64_t i = 0; i < view_.rows; ++i) {
      for (int64_t j = 0; j < view_.cols; ++j) {
        view_.row(i)[j] = static_cast<Real>(shift + scale * key.normal(static_cast<uint32_t>(i), static_cast<uint32_t>(j)));
      }
    }
    return *this;
  }
  // What must be overwritten.
  Guarded& garbage() { return fill(std::numeric_limits<Real>::quiet_NaN()); }

  // Nothing outside the view was written.
  bool intact() const {
    for (int64_t k = 0; k < memory_->size; ++k) {
      const int64_t place = k - kMargin;
      const bool inside = place >= 0 && place < view_.rows * view_.stride && place % view_.stride < view_.cols;
      if (!inside && memory_->data[k] != kSentinel) return false;
    }
    return true;
  }

 private:
  static constexpr int64_t kMargin = 32;
  static constexpr Real kSentinel = -12345;
  std::unique_ptr<Memory> memory_;
  Tensor view_;
};

// Equal within `tolerance` of the largest entry that is wanted, or of 1.
inline void check_close(std::string_view name, Tensor got, const Dense& want, double tolerance = kTolerance) {
  REQUIRE(got.rows == want.rows);
  REQUIRE(got.cols == want.cols);
  const double allowed = tolerance * std::max(want.largest(), 1.0);
  int64_t row = 0, col = 0;
  double worst = 0;
  for (int64_t i = 0; i < want.rows; ++i) {
    for (int64_t j = 0; j < want.cols; ++j) {
      const double difference = std::fabs(static_cast<double>(got.row(i)[j]) - want(i, j));
      if (!(difference <= worst)) worst = difference, row = i, col = j;  // NaN is worst
      if (std::isnan(difference)) break;
    }
    if (std::isnan(worst)) break;
  }
  if (!(worst <= allowed)) {
    FAIL_CHECK(name << " [" << want.rows << "," << want.cols << "] at (" << row << "," << col << "): " << got.row(row)[col]
                    << " instead of " << want(row, col) << ", off by " << worst << ", allowed " << allowed);
  } else {
    SUCCEED();
  }
}

inline Packing packing_of(std::initializer_list<int64_t> lengths) {
  Packing packing;
  for (int64_t length : lengths) packing.add(length);
  return packing;
}

// f(rows, cols, gap) for shapes that are one, odd, just past a vector, and past several; packed tight and strided.
template <class F>
void for_shapes(F f) {
  for (int64_t rows : {1, 5, 33}) {
    for (int64_t cols : {1, 3, 12, 33, 130}) {
      for (int64_t gap : {0, 7}) {
        CAPTURE(rows, cols, gap);
        f(rows, cols, gap);
      }
    }
  }
}

// f(packing, heads, d, gap): ragged batches, one long sequence, one token.
template <class F>
void for_packings(F f) {
  for (const Packing& packing : {packing_of({5, 1, 3}), packing_of({33}), packing_of({1}), packing_of({8, 17, 8})}) {
    for (int64_t heads : {1, 3}) {
      for (int64_t d : {1, 5, 16}) {
        for (int64_t gap : {0, 7}) {
          CAPTURE(packing.offset, heads, d, gap);
          f(packing, heads, d, gap);
        }
      }
    }
  }
}

}  // namespace vitrine::inline VITRINE_PRECISION
