#pragma once
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "data/dataset.h"
#include "data/loader.h"
#include "train/checkpoint.h"
#include "train/engine.h"
#include "train/evaluation.h"
#include "train/run_directory.h"

namespace vitrine {

// Names of the classes of sequences and of tokens.
struct Names {
  const std::vector<std::string>&labels, &tags;
};

// What every verb that computes is put together from: the configuration, the corpus it names, and what an engine must know.
struct Session {
  Config config;
  std::vector<TargetSettings> targets;  // one for each objective
  Corpus corpus;
  std::unique_ptr<Collator> collator;
  EngineSettings engine;

  std::unique_ptr<Engine> make_engine() const;
  std::unique_ptr<Loader> make_loader() const;  // of the training split
  int64_t evaluation_tokens() const;            // of a batch
  std::vector<MeasuredHead> heads() const;
  Names names() const { return {corpus.labels, corpus.tags}; }
  const std::vector<std::string>& names_of(ObjectiveKind kind) const {
    return kind == ObjectiveKind::kTokenClassification ? corpus.tags : corpus.labels;
  }
};
Session make_session(const Config& config, Learned learned = {});

DeviceSettings device_of(const Config& config);
std::vector<TargetSettings> targets_of(const Config& config);  // [CLS] in front where one of them asks for it
// Without a corpus: `shortest` and `longest` are lengths of sequences in tokens, with [CLS].
EngineSettings engine_settings_of(const Config& config, int64_t vocabulary, const Names& names, int64_t shortest,
                                  int64_t longest);

// A run directory as every verb but train reads it: the configuration (with `--set` over it), tokenizer, labels and tags, one checkpoint.
struct Run {
  RunDirectory directory;
  Config config;
  Learned learned;
  LoadedCheckpoint checkpoint;
};
Run open_run(const std::string& path, const std::vector<std::string>& sets = {},
             CheckpointChoice choice = CheckpointChoice::kBest);

// What a run has learned from its training text; empty members where the files are not there.
Learned read_learned(const std::string& run);
void write_learned(const std::string& run, const Corpus& corpus);

// `model.initialize_from`: a run directory or a safetensors file. The tokenizer of a run belongs to its parameters; its classifier
// only to its labels, its tagger only to its tags. `initialize` says what was taken; empty: nothing was asked for.
Learned learned_for(const Config& config);
std::string initialize(Engine& engine, const Config& config, const Names& names);

// Version, compiler and hashes of the data files and the tokenizer, for config.resolved.yaml.
std::map<std::string, std::string> provenance_of(const Session& session);
// What of it is another one now than in `resolved`, the text of a config.resolved.yaml: "data.train", "build".
std::vector<std::string> changed_since(const Session& session, const std::string& resolved);

}  // namespace vitrine
