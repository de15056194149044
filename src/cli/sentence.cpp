#include "cli/sentence.h"

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "cli/text_model.h"

namespace vitrine {
namespace {

// A split of one sequence.
class OneExample : public Dataset {
 public:
  OneExample(const Dataset& data, int64_t index) : data_(data), index_(index) {}
  int64_t size() const override { return 1; }
  int64_t length(int64_t) const override { return data_.length(index_); }
  void read(int64_t, Example& out, int64_t) const override { data_.read(index_, out); }
  std::vector<Link> links(int64_t) const override { return data_.links(index_); }

 private:
  const Dataset& data_;
  int64_t index_;
};

void read_predictions(std::vector<Prediction>& out, const Targets& targets, const HeadResult& result, ObjectiveKind kind,
                      const std::vector<std::string>& classes, const ValueScale& scale, size_t answers) {
  const auto C = static_cast<size_t>(result.classes);
  const bool last_only = kind == ObjectiveKind::kCausalLm;
  for (size_t m = last_only && !targets.classes.empty() ? targets.classes.size() - 1 : 0; m < targets.classes.size(); ++m) {
    Prediction& p = out.emplace_back();
    p.kind = kind;
    p.position = targets.rows.empty() ? -1 : targets.rows[m];
    if (kind == ObjectiveKind::kRegression) {
      const auto text = [&](double value) { return fmt::format("{:.6g}", scale.mean + scale.deviation * value); };
      if (targets.classes[m] >= 0) p.truth = text(targets.values[m]);
      p.best.push_back({text(result.logits[m]), 1});
      continue;
    }
    const bool several = kind == ObjectiveKind::kMultiLabelClassification;
    if (targets.classes[m] >= 0 && !several) p.truth = classes[static_cast<size_t>(targets.classes[m])];
    const std::vector<double> probability = probabilities(std::span(result.logits).subspan(m * C, C), kind);
    for (const size_t c : largest(probability, answers)) p.best.push_back({classes[c], probability[c]});
  }
}

SentenceView view(Engine& engine, const Config& config, const Batch& batch, const Tokenizer& tokenizer, const Names& names,
                  const ValueScale& scale, size_t answers) {
  SentenceView v;
  for (int32_t id : batch.tokens) v.shown.tokens.emplace_back(tokenizer.token(id));
  v.maps = AttentionMaps(config.model.layers, config.model.heads, batch.size());
  AttentionRecorder recorder(v.maps);
  ForwardResult result;
  engine.forward(batch, result, Want::kLogits, &recorder);
  for (size_t k = 0; k < result.size(); ++k) {
    const ObjectiveKind kind = config.objectives[k].kind;
    read_predictions(v.predictions, batch.targets[k], result[k], kind, class_names(kind, tokenizer, names), scale, answers);
  }
  if (config.objectives[0].kind == ObjectiveKind::kMaskedLm && v.predictions.size() == 1)
    v.shown.target = v.predictions[0].position;
  return v;
}

}  // namespace

SentenceView view_text(const Run& run, const std::string& text, size_t answers) {
  const Tokenizer& tokenizer = *run.learned.tokenizer;
  const std::vector<Piece> pieces = pieces_of(run.config, tokenizer, text);
  for (const Piece& piece : pieces) {
    if (piece.id == Tokenizer::kUnknown)
      log_warning("'{}' does not occur in the training text and is read as [UNK]",
                  printable(text.substr(piece.begin, piece.end - piece.begin)));
  }
  const Names names{run.learned.labels, run.learned.tags};
  Batch batch;
  append_text(batch, text, pieces, run.config, std::ssize(names.labels));
  const EngineSettings settings =
      for_reading(engine_settings_of(run.config, tokenizer.size(), names, batch.size(), batch.size()), batch.size());
  const std::unique_ptr<Engine> engine = make_engine(run.config.run.precision, settings);
  engine->set_parameters(run.checkpoint.model);
  return view(*engine, run.config, batch, tokenizer, names, run.learned.scale.value_or(ValueScale()), answers);
}

SentenceView view_sample(const Session& s, const LoadedCheckpoint& checkpoint, const std::string& split, int64_t number,
                         size_t answers) {
  const Dataset* data = s.corpus.split(split);
  if (data == nullptr) fail(ErrorKind::kConfig, "--split: this corpus has no {} split", split);
  if (number < 1 || number > data->size())
    fail(ErrorKind::kConfig, "--sample {}: the {} split has sequences 1 to {}", number, split, data->size());
  const OneExample one(*data, number - 1);
  Example example;
  one.read(0, example, 0);
  Batch batch;
  s.collator->append(batch, example, number - 1, kEvaluationEpoch);
  s.collator->finish(batch);
  const EngineSettings settings = for_reading(s.engine, batch.size());
  const std::unique_ptr<Engine> untrained = make_engine(s.config.run.precision, settings);
  const std::unique_ptr<Engine> engine = make_engine(s.config.run.precision, settings);
  engine->set_parameters(checkpoint.model);
  SentenceView v = view(*engine, s.config, batch, *s.corpus.tokenizer, s.names(), s.corpus.scale.value_or(ValueScale()), answers);
  const std::vector<Link> links = one.links(0);
  if (links.empty() || !linked_objective(s.corpus, s.targets)) return v;
  const Link& link = links.front();
  const auto k = static_cast<size_t>(link.link_class);
  const LinkClass& link_class = s.corpus.link_classes[k];
  v.shown.target = link.target + s.collator->extra();
  for (int32_t source : link.sources) v.shown.sources.push_back(source + s.collator->extra());
  LinkTestOptions options;
  options.most = 1;
  SentenceLink& out = v.link.emplace();
  out.name = link_class.name;
  out.value = link_class.values[static_cast<size_t>(link.value)];
  out.pair_value = link_class.values[static_cast<size_t>(link.pair_value)];
  out.pair = s.corpus.tokenizer->decode(link.pair);
  out.measure = measure_links(*engine, s.config.model, s.corpus, one, *s.collator, options)[k];
  options.effects = false;
  out.untrained = measure_links(*untrained, s.config.model, s.corpus, one, *s.collator, options)[k];
  return v;
}

}  // namespace vitrine
