#include "cli/head_report.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/columns.h"
#include "cli/page_run.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "inspect/linter.h"

namespace vitrine {
namespace {

using Json = nlohmann::ordered_json;

// A measure of the weights, by the name that JSON and CSV have for it.
struct MapMeasure {
  std::string name, title;
  std::function<const RatioEstimate&(const MapFacts&)> of;
};
std::vector<MapMeasure> map_measures() {
  std::vector<MapMeasure> all;
  for (int k = 0; k < kPatternCount; ++k) {
    const std::string name(name_of(static_cast<AttentionPattern>(k)));
    constexpr std::array<const char*, kPatternCount> titles{"self",  "previous", "next",       "same token",
                                                            "[CLS]", "[SEP]",    "punctuation"};
    all.push_back({name, titles[static_cast<size_t>(k)],
                   [k](const MapFacts& f) -> const RatioEstimate& { return f.patterns[static_cast<size_t>(k)]; }});
  }
  const auto add = [&](const char* name, const char* title, RatioEstimate MapFacts::*member) {
    all.push_back({name, title, [member](const MapFacts& f) -> const RatioEstimate& { return f.*member; }});
  };
  add("first_key", "first", &MapFacts::first_key), add("last_key", "last", &MapFacts::last_key);
  add("duplicate", "duplicate", &MapFacts::duplicate), add("induction", "induction", &MapFacts::induction);
  add("masked_copy", "masked copy", &MapFacts::masked_copy);
  add("entropy", "entropy", &MapFacts::entropy), add("distance", "distance", &MapFacts::distance);
  add("confidence", "confidence", &MapFacts::confidence);
  return all;
}

std::string head_name(HeadName h) { return fmt::format("{}.{}", h.layer, h.head); }
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(); }
Json to_json(const RatioEstimate& e) { return {{"value", number(e.value())}, {"interval", number(e.half_width())}}; }

Json to_json(const HeadTable& t, const std::vector<Finding>& findings, const std::string& split, int64_t step) {
  Json out{{"split", split}, {"step", step}, {"sentences", t.sentences}, {"loss", to_json(t.loss)}, {"chance", Json::object()}};
  const std::vector<MapMeasure> measures = map_measures();
  for (const MapMeasure& m : measures)
    if (m.of(t.chance).count() > 0) out["chance"][m.name] = number(m.of(t.chance).value());
  out["heads"] = Json::array();
  for (size_t k = 0; k < t.facts.size(); ++k) {
    const HeadFacts& f = t.facts[k];
    Json head{{"layer", t.name(k).layer},
              {"head", t.name(k).head},
              {"loss_zeroed", to_json(f.zeroed)},
              {"loss_averaged", to_json(f.averaged)},
              {"sensitivity", to_json(f.sensitivity)},
              {"importance", f.importance},
              {"content", number(f.trained.content)}};
    head["untrained"] = {{"content", number(f.untrained.content)}};
    for (const MapMeasure& m : measures) {
      if (m.of(f.trained).count() == 0) continue;
      head[m.name] = to_json(m.of(f.trained));
      head["untrained"][m.name] = number(m.of(f.untrained).value());
    }
    for (size_t c = 0; c < t.links.size(); ++c)
      if (t.links[c].count > 0)
        head["links"][t.links[c].name] = {{"effect", t.links[c].heads[k].effect},
                                          {"attention", t.links[c].heads[k].attention},
                                          {"hit_rate", t.links[c].heads[k].hit_rate},
                                          {"chance", t.links[c].heads[k].chance},
                                          {"untrained", t.untrained_links[c].heads[k].attention}};
    out["heads"].push_back(std::move(head));
  }
  out["divergence"] = Json::array();
  for (size_t a = 0; a < t.facts.size(); ++a)
    out["divergence"].push_back(
        std::vector<double>(t.divergence.begin() + static_cast<std::ptrdiff_t>(a * t.facts.size()),
                            t.divergence.begin() + static_cast<std::ptrdiff_t>((a + 1) * t.facts.size())));
  out["findings"] = Json::array();
  for (const Finding& f : findings) {
    Json heads = Json::array();
    for (const HeadName& h : f.heads) heads.push_back(head_name(h));
    out["findings"].push_back({{"kind", f.kind},
                               {"heads", std::move(heads)},
                               {"value", f.value},
                               {"threshold", f.threshold},
                               {"sentence", f.sentence}});
  }
  return out;
}

// One line for each number: head, measure, value, half its interval, chance, untrained.
std::string to_csv(const HeadTable& t) {
  std::string out = "layer,head,measure,value,interval,chance,untrained\n";
  const auto cell = [](double value) { return std::isfinite(value) ? fmt::format("{:.6g}", value) : std::string(); };
  for (size_t k = 0; k < t.facts.size(); ++k) {
    const HeadFacts& f = t.facts[k];
    const auto line = [&](const std::string& measure, double value, double interval, double chance, double untrained) {
      out += fmt::format("{},{},{},{},{},{},{}\n", t.name(k).layer, t.name(k).head, measure, cell(value), cell(interval),
                         cell(chance), cell(untrained));
    };
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    line("loss_zeroed", f.zeroed.value(), f.zeroed.half_width(), none, none);
    line("loss_averaged", f.averaged.value(), f.averaged.half_width(), none, none);
    line("importance", f.importance, none, none, none);
    line("content", f.trained.content, none, none, f.untrained.content);
    for (const MapMeasure& m : map_measures())
      if (const RatioEstimate& e = m.of(f.trained); e.count() > 0)
        line(m.name, e.value(), e.half_width(), m.of(t.chance).value(), m.of(f.untrained).value());
    for (size_t c = 0; c < t.links.size(); ++c) {
      if (t.links[c].count == 0) continue;
      const std::string quoted =
          t.links[c].name.find_first_of(",\"") == std::string::npos ? t.links[c].name : "link " + std::to_string(c);
      line("effect: " + quoted, t.links[c].heads[k].effect, none, none, none);
      line("attention: " + quoted, t.links[c].heads[k].attention, none, t.links[c].heads[k].chance,
           t.untrained_links[c].heads[k].attention);
    }
  }
  return out;
}

std::string cell(const RatioEstimate& e) {
  if (e.count() == 0) return "–";
  return fmt::format("{:.2f} ±{:.2f}", e.value(), e.half_width());
}

std::string draw(const HeadTable& t, const std::vector<Finding>& findings, const std::string& split, int64_t step) {
  const TerminalStyle style = terminal_of(STDOUT_FILENO).style;
  std::string out =
      toned(fmt::format("{}: {} sequences, step {}, loss {:.4f}", split, thousands(t.sentences), thousands(step), t.loss.value()),
            Tone::kBold, style) +
      "\n\n";
  std::vector<std::string> labels;
  for (size_t k = 0; k < t.facts.size(); ++k) labels.push_back(head_name(t.name(k)));
  std::vector<Column> columns{{"loss without it", {}}, {"at its mean", {}}, {"importance", {}}};
  for (const HeadFacts& f : t.facts) {
    columns[0].cells.push_back(fmt::format("{:+.4f} ±{:.4f}", f.zeroed.value(), f.zeroed.half_width()));
    columns[1].cells.push_back(fmt::format("{:+.4f} ±{:.4f}", f.averaged.value(), f.averaged.half_width()));
    columns[2].cells.push_back(fmt::format("{:.2f}", f.importance));
  }
  out += draw_columns("head", labels, columns, style.width) + "\n";
  columns.clear();
  for (const LinkMeasure& m : t.links) {
    if (m.count == 0) continue;
    Column &effect = columns.emplace_back(Column{printable(m.name) + ": effect", {}}), looks{"looks", {}};
    for (const HeadLink& h : m.heads)
      effect.cells.push_back(effect_cell(h.effect)), looks.cells.push_back(effect_cell(h.attention));
    columns.push_back(std::move(looks));
  }
  if (!columns.empty()) out += draw_columns("head", labels, columns, style.width) + "\n";
  columns.clear();
  for (const MapMeasure& m : map_measures()) {
    if (std::all_of(t.facts.begin(), t.facts.end(), [&](const HeadFacts& f) { return m.of(f.trained).count() == 0; })) continue;
    Column& column = columns.emplace_back(Column{m.title, {}});
    double before = 0;
    for (const HeadFacts& f : t.facts) {
      column.cells.push_back(cell(m.of(f.trained)));
      if (m.of(f.untrained).count() > 0) before = std::max(before, m.of(f.untrained).value());
    }
    column.cells.push_back(m.of(t.chance).count() > 0 ? fmt::format("{:.2f}", m.of(t.chance).value()) : "–");
    column.cells.push_back(fmt::format("{:.2f}", before));
  }
  Column& content = columns.emplace_back(Column{"content", {}});
  double before = 0;
  for (const HeadFacts& f : t.facts) {
    content.cells.push_back(effect_cell(f.trained.content));
    before = std::isnan(f.untrained.content) ? before : std::max(before, f.untrained.content);
  }
  content.cells.push_back("–"), content.cells.push_back(fmt::format("{:.2f}", before));
  labels.emplace_back("chance"), labels.emplace_back("untrained, most");
  out += draw_columns("head", labels, columns, style.width);
  out +=
      "\n  loss      nats a target; without the head's output, and with its mean; ± is a 95 % interval over sequences\n"
      "  shares    of the weight on a kind of token; chance: a head that looks at all alike; src/inspect/measures.h has the "
      "formulas\n\n";
  for (const Finding& f : findings) out += "- " + f.sentence + "\n";
  return out;
}

// A run's table over a split.
struct SplitTable {
  std::string split;
  HeadTable table;
};
SplitTable table_of(Run& run, const HeadReportOptions& options) {
  const Session session = make_session(run.config, std::move(run.learned));
  const std::string split = !options.split.empty()      ? options.split
                            : session.corpus.test       ? "test"
                            : session.corpus.validation ? "validation"
                                                        : "train";
  if (session.corpus.split(split) == nullptr) fail(ErrorKind::kConfig, "--split: this corpus has no {} split", split);
  return {split, measure_heads(session, run.checkpoint.model, split, options.limit)};
}

}  // namespace

HeadTable measure_heads(const Session& session, const SafeTensors& parameters, const std::string& split, int64_t limit) {
  const std::unique_ptr<Engine> untrained = session.make_engine(), engine = session.make_engine();
  engine->set_parameters(parameters);
  HeadTableOptions o;
  o.limit = limit;
  o.batch_tokens = session.evaluation_tokens();
  o.longest = session.engine.longest;
  for (const ObjectiveSettings& objective : session.config.objectives) o.weights.push_back(objective.weight);
  const LintThresholds thresholds;
  o.prune_below = thresholds.missed, o.alike_below = thresholds.alike;
  return measure_heads(*engine, *untrained, session.config.model, session.corpus, *session.corpus.split(split), *session.collator,
                       o);
}

void report_heads(Run run, const HeadReportOptions& options) {
  const auto [split, table] = table_of(run, options);
  const std::vector<Finding> findings = lint(table);
  const int64_t step = run.checkpoint.state.step;
  if (options.json)
    print(to_json(table, findings, split, step).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
  else
    print(options.csv ? to_csv(table) : draw(table, findings, split, step));
}

std::string figure_of_heads_table(Run run, const HeadReportOptions& options, FigureStyle style) {
  const auto [split, t] = table_of(run, options);
  std::vector<std::string> names;
  std::vector<FigureColumn> columns{{"loss", "without", {}, 3}};
  FigureColumn importance{"", "importance", {}};
  for (size_t k = 0; k < t.facts.size(); ++k) {
    names.push_back(head_name(t.name(k)));
    columns[0].values.push_back(t.facts[k].zeroed.value()), importance.values.push_back(t.facts[k].importance);
  }
  for (const LinkMeasure& m : t.links) {
    if (m.count == 0) continue;
    FigureColumn looks{m.name, "looks", {}}, carries{m.name, "carries", {}};
    for (const HeadLink& h : m.heads) looks.values.push_back(h.attention), carries.values.push_back(h.effect);
    columns.push_back(std::move(looks)), columns.push_back(std::move(carries));
  }
  columns.push_back(std::move(importance));
  for (const MapMeasure& m : map_measures()) {
    if (std::all_of(t.facts.begin(), t.facts.end(), [&](const HeadFacts& f) { return m.of(f.trained).count() == 0; })) continue;
    FigureColumn& column = columns.emplace_back(FigureColumn{"", m.title, {}});
    for (const HeadFacts& f : t.facts) column.values.push_back(m.of(f.trained).value());
  }
  const PageRun page = describe_run(run.directory.path(), run.config);
  style.caption = fmt::format(
      "Heads (block.head) of {} after step {} over {} sequences of the {} split. Loss: what it gains without the head's output, "
      "nats a target; importance: E|Σ⟨O, ∂loss/∂O⟩|, normalised by block{}; bars: shares of the column's largest. {}",
      page.name, run.checkpoint.state.step, t.sentences, split,
      t.links.empty()
          ? ""
          : "; looks: attention on the deciding word; carries: how far the head's output from the minimal pair moves the answer",
      provenance(page));
  return figure_of_table(names, columns, style);
}

}  // namespace vitrine
