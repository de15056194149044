#include "cli/report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/error.h"
#include "cli/terminal.h"

namespace vitrine {
namespace {

using Json = nlohmann::ordered_json;
constexpr size_t kMostConfusion = 12;  // classes of a confusion matrix that is shown
constexpr size_t kMostRows = 50;       // classes or entity types whose scores are shown
// Links of a class that are tested: all, so that losses and floors speak of the same targets; of the many tags of a task the first.
constexpr int64_t kMostLinks = 1'000'000, kMostTagLinks = 4'000;

std::vector<LinkResult> test_links(const Session& s, Engine& engine, const Dataset& split, const SplitFloors& floors) {
  const Dataset& choosing = s.corpus.validation ? *s.corpus.validation : split;
  const std::unique_ptr<Engine> untrained = s.make_engine();
  LinkTestOptions options;
  options.most = s.corpus.link_classes[0].tags.empty() ? kMostLinks : kMostTagLinks;
  options.batch_tokens = s.evaluation_tokens();
  const auto measure = [&](Engine& e, const Dataset& data, bool effects) {
    options.effects = effects;
    return measure_links(e, s.config.model, s.corpus, data, *s.collator, options);
  };
  const std::vector<LinkMeasure> reported = measure(engine, split, true);
  const std::vector<LinkMeasure> chosen = &choosing == &split ? reported : measure(engine, choosing, true);
  const std::vector<LinkMeasure> before = measure(*untrained, split, false);
  const std::vector<LinkMeasure> chosen_before = &choosing == &split ? before : measure(*untrained, choosing, false);
  std::vector<LinkResult> out;
  for (const LinkReport& r : report_links(s.config.model, chosen, reported, chosen_before, before)) {
    LinkResult& result = out.emplace_back(LinkResult{r, 0, {}, {}});
    const size_t k = out.size() - 1;
    result.loss = reported[k].loss;
    if (floors.links[k].count == result.count) {
      result.unigram = floors.links[k].unigram;
      result.entropy = floors.links[k].entropy;
    }
  }
  std::erase_if(out, [](const LinkResult& r) { return r.count == 0; });
  return out;
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string head_of(const HeadName& h) { return fmt::format("{}.{}", h.layer, h.head); }

}  // namespace

std::optional<double> share_left(double loss, std::optional<double> unigram, std::optional<double> entropy) {
  if (!unigram || !entropy || *unigram <= *entropy) return std::nullopt;
  return (loss - *entropy) / (*unigram - *entropy);
}

SplitReport report_split(const Session& s, Engine& engine, const std::string& split, int64_t step, bool with_links) {
  const Dataset* data = s.corpus.split(split);
  if (data == nullptr) {
    std::string have = "train";
    if (s.corpus.validation) have += ", validation";
    if (s.corpus.test) have += ", test";
    fail(ErrorKind::kConfig, "there is no split '{}'; this corpus has {}", split, have);
  }
  SplitReport r;
  r.split = split;
  r.step = step;
  r.evaluation = evaluate(engine, *data, *s.collator, s.heads(), {s.evaluation_tokens(), 0});
  for (size_t k = 0; k < s.targets.size(); ++k)
    r.floors.push_back(measure_floors(s.corpus, s.targets, k, *data, *s.collator, 0, data->size()));
  if (const auto linked = linked_objective(s.corpus, s.targets); with_links && linked)
    r.links = test_links(s, engine, *data, r.floors[*linked]);
  return r;
}

Json to_json(const SplitReport& r) {
  const Evaluation& e = r.evaluation;
  Json out{{"split", r.split}, {"step", r.step}, {"examples", e.examples}};
  const bool several = e.heads.size() > 1;
  if (several) out["loss"] = e.loss;
  for (size_t k = 0; k < e.heads.size(); ++k) {
    const HeadEvaluation& head = e.heads[k];
    const Floors& floors = r.floors[k].all;
    Json& to = several ? out[std::string(name_of(head.kind))] : out;
    to["targets"] = head.targets;
    to["loss"] = head.loss();
    to["floors"] = Json::object();
    for (const auto& [name, value] : floors.named()) to["floors"][std::string(name)] = value;
    if (const auto left = share_left(head.loss(), floors.unigram, floors.entropy)) to["share_left"] = *left;
    for (const auto& [name, value] : head.metrics) to[std::string(name)] = value;
  }
  for (const LinkResult& l : r.links) {
    Json link{{"count", l.count},
              {"decision", l.decision},
              {"decision_attractors", l.attractors > 0 ? Json(l.decision_attractors) : Json()},
              {"attractors", l.attractors},
              {"effect", l.effect},
              {"effect_head", head_of(l.effect_head)},
              {"effect_of_all", l.effect_of_all},
              {"attention", l.attention},
              {"attention_head", head_of(l.attention_head)},
              {"hit_rate", l.hit_rate},
              {"chance", l.chance},
              {"untrained", l.untrained},
              {"loss", l.loss}};
    if (l.unigram) link["unigram"] = *l.unigram;
    if (l.entropy) link["entropy"] = *l.entropy;
    if (const auto left = share_left(l.loss, l.unigram, l.entropy)) link["share_left"] = *left;
    out["links"][l.name] = link;
  }
  return out;
}

namespace {

std::string written(std::string_view metric, double value) {
  const bool number = metric == "loss" || metric == "mse" || metric == "mae" || metric == "pearson" || metric == "spearman";
  return metric == "perplexity" ? fmt::format("{:.3f}", value) : number ? fmt::format("{:.4f}", value) : percent(value);
}

// The group that stands in one line: precision, recall and f1, of all or of what.
std::string draw_scores(const HeadEvaluation& e, std::string_view name, const std::string& prefix) {
  return fmt::format("  {:<11} precision {}, recall {}, f1 {}\n", name, percent(e.metric(prefix + "precision")),
                     percent(e.metric(prefix + "recall")), percent(e.metric(prefix + "f1")));
}

std::string draw_head(const HeadEvaluation& e, const Floors& f) {
  std::vector<std::string> beside;
  if (f.entropy) beside.push_back(fmt::format("nothing can do better than {:.4f}", *f.entropy));
  if (f.bigram) beside.push_back(fmt::format("bigram {:.3f}", *f.bigram));
  if (f.unigram) beside.push_back(fmt::format("unigram {:.3f}", *f.unigram));
  if (f.uniform) beside.push_back(fmt::format("uniform {:.3f}", *f.uniform));
  if (f.mean) beside.push_back(fmt::format("always the training mean: {:.4f}", *f.mean));
  std::string out = fmt::format("  loss        {:.4f}     {}\n", e.loss(), fmt::join(beside, " · "));
  if (const auto left = share_left(e.loss(), f.unigram, f.entropy))
    out += fmt::format("  learned     {:<10} of what there is to learn between unigram and the best\n", percent(1 - *left));
  for (const auto& [name, value] : e.metrics) {
    if (name == "loss" || name.ends_with("precision") || name.ends_with("recall") || name.ends_with("f1")) continue;
    const bool majority = name == "accuracy" && f.majority, sequences = name == "sequence_accuracy";
    out += fmt::format("  {:<11} {:<10} {}\n", sequences ? "sequences" : name, written(name, value),
                       majority    ? fmt::format("always the most frequent answer: {}", percent(*f.majority))
                       : sequences ? "have every tag right"
                                   : "");
  }
  const bool several = e.kind == ObjectiveKind::kMultiLabelClassification;
  if (!e.classes.empty()) out += draw_scores(e, !e.entities.empty() ? "entities" : several ? "labels" : "macro", "");
  if (several) out += draw_scores(e, "macro", "macro_");
  if (e.unknown > 0)
    out += fmt::format("  {} of the {} were not in the training split and count as wrong\n", thousands(e.unknown),
                       e.kind == ObjectiveKind::kTokenClassification ? "tags" : "labels");
  if (e.cut > 0) out += fmt::format("  {} of the words are beyond data.max_length and count as wrong\n", thousands(e.cut));
  return out;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> headlines(const Evaluation& e) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const HeadEvaluation& head : e.heads) {
    const std::string_view name = headline_metric(head.kind);
    all.emplace_back(e.heads.size() > 1 ? fmt::format("{}.{}", name_of(head.kind), name) : std::string(name),
                     written(name, head.metric(name)));
  }
  return all;
}

std::string draw_report(const SplitReport& r, const TerminalStyle& style) {
  const Evaluation& e = r.evaluation;
  std::string out = toned(fmt::format("{}: {} {}, step {}", r.split, thousands(e.examples),
                                      e.examples == 1 ? "sequence" : "sequences", thousands(r.step)),
                          Tone::kBold, style) +
                    "\n";
  if (e.heads.size() > 1) out += fmt::format("  loss        {:.4f}     the weighted sum over the heads\n", e.loss);
  for (size_t k = 0; k < e.heads.size(); ++k) {
    if (e.heads.size() > 1) out += fmt::format("\n{}\n", name_of(e.heads[k].kind));
    out += draw_head(e.heads[k], r.floors[k].all);
  }
  if (!r.links.empty()) out += "\n" + draw_links(r.links);
  return out;
}

std::string draw_links(const std::vector<LinkResult>& links) {
  std::string out = "  link                     right  attract.  effect        looks        chance  untrained\n";
  std::vector<std::string> same, other;
  for (const LinkResult& l : links) {
    const auto with_head = [](double value, const HeadName& head) {
      return fit(fmt::format("{:.2f} ({})", value, head_of(head)), 11);
    };
    out += fmt::format("  {} {:>8}  {:>8}  {}  {}  {:>5.2f}  {:>9.2f}\n", fit(printable(l.name), 20), percent(l.decision),
                       l.attractors > 0 ? percent(l.decision_attractors) : "–", with_head(l.effect, l.effect_head),
                       with_head(l.attention, l.attention_head), l.chance, l.untrained);
    (l.same_head() ? same : other).push_back(l.name);
  }
  out +=
      "  right    the answer agrees with its source (attract.: with a misleading word between them)\n"
      "  effect   how far one head's output (block.head) moves the answer, put in from the minimal pair\n"
      "  looks    the largest attention on the source, beside chance and the same model untrained\n";
  const auto names = [](const std::vector<std::string>& all) { return fmt::format("{}", fmt::join(all, ", ")); };
  if (!same.empty()) out += fmt::format("  The head that looks most is the head that matters most for: {}\n", names(same));
  if (!other.empty()) out += fmt::format("  The head that looks most is not the one that matters most for: {}\n", names(other));
  const auto exact = [](const LinkResult& l) { return l.effect_of_all > 1 - 1e-6 && l.effect_of_all < 1 + 1e-6; };
  if (std::all_of(links.begin(), links.end(), exact))
    out += "  All heads together have an effect of exactly 1, as they must.\n";
  else
    for (const LinkResult& l : links)
      if (!exact(l)) out += fmt::format("  {}: all heads together have an effect of {:.6f}, not 1\n", l.name, l.effect_of_all);
  return out;
}

namespace {

struct Row {
  std::string name;
  ClassScore score;
};

// At most kMostRows of them, the most frequent ones, in the order in which they stand.
std::string draw_scores(const std::string& title, std::vector<Row> rows, int width) {
  std::erase_if(rows, [](const Row& r) { return r.score.truth + r.score.predicted == 0; });
  std::vector<int64_t> counts;
  for (const Row& r : rows) counts.push_back(r.score.truth);
  std::sort(counts.rbegin(), counts.rend());
  const int64_t least = rows.size() > kMostRows ? counts[kMostRows - 1] : 0;
  std::string out = fmt::format("  {}  precision   recall       f1    truth\n", fit(title, width));
  size_t shown = 0;
  for (const Row& r : rows) {
    if (r.score.truth < least || shown == kMostRows) continue;
    ++shown;
    out += fmt::format("  {}  {:>9}  {:>7}  {:>7}  {:>7}\n", fit(printable(r.name), width), percent(r.score.precision()),
                       percent(r.score.recall()), percent(r.score.f1()), thousands(r.score.truth));
  }
  if (shown < rows.size()) out += fmt::format("  (the other {} are in --json)\n", rows.size() - shown);
  return out;
}

std::string draw_confusion(const HeadEvaluation& e, const std::vector<std::string>& names, int width,
                           const TerminalStyle& style) {
  std::vector<size_t> shown;
  for (size_t c = 0; c < e.classes.size(); ++c)
    if (e.classes[c].truth + e.classes[c].predicted > 0) shown.push_back(c);
  if (shown.size() > kMostConfusion) return fmt::format("  (the confusion matrix of {} classes is in --json)\n", shown.size());
  const int cell = 7;
  if (width + 4 + static_cast<int>(shown.size()) * cell > style.width) return {};
  std::string out = fmt::format("\n  {}", fit("truth ↓", width));
  for (size_t c : shown) out += " " + fit(printable(names[c]), cell - 1, true);
  out += "   ← predicted\n";
  for (size_t t : shown) {
    out += "  " + fit(printable(names[t]), width);
    const double all = std::max<double>(1, static_cast<double>(e.classes[t].truth));
    for (size_t p : shown) {
      const int64_t count = e.confusion[t * e.classes.size() + p];
      out += on_colour(fit(count == 0 ? "·" : std::to_string(count), cell, true), static_cast<double>(count) / all, style);
    }
    out += "\n";
  }
  return out;
}

}  // namespace

std::string draw_classes(const HeadEvaluation& e, const std::vector<std::string>& names, const TerminalStyle& style) {
  std::vector<Row> rows;
  if (!e.entities.empty())
    for (const auto& [type, score] : e.entities) rows.push_back({type, score});
  else
    for (size_t c = 0; c < e.classes.size(); ++c) rows.push_back({names[c], e.classes[c]});
  int width = display_width("truth ↓");
  for (const Row& r : rows) width = std::max(width, display_width(printable(r.name)));
  width = std::min(width, 24);
  const std::string title = e.entities.empty() ? "class" : "entity";
  return draw_scores(title, std::move(rows), width) + (e.confusion.empty() ? "" : draw_confusion(e, names, width, style));
}

}  // namespace vitrine
