#include "train/meters.h"

#include <algorithm>
#include <cmath>

#include "train/correlation.h"
#include "train/entities.h"

namespace vitrine {
namespace {

double share(int64_t part, int64_t all) { return all > 0 ? static_cast<double>(part) / static_cast<double>(all) : 0; }

class MeanLoss {
 public:
  void add(const Targets& targets, const HeadResult& result) {
    for (size_t m = 0; m < targets.classes.size(); ++m)
      if (targets.classes[m] >= 0) sum_ += result.losses[m], ++count_;
  }
  double value() const { return count_ > 0 ? sum_ / static_cast<double>(count_) : 0; }

 private:
  double sum_ = 0;
  int64_t count_ = 0;
};

// Means over the classes that occur.
struct Macro {
  double precision = 0, recall = 0, f1 = 0;
  explicit Macro(const std::vector<ClassScore>& classes) {
    int64_t occurring = 0;
    for (const ClassScore& c : classes) {
      if (c.truth + c.predicted == 0) continue;
      ++occurring;
      precision += c.precision();
      recall += c.recall();
      f1 += c.f1();
    }
    for (double* mean : {&precision, &recall, &f1}) *mean /= static_cast<double>(std::max<int64_t>(occurring, 1));
  }
};

class LanguageMeter : public Meter {
 public:
  explicit LanguageMeter(ObjectiveKind kind) { e_.kind = kind; }

  void add(const Batch&, const Targets& targets, const HeadResult& result, const Dataset&) override {
    loss_.add(targets, result);
    e_.targets += std::ssize(targets.classes);
    for (size_t m = 0; m < targets.classes.size(); ++m) hits_ += targets.classes[m] == result.predictions[m];
  }
  HeadEvaluation finish() override {
    e_.metrics = {{"loss", loss_.value()}, {"accuracy", share(hits_, e_.targets)}, {"perplexity", std::exp(loss_.value())}};
    return std::move(e_);
  }

 private:
  HeadEvaluation e_;
  MeanLoss loss_;
  int64_t hits_ = 0;
};

// One class a target.
class ClassMeter : public Meter {
 public:
  explicit ClassMeter(ObjectiveKind kind) { e_.kind = kind; }

  void add(const Batch&, const Targets& targets, const HeadResult& result, const Dataset&) override {
    loss_.add(targets, result);
    if (e_.classes.empty()) {
      e_.classes.resize(static_cast<size_t>(result.classes));
      e_.confusion.resize(e_.classes.size() * e_.classes.size());
    }
    for (size_t m = 0; m < targets.classes.size(); ++m) {
      const int32_t truth = targets.classes[m], predicted = result.predictions[m];
      ++e_.targets;
      ++e_.classes[static_cast<size_t>(predicted)].predicted;
      if (truth < 0) {
        ++e_.unknown;
        continue;
      }
      hits_ += truth == predicted;
      ++e_.classes[static_cast<size_t>(truth)].truth;
      e_.classes[static_cast<size_t>(truth)].hits += truth == predicted;
      ++e_.confusion[static_cast<size_t>(truth) * e_.classes.size() + static_cast<size_t>(predicted)];
    }
  }
  HeadEvaluation finish() override {
    const Macro macro(e_.classes);
    e_.metrics = {{"loss", loss_.value()},
                  {"accuracy", share(hits_, e_.targets)},
                  {"precision", macro.precision},
                  {"recall", macro.recall},
                  {"f1", macro.f1}};
    return std::move(e_);
  }

 protected:
  HeadEvaluation e_;
  MeanLoss loss_;
  int64_t hits_ = 0;
};

// A tag a word; entities of whole sentences, in which what training did not know has its own name and what was cut off is O.
class TagMeter : public ClassMeter {
 public:
  explicit TagMeter(const MeasuredHead& head)
      : ClassMeter(head.kind), tags_(head.tags), unknown_(head.unknown_tags), entities_(spell_entities(head.tags)) {}

  void add(const Batch& batch, const Targets& targets, const HeadResult& result, const Dataset& data) override {
    ClassMeter::add(batch, targets, result, data);
    size_t m = 0;
    for (int64_t b = 0; b < batch.sequence_count(); ++b) {
      truth_.clear(), predicted_.clear();
      bool unknown = false, right = true;
      for (; m < targets.rows.size() && targets.rows[m] < batch.offsets[static_cast<size_t>(b) + 1]; ++m) {
        truth_.push_back(targets.classes[m]);
        predicted_.push_back(tags_[static_cast<size_t>(result.predictions[m])]);
        unknown |= targets.classes[m] < 0;
        right &= targets.classes[m] == result.predictions[m];
      }
      const int64_t i = batch.sequences[static_cast<size_t>(b)];
      if (unknown) read_truth(data, i);
      const std::vector<int32_t> cut = data.cut_tags(i);
      truth_.insert(truth_.end(), cut.begin(), cut.end());
      predicted_.resize(truth_.size(), "O");
      e_.cut += std::ssize(cut);
      sequences_ += truth_.empty() ? 0 : 1;
      right_ += right && cut.empty() && !truth_.empty() ? 1 : 0;
      if (!entities_) continue;
      names_.clear();
      for (const int32_t tag : truth_) names_.push_back(name_of_tag(tag));
      scores_.add(names_, predicted_);
    }
  }
  HeadEvaluation finish() override {
    e_.targets += e_.cut;
    HeadEvaluation e = ClassMeter::finish();
    e.metrics.insert(e.metrics.begin() + 2, {"sequence_accuracy", share(right_, sequences_)});
    if (!entities_) return e;
    e.metrics[3].second = scores_.all.precision();
    e.metrics[4].second = scores_.all.recall();
    e.metrics[5].second = scores_.all.f1();
    e.entities = std::move(scores_.types);
    return e;
  }

 private:
  void read_truth(const Dataset& data, int64_t i) {
    data.read(i, example_);
    truth_.clear();
    for (const int32_t tag : example_.tags)
      if (tag != kNoTag) truth_.push_back(tag);
  }
  std::string_view name_of_tag(int32_t tag) const {
    if (tag >= 0) return tags_[static_cast<size_t>(tag)];
    const auto u = static_cast<size_t>(unknown_tag(0) - tag);
    return u < unknown_.size() ? std::string_view(unknown_[u]) : "S-?";
  }

  const std::vector<std::string>&tags_, &unknown_;
  bool entities_;
  int64_t sequences_ = 0, right_ = 0;  // with a target; those of which all are right
  EntityScores scores_;
  Example example_;
  std::vector<int32_t> truth_;
  std::vector<std::string_view> names_, predicted_;
};

class LabelsMeter : public Meter {
 public:
  void add(const Batch& batch, const Targets& targets, const HeadResult& result, const Dataset&) override {
    loss_.add(targets, result);
    const auto C = static_cast<size_t>(result.classes);
    e_.classes.resize(C);
    for (size_t b = 0; b < static_cast<size_t>(batch.sequence_count()); ++b) {
      const int64_t unknown = -targets.classes[b];
      bool right = unknown == 0;
      for (size_t c = 0; c < C; ++c) {
        const bool truth = targets.values[b * C + c] != 0, said = result.logits[b * C + c] > 0;
        e_.classes[c].add({truth, said, truth && said});
        right &= truth == said;
      }
      ++e_.targets;
      e_.unknown += unknown;
      hits_ += right;
    }
  }
  HeadEvaluation finish() override {
    e_.kind = ObjectiveKind::kMultiLabelClassification;
    ClassScore micro{e_.unknown, 0, 0};  // they are missed
    for (const ClassScore& c : e_.classes) micro.add(c);
    const Macro macro(e_.classes);
    e_.metrics = {{"loss", loss_.value()},
                  {"accuracy", share(hits_, e_.targets)},
                  {"precision", micro.precision()},
                  {"recall", micro.recall()},
                  {"f1", micro.f1()},
                  {"macro_precision", macro.precision},
                  {"macro_recall", macro.recall},
                  {"macro_f1", macro.f1}};
    return std::move(e_);
  }

 private:
  HeadEvaluation e_;
  MeanLoss loss_;
  int64_t hits_ = 0;
};

class ValueMeter : public Meter {
 public:
  explicit ValueMeter(const ValueScale& scale) : scale_(scale) {}

  void add(const Batch&, const Targets& targets, const HeadResult& result, const Dataset&) override {
    loss_.add(targets, result);
    for (size_t b = 0; b < targets.classes.size(); ++b) {
      if (targets.classes[b] < 0) continue;
      truth_.push_back(scale_.mean + scale_.deviation * targets.values[b]);
      predicted_.push_back(scale_.mean + scale_.deviation * result.logits[b]);
    }
  }
  HeadEvaluation finish() override {
    HeadEvaluation e;
    e.kind = ObjectiveKind::kRegression;
    e.targets = std::ssize(truth_);
    double squares = 0, distances = 0;
    for (size_t i = 0; i < truth_.size(); ++i) {
      const double d = predicted_[i] - truth_[i];
      squares += d * d, distances += std::abs(d);
    }
    const auto n = static_cast<double>(std::max<size_t>(truth_.size(), 1));
    e.metrics = {{"loss", loss_.value()},
                 {"mse", squares / n},
                 {"mae", distances / n},
                 {"pearson", pearson(truth_, predicted_)},
                 {"spearman", spearman(truth_, predicted_)}};
    return e;
  }

 private:
  ValueScale scale_;
  MeanLoss loss_;
  std::vector<double> truth_, predicted_;
};

}  // namespace

std::unique_ptr<Meter> make_meter(const MeasuredHead& head) {
  switch (head.kind) {
    case ObjectiveKind::kMaskedLm:
    case ObjectiveKind::kCausalLm: break;
    case ObjectiveKind::kSequenceClassification: return std::make_unique<ClassMeter>(head.kind);
    case ObjectiveKind::kTokenClassification: return std::make_unique<TagMeter>(head);
    case ObjectiveKind::kMultiLabelClassification: return std::make_unique<LabelsMeter>();
    case ObjectiveKind::kRegression: return std::make_unique<ValueMeter>(head.scale);
  }
  return std::make_unique<LanguageMeter>(head.kind);
}

}  // namespace vitrine
