#include "cli/session.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "cli/terminal.h"
#include "data/input_file.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kEvaluationTokens = 8192;

std::string labels_file(const std::string& run) { return run + "/labels.json"; }

std::vector<double> class_weights_of(const ObjectiveSettings& objective, const std::vector<std::string>& labels) {
  if (objective.class_weights.empty()) return {};
  std::vector<double> weights(labels.size(), 1.0);
  for (const auto& [label, weight] : objective.class_weights) {
    const auto found = std::find(labels.begin(), labels.end(), label);
    if (found == labels.end())
      fail(ErrorKind::kConfig, "objective.class_weights: there is no label '{}' in the training split", label);
    weights[static_cast<size_t>(found - labels.begin())] = weight;
  }
  return weights;
}

// A lower bound, so that what cannot fit is refused before it is tried.
void check_memory(const EngineSettings& s, Precision precision) {
  const ModelSettings& m = s.model;
  const double parameters = static_cast<double>(s.vocabulary) * static_cast<double>(m.width) +
                            static_cast<double>(m.layers) * (4.0 * static_cast<double>(m.width * m.width) +
                                                             2.0 * static_cast<double>(m.width) * static_cast<double>(m.hidden));
  const double bytes = parameters * (precision == Precision::kFloat32 ? 4 : 8) * 4;  // values, gradients, two moments
  const double machine = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
  if (machine > 0 && bytes > machine)
    fail(ErrorKind::kConfig,
         "model: {} parameters or more need at least {} to train, and this machine has {}\nhelp: make model.width, model.layers "
         "or "
         "the vocabulary smaller",
         short_count(parameters), megabytes(bytes), megabytes(machine));
}

std::string hash_of(std::string_view bytes) { return fmt::format("xxh3:{:016x}", hash_bytes(bytes)); }

std::string hash_of_files(const std::string& path) {
  std::string hashes;
  const std::vector<std::string> files = expand_path(path);
  for (const std::string& file : files) hashes += hash_of(MappedFile(file).text());
  return files.size() == 1 ? hashes : hash_of(hashes);
}

void check_lengths(const Config& config, int64_t longest) {
  if (config.model.position.kind == PositionKind::kNone || longest <= config.model.max_length) return;
  fail(ErrorKind::kConfig, "model.max_length: the position table has {} rows, but a sequence has {} tokens{}",
       config.model.max_length, longest, target_of(config).prepend_cls ? " with [CLS]" : "");
}

// A split in which nothing is predicted has no loss.
void check_targets(const Session& s) {
  for (const char* name : {"train", "validation", "test"}) {
    const Dataset* data = s.corpus.split(name);
    bool found = data == nullptr;
    Example example;
    for (int64_t i = 0; !found && i < data->size(); ++i) {
      Batch batch;
      data->read(i, example);
      s.collator->append(batch, example, i, kEvaluationEpoch);
      const std::vector<int32_t>& classes = batch.targets[0].classes;
      found = std::any_of(classes.begin(), classes.end(), [](int32_t c) { return c >= 0; });
    }
    if (!found)
      fail(ErrorKind::kData, "data.{}: there is nothing to predict: {}", name,
           s.classifies() ? "none of its labels occurs in the training split" : "no token stands after another");
  }
}

}  // namespace

TargetSettings target_of(const Config& config) {
  const ObjectiveSettings& o = config.objective;
  TargetSettings t;
  t.kind = o.kind == ObjectiveKind::kMaskedLm   ? TargetKind::kMasked
           : o.kind == ObjectiveKind::kCausalLm ? TargetKind::kNext
                                                : TargetKind::kLabel;
  t.rate = o.rate;
  t.prepend_cls = o.kind == ObjectiveKind::kSequenceClassification && o.pooling == Pooling::kCls;
  return t;
}

EngineSettings engine_settings_of(const Config& config, int64_t vocabulary, const std::vector<std::string>& labels,
                                  int64_t shortest, int64_t longest) {
  check_lengths(config, longest);
  EngineSettings s;
  s.model = config.model;
  s.objectives = {config.objective};
  s.class_weights = {class_weights_of(config.objective, labels)};
  s.optimizer = config.optimizer;
  s.training = config.training;
  s.seed = static_cast<uint64_t>(config.run.seed);
  s.threads = static_cast<int>(config.run.threads);
  s.vocabulary = vocabulary;
  s.classes = {config.objective.kind == ObjectiveKind::kSequenceClassification ? static_cast<int64_t>(labels.size())
                                                                               : vocabulary};
  s.shortest = shortest;
  s.longest = longest;
  const TrainingSettings& t = config.training;
  s.batch_tokens = t.batch_tokens > 0 ? std::max(t.batch_tokens, longest) : t.batch_size * longest;
  s.batch_sequences = t.batch_tokens > 0 ? std::max<int64_t>(1, s.batch_tokens / std::max<int64_t>(1, shortest)) : t.batch_size;
  check_memory(s, config.run.precision);
  return s;
}

Session make_session(const Config& config, Learned learned) {
  Session s;
  s.config = config;
  s.target = target_of(config);
  const auto seed = static_cast<uint64_t>(config.run.seed);
  s.corpus = load_corpus(config.data, config.tokenizer, s.target, seed, std::move(learned));
  if (s.classifies() && s.corpus.labels.size() < 2)
    fail(ErrorKind::kData, "{}: sequence_classification needs at least two labels, and the training split has {}",
         config.data.train, s.corpus.labels.size());
  s.engine = engine_settings_of(config, s.corpus.tokenizer->size(), s.corpus.labels, s.corpus.shortest, s.corpus.longest);
  s.collator = std::make_unique<Collator>(s.target, s.corpus.tokenizer->size(), seed, s.engine.class_weights[0]);
  check_targets(s);
  return s;
}

std::unique_ptr<Engine> Session::make_engine() const { return vitrine::make_engine(config.run.precision, engine); }

std::unique_ptr<Loader> Session::make_loader() const {
  return std::make_unique<Loader>(*corpus.train, *collator, config.training.batch_size, config.training.batch_tokens,
                                  static_cast<uint64_t>(config.run.seed));
}

int64_t Session::evaluation_tokens() const { return std::max(engine.batch_tokens, kEvaluationTokens); }

Learned read_learned(const std::string& run) {
  Learned learned;
  if (const std::string path = run + "/tokenizer.json"; fs::exists(path)) {
    try {
      learned.tokenizer = tokenizer_from_json(read_file(path, ErrorKind::kCheckpoint), path);
    } catch (const Error& error) {
      throw Error(ErrorKind::kCheckpoint, error.what());
    }
  }
  if (const std::string path = labels_file(run); fs::exists(path)) {
    const auto labels = nlohmann::json::parse(read_file(path, ErrorKind::kCheckpoint), nullptr, false);
    const bool valid =
        labels.is_array() && std::all_of(labels.begin(), labels.end(), [](const auto& label) { return label.is_string(); });
    if (!valid) fail(ErrorKind::kCheckpoint, "{}: is not a list of labels", path);
    learned.labels = labels.get<std::vector<std::string>>();
  }
  return learned;
}

void write_learned(const std::string& run, const Corpus& corpus) {
  write_file_atomically(run + "/tokenizer.json", corpus.tokenizer->to_json());
  if (corpus.labels.empty()) return void(fs::remove(labels_file(run)));  // of a run that was here before
  const auto replace = nlohmann::json::error_handler_t::replace;
  write_file_atomically(labels_file(run), nlohmann::json(corpus.labels).dump(-1, ' ', false, replace) + "\n");
}

Run open_run(const std::string& path, const std::vector<std::string>& sets, CheckpointChoice choice) {
  RunDirectory directory = RunDirectory::open(path);
  for (const std::string& file : {directory.config(), directory.tokenizer()})
    if (!fs::exists(file))
      fail(ErrorKind::kCheckpoint, "'{}' is not complete: there is no {}", path, fs::path(file).filename().string());
  Config config = load_config(directory.config(), sets);
  Learned learned = read_learned(path);
  LoadedCheckpoint checkpoint = load_checkpoint(path, choice);
  if (!checkpoint.warning.empty()) log_warning("{}", checkpoint.warning);
  return {std::move(directory), std::move(config), std::move(learned), std::move(checkpoint)};
}

Learned learned_for(const Config& config) {
  const std::string& from = config.model.initialize_from;
  if (from.empty() || !fs::is_directory(from)) return {};
  Learned learned = read_learned(RunDirectory::open(from).path());
  learned.labels.clear();
  if (learned.tokenizer && learned.tokenizer->kind() != config.tokenizer.kind)
    fail(ErrorKind::kConfig,
         "tokenizer.kind: the parameters of model.initialize_from '{}' belong to its own tokenizer, which is of another kind\n"
         "help: copy the `tokenizer:` section of that run's configuration",
         from);
  return learned;
}

std::string initialize(Engine& engine, const Config& config, const std::vector<std::string>& labels) {
  const std::string& from = config.model.initialize_from;
  if (from.empty()) return {};
  SafeTensors file;
  if (fs::is_directory(from)) {
    LoadedCheckpoint checkpoint = load_checkpoint(from, CheckpointChoice::kBest);
    if (!checkpoint.warning.empty()) log_warning("{}", checkpoint.warning);
    file = std::move(checkpoint.model);
    const auto classifies = [](const NamedTensor& t) { return t.name.starts_with("classifier."); };
    if (read_learned(from).labels != labels) std::erase_if(file.tensors, classifies);  // its rows stand for other classes
  } else {
    file = read_safetensors(from);
  }
  const std::vector<std::string> left = engine.set_parameters(file, true);
  const size_t all = engine.parameters().size();
  if (left.size() == all)
    fail(ErrorKind::kCheckpoint, "model.initialize_from: '{}' holds no parameter that this model has, such as {}", from,
         left.front());
  return fmt::format("{} of {} parameters start from {}{}", all - left.size(), all, from,
                     left.empty() ? "" : fmt::format("; {} anew", fmt::join(left, ", ")));
}

std::map<std::string, std::string> provenance_of(const Session& session) {
  std::map<std::string, std::string> p{{"version", VITRINE_VERSION}, {"build", VITRINE_BUILD}};
  p["tokenizer"] = hash_of(session.corpus.tokenizer->to_json());
  const DataSettings& d = session.config.data;
  for (const auto& [name, path] : {std::pair<std::string, std::string>{"train", d.train},
                                   {"validation", d.validation.path},
                                   {"test", d.test.path},
                                   {"grammar", d.grammar}})
    if (!path.empty()) p["data." + name] = hash_of_files(path);
  return p;
}

}  // namespace vitrine
