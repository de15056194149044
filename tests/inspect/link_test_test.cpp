#include "inspect/link_test.h"

#include <array>
#include <cmath>

#include "support/catch.h"
#include "train/fake_engine.h"

using namespace vitrine;

namespace {

constexpr int32_t kNames = 4, kNameCount = 6, kGood = 10, kBad = 11, kNumber = 12, kSingular = 13, kSingularToo = 14,
                  kPlural = 15;
constexpr int64_t V = 16, kLayers = 2, kHeads = 2;

class Memory : public Values {
 public:
  Memory(int64_t rows, int64_t cols) : rows_(rows), cols_(cols), data(static_cast<size_t>(rows * cols)) {}
  int64_t rows() const override { return rows_; }
  int64_t cols() const override { return cols_; }
  void read(int64_t row, int64_t first, std::span<double> out) const override {
    for (size_t i = 0; i < out.size(); ++i) out[i] = data[at(row, first) + i];
  }
  void write(int64_t row, int64_t first, std::span<const double> in) override {
    for (size_t i = 0; i < in.size(); ++i) data[at(row, first) + i] = in[i];
  }
  double& operator()(int64_t i, int64_t j) { return data[at(i, j)]; }

 private:
  size_t at(int64_t i, int64_t j) const {
    REQUIRE((i >= 0 && i < rows_ && j >= 0 && j < cols_));
    return static_cast<size_t>(i * cols_ + j);
  }
  int64_t rows_, cols_;

 public:
  std::vector<double> data;
};

// A circuit that is known. Sentences are "name distractor kind [MASK]". Head 1.0 copies the name (or, after kBad, the distractor) to
// the mask with weight 0.6; head 0.1 is a decoy that looks at the name with 0.9 and does nothing; logits = 5 · what head 1.0 copied.
// After kNumber the logits are those of the second class. Sequences are run two by two, as micro-batches are.
class Circuit : public FakeEngine {
 public:
  void forward(const Batch& batch, ForwardResult& results, Want, Probe* probe) override {
    results.resize(1);
    HeadResult& result = results[0];
    const int64_t B = batch.sequence_count();
    result.classes = V;
    result.losses.assign(static_cast<size_t>(B), 0.5);
    result.predictions.assign(static_cast<size_t>(B), 0);
    result.logits.assign(static_cast<size_t>(B * V), 0);
    for (int64_t first = 0; first < B; first += 2) piece(batch, first, std::min(B, first + 2), result, probe);
    ++passes;
  }
  int64_t passes = 0;

 private:
  void piece(const Batch& batch, int64_t first, int64_t last, HeadResult& result, Probe* probe) {
    const int64_t row0 = batch.offsets[static_cast<size_t>(first)], rows = batch.offsets[static_cast<size_t>(last)] - row0;
    Memory out(rows, 0);
    for (int64_t l = 0; l < kLayers; ++l) {
      const std::string name = "blocks." + std::to_string(l) + ".attention.";
      out = Memory(rows, kHeads * V);
      for (int64_t b = first; b < last; ++b) {
        const auto tokens = batch.sequence(b);
        const int64_t target = batch.targets[0].rows[static_cast<size_t>(b)] - row0;
        REQUIRE(tokens[3] == Tokenizer::kMask);
        if (l == 1) out(target, tokens[2] == kBad ? tokens[1] : tokens[0]) = 1;
        if (l == 0) out(target, V + tokens[0]) = 1;
        for (int64_t h = 0; h < kHeads; ++h) {
          Memory weights(4, 4);
          for (int64_t i = 0; i < 4; ++i) weights(i, i) = 1;
          const double mass = l == 1 && h == 0 ? 0.6 : l == 0 && h == 1 ? 0.9 : 0.1;
          weights(3, 0) = mass, weights(3, 3) = 1 - mass;
          if (probe && probe->wants(name + "weights")) probe->visit(name + "weights", {row0 + 4 * (b - first), b, h}, weights);
        }
      }
      if (probe && probe->wants(name + "output")) probe->visit(name + "output", {row0, first, -1}, out);
    }
    for (int64_t b = first; b < last; ++b) {
      double* logits = result.logits.data() + b * V;
      for (int64_t c = 0; c < V; ++c) logits[c] = 5 * out(batch.targets[0].rows[static_cast<size_t>(b)] - row0, c);
      // Two words of 1.0 together are likelier than one of 1.5.
      if (batch.sequence(b)[2] == kNumber) logits[kSingular] += 1, logits[kSingularToo] += 1, logits[kPlural] += 1.5;
    }
  }
};

// Sentence i: names i and i+1; every fourth is bad (no attractor is flagged there), every fifth asks for the number.
class CircuitData : public Dataset {
 public:
  explicit CircuitData(int64_t size) : size_(size) {}
  int64_t size() const override { return size_; }
  int64_t length(int64_t) const override { return 4; }
  void read(int64_t i, Example& out, int64_t) const override {
    out.clear();
    const bool number = i % 5 == 4;
    out.tokens = {name(i), name(i + 1), number ? kNumber : i % 4 == 3 ? kBad : kGood, number ? kSingular : name(i)};
    out.masked = 3;
  }
  std::vector<Link> links(int64_t i) const override {
    if (i % 7 == 6) return {};
    Example x;
    read(i, x, 0);
    Link link{
        0,         3, {0}, x.tokens[0] - kNames, name(i + 2) - kNames, {name(i + 2), x.tokens[1], x.tokens[2], Tokenizer::kMask},
        i % 4 != 3};
    if (x.tokens[2] == kNumber) link.link_class = 1, link.value = 0, link.pair_value = 1, link.attractor = false;
    return {link};
  }

 private:
  static int32_t name(int64_t i) { return kNames + static_cast<int32_t>(i % kNameCount); }
  int64_t size_;
};

Corpus circuit_corpus() {
  Corpus corpus;
  corpus.link_classes.resize(2);
  corpus.link_classes[0].name = "copied name";
  for (int32_t n = 0; n < kNameCount; ++n) corpus.link_classes[0].tokens.push_back({kNames + n});
  corpus.link_classes[1] = {"number", {"singular", "plural"}, {{kSingular, kSingularToo}, {kPlural}}};
  return corpus;
}

// Tags: the tag of a token is that of the one opposite, of four tokens of 0 … 5, and its number is one more (mod 6). One layer; head 0
// copies the opposite token and looks at it with 0.45, at its right neighbour with 0.2 and else at itself; head 1 does nothing and looks
// at the tokens 0 and 1 with 0.3 and 0.5. A head for labels stands before the one for tags.
constexpr int32_t kSymbols = 6, kFirst = Tokenizer::kSpecialCount;
int32_t tag_of(int32_t token) { return (token - kFirst + 1) % kSymbols; }

class Mirror : public FakeEngine {
 public:
  void forward(const Batch& batch, ForwardResult& results, Want, Probe* probe) override {
    results.resize(2);
    HeadResult& result = results[1];
    const int64_t B = batch.sequence_count();
    REQUIRE(batch.targets[1].rows.size() == static_cast<size_t>(B));
    result.classes = kSymbols;
    result.losses.assign(static_cast<size_t>(B), 0.25);
    result.logits.assign(static_cast<size_t>(B * kSymbols), 0);
    Memory out(batch.size(), 2 * kSymbols);
    for (int64_t b = 0; b < B; ++b) {
      const auto x = batch.sequence(b);
      const int64_t row0 = batch.offsets[static_cast<size_t>(b)];
      for (int64_t t = 0; t < 4; ++t) out(row0 + t, x[static_cast<size_t>(3 - t)] - kFirst) = 1;
      for (int64_t h = 0; h < 2; ++h) {
        Memory weights(4, 4);
        for (int64_t i = 0; i < 4; ++i) {
          if (h == 0) weights(i, i) += 0.35, weights(i, 3 - i) += 0.45, weights(i, std::min<int64_t>(i + 1, 3)) += 0.2;
          if (h == 1) weights(i, i) += 0.2, weights(i, 0) += 0.3, weights(i, 1) += 0.5;
        }
        if (probe && probe->wants("blocks.0.attention.weights"))
          probe->visit("blocks.0.attention.weights", {row0, b, h}, weights);
      }
    }
    if (probe && probe->wants("blocks.0.attention.output")) probe->visit("blocks.0.attention.output", {0, 0, -1}, out);
    for (int64_t b = 0; b < B; ++b)
      for (int32_t c = 0; c < kSymbols; ++c)
        result.logits[static_cast<size_t>(b * kSymbols + tag_of(kFirst + c))] =
            3 * out(batch.targets[1].rows[static_cast<size_t>(b)], c);
  }
};

// Each token has a link to the opposite one, the last also one of class 1 to both tokens in the middle, which is never right.
class MirrorData : public Dataset {
 public:
  int64_t size() const override { return 20; }
  int64_t length(int64_t) const override { return 4; }
  void read(int64_t i, Example& out, int64_t) const override {
    out.clear();
    for (int64_t t = 0; t < 4; ++t) out.tokens.push_back(kFirst + static_cast<int32_t>((i + t * t) % kSymbols));
    for (size_t t = 0; t < 4; ++t) out.tags.push_back(tag_of(out.tokens[3 - t]));
    out.label = 0;
  }
  std::vector<Link> links(int64_t i) const override {
    Example x;
    read(i, x, 0);
    std::vector<Link> out;
    for (int32_t t = 0; t < 4; ++t) {
      const int32_t value = x.tokens[static_cast<size_t>(3 - t)] - kFirst, other = (value + 2) % kSymbols;
      out.push_back({0, t, {3 - t}, value, other, x.tokens, t == 0});
      out.back().pair[static_cast<size_t>(3 - t)] = kFirst + other;
    }
    out.push_back({1, 3, {1, 2}, 1, 0, x.tokens, false});
    out.back().pair[1] = out.back().pair[2] = kFirst;
    return out;
  }
};

ModelSettings small_model() {
  ModelSettings model;
  model.width = 24, model.layers = 2, model.heads = 4, model.hidden = 32, model.max_length = 32;
  return model;
}

}  // namespace

TEST_CASE("The link test finds the head that carries a link, not the decoy that looks at its source") {
  Circuit engine;
  const Corpus corpus = circuit_corpus();
  ModelSettings model;
  model.layers = kLayers, model.heads = kHeads;
  const Collator collator({}, V, 1);
  const CircuitData data(60);
  int64_t good = 0, names = 0, numbers = 0, flagged = 0;
  for (int64_t i = 0; i < 60; ++i) {
    if (i % 7 == 6) continue;
    if (i % 5 == 4) {
      ++numbers;
      continue;
    }
    ++names;
    good += i % 4 != 3, flagged += i % 4 != 3;
  }
  LinkTestOptions options;
  options.batch_tokens = 4 * 5;  // several groups, an odd one among them
  const std::vector<LinkMeasure> measures = measure_links(engine, model, corpus, data, collator, options);
  REQUIRE(measures.size() == 2);
  const LinkMeasure& m = measures[0];
  CHECK(m.count == names);
  CHECK(m.attractors == flagged);
  CHECK(m.decision == Approx(static_cast<double>(good) / static_cast<double>(names)));
  CHECK(m.decision_attractors == 1);
  CHECK(m.loss == Approx(0.5));
  for (const HeadLink& h : m.heads) CHECK(h.chance == Approx(0.25));
  CHECK(m.effect_of_none == 0);
  CHECK(m.effect_of_all == 1);
  REQUIRE(m.heads.size() == 4);
  const std::array<double, 4> effects{0, 0, 1, 0}, attention{0.1, 0.9, 0.6, 0.1}, hits{0, 1, 1, 0};
  for (size_t h = 0; h < 4; ++h) {
    CHECK(m.heads[h].effect == Approx(effects[h]));
    CHECK(m.heads[h].attention == Approx(attention[h]));
    CHECK(m.heads[h].hit_rate == hits[h]);
  }
  CHECK(measures[1].count == numbers);
  CHECK(measures[1].decision == 1);
  CHECK(measures[1].effect_of_all == 0);  // nothing here depends on the source: no effect to share out

  const std::vector<LinkReport> reports = report_links(model, measures, measures, {}, {});
  CHECK(reports[0].effect_head == HeadName{1, 0});
  CHECK(reports[0].attention_head == HeadName{0, 1});
  CHECK(!reports[0].same_head());
  CHECK(reports[0].attention == Approx(0.9));
  CHECK(reports[0].effect == Approx(1));
}

TEST_CASE("Chance is that of the keys which a head may see, in each block as its attention says") {
  Circuit engine;
  const Corpus corpus = circuit_corpus();
  ModelSettings model;
  model.layers = kLayers, model.heads = kHeads;
  model.attention = {{.kind = AttentionKind::kLocal, .window = {2, 3}}, {.kind = AttentionKind::kBlockSparse, .window = {1}}};
  const Collator collator({}, V, 1);
  const auto measures = measure_links(engine, model, corpus, CircuitData(20), collator);
  const std::array<double, 4> chance{0, 0.25, 0.5, 0.5};  // of blocks, those that have a weight: here two of the four tokens
  for (size_t h = 0; h < 4; ++h) CHECK(measures[0].heads[h].chance == Approx(chance[h]));
  CHECK(report_links(model, measures, measures, {}, {})[0].chance == Approx(0.25));  // of the head that looks most, 0.1
}

TEST_CASE("The link test of tags: several targets a sequence, several sources a target") {
  Mirror engine;
  Corpus corpus;
  corpus.link_classes.resize(2);
  for (int32_t v = 0; v < kSymbols; ++v) {
    corpus.link_classes[0].tokens.push_back({kFirst + v});
    corpus.link_classes[0].tags.push_back({tag_of(kFirst + v)});
  }
  corpus.link_classes[1].tokens = corpus.link_classes[1].tags = {{0, 1, 2}, {3, 4, 5}};
  const std::vector<TargetSettings> targets{{TargetKind::kLabel, 0, false}, {TargetKind::kTags, 0, false}};
  const Collator collator(targets, kFirst + kSymbols, 1, {{}, {}});
  ModelSettings model;
  model.layers = 1, model.heads = 2;
  LinkTestOptions options;
  options.batch_tokens = 4 * 7;
  for (const bool causal : {false, true}) {
    model.attention[0].causal = causal;
    const std::vector<LinkMeasure> measures = measure_links(engine, model, corpus, MirrorData(), collator, options);
    const LinkMeasure& m = measures[0];
    CHECK(m.count == 80);
    CHECK(m.attractors == 20);
    CHECK(m.decision == 1);
    CHECK(m.loss == Approx(0.25));
    for (const HeadLink& h : m.heads) CHECK(h.chance == Approx(causal ? (1.0 / 3 + 1.0 / 4) / 4 : 1.0 / 4));
    CHECK(m.effect_of_none == 0);
    CHECK(m.effect_of_all == 1);
    CHECK(m.heads[0].effect == Approx(1));
    CHECK(m.heads[1].effect == 0);
    CHECK(m.heads[0].attention == Approx((0.45 + 0.65 + 0.45 + 0.45) / 4));  // the right neighbour of token 1 is opposite to it
    CHECK(m.heads[0].hit_rate == Approx(3.0 / 4));                           // token 3 looks at itself with 0.55
    CHECK(m.heads[1].attention == Approx((0.5 + 0.3) / 4));                  // of tokens 2 and 3, whose opposites are 1 and 0
    CHECK(m.heads[1].hit_rate == Approx(1.0 / 4));
    CHECK(measures[1].count == 20);
    CHECK(measures[1].heads[0].attention == Approx(0));
    CHECK(measures[1].heads[1].attention == Approx(0.5));  // the sum over both sources
    CHECK(measures[1].heads[1].hit_rate == 1);
    CHECK(measures[1].heads[0].chance == Approx(2.0 / 4));
  }
}

TEST_CASE("Links speak of the objective that their targets belong to") {
  Corpus masks, tags;
  masks.link_classes.push_back({"copied name", {"a"}, {{5}}});
  tags.link_classes.push_back({"mirrored symbol", {"a"}, {{5}}, {{1}}});
  const TargetSettings mask{TargetKind::kMasked}, tag{TargetKind::kTags}, label{TargetKind::kLabel};
  CHECK(!linked_objective({}, {mask, tag}));
  CHECK(linked_objective(masks, {label, mask}) == std::optional<size_t>(1));
  CHECK(!linked_objective(masks, {tag, label}));
  CHECK(linked_objective(tags, {label, tag}) == std::optional<size_t>(1));
  CHECK(!linked_objective(tags, {label}));
  CHECK(!linked_objective(tags, {tag, mask}));
}

TEST_CASE("The moves of single links, of several classes in one batch, add up to the effects of each class") {
  Circuit engine;
  const Corpus corpus = circuit_corpus();
  ModelSettings model;
  model.layers = kLayers, model.heads = kHeads;
  const Collator collator({}, V, 1);
  const CircuitData data(30);
  std::vector<int64_t> sequences;
  for (int64_t i = 0; i < 30; ++i)
    if (i % 7 != 6) sequences.push_back(i);
  const std::vector<LinkMove> moves = measure_moves(engine, model, corpus, data, collator, sequences);
  const std::vector<LinkMeasure> measures = measure_links(engine, model, corpus, data, collator);
  REQUIRE(moves.size() == sequences.size());
  std::array<double, 4> moved{};
  double pair = 0;
  for (size_t m = 0; m < moves.size(); ++m) {
    REQUIRE(moves[m].heads.size() == 4);
    if (sequences[m] % 5 == 4) {
      CHECK(moves[m].pair == 0);  // the number is said without looking at the source
      continue;
    }
    // The copied name has a logit 5 above that of the pair's, and the other way round in the pair's run; or nothing moves (bad sentences).
    CHECK(moves[m].pair == Approx(sequences[m] % 4 == 3 ? 0 : -10));
    pair += moves[m].pair;
    for (size_t h = 0; h < 4; ++h) moved[h] += moves[m].heads[h];
  }
  for (size_t h = 0; h < 4; ++h) CHECK(moved[h] / pair == Approx(measures[0].heads[h].effect));
}

TEST_CASE("The heads are chosen on one split and reported on another") {
  ModelSettings model;
  model.layers = 1, model.heads = 2;
  LinkMeasure chosen, reported, untrained_chosen, untrained;
  chosen.heads = {{0.9, 0.2, 0.1}, {0.1, 0.7, 0.6}};
  reported.heads = {{0.5, 0.3, 0.2}, {0.8, 0.6, 0.4}};
  untrained_chosen.heads = {{0, 0.2, 0}, {0, 0.1, 0}};
  untrained.heads = {{0, 0.15, 0}, {0, 0.25, 0}};
  const LinkReport r = report_links(model, {chosen}, {reported}, {untrained_chosen}, {untrained}).at(0);
  CHECK(r.effect == 0.5);
  CHECK(r.effect_head == HeadName{0, 0});
  CHECK(r.attention == 0.6);
  CHECK(r.attention_head == HeadName{0, 1});
  CHECK(r.hit_rate == 0.4);
  CHECK(r.untrained == 0.15);
}

TEST_CASE("The number of links of a class is bounded, and effects cost their passes only where they are wanted") {
  Circuit engine;
  const Corpus corpus = circuit_corpus();
  ModelSettings model;
  model.layers = kLayers, model.heads = kHeads;
  const Collator collator({}, V, 1);
  LinkTestOptions options;
  options.most = 5, options.effects = false;
  const auto without = measure_links(engine, model, corpus, CircuitData(1000), collator, options);
  CHECK(without[0].count == 5);
  CHECK(without[1].count == 5);
  CHECK(engine.passes == 2);
  CHECK(without[0].heads[2].attention == Approx(0.6));
  options.effects = true;
  engine.passes = 0;
  measure_links(engine, model, corpus, CircuitData(1000), collator, options);
  CHECK(engine.passes == 2 * (kLayers * kHeads + 4));
  CHECK(measure_links(engine, model, corpus, CircuitData(0), collator)[0].count == 0);
}

TEST_CASE("In a real model, patching no head changes no bit, and patching all of them gives the pair's run to the bit") {
  const Precision precision = GENERATE(Precision::kFloat32, Precision::kFloat64);
  const NormPlace place = GENERATE(NormPlace::kPre, NormPlace::kPost);
  const int64_t lanes = GENERATE(1, 4), micro_batch = GENERATE(64, 1024);
  DataSettings data;
  data.kind = DataKind::kGrammar;
  data.grammar = VITRINE_SOURCE_DIR "/data/english.grammar";
  data.max_length = 32;
  const TargetSettings target;
  const Corpus corpus = load_corpus(data, {}, {target}, 5);
  EngineSettings settings;
  settings.model = small_model();
  settings.model.norm.place = place;
  settings.objectives = {{}};
  settings.class_weights = {{}};
  settings.training.lanes = lanes, settings.training.micro_batch = micro_batch;
  settings.seed = 3;
  settings.vocabulary = corpus.tokenizer->size();
  settings.classes = {settings.vocabulary};
  settings.shortest = corpus.shortest, settings.longest = corpus.longest;
  settings.batch_tokens = 512, settings.batch_sequences = 64;
  const auto engine = make_engine(precision, settings);
  const Collator collator(target, settings.vocabulary, 5);
  LinkTestOptions options;
  options.most = 60;
  const auto measures = measure_links(*engine, settings.model, corpus, *corpus.validation, collator, options);
  REQUIRE(measures.size() == 3);
  for (const LinkMeasure& m : measures) {
    INFO(m.name);
    CHECK(m.count == 60);
    CHECK(m.effect_of_none == 0);
    CHECK(m.effect_of_all == 1);
    double sum = 0;
    for (const HeadLink& h : m.heads) {
      sum += std::abs(h.effect);
      CHECK((h.attention > 0 && h.attention < 1));
      CHECK((h.chance > 0.05 && h.chance < 0.2));
    }
    CHECK(sum > 0);
    CHECK(m.loss == Approx(std::log(static_cast<double>(settings.vocabulary))).epsilon(0.1));
  }
}

TEST_CASE("In a real model, all heads together carry what a tag depends on, also where it has several sources") {
  DataSettings data;
  data.kind = DataKind::kTask;
  data.task = GENERATE(TaskKind::kFirstOccurrence, TaskKind::kSort, TaskKind::kInduction);
  data.vocabulary_size = 12, data.min_length = 3, data.length = 9, data.max_length = 18;
  data.train_sentences = data.validation_sentences = 50;
  const std::vector<TargetSettings> targets{{TargetKind::kTags, 0, false}};
  const Corpus corpus = load_corpus(data, {}, targets, 5);
  EngineSettings settings;
  settings.model = small_model();
  settings.model.attention[0].causal = data.task == TaskKind::kInduction;
  settings.objectives = {{}};
  settings.objectives[0].kind = ObjectiveKind::kTokenClassification;
  settings.class_weights = {{}};
  settings.seed = 3;
  settings.vocabulary = corpus.tokenizer->size();
  settings.classes = {std::ssize(corpus.tags)};
  settings.shortest = corpus.shortest, settings.longest = corpus.longest;
  settings.batch_tokens = 512, settings.batch_sequences = 64;
  const auto engine = make_engine(Precision::kFloat32, settings);
  const Collator collator(targets, settings.vocabulary, 5, {{}});
  LinkTestOptions options;
  options.most = 60;
  const LinkMeasure m = measure_links(*engine, settings.model, corpus, *corpus.validation, collator, options).at(0);
  CHECK(m.count == 60);
  CHECK(m.effect_of_none == 0);
  CHECK(m.effect_of_all == 1);
  for (const HeadLink& h : m.heads) CHECK((h.attention > 0 && h.attention < 1));
}
