#include "inspect/link_test.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "inspect/link_probes.h"
#include "inspect/patching.h"

namespace vitrine {
namespace {

// Some links of one class and their two batches, which have the same shape.
struct Group {
  std::vector<Link> links;
  Batch clean, pair;
  std::vector<int64_t> rows;  // of the targets
  std::vector<SourceAttention::Question> questions;
};

// Only the target of the link is asked for, of a sequence that may have several.
void append(Group& group, const Link& link, const LinkClass& link_class, Example& example, int64_t sequence,
            const Collator& collator) {
  Example pair;
  pair.tokens = link.pair, pair.types = example.types;
  if (link_class.tags.empty()) {
    pair.masked = link.target;
  } else {
    const auto target = static_cast<size_t>(link.target);
    const int32_t tag = example.tags[target];
    example.tags.assign(example.tokens.size(), kNoTag), pair.tags = example.tags;
    example.tags[target] = tag, pair.tags[target] = link_class.tags[static_cast<size_t>(link.pair_value)][0];
  }
  group.rows.push_back(group.clean.size() + collator.extra() + link.target);
  SourceAttention::Question& q = group.questions.emplace_back();
  q.query = collator.extra() + link.target;
  for (const int32_t s : link.sources) q.sources.push_back(collator.extra() + s);
  collator.append(group.clean, example, sequence, kEvaluationEpoch);
  collator.append(group.pair, pair, sequence, kEvaluationEpoch);
  group.links.push_back(link);
  check(group.clean.size() == group.pair.size(), "a minimal pair has the length of its sentence");
}

const std::vector<std::vector<int32_t>>& carriers(const LinkClass& c) { return c.tags.empty() ? c.tokens : c.tags; }

std::span<const double> logits_of(const HeadResult& result, size_t m) {
  const auto C = static_cast<size_t>(result.classes);
  return std::span(result.logits).subspan(m * C, C);
}

std::vector<double> log_odds(const HeadResult& result, const Group& group, const std::vector<LinkClass>& classes) {
  std::vector<double> out;
  for (size_t m = 0; m < group.links.size(); ++m) {
    const Link& link = group.links[m];
    const auto& says = carriers(classes[static_cast<size_t>(link.link_class)]);
    out.push_back(log_sum_exp(logits_of(result, m), says[static_cast<size_t>(link.value)]) -
                  log_sum_exp(logits_of(result, m), says[static_cast<size_t>(link.pair_value)]));
  }
  return out;
}

// A model whose heads' outputs at the targets come from the run on the pairs: LD of each link less that of the clean run.
class Patching {
 public:
  Patching(Engine& engine, const ModelSettings& model, size_t objective, const std::vector<LinkClass>& classes, Group& group,
           std::vector<double> clean)
      : engine_(engine),
        objective_(objective),
        classes_(classes),
        group_(group),
        clean_(std::move(clean)),
        outputs_(model.layers, model.heads, group.rows) {}

  std::vector<double> pair() { return run(group_.pair, outputs_.recorder()); }  // the first call
  std::vector<double> patched(HeadOutputs::Write what, int64_t l = 0, int64_t h = 0) {
    return run(group_.clean, outputs_.writer(what, l, h));
  }

 private:
  std::vector<double> run(const Batch& batch, Probe& probe) {
    engine_.forward(batch, result_, Want::kLogits, &probe);
    std::vector<double> moves = log_odds(result_[objective_], group_, classes_);
    for (size_t m = 0; m < moves.size(); ++m) moves[m] -= clean_[m];
    return moves;
  }

  Engine& engine_;
  size_t objective_;
  const std::vector<LinkClass>& classes_;
  const Group& group_;
  std::vector<double> clean_;
  HeadOutputs outputs_;
  ForwardResult result_;
};

// One class: sums while its groups are run, means at the end.
class ClassTest {
 public:
  ClassTest(Engine& engine, const ModelSettings& model, size_t objective, const std::vector<LinkClass>& classes, size_t k,
            bool effects)
      : engine_(engine), model_(model), objective_(objective), classes_(classes), says_(carriers(classes[k])), effects_(effects) {
    out_.name = classes[k].name;
    out_.heads.resize(static_cast<size_t>(model.layers * model.heads));
    moved_.resize(out_.heads.size());
  }

  void run(Group& group, const Collator& collator) {
    collator.finish(group.clean), collator.finish(group.pair);
    check(group.clean.targets[objective_].rows.size() == group.links.size(), "each sentence of the link test has one target");
    SourceAttention attention(model_, group.questions);
    engine_.forward(group.clean, result_, Want::kLogits, &attention);
    decide(group);
    for (size_t h = 0; h < out_.heads.size(); ++h) {
      out_.heads[h].attention += attention.mass[h];
      out_.heads[h].hit_rate += attention.hits[h];
      out_.heads[h].chance += attention.chance[h];
    }
    if (!effects_) return;
    Patching patching(engine_, model_, objective_, classes_, group, log_odds(result_[objective_], group, classes_));
    const auto sum = [](const std::vector<double>& moves) { return std::accumulate(moves.begin(), moves.end(), 0.0); };
    pair_ += sum(patching.pair());
    none_ += sum(patching.patched(HeadOutputs::Write::kNone));
    all_ += sum(patching.patched(HeadOutputs::Write::kAll));
    for (int64_t l = 0; l < model_.layers; ++l)
      for (int64_t h = 0; h < model_.heads; ++h)
        moved_[static_cast<size_t>(l * model_.heads + h)] += sum(patching.patched(HeadOutputs::Write::kHead, l, h));
  }

  LinkMeasure finish() {
    const auto n = static_cast<double>(std::max<int64_t>(out_.count, 1));
    out_.loss /= n, out_.decision /= n;
    out_.decision_attractors /= static_cast<double>(std::max<int64_t>(out_.attractors, 1));
    for (size_t h = 0; h < out_.heads.size(); ++h) {
      out_.heads[h].attention /= n, out_.heads[h].hit_rate /= n, out_.heads[h].chance /= n;
      out_.heads[h].effect = pair_ != 0 ? moved_[h] / pair_ : 0;
    }
    out_.effect_of_none = pair_ != 0 ? none_ / pair_ : 0;
    out_.effect_of_all = pair_ != 0 ? all_ / pair_ : 0;
    return std::move(out_);
  }

 private:
  void decide(const Group& group) {
    for (size_t m = 0; m < group.links.size(); ++m) {
      const Link& link = group.links[m];
      int32_t best = 0;
      double most = -INFINITY;
      for (size_t v = 0; v < says_.size(); ++v) {
        const double p = says_[v].empty() ? -INFINITY : log_sum_exp(logits_of(result_[objective_], m), says_[v]);
        if (p > most) most = p, best = static_cast<int32_t>(v);
      }
      const int right = best == link.value ? 1 : 0;
      out_.decision += right;
      out_.decision_attractors += link.attractor ? right : 0;
      out_.attractors += link.attractor ? 1 : 0;
      out_.loss += result_[objective_].losses[m];
      ++out_.count;
    }
  }

  Engine& engine_;
  const ModelSettings& model_;
  size_t objective_;
  const std::vector<LinkClass>& classes_;
  const std::vector<std::vector<int32_t>>& says_;  // of each value: the classes that carry it
  bool effects_;
  ForwardResult result_;
  LinkMeasure out_;
  std::vector<double> moved_;  // [L·H] Σ(LD_h − LD)
  double pair_ = 0, none_ = 0, all_ = 0;
};

}  // namespace

std::optional<size_t> linked_objective(const Corpus& corpus, const std::vector<TargetSettings>& targets) {
  if (corpus.link_classes.empty()) return std::nullopt;
  const TargetKind kind = corpus.link_classes[0].tags.empty() ? TargetKind::kMasked : TargetKind::kTags;
  if (kind == TargetKind::kTags && asks_for(targets, TargetKind::kMasked)) return std::nullopt;
  const auto at = std::find_if(targets.begin(), targets.end(), [&](const TargetSettings& t) { return t.kind == kind; });
  return at == targets.end() ? std::nullopt : std::optional(static_cast<size_t>(at - targets.begin()));
}

std::vector<LinkMeasure> measure_links(Engine& engine, const ModelSettings& model, const Corpus& corpus, const Dataset& split,
                                       const Collator& collator, const LinkTestOptions& options) {
  const std::optional<size_t> objective = linked_objective(corpus, collator.targets());
  check(objective.has_value(), "the links are those of an objective");
  std::vector<ClassTest> tests;
  for (size_t k = 0; k < corpus.link_classes.size(); ++k)
    tests.emplace_back(engine, model, *objective, corpus.link_classes, k, options.effects);
  std::vector<Group> groups(tests.size());
  std::vector<int64_t> taken(tests.size());
  const auto run = [&](size_t k) {
    if (!groups[k].links.empty()) tests[k].run(groups[k], collator);
    groups[k] = {};
  };
  Example example;
  const auto wanted = [&](int64_t n) { return n < options.most; };
  for (int64_t i = 0; i < split.size() && std::any_of(taken.begin(), taken.end(), wanted); ++i) {
    for (const Link& link : split.links(i)) {
      const auto k = static_cast<size_t>(link.link_class);
      if (!wanted(taken[k])) continue;
      ++taken[k];
      split.read(i, example);
      if (groups[k].clean.size() + std::ssize(example.tokens) + collator.extra() > options.batch_tokens) run(k);
      append(groups[k], link, corpus.link_classes[k], example, i, collator);
    }
  }
  std::vector<LinkMeasure> out;
  for (size_t k = 0; k < tests.size(); ++k) {
    run(k);
    out.push_back(tests[k].finish());
  }
  return out;
}

std::vector<LinkMove> measure_moves(Engine& engine, const ModelSettings& model, const Corpus& corpus, const Dataset& split,
                                    const Collator& collator, std::span<const int64_t> sequences) {
  const std::optional<size_t> objective = linked_objective(corpus, collator.targets());
  check(objective.has_value(), "the links are those of an objective");
  Group group;
  Example example;
  for (const int64_t i : sequences) {
    const Link link = split.links(i).at(0);
    split.read(i, example);
    append(group, link, corpus.link_classes[static_cast<size_t>(link.link_class)], example, i, collator);
  }
  collator.finish(group.clean), collator.finish(group.pair);
  ForwardResult result;
  engine.forward(group.clean, result, Want::kLogits);
  Patching patching(engine, model, *objective, corpus.link_classes, group,
                    log_odds(result[*objective], group, corpus.link_classes));
  std::vector<LinkMove> out(sequences.size());
  const std::vector<double> pair = patching.pair();
  for (size_t m = 0; m < out.size(); ++m) out[m].pair = pair[m];
  for (int64_t l = 0; l < model.layers; ++l)
    for (int64_t h = 0; h < model.heads; ++h) {
      const std::vector<double> moves = patching.patched(HeadOutputs::Write::kHead, l, h);
      for (size_t m = 0; m < out.size(); ++m) out[m].heads.push_back(moves[m]);
    }
  return out;
}

size_t best_head(const LinkMeasure& m, double HeadLink::*score) {
  const auto less = [&](const HeadLink& a, const HeadLink& b) { return a.*score < b.*score; };
  return static_cast<size_t>(std::max_element(m.heads.begin(), m.heads.end(), less) - m.heads.begin());
}

std::vector<LinkReport> report_links(const ModelSettings& model, const std::vector<LinkMeasure>& chosen_on,
                                     const std::vector<LinkMeasure>& reported_on,
                                     const std::vector<LinkMeasure>& untrained_chosen_on,
                                     const std::vector<LinkMeasure>& untrained_reported_on) {
  const auto name = [&](size_t h) {
    return HeadName{static_cast<int64_t>(h) / model.heads, static_cast<int64_t>(h) % model.heads};
  };
  std::vector<LinkReport> out;
  for (size_t k = 0; k < reported_on.size(); ++k) {
    const LinkMeasure& m = reported_on[k];
    LinkReport& r = out.emplace_back();
    const size_t acts = best_head(chosen_on[k], &HeadLink::effect), looks = best_head(chosen_on[k], &HeadLink::attention);
    r.name = m.name, r.count = m.count, r.attractors = m.attractors;
    r.decision = m.decision, r.decision_attractors = m.decision_attractors;
    r.effect = m.heads[acts].effect, r.effect_head = name(acts), r.effect_of_all = m.effect_of_all;
    r.attention = m.heads[looks].attention, r.attention_head = name(looks), r.hit_rate = m.heads[looks].hit_rate;
    r.chance = m.heads[looks].chance;
    if (!untrained_reported_on.empty())
      r.untrained = untrained_reported_on[k].heads[best_head(untrained_chosen_on[k], &HeadLink::attention)].attention;
  }
  return out;
}

}  // namespace vitrine
