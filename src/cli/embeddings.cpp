#include "cli/embeddings.h"

#include <algorithm>

namespace vitrine {
namespace {

// What the heads read, row by row.
class EncoderOutput : public Probe {
 public:
  EncoderOutput(int64_t rows, int64_t width) : width_(static_cast<size_t>(width)), vectors_(static_cast<size_t>(rows) * width_) {}
  bool wants(std::string_view name) const override { return name == "encoder"; }
  void visit(std::string_view, const Place& place, Values& values) override {
    for (int64_t i = 0; i < values.rows(); ++i) values.read(i, 0, row(place.first_row + i));
  }
  std::span<double> row(int64_t i) { return std::span(vectors_).subspan(static_cast<size_t>(i) * width_, width_); }
  const std::vector<double>& vectors() const { return vectors_; }

 private:
  size_t width_;
  std::vector<double> vectors_;
};

bool pools_cls(const Config& config) {
  for (const ObjectiveSettings& o : config.objectives)
    if (o.kind == ObjectiveKind::kSequenceClassification || o.kind == ObjectiveKind::kMultiLabelClassification ||
        o.kind == ObjectiveKind::kRegression)
      return o.pooling == Pooling::kCls;
  return false;
}

}  // namespace

void append_embeddings(Embeddings& out, const TextModel& model, const Batch& batch, bool keep_tokens) {
  out.width = model.run().config.model.width;
  const auto D = static_cast<size_t>(out.width);
  EncoderOutput encoder(batch.size(), out.width);
  ForwardResult ignored;
  model.engine().forward(batch, ignored, Want::kLosses, &encoder);
  if (keep_tokens) out.tokens.insert(out.tokens.end(), encoder.vectors().begin(), encoder.vectors().end());
  const bool cls = pools_cls(model.run().config);
  for (int64_t b = 0; b < batch.sequence_count(); ++b) {
    const int64_t first = batch.offsets[static_cast<size_t>(b)], T = cls ? 1 : batch.length(b);
    const size_t at = out.pooled.size();
    out.pooled.resize(at + D);
    for (int64_t i = first; i < first + T; ++i)
      for (size_t j = 0; j < D; ++j) out.pooled[at + j] += encoder.row(i)[j];
    for (size_t j = 0; j < D; ++j) out.pooled[at + j] /= static_cast<double>(T);
    out.offsets.push_back(out.offsets.back() + batch.length(b));
  }
}

}  // namespace vitrine
