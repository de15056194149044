#include "support/tensors.h"

using namespace vitrine;

namespace {

const RngKey kKey = RngKey{42, 0, 9}.of(Purpose::kDropoutAttention, 3);

double dropped(double x, double rate, RngKey key, int64_t row, int64_t column) {
  const bool keep = key.word(static_cast<uint32_t>(row), static_cast<uint32_t>(column)) >= rate * 0x1p32;
  return keep ? x / (1 - rate) : 0;
}

}  // namespace

TEST_CASE("dropout keeps exactly what the generator says") {
  Backend& ops = backend_under_test();
  for (double rate : {0.0, 0.25, 0.5, 0.875}) {
    for_shapes([&](int64_t rows, int64_t cols, int64_t gap) {
      CAPTURE(rate);
      const Guarded x = Guarded(rows, cols, gap).random(1), y = Guarded(rows, cols, gap).garbage();
      Dense want(x);
      for (int64_t i = 0; i < rows; ++i) {
        for (int64_t j = 0; j < cols; ++j) want(i, j) = dropped(want(i, j), rate, kKey, 100 + i, j);
      }
      ops.dropout(*y, *x, static_cast<Real>(rate), kKey, 100);
      check_close("y", y, want);
      CHECK(y.intact());
      for (int64_t i = 0; i < rows; ++i) {
        for (int64_t j = 0; j < cols; ++j) REQUIRE((y(i, j) == 0) == (want(i, j) == 0));
      }
      ops.dropout(*x, *x, static_cast<Real>(rate), kKey, 100);  // in place
      check_close("x", x, Dense(y), 0);
    });
  }
}

TEST_CASE("dropout does not depend on how a batch is cut") {
  Backend& ops = backend_under_test();
  const Guarded x = Guarded(10, 33).random(1), whole(10, 33), parts(10, 33);
  ops.dropout(*whole, *x, Real(0.3), kKey, 5);
  ops.dropout((*parts).slice(0, 4), (*x).slice(0, 4), Real(0.3), kKey, 5);
  ops.dropout((*parts).slice(4, 6), (*x).slice(4, 6), Real(0.3), kKey, 9);
  check_close("parts", parts, Dense(whole), 0);
}

TEST_CASE("dropout of some rows is that of all rows") {
  Backend& ops = backend_under_test();
  const std::vector<int32_t> picked{0, 3, 4, 9};
  const Indices rows = ops.upload(picked);
  const Guarded x = Guarded(10, 33).random(1), some(4, 33), whole(10, 33), want(4, 33);
  ops.dropout(*whole, *x, Real(0.3), kKey, 5);
  ops.gather(*want, *whole, rows, Write::kSet);
  ops.gather(*some, *x, rows, Write::kSet);
  ops.dropout(*some, *some, Real(0.3), kKey, 5, rows);
  check_close("some", some, Dense(want), 0);
}

TEST_CASE("dropout of tiles: a stream for each head, rows of the batch, columns of the sequence") {
  Backend& ops = backend_under_test();
  for_packings([&](const Packing& packing, int64_t heads, int64_t, int64_t) {
    const int64_t size = heads * packing.pairs();
    const Guarded x = Guarded(1, size).random(1), y = Guarded(1, size).garbage();
    const Tiles X{x, &packing, heads, true}, Y{y, &packing, heads, true};
    ops.dropout(Y, X, Real(0.25), kKey, 1000);
    for (int64_t b = 0; b < packing.sequences(); ++b) {
      for (int64_t h = 0; h < heads; ++h) {
        Dense want(X(b, h));
        const RngKey key = RngKey{42, 0, 9}.of(Purpose::kDropoutAttention, 3, static_cast<uint32_t>(h));
        for (int64_t i = 0; i < want.rows; ++i) {
          for (int64_t j = 0; j < want.cols; ++j) want(i, j) = dropped(want(i, j), 0.25, key, 1000 + packing.offset[b] + i, j);
        }
        check_close("Y", Y(b, h), want);
      }
    }
    CHECK(y.intact());
  });
}

TEST_CASE("dropout keeps the share that it should, and the mean") {
  Backend& ops = backend_under_test();
  const Guarded x = Guarded(200, 100).fill(1);
  ops.dropout(*x, *x, Real(0.1), kKey, 0);
  int64_t zeros = 0;
  double sum = 0;
  for (double v : Dense(x).values) zeros += v == 0, sum += v;
  CHECK(std::abs(static_cast<double>(zeros) / 20000 - 0.1) < 0.01);
  CHECK(std::abs(sum / 20000 - 1) < 0.01);
}
