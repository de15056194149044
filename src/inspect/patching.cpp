#include "inspect/patching.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/error.h"
#include "inspect/flow.h"

namespace vitrine {
namespace {

constexpr std::string_view kWeights = "attention.weights", kValue = "attention.value", kOutput = "attention.output";

bool stores_no_weights(std::string_view name) { return !name.ends_with(kWeights); }

// The two runs, recorded with the same names, and what an intervention into the clean one moves.
class Patcher {
 public:
  Patcher(Engine& engine, const ModelSettings& model, const PatchQuestion& question, const Activations::Wanted& wanted)
      : engine_(engine), question_(question), clean_(wanted), pair_(wanted), intervention_(model, question.clean) {
    clean_odds_ = run(question.clean, clean_), pair_odds_ = run(question.pair, pair_);
    if (clean_odds_ == pair_odds_)
      fail(ErrorKind::kConfig,
           "the two sentences have the same log-odds of the two answers, {:.4g}: there is no effect to share out", clean_odds_);
  }
  double clean_odds() const { return clean_odds_; }
  double pair_odds() const { return pair_odds_; }

  double effect(const Site& site) {
    intervention_.clear();
    intervention_.replace(site, pair_);
    return effect();
  }
  double effect_of_edge(int64_t layer, int64_t head, int64_t i, int64_t j) {
    intervention_.clear();
    intervention_.replace_edge(layer, head, i, j, clean_, pair_);
    return effect();
  }
  double effect_of_none() {
    intervention_.clear();
    return effect();
  }

 private:
  double run(const Batch& batch, Probe& probe) {
    engine_.forward(batch, result_, Want::kLogits, &probe);
    return question_.odds(result_);
  }
  double effect() {
    const double moved = run(question_.clean, intervention_) - clean_odds_;
    return moved == 0 ? 0 : moved / (pair_odds_ - clean_odds_);  // not −0
  }

  Engine& engine_;
  const PatchQuestion& question_;
  Activations clean_, pair_;
  Intervention intervention_;
  ForwardResult result_;
  double clean_odds_ = 0, pair_odds_ = 0;
};

// Edges need weights, and to look at them may change the last bits of a run: they have two runs of their own.
Activations::Wanted edges_of(int64_t layer) {
  return [layer](std::string_view name) {
    return name == activation_name(layer, kWeights) || name == activation_name(layer, kValue);
  };
}

}  // namespace

double log_sum_exp(std::span<const double> logits, std::span<const int32_t> classes) {
  double largest = -INFINITY, sum = 0;
  for (const int32_t c : classes) largest = std::max(largest, logits[static_cast<size_t>(c)]);
  for (const int32_t c : classes) sum += std::exp(logits[static_cast<size_t>(c)] - largest);
  return largest + std::log(sum);
}

std::span<const double> LogOdds::logits(const ForwardResult& result) const {
  const HeadResult& head = result[objective];
  return std::span(head.logits).subspan(target * static_cast<size_t>(head.classes), static_cast<size_t>(head.classes));
}
double LogOdds::operator()(const ForwardResult& result) const {
  return log_sum_exp(logits(result), here) - log_sum_exp(logits(result), there);
}

PatchGrids patch(Engine& engine, const ModelSettings& model, const PatchQuestion& q) {
  const int64_t n = q.clean.size();
  Patcher patcher(engine, model, q, stores_no_weights);
  PatchGrids out;
  out.clean = patcher.clean_odds(), out.pair = patcher.pair_odds();
  out.none = patcher.effect_of_none(), out.all = patcher.effect({"embedding"});
  const auto positions = [&](std::vector<double>& to, const std::string& activation) {
    for (int64_t i = 0; i < n; ++i) to.push_back(patcher.effect({activation, -1, i}));
  };
  positions(out.residual, "embedding");
  for (int64_t l = 0; l < model.layers; ++l) {
    positions(out.residual, activation_name(l, "residual"));
    positions(out.attention, activation_name(l, kOutput));
    positions(out.feed_forward, activation_name(l, "feed_forward"));
    for (int64_t h = 0; h < model.heads; ++h) {
      out.heads.push_back(patcher.effect({activation_name(l, kOutput), h}));
      if (q.row >= 0) out.heads_at_target.push_back(patcher.effect({activation_name(l, kOutput), h, q.row}));
    }
  }
  for (int64_t l = 0; l < model.layers && q.row >= 0; ++l) {
    Patcher with_weights(engine, model, q, edges_of(l));
    for (int64_t h = 0; h < model.heads; ++h)
      for (int64_t j = 0; j < n; ++j) out.edges.push_back(with_weights.effect_of_edge(l, h, q.row, j));
  }
  return out;
}

std::vector<double> patch_edges(Engine& engine, const ModelSettings& model, const PatchQuestion& q, int64_t layer, int64_t head) {
  Patcher patcher(engine, model, q, edges_of(layer));
  std::vector<double> out;
  for (int64_t i = 0; i < q.clean.size(); ++i)
    for (int64_t j = 0; j < q.clean.size(); ++j) out.push_back(patcher.effect_of_edge(layer, head, i, j));
  return out;
}

// What a block leaves, written where the last one leaves its own: the final norm and the objective do the rest.
std::vector<std::vector<double>> logit_lens(Engine& engine, const ModelSettings& model, const Batch& batch, const LogOdds& odds) {
  const std::string last = activation_name(model.layers - 1, "residual");
  Activations recording([](std::string_view name) { return name == "embedding" || name.ends_with(".residual"); });
  ForwardResult result;
  engine.forward(batch, result, Want::kLogits, &recording);
  std::vector<std::vector<double>> out;
  for (int64_t l = -1; l < model.layers; ++l) {
    const Activations::Matrix& x = recording.at(l < 0 ? "embedding" : activation_name(l, "residual"));
    Intervention stop(model, batch);
    for (int64_t i = 0; i < batch.size(); ++i) {
      const std::span<const double> row = x.row(i);
      stop.set({last, -1, i}, {row.begin(), row.end()});
    }
    engine.forward(batch, result, Want::kLogits, &stop);
    const std::span<const double> z = odds.logits(result);
    out.emplace_back(z.begin(), z.end());
  }
  return out;
}

std::vector<double> value_zeroing(Engine& engine, const ModelSettings& model, const Batch& batch, int64_t layer) {
  check(batch.sequence_count() == 1, "one sentence");
  const std::string residual = activation_name(layer, "residual");
  const int64_t n = batch.size();
  ForwardResult result;
  Activations whole(std::vector<std::string>{residual});
  engine.forward(batch, result, Want::kLosses, &whole);
  std::vector<double> out(static_cast<size_t>(n * n));
  for (int64_t j = 0; j < n; ++j) {
    Intervention without(model, batch);
    without.zero({activation_name(layer, kValue), -1, j});
    Activations rest(std::vector<std::string>{residual});
    ProbePair both(without, rest);
    engine.forward(batch, result, Want::kLosses, &both);
    for (int64_t i = 0; i < n; ++i)
      out[static_cast<size_t>(i * n + j)] = cosine_distance(rest.at(residual).row(i), whole.at(residual).row(i));
  }
  normalise_rows(out, n);
  return out;
}

}  // namespace vitrine
