#pragma once
#include <memory>
#include <string>
#include <vector>

#include "cli/session.h"
#include "inspect/recording.h"
#include "train/trainer.h"

namespace vitrine {

// Sentences in an engine of their own: what it reads, and how often, changes nothing of a training beside it.
class SentenceReader {
 public:
  // Without a corpus only texts can be added. `config`, `tokenizer` and what `names` refers to must outlive it.
  SentenceReader(const Config& config, const Tokenizer& tokenizer, const Names& names);
  explicit SentenceReader(const Session& session) : SentenceReader(session.config, *session.corpus.tokenizer, session.names()) {
    session_ = &session;
  }

  // Typed text: [MASK] is a word to guess; a word that is not known becomes a note, and with `cut` so does what is left of a text with too
  // many tokens. Error{kConfig}: no token, or else too many.
  void add_text(const std::string& text, bool cut = false);
  void add_tokens(std::span<const int32_t> ids);  // without [CLS]; Error{kConfig}: too many
  // Sequences of a split as evaluation sees them: where there are links, of each class one in turn, else the first ones.
  void add_samples(const std::string& split, int64_t count);
  void add_sample(const std::string& split, int64_t index);  // counted from 0
  const std::vector<RecordedSentence>& sentences() const { return sentences_; }

  std::vector<SentenceRecord> read(const SafeTensors& parameters);

 private:
  const Config& config_;
  const Tokenizer& tokenizer_;
  Names names_;
  const Session* session_ = nullptr;
  std::vector<RecordedSentence> sentences_;
  Batch batch_;                                     // of its tokens nothing is asked
  std::vector<std::pair<size_t, int64_t>> linked_;  // of which sentence, sequence of the split
  const Dataset* split_ = nullptr;
  std::unique_ptr<Engine> engine_;
};

// The tokens of a sentence as another tokenizer knows them, [UNK] where it does not, without the [CLS] at its front.
std::vector<int32_t> ids_of(const RecordedSentence& sentence, const Tokenizer& tokenizer);

// Those of `inspect:`.
void add_sentences(SentenceReader& reader, const Session& session);

// Passes everything on, and records after every `inspect.every` steps. What cannot be written ends the recording, not the training.
class RecordingReporter : public Reporter {
 public:
  RecordingReporter(Reporter& next, const Engine& engine, SentenceReader reader, Recording recording, int64_t every)
      : next_(next), engine_(engine), reader_(std::move(reader)), recording_(std::move(recording)), every_(every) {}

  void begin(int64_t step);   // a recording that holds nothing yet begins with what the model is then
  void record(int64_t step);  // unless it is recorded already
  void step(const Step& step) override;
  void log(const TrainingLog& log) override { next_.log(log); }
  void evaluated(int64_t step, const Evaluation& evaluation, bool best) override { next_.evaluated(step, evaluation, best); }
  void saved(int64_t step) override { next_.saved(step); }

 private:
  Reporter& next_;
  const Engine& engine_;
  SentenceReader reader_;
  Recording recording_;
  int64_t every_;
  bool failed_ = false;
};

}  // namespace vitrine
