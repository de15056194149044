#include "cli/session.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/plugin.h"
#include "cli/terminal.h"
#include "data/input_file.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
constexpr int64_t kEvaluationTokens = 8192;

std::string labels_file(const std::string& run) { return run + "/labels.json"; }

// Tags of a tagger, labels of the others.
const std::vector<std::string>& names_of(const ObjectiveSettings& objective, const Names& names) {
  return objective.kind == ObjectiveKind::kTokenClassification ? names.tags : names.labels;
}

std::vector<double> class_weights_of(const ObjectiveSettings& objective, const Names& all) {
  if (objective.class_weights.empty()) return {};
  const std::vector<std::string>& names = names_of(objective, all);
  std::vector<double> weights(names.size(), 1.0);
  for (const auto& [name, weight] : objective.class_weights) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
      fail(ErrorKind::kConfig, "objective.class_weights: there is no {} '{}' in the training split",
           &names == &all.tags ? "tag" : "label", name);
    weights[static_cast<size_t>(found - names.begin())] = weight;
  }
  return weights;
}

int64_t classes_of(const ObjectiveSettings& objective, int64_t vocabulary, const Names& names) {
  switch (objective.kind) {
    case ObjectiveKind::kMaskedLm:
    case ObjectiveKind::kCausalLm: return vocabulary;
    case ObjectiveKind::kRegression: return 1;
    default: return std::ssize(names_of(objective, names));
  }
}

TargetKind target_kind_of(ObjectiveKind kind) {
  switch (kind) {
    case ObjectiveKind::kMaskedLm: return TargetKind::kMasked;
    case ObjectiveKind::kCausalLm: return TargetKind::kNext;
    case ObjectiveKind::kSequenceClassification: return TargetKind::kLabel;
    case ObjectiveKind::kTokenClassification: return TargetKind::kTags;
    case ObjectiveKind::kMultiLabelClassification: return TargetKind::kLabels;
    case ObjectiveKind::kRegression: return TargetKind::kValue;
  }
  return TargetKind::kMasked;
}

bool pools(ObjectiveKind kind) {
  return kind == ObjectiveKind::kSequenceClassification || kind == ObjectiveKind::kMultiLabelClassification ||
         kind == ObjectiveKind::kRegression;
}

// What cannot fit is refused before any of it is taken.
void check_memory(const EngineSettings& settings, Precision precision) {
  const EngineSummary plan = plan_engine(precision, settings);
  const size_t free_on_device = settings.device.kind == Device::kCpu ? 0 : open_plugin(settings.device).free_bytes();
  const double machine = free_on_device > 0
                             ? static_cast<double>(free_on_device)
                             : static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
  const auto mb = [](int64_t bytes) { return megabytes(static_cast<double>(bytes)); };
  if (machine <= 0 || static_cast<double>(plan.bytes()) <= machine) return;
  const bool activations = plan.bytes_activations > plan.bytes() - plan.bytes_activations;
  fail(free_on_device > 0 ? ErrorKind::kDevice : ErrorKind::kConfig,
       "model: training it needs {} (parameters {}, gradients {}, optimizer {}, activations {}), and {} {}\nhelp: "
       "lower {}",
       mb(plan.bytes()), mb(plan.bytes_parameters), mb(plan.bytes_gradients), mb(plan.bytes_optimizer),
       mb(plan.bytes_activations), free_on_device > 0 ? "free on the device are" : "this machine has", megabytes(machine),
       activations
           ? "training.micro_batch, training.lanes, data.max_length or model.layers; `implementation: fused` stores no weights"
           : "model.width, model.layers, model.hidden or the vocabulary");
}

std::string hash_of(std::string_view bytes) { return fmt::format("xxh3:{:016x}", hash_bytes(bytes)); }

std::string hash_of_files(const std::string& path) {
  std::string hashes;
  const std::vector<std::string> files = expand_path(path);
  for (const std::string& file : files) hashes += hash_of(MappedFile(file).text());
  return files.size() == 1 ? hashes : hash_of(hashes);
}

void check_lengths(const Config& config, int64_t longest) {
  if (!config.model.position.has_table() || longest <= config.model.max_length) return;
  fail(ErrorKind::kConfig, "model.max_length: the position table has {} rows, but a sequence has {} tokens{}",
       config.model.max_length, longest, prepends_cls(targets_of(config)) ? " with [CLS]" : "");
}

const char* why_nothing(TargetKind kind) {
  switch (kind) {
    case TargetKind::kLabel:
    case TargetKind::kLabels: return "none of its labels occurs in the training split";
    case TargetKind::kTags: return "none of its tags occurs in the training split";
    case TargetKind::kValue: return "it holds no number";
    default: return "no token stands after another";
  }
}

// A split in which nothing is predicted has no loss.
void check_targets(const Session& s) {
  for (const char* name : {"train", "validation", "test"}) {
    const Dataset* data = s.corpus.split(name);
    if (data == nullptr) continue;
    std::vector<bool> found(s.targets.size(), false);
    Example example;
    Batch batch;
    for (int64_t i = 0; i < data->size() && std::find(found.begin(), found.end(), false) != found.end(); ++i) {
      batch.clear();
      data->read(i, example);
      s.collator->append(batch, example, i, kEvaluationEpoch);
      for (size_t k = 0; k < found.size(); ++k) {
        const std::vector<int32_t>& classes = batch.targets[k].classes;
        if (std::any_of(classes.begin(), classes.end(), [](int32_t c) { return c >= 0; })) found[k] = true;
      }
    }
    for (size_t k = 0; k < found.size(); ++k)
      if (!found[k]) fail(ErrorKind::kData, "data.{}: there is nothing to predict: {}", name, why_nothing(s.targets[k].kind));
  }
}

}  // namespace

std::vector<TargetSettings> targets_of(const Config& config) {
  std::vector<TargetSettings> targets;
  bool cls = false;
  for (const ObjectiveSettings& o : config.objectives) {
    targets.push_back({target_kind_of(o.kind), o.rate, false});
    cls = cls || (pools(o.kind) && o.pooling == Pooling::kCls);
  }
  for (TargetSettings& target : targets) target.prepend_cls = cls;
  return targets;
}

DeviceSettings device_of(const Config& config) {
  const RunSettings& r = config.run;
  return {.kind = r.device,
          .check = r.simt.check,
          .order = r.simt.order,
          .seed = static_cast<uint64_t>(r.seed),
          .host_visible = r.checked,
          .tf32 = r.tf32,
          .checked = r.checked};
}

EngineSettings engine_settings_of(const Config& config, int64_t vocabulary, const Names& names, int64_t shortest,
                                  int64_t longest) {
  check_lengths(config, longest);
  EngineSettings s;
  s.model = config.model;
  s.objectives = config.objectives;
  for (const ObjectiveSettings& o : config.objectives) {
    s.class_weights.push_back(class_weights_of(o, names));
    s.classes.push_back(classes_of(o, vocabulary, names));
  }
  s.optimizer = config.optimizer;
  s.training = config.training;
  s.seed = static_cast<uint64_t>(config.run.seed);
  s.device = device_of(config);
  s.threads = static_cast<int>(config.run.threads);
  s.vocabulary = vocabulary;
  s.shortest = shortest;
  s.longest = longest;
  const TrainingSettings& t = config.training;
  s.batch_tokens = t.batch_tokens > 0 ? std::max(t.batch_tokens, longest) : t.batch_size * longest;
  s.batch_sequences = t.batch_tokens > 0 ? std::max<int64_t>(1, s.batch_tokens / std::max<int64_t>(1, shortest)) : t.batch_size;
  return s;
}

Session make_session(const Config& config, Learned learned) {
  if (config.run.device != Device::kCpu) open_plugin(device_of(config));  // before the data are read, and not after
  Session s;
  s.config = config;
  s.targets = targets_of(config);
  const auto seed = static_cast<uint64_t>(config.run.seed);
  s.corpus = load_corpus(config.data, config.tokenizer, s.targets, seed, std::move(learned));
  const Corpus& c = s.corpus;
  if (asks_for(s.targets, TargetKind::kLabel) && c.labels.size() < 2)
    fail(ErrorKind::kData, "{}: sequence_classification needs at least two labels, and the training split has {}",
         config.data.train, c.labels.size());
  if (asks_for(s.targets, TargetKind::kLabels) && c.labels.empty())
    fail(ErrorKind::kData, "{}: multi_label_classification needs a label, and the training split has none", config.data.train);
  if (asks_for(s.targets, TargetKind::kTags) && c.tags.size() < 2)
    fail(ErrorKind::kData, "{}: token_classification needs at least two tags, and the training split has {}", config.data.train,
         c.tags.size());
  s.engine = engine_settings_of(config, c.tokenizer->size(), s.names(), c.shortest, c.longest);
  s.collator = std::make_unique<Collator>(s.targets, c.tokenizer->size(), seed, s.engine.class_weights, std::ssize(c.labels),
                                          c.scale.value_or(ValueScale()));
  check_targets(s);
  return s;
}

std::unique_ptr<Engine> Session::make_engine() const {
  check_memory(engine, config.run.precision);
  return vitrine::make_engine(config.run.precision, engine);
}

std::unique_ptr<Loader> Session::make_loader() const {
  return std::make_unique<Loader>(*corpus.train, *collator, config.training.batch_size, config.training.batch_tokens,
                                  static_cast<uint64_t>(config.run.seed));
}

std::vector<MeasuredHead> Session::heads() const {
  std::vector<MeasuredHead> heads;
  for (const ObjectiveSettings& o : config.objectives)
    heads.push_back({o.kind, o.weight, corpus.tags, corpus.unknown_tags, corpus.scale.value_or(ValueScale())});
  return heads;
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
    const Json file = Json::parse(read_file(path, ErrorKind::kCheckpoint), nullptr, false);
    const Json all = file.is_array() ? Json{{"labels", file}} : file;
    try {
      learned.labels = all.value("labels", std::vector<std::string>());
      learned.tags = all.value("tags", std::vector<std::string>());
      if (all.contains("values")) learned.scale = {all["values"].at("mean"), all["values"].at("deviation")};
    } catch (const Json::exception&) {
      fail(ErrorKind::kCheckpoint, "{}: is not a list of labels, nor labels, tags and values", path);
    }
  }
  return learned;
}

// labels.json: a list of labels, or, where there are tags or numbers, {"labels": …, "tags": …, "values": {"mean": …, "deviation": …}}.
void write_learned(const std::string& run, const Corpus& corpus) {
  write_file_atomically(run + "/tokenizer.json", corpus.tokenizer->to_json());
  Json out = corpus.labels;
  if (!corpus.tags.empty() || corpus.scale) {
    out = Json::object();
    if (!corpus.labels.empty()) out["labels"] = corpus.labels;
    if (!corpus.tags.empty()) out["tags"] = corpus.tags;
    if (corpus.scale) out["values"] = {{"mean", corpus.scale->mean}, {"deviation", corpus.scale->deviation}};
  }
  if (out.empty()) return void(fs::remove(labels_file(run)));  // of a run that was here before
  write_file_atomically(labels_file(run), out.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

namespace {

// A value of the provenance in the text of a config.resolved.yaml, in its quotes; empty where there is none.
std::string_view provenance_in(std::string_view resolved, const std::string& name) {
  const std::string key = "\n  " + name + ": ";
  const size_t at = resolved.find(key);
  return at == resolved.npos ? std::string_view()
                             : resolved.substr(at + key.size(), resolved.find('\n', at + 1) - at - key.size());
}

// The rows of the model's tables stand for the tokens of its own tokenizer.
void check_tokenizer(const RunDirectory& run, const Tokenizer& tokenizer) {
  const std::string resolved = read_file(run.config(), ErrorKind::kCheckpoint), now = hash_of(tokenizer.to_json());
  const std::string_view then = provenance_in(resolved, "tokenizer");
  if (then.empty() || then.find(now) != then.npos) return;
  fail(ErrorKind::kCheckpoint,
       "{}: this is not the tokenizer that the run was trained with (its hash is {}, that of the run {})\n"
       "help: put the run's own tokenizer.json back",
       run.tokenizer(), now, then);
}

}  // namespace

Run open_run(const std::string& path, const std::vector<std::string>& sets, CheckpointChoice choice) {
  RunDirectory directory = RunDirectory::open(path);
  for (const std::string& file : {directory.config(), directory.tokenizer()})
    if (!fs::exists(file))
      fail(ErrorKind::kCheckpoint, "'{}' is not complete: there is no {}", path, fs::path(file).filename().string());
  std::vector<std::string> with = sets;
  // Lanes are those of the device on which it was trained; another one has its own.
  if (std::ranges::any_of(sets, [](const std::string& s) { return s.starts_with("run.device="); }))
    with.insert(with.begin(), {"training.lanes=auto", "training.micro_batch=auto"});
  Config config = load_config(directory.config(), with);
  Learned learned = read_learned(path);
  check_tokenizer(directory, *learned.tokenizer);
  LoadedCheckpoint checkpoint = load_checkpoint(path, choice);
  if (!checkpoint.warning.empty()) log_warning("{}", checkpoint.warning);
  return {std::move(directory), std::move(config), std::move(learned), std::move(checkpoint)};
}

Learned learned_for(const Config& config) {
  const std::string& from = config.model.initialize_from;
  if (from.empty() || !fs::is_directory(from)) return {};
  Learned learned = read_learned(RunDirectory::open(from).path());
  learned.labels.clear(), learned.tags.clear(), learned.scale.reset();
  if (learned.tokenizer && learned.tokenizer->kind() != config.tokenizer.kind)
    fail(ErrorKind::kConfig,
         "tokenizer.kind: the parameters of model.initialize_from '{}' belong to its own tokenizer, which is of another kind\n"
         "help: copy the `tokenizer:` section of that run's configuration",
         from);
  return learned;
}

std::string initialize(Engine& engine, const Config& config, const Names& names) {
  const std::string& from = config.model.initialize_from;
  if (from.empty()) return {};
  SafeTensors file;
  if (fs::is_directory(from)) {
    LoadedCheckpoint checkpoint = load_checkpoint(from, CheckpointChoice::kBest);
    if (!checkpoint.warning.empty()) log_warning("{}", checkpoint.warning);
    file = std::move(checkpoint.model);
    const auto forget = [&](std::string_view head) {
      std::erase_if(file.tensors, [&](const NamedTensor& t) { return t.name.starts_with(head); });
    };
    const Learned theirs = read_learned(from);
    if (theirs.labels != names.labels) forget("classifier."), forget("labeller.");  // their rows stand for other classes
    if (theirs.tags != names.tags) forget("tagger.");
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
  const auto add = [&](const std::string& name, const std::string& path, const FilesBeside& beside = {}) {
    if (!path.empty()) p["data." + name] = hash_of_files(path);
    if (!beside.tags.empty()) p["data." + name + ".tags"] = hash_of_files(beside.tags);
    if (!beside.labels.empty()) p["data." + name + ".labels"] = hash_of_files(beside.labels);
  };
  add("train", d.train, d.train_beside);
  add("validation", d.validation.path, d.validation.beside);
  add("test", d.test.path, d.test.beside);
  add("grammar", d.grammar);
  return p;
}

std::vector<std::string> changed_since(const Session& session, const std::string& resolved) {
  std::vector<std::string> changed;
  for (const auto& [name, now] : provenance_of(session)) {
    const std::string_view then = provenance_in(resolved, name);
    if (!then.empty() && then.find(now) == then.npos) changed.push_back(name);
  }
  return changed;
}

}  // namespace vitrine
