#include "cli/page_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/npy.h"
#include "base/safetensors.h"
#include "cli/curves.h"
#include "cli/head_report.h"
#include "cli/live_model.h"
#include "inspect/linter.h"
#include "layers/attention/kinds.h"

namespace vitrine {
namespace {

constexpr int64_t kFindingSentences = 300;
constexpr double kLeastMove = 0.5;  // nats: where the pair itself moves the answer less, a share of it says nothing

// How the weights of a kind come about, as its file in layers/attention derives it.
std::string formula_of(const AttentionSettings& a) {
  switch (a.kind) {
    case AttentionKind::kFull: return a.causal ? "α = softmax(QKᵀ/√d), keys j ≤ i" : "α = softmax(QKᵀ/√d)";
    case AttentionKind::kLocal: return fmt::format("α = softmax(QKᵀ/√d), keys |i − j| ≤ {}", fmt::join(a.window, ", "));
    case AttentionKind::kBlockSparse: return fmt::format("α = softmax(QKᵀ/√d), keys in the chosen blocks of {}", a.block);
    case AttentionKind::kTopK: return fmt::format("α = softmax over the {} largest scores of a row", a.k);
    case AttentionKind::kEntmax:
      return a.alpha > 0 ? fmt::format("α = {}-entmax(QKᵀ/√d)", a.alpha)
                         : "α = entmax(QKᵀ/√d), its exponent learned by each head";
    case AttentionKind::kAdaptiveSpan: return "α ∝ span mask · exp(QKᵀ/√d)";
    case AttentionKind::kLinear: return "α_ij = φ(q_i)·φ(k_j) / Σ_j φ(q_i)·φ(k_j), φ = elu + 1";
    case AttentionKind::kPerformer: return "α_ij = φ(q_i)·φ(k_j) / Σ_j φ(q_i)·φ(k_j), φ positive random features";
    case AttentionKind::kRouting: return "α = softmax(QKᵀ/√d), keys of the query's clusters";
  }
  return {};
}

}  // namespace

PageRun describe_run(const std::string& path, const Config& config) {
  PageRun page;
  const ModelSettings& m = config.model;
  const std::map<std::string, std::string> values = values_of(config);
  const auto value = [&](const std::string& key) { return values.contains(key) ? values.at(key) : std::string(); };
  page.name = config.run.name;
  std::vector<std::string> kinds, formulas;  // of all blocks, or from the lowest on
  for (const AttentionSettings& a : m.attention) kinds.emplace_back(name_of(a.kind)), formulas.push_back(formula_of(a));
  page.layers = m.layers, page.heads = m.heads, page.seed = config.run.seed;
  page.model = fmt::format("{} block{} × {} head{}, width {}, {}{} attention, positions {}", m.layers, m.layers == 1 ? "" : "s",
                           m.heads, m.heads == 1 ? "" : "s", m.width, m.causal() ? "causal " : "", fmt::join(kinds, ", "),
                           value("model.position.kind"));
  page.formula = fmt::format("{}", fmt::join(formulas, "; "));
  for (int64_t l = 0; l < m.layers; ++l)
    for (int64_t h = 0; h < m.heads; ++h) page.visible.push_back(visible_keys(m.attention_of(l), h));
  page.precision = value("run.precision");
  page.version = VITRINE_VERSION;
  const RunDirectory run = RunDirectory::open(path);
  page.config = fmt::format("xxh3:{:016x}", hash_bytes(read_file(run.config(), ErrorKind::kCheckpoint)));
  const RunCurves curves = read_curves(path);
  for (const char* split : {"train", "validation"})
    if (const auto found = curves.numbers.find({split, "loss"}); found != curves.numbers.end())
      page.curves.push_back({split, thinned(found->second)});
  for (const auto& [name, loss] : curves.floors)
    if (name != "majority") page.floors.emplace_back(name, loss);
  return page;
}

void show_recording(PageRun& page, const Recording& recording) {
  page.sentences = recording.sentences();
  page.steps = recording.steps();
  page.read = [recording](int64_t step) { return recording.read(step); };
}

void show_checkpoints(PageRun& page, const std::string& path, SentenceReader& reader) {
  page.sentences = reader.sentences();
  page.steps = checkpoint_steps(path);
  page.read = [path, &reader](int64_t step) { return reader.read(load_checkpoint(path, CheckpointChoice::kStep, step).model); };
}

std::vector<Chart> training_charts(const PageRun& page, size_t sentence, int64_t layer, int64_t head) {
  Chart loss{fmt::format("loss of {} (seed {})", page.name, page.seed), "step", {}, {}};
  for (const PageRun::Curve& c : page.curves) loss.curves.push_back({c.name, 0, c.name == "train", c.points});
  for (const auto& [name, value] : page.floors) loss.levels.push_back({name, value});
  const RecordedSentence& s = page.sentences[sentence];
  if (s.shown.sources.empty()) return {loss};
  Chart link{fmt::format("{} in block {}, head {}", s.link ? s.link->name : "link", layer, head), "step", {}, {}};
  link.curves = {{"looks: attention on the source", 0, false, {}}, {"carries: share of the pair's answer", 1, false, {}, true}};
  for (const int64_t step : page.steps) {
    const SentenceRecord r = std::move(page.read(step)[sentence]);
    const auto x = static_cast<double>(step);
    link.curves[0].points.emplace_back(x, weight_on_sources(r.maps, layer, head, s.shown));
    if (r.move && std::abs(r.move->pair) >= kLeastMove)
      link.curves[1].points.emplace_back(x, r.move->heads[static_cast<size_t>(layer * page.heads + head)] / r.move->pair);
  }
  if (s.link) link.levels.push_back({"chance", s.link->chance});
  return {loss, link};
}

double millimetres(const std::string& width) {
  double mm = 0;
  const char* last = width.data() + width.size();
  const auto [end, error] = std::from_chars(width.data(), last, mm);
  if (error != std::errc() || (end != last && std::string_view(end, last) != "mm") || !(mm >= 20 && mm <= 2000))
    fail(ErrorKind::kConfig, "--width {}: expected millimetres from 20 to 2000, such as 84mm", width);
  return mm;
}

std::string provenance(const PageRun& page) {
  return fmt::format("Seed {}, {}, configuration {}, vitrine {}.", page.seed, page.precision, page.config, page.version);
}

std::string encode_maps(const PageRun& page, const std::string& path) {
  const bool npz = path.ends_with(".npz");
  if (!npz && !path.ends_with(".safetensors"))
    fail(ErrorKind::kConfig, "--maps {}: expected a name that ends in .npz or .safetensors", path);
  std::vector<std::vector<float>> weights(page.sentences.size());
  for (const int64_t step : page.steps) {
    const std::vector<SentenceRecord> records = page.read(step);
    for (size_t k = 0; k < records.size(); ++k)
      weights[k].insert(weights[k].end(), records[k].maps.weights.begin(), records[k].maps.weights.end());
  }
  const auto S = std::ssize(page.steps);
  SafeTensors file;
  const std::vector<int32_t> steps(page.steps.begin(), page.steps.end());
  file.tensors.push_back(NamedTensor::of("steps", {S}, std::span<const int32_t>(steps)));
  for (size_t k = 0; k < weights.size(); ++k) {
    const auto n = std::ssize(page.sentences[k].shown.tokens);
    file.tensors.push_back(
        NamedTensor::of(fmt::format("sentence_{}", k), {S, page.layers, page.heads, n, n}, std::span<const float>(weights[k])));
    file.metadata[fmt::format("tokens_{}", k)] = nlohmann::json(page.sentences[k].shown.tokens).dump();
  }
  return npz ? encode_npz(file.tensors) : encode_safetensors(file);
}

void show_findings(PageRun& page, const Session& session, const SafeTensors& parameters) {
  const std::string split = session.corpus.test ? "test" : session.corpus.validation ? "validation" : "train";
  const HeadTable table = measure_heads(session, parameters, split, kFindingSentences);
  page.findings = lint(table);
  page.measured = fmt::format("{} sequences of the {} split", table.sentences, split);
}

bool write_recorded_page(const RunDirectory& run, const Session& session) try {
  PageContents contents;
  contents.runs.push_back(describe_run(run.path(), session.config));
  show_recording(contents.runs[0], *Recording::open(run.attention()));
  const LoadedCheckpoint best = load_checkpoint(run.path(), CheckpointChoice::kBest);
  show_findings(contents.runs[0], session, best.model);
  contents.live = live_model(session.config, *session.corpus.tokenizer, session.names(), best, contents.runs[0].sentences);
  write_file_atomically(run.page(), draw_page(contents, static_cast<int64_t>(kDefaultPageMegabytes * 1e6)));
  return true;
} catch (const Error& error) {
  log_warning("no page was written: {}", error.what());
  return false;
}

}  // namespace vitrine
