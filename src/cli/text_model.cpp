#include "cli/text_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <thread>

#include "base/error.h"
#include "data/pairs.h"
#include "inspect/terminal_text.h"

namespace vitrine {
namespace {

// Without gradients to keep, 192 tokens lose nothing to 512, and leave more of a core's caches to the weights.
constexpr int64_t kMicroBatch = 192;

bool names_tokens(ObjectiveKind kind) { return kind == ObjectiveKind::kMaskedLm || kind == ObjectiveKind::kCausalLm; }

int threads_of(const Config& config) {
  return config.run.threads > 0 ? static_cast<int>(config.run.threads)
                                : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// A run that lacks the names of its classes cannot say them.
void check_names(const Run& run, const Names& names) {
  for (const ObjectiveSettings& o : run.config.objectives) {
    const bool tags = o.kind == ObjectiveKind::kTokenClassification;
    if (names_tokens(o.kind) || o.kind == ObjectiveKind::kRegression || !(tags ? names.tags : names.labels).empty()) continue;
    fail(ErrorKind::kCheckpoint, "'{}' is not complete: labels.json names no {}", run.directory.path(), tags ? "tags" : "labels");
  }
}

}  // namespace

EngineSettings for_reading(EngineSettings settings, int64_t longest) {
  for (ObjectiveSettings& o : settings.objectives) o.rate = 1, o.label_smoothing = 0;
  for (std::vector<double>& weights : settings.class_weights) weights.clear();
  settings.shortest = 1;
  settings.longest = std::max(settings.longest, longest);
  settings.batch_tokens = std::max(settings.batch_tokens, longest);
  settings.training.lanes = 1;
  return settings;
}

bool encode_pair(std::string_view line, const Encode& encode, int64_t limit, std::vector<Piece>& out, bool& cut) {
  const size_t tab = line.find('\t');
  if (tab == line.npos || line.find('\t', tab + 1) != line.npos) return false;
  std::vector<Piece> a, b;
  encode(line.substr(0, tab), a);
  encode(line.substr(tab + 1), b);
  if (a.empty() || b.empty()) return false;
  cut = std::ssize(a) + std::ssize(b) + 2 > limit;
  join_pair(a, b, tab, limit, out);
  return true;
}

std::vector<Piece> pieces_of(const Config& config, const Tokenizer& tokenizer, const std::string& text, int64_t* cut) {
  const auto encode = [&](std::string_view part, std::vector<Piece>& out) { out = tokenizer.encode_with_masks(part); };
  std::vector<Piece> pieces;
  bool shortened = false;
  if (!config.data.pairs())
    encode(text, pieces);
  else if (!encode_pair(text, encode, Tokenizer::kNoLimit, pieces, shortened))
    fail(ErrorKind::kConfig, "'{}': {}", printable(text), kPairsExpected);
  if (pieces.empty()) fail(ErrorKind::kConfig, "the text '{}' holds no token", printable(text));
  const int64_t extra = prepends_cls(targets_of(config)) ? 1 : 0, limit = config.data.max_length;
  if (std::ssize(pieces) + extra <= limit) return pieces;
  if (cut == nullptr)
    fail(ErrorKind::kConfig, "the text has {} tokens; this model was trained on at most {} (data.max_length)",
         std::ssize(pieces) + extra, limit);
  *cut = std::ssize(pieces) + extra;
  pieces.resize(static_cast<size_t>(limit - extra));
  if (config.data.pairs()) pieces.clear(), encode_pair(text, encode, limit - extra, pieces, shortened);
  return pieces;
}

void append_text(Batch& batch, std::string_view text, const std::vector<Piece>& pieces, const Config& config, int64_t labels) {
  std::vector<int32_t> ids, types;
  for (const Piece& piece : pieces) ids.push_back(piece.id);
  if (config.data.pairs()) types_of_pair(pieces, text.find('\t'), types);
  append_tokens(batch, ids, types, config, labels);
}

void append_tokens(Batch& batch, std::span<const int32_t> ids, std::span<const int32_t> types, const Config& config,
                   int64_t labels) {
  const auto first = static_cast<int32_t>(batch.size());
  const bool cls = prepends_cls(targets_of(config));
  if (cls) batch.tokens.push_back(Tokenizer::kCls);
  batch.tokens.insert(batch.tokens.end(), ids.begin(), ids.end());
  if (cls && !types.empty()) batch.types.push_back(0);
  batch.types.insert(batch.types.end(), types.begin(), types.end());
  batch.sequences.push_back(batch.sequence_count());
  batch.offsets.push_back(batch.size());
  batch.targets.resize(config.objectives.size());
  for (size_t k = 0; k < batch.targets.size(); ++k) {
    const ObjectiveKind kind = config.objectives[k].kind;
    Targets& targets = batch.targets[k];
    if (names_tokens(kind) || kind == ObjectiveKind::kTokenClassification) {
      const int32_t from = first + (cls && kind == ObjectiveKind::kTokenClassification ? 1 : 0);
      for (int32_t row = from; row < batch.size(); ++row)
        if (kind != ObjectiveKind::kMaskedLm || batch.tokens[static_cast<size_t>(row)] == Tokenizer::kMask)
          targets.rows.push_back(row), targets.classes.push_back(-1);
      continue;
    }
    targets.classes.push_back(-1);
    const int64_t values = kind == ObjectiveKind::kRegression ? 1 : kind == ObjectiveKind::kSequenceClassification ? 0 : labels;
    targets.values.resize(targets.values.size() + static_cast<size_t>(values));
  }
}

std::vector<double> probabilities(std::span<const double> z, ObjectiveKind kind) {
  std::vector<double> p(z.begin(), z.end());
  if (kind == ObjectiveKind::kMultiLabelClassification) {
    for (double& x : p) x = 1 / (1 + std::exp(-x));
    return p;
  }
  const double most = *std::max_element(z.begin(), z.end());
  double sum = 0;
  for (double& x : p) sum += x = std::exp(x - most);
  for (double& x : p) x /= sum;
  return p;
}

std::vector<size_t> largest(const std::vector<double>& values, size_t most) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const size_t n = std::min(most, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n), order.end(),
                    [&](size_t a, size_t b) { return values[a] != values[b] ? values[a] > values[b] : a < b; });
  order.resize(n);
  return order;
}

std::vector<std::string> class_names(ObjectiveKind kind, const Tokenizer& tokenizer, const Names& names) {
  if (kind == ObjectiveKind::kTokenClassification) return names.tags;
  if (!names_tokens(kind)) return names.labels;
  std::vector<std::string> tokens;
  for (int64_t id = 0; id < tokenizer.size(); ++id) tokens.emplace_back(tokenizer.token(static_cast<int32_t>(id)));
  return tokens;
}

TextModel::TextModel(const Run& run, int64_t batch_tokens) : run_(run), workers_(threads_of(run.config)) {
  check_names(run, names());
  const int64_t longest = run.config.data.max_length;
  limit_ = longest - (prepends_cls(targets_of(run.config)) ? 1 : 0);
  EngineSettings settings = for_reading(engine_settings_of(run.config, tokenizer().size(), names(), 1, longest), longest);
  settings.training.lanes = settings.threads = workers_.threads();
  settings.training.micro_batch = kMicroBatch;
  settings.batch_tokens = std::max(batch_tokens, longest);
  settings.batch_sequences = settings.batch_tokens;
  settings.optimizer = {.kind = OptimizerKind::kSgd, .momentum = 0};  // that remembers nothing
  classes_ = settings.classes;
  engine_ = make_engine(run.config.run.precision, settings);
  engine_->set_parameters(run.checkpoint.model);
}

bool TextModel::has(ObjectiveKind kind) const { return run_.config.head(kind) != nullptr; }

bool TextModel::encode(std::string_view text, std::vector<Piece>& out, bool& cut) const {
  const auto all = [this](std::string_view part, std::vector<Piece>& to) {
    if (!has(ObjectiveKind::kMaskedLm)) return tokenizer().encode(part, to);
    const std::vector<Piece> pieces = tokenizer().encode_with_masks(part);
    to.insert(to.end(), pieces.begin(), pieces.end());
  };
  if (run_.config.data.pairs() && !text.empty()) return encode_pair(text, all, limit_, out, cut);
  all(text, out);
  cut = std::ssize(out) > limit_;
  if (cut) out.resize(static_cast<size_t>(limit_));
  return true;
}

void TextModel::append(Batch& batch, std::string_view text, const std::vector<Piece>& pieces) const {
  append_text(batch, text, pieces, run_.config, std::ssize(run_.learned.labels));
}

void TextModel::append(Batch& batch, std::span<const int32_t> ids) const {
  append_tokens(batch, ids, {}, run_.config, std::ssize(run_.learned.labels));
}

void TextModel::share(int64_t n, const std::function<void(int64_t, int64_t)>& f) {
  constexpr int64_t kPart = 64;
  workers_.run((n + kPart - 1) / kPart, [&](int64_t i) { f(i * kPart, std::min(n, (i + 1) * kPart)); });
}

}  // namespace vitrine
