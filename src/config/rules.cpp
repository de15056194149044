#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "config/config.h"
#include "config/offers.h"
#include "config/reader.h"
#include "config/suggest.h"
#include "data/tokenizer.h"
#include "layers/attention/pairs.h"
#include "train/metrics.h"

namespace vitrine {
namespace {

const std::string kAttention = "model.attention";

class Rules {
 public:
  Rules(Reader& reader, Config& config) : reader_(reader), c_(config) {}

  void settle() {
    for_each_key(reader_.root(), [&](const Key& key) {
      if (!key.rival.empty()) alternatives(key.path, key.path.substr(0, key.path.rfind('.') + 1) + key.rival, key.one_needed);
    });
    conditions(reader_.root());
    if (const ObjectiveSettings* next = c_.head(ObjectiveKind::kCausalLm)) imply_causal(kind_of(*next) + ": causal_lm");
    if (!reader_.given("model.token_types") || c_.model.token_types < 0) {
      c_.model.token_types = c_.data.pairs() ? 2 : 0;
      if (c_.data.pairs()) reader_.imply("model.token_types", "data.text");
    }
    if (c_.data.kind == DataKind::kRandom) {
      if (!reader_.given("data.max_length") && c_.data.length > 0) {
        c_.data.max_length = c_.data.length;
        reader_.imply("data.max_length", "data.length");
      }
      for (const ObjectiveSettings& o : c_.objectives)
        if (o.classes > 0) (o.kind == ObjectiveKind::kTokenClassification ? c_.data.tags : c_.data.classes) = o.classes;
    }
    if (c_.data.kind == DataKind::kTask) {
      if (!reader_.given("data.max_length") && c_.data.length > 0) {
        c_.data.max_length = longest_sequence();
        reader_.imply("data.max_length", "data.length");
      }
      if (c_.data.task == TaskKind::kInduction) imply_causal("data.task: induction");
    }
    if (!reader_.given("tokenizer.strip_accents") && c_.tokenizer.lowercase && c_.tokenizer.kind == TokenizerKind::kWordPiece &&
        !c_.tokenizer.file.ends_with(".json")) {
      c_.tokenizer.strip_accents = true;
      reader_.imply("tokenizer.strip_accents", "tokenizer.lowercase");
    }
    for (AttentionSettings& a : c_.model.attention) settle_attention(a);
    if (!reader_.given("model.max_length")) {
      c_.model.max_length = c_.data.max_length;
      reader_.imply("model.max_length", "data.max_length");
    }
  }

  void check() {
    const std::string data = "data.kind";
    require(c_.model.width % c_.model.heads == 0, "model.heads", "model.width",
            fmt::format("{} heads do not divide", c_.model.heads), "each head has width / heads numbers");
    require(c_.training.steps <= 0 || c_.schedule.warmup_steps < c_.training.steps, "schedule.warmup_steps", "training.steps",
            fmt::format("{} steps of warm-up leave none after them of", c_.schedule.warmup_steps));
    require(c_.data.max_length <= c_.model.max_length || !c_.model.position.has_table(), "data.max_length", "model.max_length",
            fmt::format("sequences of {} tokens do not fit the position table of", c_.data.max_length));
    require(c_.data.kind != DataKind::kGrammar || c_.tokenizer.kind == TokenizerKind::kWord, "tokenizer.kind", data,
            "the tokens are its words; `word` is the only kind for");
    const double shares = c_.data.validation.share + c_.data.test.share;
    check_device();
    require(shares < 1, "data.test", "data.validation", "nothing is left to train on beside");

    const auto blocks = static_cast<size_t>(c_.model.layers);
    if (const size_t entries = reader_.items(kAttention); entries > 0)
      require(entries == blocks, kAttention, "model.layers",
              fmt::format("a list of {} has not one entry for each block of", entries),
              "one for all is no list: `attention: local`, or a map");
    for (const AttentionSettings& a : c_.model.attention) check_attention(a);
    check_positions();
    check_drawn();
    check_files();
    check_tokenizer();
    check_table();
    for (const ObjectiveSettings& o : c_.objectives) check_objective(o);
    check_heads();
    check_metric();
    const bool generated =
        c_.data.kind == DataKind::kGrammar || c_.data.kind == DataKind::kTask || c_.data.kind == DataKind::kRandom;
    const std::string split = generated ? "data.validation_sentences" : "data.validation";
    const bool validated = generated ? c_.data.validation_sentences > 0 : c_.data.validation.given();
    for (const auto& [path, wanted] :
         {std::pair{"evaluation.every", c_.evaluation.every > 0}, {"evaluation.patience", c_.evaluation.patience > 0}})
      if (wanted && !validated && !reader_.bad(split) && known(data))
        reader_.diagnostics().error(reader_.place(path), fmt::format("{}: there is no validation split to evaluate on", path),
                                    fmt::format("`{}` makes one", split));
    require(c_.evaluation.patience == 0 || c_.evaluation.every > 0, "evaluation.patience", "evaluation.every",
            "training is never evaluated on its way with");
  }

 private:
  // objective, or objective.1 of several
  std::string path_of(const ObjectiveSettings& o) const {
    return c_.objectives.size() == 1 ? "objective" : fmt::format("objective.{}", &o - c_.objectives.data());
  }
  std::string kind_of(const ObjectiveSettings& o) const { return path_of(o) + ".kind"; }

  // Of a task, in tokens with [CLS].
  int64_t longest_sequence() const {
    const auto cls = [this](const ObjectiveSettings& o) { return pools(o) && o.pooling == Pooling::kCls; };
    return longest_of_task(c_.data) + (std::any_of(c_.objectives.begin(), c_.objectives.end(), cls) ? 1 : 0);
  }
  bool pools(const ObjectiveSettings& o) const {
    return !unmet_condition(reader_.root(), *reader_.root().find(path_of(o) + ".pooling"));
  }

  void check_device() {
    const RunSettings& r = c_.run;
    require(r.device != Device::kCuda || r.precision == Precision::kFloat32, "run.precision", "run.device",
            "kernels for a GPU compute in float32 only; float64 does not go with",
            "`device: simt` runs the same kernels in float64");
    require(r.device == Device::kCpu || c_.training.lanes <= 1, "training.lanes", "run.device",
            "a batch is not divided among threads with", "leave it out");
  }

  // model.attention, or model.attention.1 of several
  std::string path_of(const AttentionSettings& a) const {
    const auto& all = c_.model.attention;
    return all.size() == 1 ? kAttention : fmt::format("{}.{}", kAttention, &a - all.data());
  }
  std::string causal_of(const AttentionSettings& a) const { return path_of(a) + ".causal"; }

  void imply_causal(const std::string& reason) {
    for (AttentionSettings& a : c_.model.attention) {
      if (reader_.given(causal_of(a))) continue;
      a.causal = true;
      reader_.imply(causal_of(a), reason);
    }
  }

  // Defaults that other keys decide.
  void settle_attention(AttentionSettings& a) {
    const auto unset = [&](AttentionKind kind, const char* key) { return a.kind == kind && !reader_.given(path_of(a) + key); };
    const auto imply = [&](const char* key, const std::string& reason) { reader_.imply(path_of(a) + key, reason); };
    if (unset(AttentionKind::kAdaptiveSpan, ".max_span")) {
      a.max_span = c_.data.max_length;
      imply(".max_span", "data.max_length");
    }
    const bool local = unset(AttentionKind::kLocal, ".window");
    if (local || unset(AttentionKind::kBlockSparse, ".window")) {
      a.window = {local ? 64 : 1};
      imply(".window", path_of(a) + ".kind");
    }
    if (unset(AttentionKind::kPerformer, ".features")) {
      a.features = std::max<int64_t>(1, 4 * c_.model.width / c_.model.heads);
      imply(".features", "model.width and heads");
    }
    if (unset(AttentionKind::kRouting, ".clusters")) {
      a.clusters = std::max<int64_t>(1, std::llround(std::ceil(std::sqrt(double(c_.data.max_length)))));
      imply(".clusters", "data.max_length");
    }
  }

  void check_attention(const AttentionSettings& a) {
    const std::string path = path_of(a), longest = "data.max_length";
    const size_t windows = a.window.size();
    require(windows == 1 || a.kind != AttentionKind::kBlockSparse, path + ".window", path + ".kind",
            "heads have windows of their own only in local attention, not with");
    require(windows == 1 || a.kind != AttentionKind::kLocal || windows == static_cast<size_t>(c_.model.heads), path + ".window",
            "model.heads", fmt::format("{} windows are not one for each head of", windows),
            "one number is the window of all heads");
    require(a.kind != AttentionKind::kRouting || a.clusters <= c_.data.max_length, path + ".clusters", longest,
            fmt::format("{} clusters are more than the tokens of the longest sequence;", a.clusters));
    require(a.kind != AttentionKind::kAdaptiveSpan || a.initial <= double(a.max_span), path + ".initial", path + ".max_span",
            "a head cannot start with a longer span than");
    if (a.kind != AttentionKind::kBlockSparse) return;
    // The first and the last row of blocks have the fewest neighbours, and so the most blocks to draw from.
    const int64_t blocks = (c_.data.max_length + a.block - 1) / a.block;
    const int64_t left = std::max<int64_t>(0, blocks - std::max(a.window[0] + 1, a.global / a.block));
    require(a.random <= left, path + ".random", longest,
            fmt::format("{} blocks cannot be drawn where {} are left beside the window and the global ones of the {} of",
                        a.random, left, blocks),
            fmt::format("smaller blocks are more blocks: {}.block", path));
  }

  void check_positions() {
    const PositionSettings& p = c_.model.position;
    const std::string kind = "model.position.kind", width = "model.position.width", buckets = "model.position.buckets";
    for (const AttentionSettings& a : c_.model.attention)
      if (const auto why = unfit(a, p.kind))
        require(false, kind, path_of(a) + why->key.substr(kAttention.size()), why->reason, why->instead);
    const int64_t d = c_.model.width / c_.model.heads;
    if (p.kind == PositionKind::kRotary && c_.model.width % c_.model.heads == 0) {
      require(p.width > 0 || d % 2 == 0, kind, "model.heads", fmt::format("pairs of numbers turn, and a head has {} with", d),
              "give `width:`, an even number, or other heads");
      require(p.width <= d, width, "model.heads",
              fmt::format("{} numbers are more than the {} that a head has with", p.width, d));
    }
    require(p.width % 2 == 0, width, kind, fmt::format("{} numbers are not pairs, which turn with", p.width));
    if (p.kind != PositionKind::kT5Bias) return;
    require(p.buckets % 2 == 0, buckets, kind, fmt::format("{} have no half for either direction, as there is with", p.buckets));
    require(p.max_distance > p.buckets / 4, "model.position.max_distance", buckets,
            fmt::format("{} is within the distances that have a bucket each with", p.max_distance),
            fmt::format("it must be more than {}, a quarter of them", p.buckets / 4));
  }

  void check_tokenizer() {
    const TokenizerSettings& t = c_.tokenizer;
    const std::string kind = "tokenizer.kind", file = "tokenizer.file";
    require(t.kind != TokenizerKind::kBytePair || t.vocabulary_size >= 260, "tokenizer.vocabulary_size", kind,
            fmt::format("{} tokens are fewer than the 4 special ones and the 256 bytes of", t.vocabulary_size));
    if (t.file.empty()) return;
    // Defaults stand in config.resolved.yaml.
    const std::string help = "leave it out";
    require(t.vocabulary_size == TokenizerSettings().vocabulary_size, "tokenizer.vocabulary_size", file,
            "nothing is learned with", help);
    require(t.min_count == 1, "tokenizer.min_count", file, "nothing is learned with", help);
    if (!t.file.ends_with(".json")) return;
    for (const auto& [key, set] :
         {std::pair{"tokenizer.lowercase", t.lowercase}, {"tokenizer.strip_accents", t.strip_accents}, {"tokenizer.nfc", t.nfc}})
      require(!set, key, file, "it is a part of", help);
  }

  void check_drawn() {
    const DataSettings& d = c_.data;
    const std::string size = "data.vocabulary_size", length = "data.length", max_length = "data.max_length";
    if (d.kind == DataKind::kRandom) {
      require(
          d.vocabulary_size > Tokenizer::kSpecialCount, size, "data.kind",
          fmt::format("{} leaves no word beside the {} special tokens with", d.vocabulary_size, int{Tokenizer::kSpecialCount}));
      require(d.length <= d.max_length, length, max_length, fmt::format("{} tokens are more than", d.length));
    }
    if (d.kind != DataKind::kTask) return;
    if (const auto mistake = task_mistake(d)) require(false, mistake->key, mistake->other, mistake->message);
    require(longest_sequence() <= d.max_length, max_length, length,
            fmt::format("sequences of a task cannot be cut, and they have up to {} tokens with", longest_sequence()));
    for (const AttentionSettings& a : c_.model.attention)
      require(d.task != TaskKind::kInduction || a.causal, causal_of(a), "data.task",
              "a token that sees the next one has nothing to look up; it must be true for");
  }

  void check_files() {
    const DataSettings& d = c_.data;
    const bool classifies = c_.head(ObjectiveKind::kSequenceClassification) != nullptr;
    bool columns = false;
    for (const auto& [path, files, beside] : {std::tuple{"data.train", &d.train, &d.train_beside},
                                              {"data.validation", &d.validation.path, &d.validation.beside},
                                              {"data.test", &d.test.path, &d.test.beside}}) {
      const bool parallel = !beside->tags.empty();
      columns = columns || (!files->empty() && !parallel);
      require(!parallel || d.kind == DataKind::kTagged, path, "data.kind", "only data of kind `tagged` have parallel files, not");
      require(d.kind != DataKind::kTagged || files->empty() || !classifies || d.train_beside.labels.empty() ||
                  !beside->labels.empty(),
              path, "data.train", "has no `labels:`, which the classifier needs as in");
    }
    for (const char* column : {"data.columns.token", "data.columns.tag"})
      require(columns || !reader_.given(column) || d.kind != DataKind::kTagged, column, "data.train",
              "parallel files have no columns:");
    require(d.kind != DataKind::kTagged || !columns || d.token_column != d.tag_column, "data.columns.tag", "data.columns.token",
            "a word is not its own tag; it must be another column than");
  }

  void check_table() {
    const DataSettings& d = c_.data;
    if (d.kind != DataKind::kTable) return;
    const std::string label = "data.label";
    for (const ObjectiveSettings& o : c_.objectives) {
      const bool several = o.kind == ObjectiveKind::kMultiLabelClassification;
      require(!d.label.empty() ||
                  !(several || o.kind == ObjectiveKind::kSequenceClassification || o.kind == ObjectiveKind::kRegression),
              label, kind_of(o), "there is no column to learn from;", "`label:` names it");
    }
    require(d.label.empty() || std::find(d.text.begin(), d.text.end(), d.label) == d.text.end(), label, "data.text",
            "the model would read its own answer, since the same column stands in");
    require(d.label_separator.empty() || c_.head(ObjectiveKind::kMultiLabelClassification), "data.label_separator",
            kind_of(c_.objectives.front()), "rows have several labels only for multi_label_classification, not with");
    require(!d.pairs() || c_.model.token_types != 1, "model.token_types", "data.text",
            "1 is too few: two texts have the types 0 and 1; see");
  }

  void check_objective(const ObjectiveSettings& o) {
    const std::string kind = kind_of(o);
    if (c_.data.kind == DataKind::kTask) {
      const bool labels = c_.data.task == TaskKind::kMajority;
      require(offers(c_.data, o.kind), kind, "data.task", fmt::format("{} does not learn the answers of", name_of(o.kind)),
              labels ? "they are labels of sequences: `sequence_classification`" : "they are tags: `token_classification`");
    } else {
      const auto [what, help] = needs(o.kind);
      require(offers(c_.data, o.kind), kind, "data.kind", fmt::format("{} {}, and there are none in", name_of(o.kind), what),
              help);
    }
    for (const AttentionSettings& a : c_.model.attention)
      require(o.kind != ObjectiveKind::kCausalLm || a.causal, causal_of(a), kind,
              "a model that sees the next token cannot learn to predict it; it must be true for");
    if (!c_.model.causal()) return;
    const std::string causal = causal_of(c_.model.attention[0]);
    require(!(pools(o) && o.pooling == Pooling::kCls), path_of(o) + ".pooling", causal, "[CLS] in front sees only itself with",
            "`pooling: mean` works with causal attention");
    if (o.kind == ObjectiveKind::kMaskedLm && reader_.given(causal))
      reader_.diagnostics().warn(reader_.place(causal),
                                 fmt::format("{}: masked tokens are guessed from the words before them only", causal));
  }

  // Two heads of one kind would have parameters of the same name, and a masked text has no next word to learn.
  void check_heads() {
    for (size_t k = 0; k < c_.objectives.size(); ++k)
      for (size_t j = 0; j < k; ++j) {
        const ObjectiveSettings &a = c_.objectives[j], &b = c_.objectives[k];
        require(a.kind != b.kind, kind_of(b), kind_of(a), "a kind of head may stand there once, and there is already");
        const auto is = [&](ObjectiveKind x, ObjectiveKind y) {
          return (a.kind == x && b.kind == y) || (a.kind == y && b.kind == x);
        };
        const bool share = is(ObjectiveKind::kSequenceClassification, ObjectiveKind::kMultiLabelClassification);
        require(!share || a.classes == b.classes, path_of(b) + ".classes", path_of(a) + ".classes",
                "both heads name the labels of one corpus, so it must be the same as");
        require(!is(ObjectiveKind::kMaskedLm, ObjectiveKind::kCausalLm), kind_of(b), kind_of(a),
                "the next token cannot be learnt from a text with masks; it does not go with");
      }
  }

  void check_metric() {
    const std::string& metric = c_.evaluation.metric;
    const size_t dot = metric.find('.');
    const std::string head = metric.substr(0, dot == std::string::npos ? 0 : dot), name = metric.substr(dot + 1);
    std::vector<std::string> measured;
    for (const ObjectiveSettings& o : c_.objectives) {
      const auto names = metric_names(o.kind);
      if ((head.empty() || head == name_of(o.kind)) && std::find(names.begin(), names.end(), name) != names.end())
        measured.push_back(fmt::format("{}.{}", name_of(o.kind), name));
    }
    if (measured.empty())
      require(false, "evaluation.metric", kind_of(c_.objectives.front()), fmt::format("{} does not exist for", metric));
    if (measured.size() > 1 && metric != "loss" && !reader_.bad("evaluation.metric"))
      reader_.diagnostics().error(reader_.place("evaluation.metric"),
                                  fmt::format("evaluation.metric: {} is measured of several heads", metric),
                                  fmt::format("one of {} says which", list_text(measured, "and")));
  }

  // Two keys of which one is meant; what stands in a later source replaces the other, and the first may not be missing for ever.
  void alternatives(const std::string& first, const std::string& second, bool needed) {
    if (!reader_.given(first) && !reader_.given(second)) {
      if (needed && !reader_.bad(first) && !reader_.bad(second))
        reader_.diagnostics().error(reader_.place("training"), "training.steps or training.epochs is missing",
                                    "how long to train: `steps: 1000`, or `epochs: 10`");
      return;
    }
    if (reader_.bad(first) || reader_.bad(second)) return;
    if (reader_.given(first) && reader_.given(second) && reader_.source(first) == reader_.source(second)) {
      const Mark a = reader_.place(first), b = reader_.place(second);
      const bool swapped = a.begin > b.begin;
      reader_.diagnostics().error(
          swapped ? a : b,
          fmt::format("{}: cannot stand beside {}", swapped ? first : second, reader_.setting(swapped ? second : first)),
          "keep one of them");
      return;
    }
    const std::string& loser = reader_.source(first) > reader_.source(second) ? second : first;
    if (loser == "training.batch_size") {
      reader_.forget(loser);
      c_.training.batch_size = 0;
    } else if (reader_.given(loser)) {
      reader_.forget(loser);
    }
  }

  // Keys without a meaning are refused, unless an override took their meaning away; needed ones must be there.
  void conditions(Key& section) {
    for (const auto& child : section.children) {
      if (const Condition* unmet = unmet_condition(reader_.root(), *child)) {
        if (reader_.given(child->path) && known(decider(*unmet)) && !reader_.bad(child->path))
          in_shorthand(section, *child) ? leave_out(*child, *unmet) : meaningless(*child, *unmet);
        continue;
      }
      const auto& all = child->conditions;
      if (child->needed && !reader_.given(child->path) && !reader_.bad(child->path) &&
          std::all_of(all.begin(), all.end(), [&](const Condition& condition) { return known(decider(condition)); }))
        reader_.diagnostics().error(
            reader_.place(child->path),
            fmt::format("{} is missing{}", child->path,
                        all.empty() ? "" : fmt::format("; {} needs it", reader_.setting(decider(all.back())))),
            fmt::format("give it {}: {}", child->value->expected(), child->summary));
      conditions(*child);
    }
  }

  // The key that a condition looks at: of a list, the last one that was set.
  const std::string& decider(const Condition& condition) const {
    const auto keys = reader_.root().find_all(condition.key);
    const auto earlier = [&](const Key* a, const Key* b) { return reader_.source(a->path) < reader_.source(b->path); };
    return (*std::max_element(keys.begin(), keys.end(), earlier))->path;
  }

  bool known(const std::string& path) const {
    return !reader_.bad(path) && (reader_.given(path) || !reader_.root().find(path)->needed);
  }

  void meaningless(Key& key, const Condition& unmet) {
    if (reader_.source(decider(unmet)) <= reader_.source(key.path)) {
      reader_.diagnostics().error(reader_.place(key.path),
                                  fmt::format("{}: has no meaning with {}", key.path, reader_.setting(decider(unmet))),
                                  fmt::format("it belongs to `{}:` {}", unmet.key, list_text(unmet.values, "or")));
      return;
    }
    leave_out(key, unmet);
  }

  void leave_out(Key& key, const Condition& unmet) {
    const Mark at = reader_.place(key.path);
    const std::string said = key.value ? key.value->write({}) : "";
    reader_.forget(key.path);
    for_each_key(key, [&](const Key& below) { reader_.forget(below.path); });
    if (!key.value || key.value->write({}) != said)  // nothing is lost with a default
      reader_.diagnostics().warn(
          at, fmt::format("{}: left out, since it has no meaning with {}", key.path, reader_.setting(decider(unmet))));
  }

  // Set beside others by one bare value: `dropout: 0.1`.
  bool in_shorthand(const Key& section, const Key& key) const {
    const Mark whole = reader_.place(section.path), its = reader_.place(key.path);
    return section.shorthand.size() > 1 && reader_.given(section.path) && its.source == whole.source && its.begin == whole.begin;
  }

  // The message ends with the other setting and its place; the error points at the one of the two that is given, `at` first.
  void require(bool holds, const std::string& at, const std::string& other, const std::string& message,
               const std::string& help = {}) {
    if (holds || !known(at) || !known(other)) return;
    reader_.diagnostics().error(reader_.place(reader_.given(at) ? at : other),
                                fmt::format("{}: {} {}", at, message, reader_.setting(other)), help);
  }

  Reader& reader_;
  Config& c_;
};

}  // namespace

void settle(Reader& reader, Config& config) { Rules(reader, config).settle(); }

void check_rules(Reader& reader, Config& config) { Rules(reader, config).check(); }

}  // namespace vitrine
