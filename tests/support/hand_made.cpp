#include "support/hand_made.h"

#include <cmath>
#include <cstring>

namespace vitrine {
namespace {

constexpr int64_t V = HandMade::kVocabulary, D = HandMade::kWidth, d = D / HandMade::kHeads;
constexpr int64_t kPosition = V, kPrevious = 2 * V, kAnswer = 3 * V;
const double kSharp = 12 * std::sqrt(static_cast<double>(d));  // a match scores 12

class Weights {
 public:
  explicit Weights(Engine& engine) : engine_(engine) {
    SafeTensors zeros{engine.parameters(), {}};
    for (NamedTensor& t : zeros.tensors) std::memset(t.bytes.data(), 0, t.bytes.size());
    engine.set_parameters(zeros);
  }
  void norm(const std::string& name, double gamma) {
    for (int64_t c = 0; c < D; ++c) engine_.set(name + ".weight", c, gamma);
  }
  void set(const std::string& name, int64_t row, int64_t column, double value) {
    engine_.set(name + ".weight", row * D + column, value);
  }
  // Head h of a block, with the numbers of a head counted from 0.
  void head(int64_t block, int64_t h, const std::string& what, int64_t row, int64_t column, double value) {
    set("blocks." + std::to_string(block) + ".attention." + what, h * d + row, column, value);
  }
  void writes(int64_t block, int64_t h, int64_t to, double gain) {  // token t at the key into column to + t
    for (int64_t t = 0; t < V; ++t) {
      head(block, h, "value", t, t, 1);
      set("blocks." + std::to_string(block) + ".attention.output", to + t, h * d + t, gain);
    }
  }
  void looks_at_names(int64_t h) {
    head(0, h, "query", 0, Tokenizer::kMask, kSharp);
    for (int64_t n = 0; n < HandMade::kKinds; ++n) head(0, h, "key", 0, HandMade::kNames + n, 1);
  }
  void looks_back(int64_t h) {
    for (int64_t p = 0; p < HandMade::kLongest; ++p) {
      if (p > 0) head(0, h, "query", p - 1, kPosition + p, kSharp);
      head(0, h, "key", p, kPosition + p, 1);
    }
  }

 private:
  Engine& engine_;
};

// "name filler filler [MASK]", or four names twice.
class Sentences : public Dataset {
 public:
  Sentences(bool twice, int64_t size) : twice_(twice), size_(size) {}
  int64_t size() const override { return size_; }
  int64_t length(int64_t) const override { return twice_ ? 9 : 4; }
  void read(int64_t i, Example& out, int64_t) const override {
    out.clear();
    if (twice_) {
      out.tokens = {Tokenizer::kCls};
      for (int64_t k = 0; k < 8; ++k) out.tokens.push_back((k % 2 == 0 ? name(i + k % 4) : filler(i + k % 4)));
      return;
    }
    out.tokens = {name(i), filler(i), filler(i / 2 + 1), name(i)};
    out.masked = 3;
  }
  std::vector<Link> links(int64_t i) const override {
    if (twice_) return {};
    Example x;
    read(i, x, 0);
    return {{0,
             3,
             {0},
             name(i) - HandMade::kNames,
             name(i + 1) - HandMade::kNames,
             {name(i + 1), x.tokens[1], x.tokens[2], Tokenizer::kMask},
             false}};
  }

 private:
  static int32_t name(int64_t i) { return HandMade::kNames + static_cast<int32_t>(i % HandMade::kKinds); }
  static int32_t filler(int64_t i) { return HandMade::kFillers + static_cast<int32_t>(i % HandMade::kKinds); }
  bool twice_;
  int64_t size_;
};

}  // namespace

HandMade make_by_hand(Circuit circuit, Precision precision, int64_t sentences) {
  const bool inducer = circuit == Circuit::kInducer;
  HandMade out;
  EngineSettings& s = out.settings;
  s.model.width = D, s.model.heads = HandMade::kHeads, s.model.hidden = 8, s.model.layers = inducer ? 2 : 1;
  s.model.norm = {NormKind::kRms, NormPlace::kPre, 1e-12};
  s.model.max_length = HandMade::kLongest;
  s.model.attention[0].causal = inducer;
  s.objectives = {{}};
  s.objectives[0].kind = inducer ? ObjectiveKind::kCausalLm : ObjectiveKind::kMaskedLm;
  s.objectives[0].tied = false, s.objectives[0].rate = 1;
  s.class_weights = {{}};
  s.vocabulary = V, s.classes = {V};
  s.longest = HandMade::kLongest, s.batch_tokens = 60, s.batch_sequences = 15;
  out.engine = make_engine(precision, s);

  Weights w(*out.engine);
  for (int64_t t = 0; t < V; ++t) w.set("embedding.token", t, t, 1), w.set("head", t, kAnswer + t, 5);
  for (int64_t p = 0; p < HandMade::kLongest; ++p) w.set("embedding.position", p, kPosition + p, 1);
  w.norm("blocks.0.attention_norm", std::sqrt(2.0 / D));  // of a row of two ones: the row itself
  w.norm("final_norm", 1);
  switch (circuit) {
    case Circuit::kCopier:
      w.looks_at_names(0), w.writes(0, 0, kAnswer, 1);
      w.looks_at_names(1);
      w.looks_back(3), w.writes(0, 3, kPrevious, 1);
      break;
    case Circuit::kTwins:
      for (const int64_t h : {0, 3}) w.looks_at_names(h), w.writes(0, h, kAnswer, 0.5);
      w.looks_at_names(1);
      break;
    case Circuit::kInducer:
      w.looks_back(0), w.writes(0, 0, kPrevious, 1);
      w.norm("blocks.1.attention_norm", std::sqrt(3.0 / D));
      for (int64_t t = 0; t < V; ++t) w.head(1, 0, "query", t, t, kSharp), w.head(1, 0, "key", t, kPrevious + t, 1);
      w.writes(1, 0, kAnswer, 1);
      for (int64_t t = 0; t < V; ++t) w.head(1, 0, "key", t, Tokenizer::kCls, 0.5);  // where nothing matches it looks at [CLS],
      w.head(1, 0, "value", Tokenizer::kCls, Tokenizer::kCls, 0);                    // of which it writes nothing
  }
  out.corpus.tokenizer = make_word_tokenizer({"a", "b", "c", "d", "w", "x", "y", "z"});
  out.corpus.link_classes.push_back({"copied name", {"a", "b", "c", "d"}, {}});
  for (int32_t n = 0; n < HandMade::kKinds; ++n) out.corpus.link_classes[0].tokens.push_back({HandMade::kNames + n});
  if (inducer) out.corpus.link_classes.clear();
  out.data = std::make_unique<Sentences>(inducer, sentences);
  TargetSettings target;
  target.kind = inducer ? TargetKind::kNext : TargetKind::kMasked;
  out.collator = std::make_unique<Collator>(target, V, 1);
  return out;
}

}  // namespace vitrine
