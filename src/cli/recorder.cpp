#include "cli/recorder.h"

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "cli/text_model.h"
#include "inspect/terminal_text.h"

namespace vitrine {
namespace {

TokenKind kind_of(int32_t id) {
  return id == Tokenizer::kMask ? TokenKind::kMasked : id < Tokenizer::kSpecialCount ? TokenKind::kSpecial : TokenKind::kNormal;
}

RecordedSentence shown(std::span<const int32_t> ids, const Tokenizer& tokenizer) {
  RecordedSentence s;
  for (const int32_t id : ids) {
    s.shown.tokens.push_back(printable(tokenizer.token(id)));
    s.kinds.push_back(kind_of(id));
  }
  s.words = words_of(tokenizer, ids);
  if (std::count(ids.begin(), ids.end(), Tokenizer::kMask) == 1)
    s.shown.target = std::find(ids.begin(), ids.end(), Tokenizer::kMask) - ids.begin();
  return s;
}

}  // namespace

SentenceReader::SentenceReader(const Config& config, const Tokenizer& tokenizer, const Names& names)
    : config_(config), tokenizer_(tokenizer), names_(names) {}

void SentenceReader::add_text(const std::string& text, bool cut) {
  int64_t tokens = 0;
  const std::vector<Piece> pieces = pieces_of(config_, tokenizer_, text, cut ? &tokens : nullptr);
  const int64_t first = batch_.size();
  append_text(batch_, text, pieces, config_, std::ssize(names_.labels));
  RecordedSentence s = shown(std::span(batch_.tokens).subspan(static_cast<size_t>(first)), tokenizer_);
  std::vector<std::string> unknown;
  for (const Piece& piece : pieces)
    if (piece.id == Tokenizer::kUnknown)
      unknown.push_back("'" + printable(text.substr(piece.begin, piece.end - piece.begin)) + "'");
  if (!unknown.empty())
    s.note = fmt::format("{} {} not occur in the training text and {} read as [UNK].", fmt::join(unknown, ", "),
                         unknown.size() == 1 ? "does" : "do", unknown.size() == 1 ? "is" : "are");
  if (tokens > 0)
    s.note += fmt::format("{}Cut to {} of its {} tokens: this model was trained on no more.", s.note.empty() ? "" : " ",
                          s.shown.tokens.size(), tokens);
  sentences_.push_back(std::move(s));
}

void SentenceReader::add_tokens(std::span<const int32_t> ids) {
  const int64_t first = batch_.size();
  append_tokens(batch_, ids, {}, config_, std::ssize(names_.labels));
  if (batch_.size() - first > config_.data.max_length)
    fail(ErrorKind::kConfig, "a sentence has {} tokens; '{}' was trained on at most {} (data.max_length)", batch_.size() - first,
         config_.run.name, config_.data.max_length);
  sentences_.push_back(shown(std::span(batch_.tokens).subspan(static_cast<size_t>(first)), tokenizer_));
}

void SentenceReader::add_samples(const std::string& split, int64_t count) {
  const Dataset& data = *session_->corpus.split(split);
  const size_t classes = session_->corpus.link_classes.size();
  if (classes == 0) {
    for (int64_t i = 0; i < std::min(count, data.size()); ++i) add_sample(split, i);
    return;
  }
  std::vector<std::vector<int64_t>> of_class(classes);  // the first sequences that carry a link of it
  const auto wanted = static_cast<size_t>((count + std::ssize(of_class) - 1) / std::ssize(of_class));
  const auto lacks = [&](const std::vector<int64_t>& c) { return c.size() < wanted; };
  for (int64_t i = 0; i < data.size() && std::any_of(of_class.begin(), of_class.end(), lacks); ++i)
    if (const std::vector<Link> links = data.links(i); !links.empty())
      if (auto& c = of_class[static_cast<size_t>(links.front().link_class)]; lacks(c)) c.push_back(i);
  for (size_t k = 0; k < wanted; ++k)
    for (const auto& c : of_class)
      if (k < c.size() && count-- > 0) add_sample(split, c[k]);
}

void SentenceReader::add_sample(const std::string& split, int64_t index) {
  const Session& s = *session_;
  split_ = s.corpus.split(split);
  Example example;
  split_->read(index, example);
  const int64_t first = batch_.size();
  s.collator->append(batch_, example, index, kEvaluationEpoch);
  RecordedSentence out = shown(std::span(batch_.tokens).subspan(static_cast<size_t>(first)), tokenizer_);
  const std::vector<Link> links = split_->links(index);
  if (!links.empty() && linked_objective(s.corpus, s.targets)) {
    const Link& link = links.front();
    const LinkClass& c = s.corpus.link_classes[static_cast<size_t>(link.link_class)];
    out.shown.target = link.target + s.collator->extra();
    for (const int32_t source : link.sources) out.shown.sources.push_back(source + s.collator->extra());
    const int64_t keys = s.config.model.causal() ? out.shown.target + 1 : std::ssize(out.shown.tokens);
    out.link = {c.name, c.values[static_cast<size_t>(link.value)], c.values[static_cast<size_t>(link.pair_value)],
                printable(tokenizer_.decode(link.pair)), static_cast<double>(link.sources.size()) / static_cast<double>(keys)};
    linked_.emplace_back(sentences_.size(), index);
  }
  sentences_.push_back(std::move(out));
}

std::vector<SentenceRecord> SentenceReader::read(const SafeTensors& parameters) {
  std::vector<AttentionMaps> maps;
  int64_t longest = 0;
  for (int64_t b = 0; b < batch_.sequence_count(); ++b) {
    maps.emplace_back(config_.model.layers, config_.model.heads, batch_.length(b));
    longest = std::max(longest, batch_.length(b));
  }
  if (!engine_) {
    for (size_t k = 0; k < config_.objectives.size(); ++k) {  // of tokens nothing is asked; a whole sequence is always answered
      const ObjectiveKind kind = config_.objectives[k].kind;
      if (kind == ObjectiveKind::kMaskedLm || kind == ObjectiveKind::kCausalLm || kind == ObjectiveKind::kTokenClassification)
        batch_.targets[k].clear();
    }
    engine_ = make_engine(config_.run.precision,
                          for_reading(engine_settings_of(config_, tokenizer_.size(), names_, 1, longest), longest));
  }
  engine_->set_parameters(parameters);
  AttentionRecorder recorder(maps);
  ForwardResult result;
  engine_->forward(batch_, result, Want::kLosses, &recorder);
  std::vector<SentenceRecord> out;
  for (AttentionMaps& m : maps) out.push_back({std::move(m), {}});
  if (linked_.empty()) return out;
  std::vector<int64_t> sequences;
  for (const auto& [sentence, sequence] : linked_) sequences.push_back(sequence);
  std::vector<LinkMove> moves = measure_moves(*engine_, config_.model, session_->corpus, *split_, *session_->collator, sequences);
  for (size_t m = 0; m < moves.size(); ++m) out[linked_[m].first].move = std::move(moves[m]);
  return out;
}

std::vector<int32_t> ids_of(const RecordedSentence& s, const Tokenizer& tokenizer) {
  std::vector<int32_t> ids;
  for (const std::string& token : s.shown.tokens) ids.push_back(tokenizer.find(token));
  if (ids[0] == Tokenizer::kCls) ids.erase(ids.begin());
  return ids;
}

void add_sentences(SentenceReader& reader, const Session& session) {
  for (const std::string& text : session.config.inspect.sentences) reader.add_text(text);
  reader.add_samples(session.corpus.validation ? "validation" : "train", session.config.inspect.samples);
}

void RecordingReporter::begin(int64_t step) {
  if (recording_.steps().empty()) record(step);
}

void RecordingReporter::record(int64_t step) {
  const std::vector<int64_t> done = recording_.steps();
  if (failed_ || std::binary_search(done.begin(), done.end(), step)) return;
  try {
    recording_.write(step, reader_.read({engine_.parameters(), {}}));
  } catch (const Error& error) {
    failed_ = true;
    log_warning("no attention is recorded from step {} on: {}", step, error.what());
  }
}

void RecordingReporter::step(const Step& step) {
  if (step.step % every_ == 0) record(step.step);
  next_.step(step);
}

}  // namespace vitrine
