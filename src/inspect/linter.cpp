#include "inspect/linter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace vitrine {
namespace {

std::string name_of(HeadName h) { return fmt::format("{}.{}", h.layer, h.head); }
std::string with_interval(const RatioEstimate& e) { return fmt::format("{:+.4f} ± {:.4f}", e.value(), e.half_width()); }

class Linter {
 public:
  Linter(const HeadTable& table, const LintThresholds& thresholds) : table_(table), is_(thresholds) {}

  std::vector<Finding> lint() {
    for (size_t k = 0; k < table_.facts.size(); ++k) costs(k);
    groups();
    for (size_t k = 0; k < table_.facts.size(); ++k) shapes(k);
    for (size_t c = 0; c < table_.links.size(); ++c) link(c);
    return std::move(findings_);
  }

 private:
  void say(std::string kind, std::vector<HeadName> heads, double value, double threshold, std::string sentence) {
    findings_.push_back({std::move(kind), std::move(heads), value, threshold, std::move(sentence)});
  }
  bool missed(const RatioEstimate& cost) const { return cost.value() > std::max(is_.missed, cost.half_width()); }

  void costs(size_t k) {
    const HeadFacts& f = table_.facts[k];
    const HeadName h = table_.name(k);
    if (!missed(f.zeroed))
      say("dead", {h}, f.zeroed.value(), is_.missed,
          fmt::format("{} {}: without its output the loss changes by {} nats (threshold {}, or the interval)", name_of(h),
                      f.zeroed.value() <= is_.missed ? "is not missed" : "is not missed as far as these sequences can tell",
                      with_interval(f.zeroed), is_.missed));
    else if (!missed(f.averaged))
      say("constant", {h}, f.averaged.value(), is_.missed,
          fmt::format("{} is a constant: with its mean output the loss changes by {} nats (threshold {}), without any by {}",
                      name_of(h), with_interval(f.averaged), is_.missed, with_interval(f.zeroed)));
  }

  void groups() {
    for (const AlikeHeads& pair : table_.alike)
      say("alike", {pair.a, pair.b}, pair.divergence, is_.alike,
          fmt::format(
              "{} and {} look at the same keys: divergence {:.4f} nats of at most 0.693 (threshold {}); the loss changes by {} "
              "without the first, {} without the second, {} without both",
              name_of(pair.a), name_of(pair.b), pair.divergence, is_.alike,
              with_interval(table_.facts[table_.index(pair.a)].zeroed), with_interval(table_.facts[table_.index(pair.b)].zeroed),
              with_interval(pair.together)));
    const HeadGroup& prunable = table_.prunable;
    if (prunable.heads.empty()) return;
    std::string names;
    for (const HeadName& h : prunable.heads) names += (names.empty() ? "" : ", ") + name_of(h);
    say("prunable", prunable.heads, prunable.cost.value(), is_.missed,
        fmt::format("{} of {} heads can be pruned together ({}): the loss, {:.4f}, changes by {} nats (threshold {})",
                    prunable.heads.size(), table_.facts.size(), names, table_.loss.value(), with_interval(prunable.cost),
                    is_.missed));
  }

  void shapes(size_t k) {
    const MapFacts& f = table_.facts[k].trained;
    const MapFacts& before = table_.facts[k].untrained;
    const MapFacts& chance = table_.chance;
    const HeadName h = table_.name(k);
    if (f.entropy.value() >= is_.uniform)
      say("uniform", {h}, f.entropy.value(), is_.uniform,
          fmt::format("{} looks at all alike: its entropy is {:.3f} of the most that it can be (threshold {})", name_of(h),
                      f.entropy.value(), is_.uniform));
    const auto sink = [&](const RatioEstimate& mass, const char* token) {
      if (!(mass.value() >= table_.sink_threshold)) return;
      say("sink", {h}, mass.value(), table_.sink_threshold,
          fmt::format("{} is a sink: {:.2f} of its weight lies on the {} token, whatever asks (threshold {:.2f})", name_of(h),
                      mass.value(), token, table_.sink_threshold));
    };
    sink(f.first_key, "first");
    if (f.last_key.value() > 2 * chance.last_key.value()) sink(f.last_key, "last");
    const auto pattern = [&](const RatioEstimate& mass, const RatioEstimate& by_chance, const RatioEstimate& untrained,
                             std::string_view what) {
      const double threshold = std::max(is_.pattern, 2 * by_chance.value());
      if (!(mass.value() >= threshold)) return;  // NaN where there is no such key
      say("pattern", {h}, mass.value(), threshold,
          fmt::format("{} follows `{}`: {:.2f} ± {:.2f} of its weight (threshold {:.2f}; chance {:.2f}, before training {:.2f})",
                      name_of(h), what, mass.value(), mass.half_width(), threshold, by_chance.value(), untrained.value()));
    };
    for (size_t p = 0; p < kPatternCount; ++p)
      pattern(f.patterns[p], chance.patterns[p], before.patterns[p], vitrine::name_of(static_cast<AttentionPattern>(p)));
    pattern(f.duplicate, chance.duplicate, before.duplicate, "duplicate token");
    pattern(f.induction, chance.induction, before.induction, "induction");
    pattern(f.masked_copy, chance.masked_copy, before.masked_copy, "copy of a masked token");
  }

  void link(size_t c) {
    const LinkMeasure& m = table_.links[c];
    if (m.count == 0) return;
    if (m.decision < is_.learned) {
      say("unlearned", {}, m.decision, is_.learned,
          fmt::format("'{}' is not learned: {:.0f} % of the answers agree with their source (threshold {:.0f} %)", m.name,
                      100 * m.decision, 100 * is_.learned));
      return;
    }
    for (size_t k = 0; k < m.heads.size(); ++k) {
      const HeadLink& head = m.heads[k];
      const double looks = std::max(is_.looks, 2 * head.chance);
      const HeadName h = table_.name(k);
      const std::string seen = fmt::format("{:.2f} of its weight on the source (chance {:.2f}, before training {:.2f})",
                                           head.attention, head.chance, table_.untrained_links[c].heads[k].attention);
      if (head.attention >= looks && head.effect >= is_.carries)
        say("carries", {h}, head.effect, is_.carries,
            fmt::format("{} carries '{}': its output moves the answer {:.2f} of the way (threshold {}), with {}", name_of(h),
                        m.name, head.effect, is_.carries, seen));
      else if (head.attention >= looks && std::abs(head.effect) < is_.carries / 4)
        say("looks_only", {h}, head.effect, is_.carries / 4,
            fmt::format(
                "{} looks and does not carry '{}': {}, but its output moves the answer only {:.2f} of the way (threshold {})",
                name_of(h), m.name, seen, head.effect, is_.carries / 4));
      else if (head.effect >= is_.carries && head.attention < 2 * head.chance)
        say("carries_unseen", {h}, head.effect, is_.carries,
            fmt::format("{} carries '{}' without looking at it: its output moves the answer {:.2f} of the way (threshold {}), "
                        "with only {}",
                        name_of(h), m.name, head.effect, is_.carries, seen));
    }
    const size_t eye = best_head(m, &HeadLink::attention), hand = best_head(m, &HeadLink::effect);
    say("looks_and_acts", {table_.name(eye), table_.name(hand)}, m.heads[eye].effect, m.heads[hand].effect,
        eye == hand
            ? fmt::format("For '{}' the head that looks most is the one that acts most: {}", m.name, name_of(table_.name(eye)))
            : fmt::format(
                  "For '{}' the head that looks most, {} ({:.2f}), is not the one that acts most, {}: {:.2f} against {:.2f}",
                  m.name, name_of(table_.name(eye)), m.heads[eye].attention, name_of(table_.name(hand)), m.heads[eye].effect,
                  m.heads[hand].effect));
  }

  const HeadTable& table_;
  LintThresholds is_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> lint(const HeadTable& table, const LintThresholds& thresholds) { return Linter(table, thresholds).lint(); }

}  // namespace vitrine
