#include "inspect/head_table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/rng.h"
#include "inspect/intervention.h"

namespace vitrine {
namespace {

constexpr int64_t kDivergenceSentences = 50, kContentSentences = 64, kContentQueries = 10, kCopySentences = 32, kCopyTokens = 12;
constexpr size_t kMostAlike = 10;

std::string output_of(int64_t layer) { return activation_name(layer, "attention.output"); }

// The weights of a head that looks at all visible keys alike.
std::vector<double> uniform_map(HeadMap map, VisibleKeys visible) {
  const int64_t n = map.length;
  std::vector<double> out(static_cast<size_t>(n * n), 0.0);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t keys = visible.count(map, i);
    for (int64_t j = 0; j < n; ++j)
      if (visible.sees(map, i, j)) out[static_cast<size_t>(i * n + j)] = 1 / static_cast<double>(keys);
  }
  return out;
}

// Each row of each head's weights, one sentence and head at a time: nothing is kept but sums.
class MapMeasurer : public Probe {
 public:
  MapMeasurer(const ModelSettings& model, const std::vector<bool>& punctuation, std::vector<MapFacts*> facts, MapFacts* chance)
      : model_(model), punctuation_(punctuation), facts_(std::move(facts)), chance_(chance) {}

  void begin(const Batch& batch) { batch_ = &batch; }
  bool wants(std::string_view name) const override { return is_weights(name); }
  void visit(std::string_view name, const Place& place, Values& values) override {
    const int64_t n = values.rows(), layer = layer_of(name);
    map_.resize(static_cast<size_t>(n * n));
    for (int64_t i = 0; i < n; ++i)
      values.read(i, 0, std::span(map_).subspan(static_cast<size_t>(i * n), static_cast<size_t>(n)));
    visible_ = visible_keys(model_.attention_of(layer), place.head);
    const bool first = layer == 0 && place.head == 0;
    add({map_.data(), n}, batch_->sequence(place.first_sequence), *facts_[static_cast<size_t>(layer * model_.heads + place.head)],
        first ? chance_ : nullptr);
  }

 private:
  void add(HeadMap map, std::span<const int32_t> tokens, MapFacts& facts, MapFacts* chance) {
    const int64_t n = map.length;
    const int64_t end = tokens.back() == Tokenizer::kSep ? n - 1 : -1;
    facts.entropy.add(entropy(map, visible_));
    facts.distance.add(distance(map));
    facts.confidence.add(confidence(map, end));
    facts.first_key.add(key_mass(map, visible_, 0));
    facts.last_key.add(key_mass(map, visible_, n - 1));
    of_tokens_.clear();
    for (const int32_t t : tokens) of_tokens_.push_back(punctuation_[static_cast<size_t>(t)]);
    for (int k = 0; k < kPatternCount; ++k) {
      const PatternMass m = pattern_mass(map, visible_, static_cast<AttentionPattern>(k), tokens, of_tokens_);
      facts.patterns[static_cast<size_t>(k)].add(m.mass, m.total);
      if (chance) chance->patterns[static_cast<size_t>(k)].add(m.chance, m.total);
    }
    if (!chance) return;
    chance->distance.add(uniform_distance(map, visible_));
    const std::vector<double> alike = uniform_map(map, visible_);
    const HeadMap uniform{alike.data(), n};
    chance->first_key.add(key_mass(uniform, visible_, 0));
    chance->last_key.add(key_mass(uniform, visible_, n - 1));
    chance->confidence.add(confidence(uniform, end));
  }

  const ModelSettings& model_;
  VisibleKeys visible_;  // of the head at hand
  const std::vector<bool>& punctuation_;
  std::vector<MapFacts*> facts_;
  MapFacts* chance_;
  const Batch* batch_ = nullptr;
  std::vector<double> map_;
  std::vector<bool> of_tokens_;
};

// ⟨O_i, dO_i⟩ summed over each sequence, for every head: forward shows O, backward dO.
class Sensitivity : public Probe {
 public:
  Sensitivity(const ModelSettings& model, const Batch& batch) : model_(model), batch_(batch) {
    sums.assign(static_cast<size_t>(model.layers * model.heads),
                std::vector<double>(static_cast<size_t>(batch.sequence_count()), 0.0));
  }
  bool wants(std::string_view name) const override { return name.ends_with(".attention.output"); }
  void visit(std::string_view name, const Place& place, Values& values) override {
    constexpr std::string_view gradient = "gradient.";
    const bool back = name.starts_with(gradient);
    const int64_t layer = layer_of(back ? name.substr(gradient.size()) : name), D = values.cols(), d = D / model_.heads;
    std::vector<double>& O = outputs_[layer];
    if (!back) O.resize(static_cast<size_t>(values.rows() * D));
    row_.resize(static_cast<size_t>(D));
    for (int64_t i = 0; i < values.rows(); ++i) {
      const std::span<double> o = std::span(O).subspan(static_cast<size_t>(i * D), static_cast<size_t>(D));
      values.read(i, 0, back ? std::span<double>(row_) : o);
      const auto b =
          std::upper_bound(batch_.offsets.begin(), batch_.offsets.end(), place.first_row + i) - batch_.offsets.begin() - 1;
      for (int64_t c = 0; c < D && back; ++c)
        sums[static_cast<size_t>(layer * model_.heads + c / d)][static_cast<size_t>(b)] +=
            o[static_cast<size_t>(c)] * row_[static_cast<size_t>(c)];
    }
  }
  std::vector<std::vector<double>> sums;  // [L·H][B]

 private:
  const ModelSettings& model_;
  const Batch& batch_;
  std::map<int64_t, std::vector<double>> outputs_;  // of the micro-batch at hand
  std::vector<double> row_;
};

// Loss and targets of each sequence, both over the objectives with their weights, which are 1 together.
struct SequenceLosses {
  std::vector<double> loss, targets;  // [B]
};
SequenceLosses losses_of(const Batch& batch, const ForwardResult& result, const std::vector<double>& weights) {
  double all = 0;
  for (const double w : weights) all += w;
  const auto B = static_cast<size_t>(batch.sequence_count());
  SequenceLosses out{std::vector<double>(B, 0.0), std::vector<double>(B, 0.0)};
  for (size_t k = 0; k < batch.targets.size(); ++k) {
    const Targets& t = batch.targets[k];
    size_t b = 0;
    for (size_t m = 0; m < t.classes.size(); ++m) {
      if (t.rows.empty())
        b = m;
      else
        while (t.rows[m] >= batch.offsets[b + 1]) ++b;
      if (t.classes[m] < 0) continue;
      out.loss[b] += weights[k] / all * result[k].losses[m];
      out.targets[b] += weights[k] / all;
    }
  }
  return out;
}

class Table {
 public:
  Table(Engine& engine, Engine& untrained, const ModelSettings& model, const Corpus& corpus, const Dataset& split,
        const Collator& collator, const HeadTableOptions& options)
      : engine_(engine),
        untrained_(untrained),
        model_(model),
        corpus_(corpus),
        split_(split),
        collator_(collator),
        options_(options) {
    out_.layers = model.layers, out_.heads = model.heads;
    out_.sentences = options.limit > 0 ? std::min(options.limit, split.size()) : split.size();
    out_.facts.resize(static_cast<size_t>(model.layers * model.heads));
    for (int64_t id = 0; id < corpus.tokenizer->size(); ++id)
      punctuation_.push_back(id >= Tokenizer::kSpecialCount && is_punctuation(corpus.tokenizer->token(static_cast<int32_t>(id))));
  }

  HeadTable measure() {
    measure_maps(), measure_copying(), measure_content(), measure_divergence();
    measure_costs(), measure_sensitivity(), measure_groups();
    if (linked_objective(corpus_, collator_.targets())) {
      LinkTestOptions links;
      links.batch_tokens = options_.batch_tokens;
      out_.links = measure_links(engine_, model_, corpus_, split_, collator_, links);
      links.effects = false;
      out_.untrained_links = measure_links(untrained_, model_, corpus_, split_, collator_, links);
    }
    return std::move(out_);
  }

 private:
  template <class F>
  void for_each(F f) {
    for_each_batch(split_, collator_, options_.batch_tokens, 0, out_.sentences, f);
  }
  std::vector<MapFacts*> facts_of(bool trained) {
    std::vector<MapFacts*> facts;
    for (HeadFacts& f : out_.facts) facts.push_back(trained ? &f.trained : &f.untrained);
    return facts;
  }
  Batch batch_of(const Example& example, int64_t sequence) const {
    Batch batch;
    collator_.append(batch, example, sequence, kEvaluationEpoch);
    collator_.finish(batch);
    return batch;
  }
  AttentionMaps maps_of(Engine& engine, const Batch& batch) {
    AttentionMaps maps(model_.layers, model_.heads, batch.size());
    AttentionRecorder recorder(maps);
    engine.forward(batch, result_, Want::kLosses, &recorder);
    return maps;
  }

  // Also the mean outputs, which averaged ablation needs.
  void measure_maps() {
    MapMeasurer trained(model_, punctuation_, facts_of(true), &out_.chance),
        untrained(model_, punctuation_, facts_of(false), nullptr);
    std::vector<std::string> outputs;
    for (int64_t l = 0; l < model_.layers; ++l) outputs.push_back(output_of(l));
    ActivationMeans means(outputs);
    ProbePair both(trained, means);
    double thresholds = 0;
    for_each([&](const Batch& batch) {
      trained.begin(batch), untrained.begin(batch);
      engine_.forward(batch, result_, Want::kLosses, &both);
      untrained_.forward(batch, result_, Want::kLosses, &untrained);
      for (int64_t b = 0; b < batch.sequence_count(); ++b)
        thresholds += sink_threshold(batch.length(b)) / static_cast<double>(out_.sentences);
    });
    for (const std::string& name : outputs) means_.push_back(means.mean(name));
    out_.sink_threshold = thresholds;
  }

  // Random tokens that stand twice; of a masked one, whose other copy shows it, what looks there.
  void measure_copying() {
    const int64_t extra = collator_.extra(), T = std::min(kCopyTokens, (options_.longest - extra) / 2);
    const auto words = static_cast<uint32_t>(corpus_.tokenizer->size() - Tokenizer::kSpecialCount);
    if (T < 2 || words == 0) return;
    const RngKey key{0, RngKey::make_stream(Purpose::kRandomTokens, 1), 0};
    for (uint32_t s = 0; s < kCopySentences; ++s) {
      Example example;
      for (uint32_t draw = 0; std::ssize(example.tokens) < T; ++draw) {
        const int32_t token = Tokenizer::kSpecialCount + static_cast<int32_t>(key.below(words, s, draw));
        const bool seen = std::find(example.tokens.begin(), example.tokens.end(), token) != example.tokens.end();
        if (!seen || words < T) example.tokens.push_back(token);  // different ones, where there are enough
      }
      const std::vector<int32_t> once = example.tokens;
      example.tokens.insert(example.tokens.end(), once.begin(), once.end());
      const bool masks = asks_for(collator_.targets(), TargetKind::kMasked);
      if (masks) example.masked = static_cast<int32_t>(s % (2 * T));
      const Batch batch = batch_of(example, s);
      for (const bool trained : {true, false}) {
        const AttentionMaps maps = maps_of(trained ? engine_ : untrained_, batch);
        const std::vector<MapFacts*> facts = facts_of(trained);
        for (size_t k = 0; k < facts.size(); ++k) {
          const HeadMap map = head_map(maps, out_.name(k).layer, out_.name(k).head);
          facts[k]->duplicate.add(duplicate_mass(map, T, extra)), facts[k]->induction.add(induction_mass(map, T, extra));
          if (masks) facts[k]->masked_copy.add(masked_copy(map, T, extra + example.masked, extra));
        }
        const std::vector<double> alike = uniform_map(head_map(maps, 0, 0), visible_keys(model_.attention_of(0), 0));
        const HeadMap uniform{alike.data(), maps.length};
        out_.chance.duplicate.add(duplicate_mass(uniform, T, extra)),
            out_.chance.induction.add(induction_mass(uniform, T, extra));
        if (masks) out_.chance.masked_copy.add(masked_copy(uniform, T, extra + example.masked, extra));
      }
    }
  }

  void measure_content() {
    std::map<int64_t, int64_t> counts;
    for (int64_t i = 0; i < out_.sentences; ++i) ++counts[split_.length(i)];
    const auto most =
        std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    for (const bool trained : {true, false}) {
      std::vector<std::vector<std::vector<double>>> heads(out_.facts.size());  // the first rows, by head and sentence
      Example example;
      int64_t n = 0;
      for (int64_t i = 0; i < out_.sentences && std::ssize(heads[0]) < kContentSentences; ++i) {
        if (split_.length(i) != most->first) continue;
        split_.read(i, example);
        const AttentionMaps maps = maps_of(trained ? engine_ : untrained_, batch_of(example, i));
        n = maps.length;
        for (size_t k = 0; k < heads.size(); ++k) {
          const double* map = head_map(maps, out_.name(k).layer, out_.name(k).head).weights;
          heads[k].emplace_back(map, map + std::min(n, kContentQueries) * n);
        }
      }
      for (size_t k = 0; k < heads.size(); ++k) {
        std::vector<HeadMap> maps;
        for (const auto& rows : heads[k]) maps.push_back({rows.data(), n});
        facts_of(trained)[k]->content = maps.size() > 1 ? content_share(maps) : std::numeric_limits<double>::quiet_NaN();
      }
    }
  }

  void measure_divergence() {
    const size_t K = out_.facts.size();
    const int64_t count = std::min(out_.sentences, kDivergenceSentences);
    out_.divergence.assign(K * K, 0.0);
    Example example;
    for (int64_t i = 0; i < count; ++i) {
      split_.read(i, example);
      const AttentionMaps maps = maps_of(engine_, batch_of(example, i));
      for (size_t a = 0; a < K; ++a)
        for (size_t b = 0; b < a; ++b) {
          const HeadName x = out_.name(a), y = out_.name(b);
          const double divergence =
              jensen_shannon(head_map(maps, x.layer, x.head), head_map(maps, y.layer, y.head)) / static_cast<double>(count);
          out_.divergence[a * K + b] += divergence, out_.divergence[b * K + a] += divergence;
        }
    }
  }

  // The loss without some heads, minus the loss, over the split.
  void add_cost(RatioEstimate& cost, const Batch& batch, const SequenceLosses& clean, Intervention& without) {
    engine_.forward(batch, result_, Want::kLosses, &without);
    const SequenceLosses now = losses_of(batch, result_, options_.weights);
    for (size_t b = 0; b < now.loss.size(); ++b) cost.add(now.loss[b] - clean.loss[b], clean.targets[b]);
  }
  SequenceLosses clean_losses(const Batch& batch) {
    engine_.forward(batch, result_);
    return losses_of(batch, result_, options_.weights);
  }

  void measure_costs() {
    for_each([&](const Batch& batch) {
      const SequenceLosses clean = clean_losses(batch);
      for (size_t b = 0; b < clean.loss.size(); ++b) out_.loss.add(clean.loss[b], clean.targets[b]);
      for (size_t k = 0; k < out_.facts.size(); ++k) {
        const HeadName h = out_.name(k);
        Intervention zero(model_, batch), mean(model_, batch);
        zero.zero({output_of(h.layer), h.head});
        mean.set({output_of(h.layer), h.head}, means_[static_cast<size_t>(h.layer)]);
        add_cost(out_.facts[k].zeroed, batch, clean, zero);
        add_cost(out_.facts[k].averaged, batch, clean, mean);
      }
    });
  }

  // The loss is a sum where the weight of its targets is 1: the gradient at a row is that of its own sentence's loss.
  void measure_sensitivity() {
    for_each([&](const Batch& const_batch) {
      Batch batch = const_batch;
      for (Targets& t : batch.targets) t.weight = 1;
      Sensitivity probe(model_, batch);
      engine_.gradients_of(batch, &probe);
      engine_.forward(batch, result_);
      const std::vector<double> targets = losses_of(batch, result_, options_.weights).targets;
      for (size_t k = 0; k < out_.facts.size(); ++k)
        for (size_t b = 0; b < targets.size(); ++b) out_.facts[k].sensitivity.add(std::abs(probe.sums[k][b]), targets[b]);
    });
    for (int64_t l = 0; l < model_.layers; ++l) {
      double squares = 0;
      const auto fact = [&](int64_t h) -> HeadFacts& { return out_.facts[out_.index({l, h})]; };
      for (int64_t h = 0; h < model_.heads; ++h) squares += fact(h).sensitivity.value() * fact(h).sensitivity.value();
      for (int64_t h = 0; h < model_.heads && squares > 0; ++h)
        fact(h).importance = fact(h).sensitivity.value() / std::sqrt(squares);
    }
  }

  RatioEstimate cost_of(const std::vector<HeadName>& heads) {
    RatioEstimate cost;
    for_each([&](const Batch& batch) {
      Intervention without(model_, batch);
      for (const HeadName& h : heads) without.zero({output_of(h.layer), h.head});
      const SequenceLosses clean = clean_losses(batch);
      add_cost(cost, batch, clean, without);
    });
    return cost;
  }

  void measure_groups() {
    const size_t K = out_.facts.size();
    for (size_t a = 0; a < K; ++a)
      for (size_t b = 0; b < a; ++b)
        if (out_.divergence[a * K + b] < options_.alike_below)
          out_.alike.push_back({out_.name(b), out_.name(a), out_.divergence[a * K + b], {}});
    std::stable_sort(out_.alike.begin(), out_.alike.end(),
                     [](const AlikeHeads& x, const AlikeHeads& y) { return x.divergence < y.divergence; });
    if (out_.alike.size() > kMostAlike) out_.alike.resize(kMostAlike);
    for (AlikeHeads& pair : out_.alike) pair.together = cost_of({pair.a, pair.b});

    std::vector<HeadName>& heads = out_.prunable.heads;
    const auto alone = [&](const HeadName& h) { return out_.facts[out_.index(h)].zeroed.value(); };
    for (size_t k = 0; k < K; ++k)
      if (alone(out_.name(k)) <= options_.prune_below) heads.push_back(out_.name(k));
    while (!heads.empty()) {
      out_.prunable.cost = cost_of(heads);
      if (out_.prunable.cost.value() <= options_.prune_below) return;
      heads.erase(std::max_element(heads.begin(), heads.end(),
                                   [&](const HeadName& a, const HeadName& b) { return alone(a) < alone(b); }));
    }
    out_.prunable.cost = {};
  }

  Engine &engine_, &untrained_;
  const ModelSettings& model_;
  const Corpus& corpus_;
  const Dataset& split_;
  const Collator& collator_;
  const HeadTableOptions& options_;
  std::vector<bool> punctuation_;
  std::vector<std::vector<double>> means_;  // [L][D] of the heads' outputs
  ForwardResult result_;
  HeadTable out_;
};

}  // namespace

HeadTable measure_heads(Engine& engine, Engine& untrained, const ModelSettings& model, const Corpus& corpus, const Dataset& split,
                        const Collator& collator, const HeadTableOptions& options) {
  return Table(engine, untrained, model, corpus, split, collator, options).measure();
}

}  // namespace vitrine
