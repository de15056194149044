#include "layers/layer.h"

#include <algorithm>

namespace vitrine::inline VITRINE_PRECISION {
namespace {

class TensorValues : public Values {
 public:
  TensorValues(Backend& ops, Tensor x) : ops_(ops), x_(x), buffer_(static_cast<size_t>(x.cols)) {}
  int64_t rows() const override { return x_.rows; }
  int64_t cols() const override { return x_.cols; }
  void read(int64_t row, int64_t first_column, std::span<double> out) const override {
    const std::span<Real> part = std::span(buffer_).first(out.size());
    ops_.read(part, at(row, first_column, out.size()));
    std::copy(part.begin(), part.end(), out.begin());
  }
  void write(int64_t row, int64_t first_column, std::span<const double> in) override {
    const std::span<Real> part = std::span(buffer_).first(in.size());
    std::transform(in.begin(), in.end(), part.begin(), [](double v) { return static_cast<Real>(v); });
    ops_.write(at(row, first_column, in.size()), part);
  }

 private:
  Tensor at(int64_t row, int64_t first, size_t n) const { return x_.slice(row, 1).columns(first, static_cast<int64_t>(n)); }
  Backend& ops_;
  Tensor x_;
  mutable std::vector<Real> buffer_;
};

}  // namespace

void Step::show(std::string_view name, Tensor x) const {
  if (!probe || !probe->wants(name)) return;
  TensorValues values(ops, x);
  probe->visit(name, {in.first_row, in.first_sequence, -1}, values);
}

void Step::show(std::string_view name, Tiles weights) const {
  if (!probe || !probe->wants(name)) return;
  for (int64_t b = 0; b < in.packing.sequences(); ++b)
    for (int64_t h = 0; h < weights.heads; ++h) {
      TensorValues values(ops, weights(b, h));
      probe->visit(name, {in.first_row + in.packing.offset[b], in.first_sequence + b, h}, values);
    }
}

}  // namespace vitrine::inline VITRINE_PRECISION
