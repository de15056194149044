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
constexpr int64_t kMostLinkSentences = 1'000'000;

std::vector<LinkResult> test_links(const Session& s, Engine& engine, const Dataset& split, const SplitFloors& floors) {
  const Dataset& choosing = s.corpus.validation ? *s.corpus.validation : split;
  const std::unique_ptr<Engine> untrained = s.make_engine();
  LinkTestOptions options;
  options.most = kMostLinkSentences;  // all of them, so that losses and floors speak of the same targets
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
  r.evaluation = evaluate(engine, *data, *s.collator, {s.evaluation_tokens(), 0, s.classifies()});
  r.floors = FloorCounts(s.corpus, s.targets, 0).measure(*data, *s.collator, 0, data->size());
  const bool tested = with_links && !s.corpus.link_classes.empty() && s.config.objectives[0].kind == ObjectiveKind::kMaskedLm;
  if (tested) r.links = test_links(s, engine, *data, r.floors);
  return r;
}

Json to_json(const SplitReport& r) {
  const Evaluation& e = r.evaluation;
  Json out{{"split", r.split}, {"step", r.step}, {"examples", e.examples}, {"targets", e.targets}, {"loss", e.loss}};
  out["floors"] = Json::object();
  for (const auto& [name, value] : r.floors.all.named()) out["floors"][std::string(name)] = value;
  if (const auto left = share_left(e.loss, r.floors.all.unigram, r.floors.all.entropy)) out["share_left"] = *left;
  out["accuracy"] = e.accuracy;
  if (e.classes.empty()) {
    out["perplexity"] = e.perplexity;
  } else {
    out["precision"] = e.precision;
    out["recall"] = e.recall;
    out["f1"] = e.f1;
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

std::string draw_report(const SplitReport& r, const Session& s, const TerminalStyle& style) {
  const Evaluation& e = r.evaluation;
  const Floors& f = r.floors.all;
  std::string out = toned(fmt::format("{}: {} {}, step {}", r.split, thousands(e.examples),
                                      e.examples == 1 ? "sequence" : "sequences", thousands(r.step)),
                          Tone::kBold, style) +
                    "\n";
  std::vector<std::string> beside;
  if (f.entropy) beside.push_back(fmt::format("nothing can do better than {:.4f}", *f.entropy));
  if (f.bigram) beside.push_back(fmt::format("bigram {:.3f}", *f.bigram));
  if (f.unigram) beside.push_back(fmt::format("unigram {:.3f}", *f.unigram));
  if (f.uniform) beside.push_back(fmt::format("uniform {:.3f}", *f.uniform));
  out += fmt::format("  loss        {:.4f}     {}\n", e.loss, fmt::join(beside, " · "));
  if (const auto left = share_left(e.loss, f.unigram, f.entropy))
    out += fmt::format("  learned     {:<10} of what there is to learn between unigram and the best\n", percent(1 - *left));
  out += fmt::format("  accuracy    {:<10} {}\n", percent(e.accuracy),
                     f.majority ? fmt::format("always the most frequent answer: {}", percent(*f.majority)) : "");
  if (e.classes.empty())
    out += fmt::format("  perplexity  {:.3f}\n", e.perplexity);
  else
    out += fmt::format("  macro       precision {}, recall {}, f1 {}\n", percent(e.precision), percent(e.recall), percent(e.f1));
  if (e.unknown > 0)
    out += fmt::format("  {} of the labels were not in the training split and count as wrong\n", thousands(e.unknown));
  if (s.config.objectives[0].label_smoothing > 0)
    out += fmt::format("  The loss holds label smoothing of {}; what it is compared with does not.\n",
                       s.config.objectives[0].label_smoothing);
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

std::string draw_classes(const SplitReport& r, const std::vector<std::string>& labels, const TerminalStyle& style) {
  const Evaluation& e = r.evaluation;
  int width = display_width("truth ↓");
  for (const std::string& label : labels) width = std::max(width, display_width(printable(label)));
  width = std::min(width, 24);
  std::string out = fmt::format("  {}  precision   recall       f1    truth\n", fit("class", width));
  std::vector<size_t> shown;
  for (size_t c = 0; c < e.classes.size(); ++c) {
    const ClassScore& score = e.classes[c];
    if (score.truth + score.predicted == 0) continue;
    shown.push_back(c);
    out += fmt::format("  {}  {:>9}  {:>7}  {:>7}  {:>7}\n", fit(printable(labels[c]), width), percent(score.precision()),
                       percent(score.recall()), percent(score.f1()), thousands(score.truth));
  }
  if (shown.size() > kMostConfusion)
    return out + fmt::format("  (the confusion matrix of {} classes is in --json)\n", shown.size());
  const int cell = 7;
  if (width + 4 + static_cast<int>(shown.size()) * cell > style.width) return out;
  out += fmt::format("\n  {}", fit("truth ↓", width));
  for (size_t c : shown) out += " " + fit(printable(labels[c]), cell - 1, true);
  out += "   ← predicted\n";
  for (size_t t : shown) {
    out += "  " + fit(printable(labels[t]), width);
    const double all = std::max<double>(1, static_cast<double>(e.classes[t].truth));
    for (size_t p : shown) {
      const int64_t count = e.confusion[t * e.classes.size() + p];
      out += on_colour(fit(count == 0 ? "·" : std::to_string(count), cell, true), static_cast<double>(count) / all, style);
    }
    out += "\n";
  }
  return out;
}

}  // namespace vitrine
