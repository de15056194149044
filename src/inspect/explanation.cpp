#include "inspect/explanation.h"

#include <cmath>

#include "base/check.h"
#include "inspect/flow.h"
#include "inspect/statistics.h"

namespace vitrine {
namespace {

// The row that is read of an [n][n] matrix, or the mean of all.
std::vector<double> read_row(std::span<const double> matrix, int64_t n, int64_t row) {
  std::vector<double> out(static_cast<size_t>(n), 0.0);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n && (row < 0 || i == row); ++j)
      out[static_cast<size_t>(j)] += matrix[static_cast<size_t>(i * n + j)] / static_cast<double>(row < 0 ? n : 1);
  return out;
}

bool explains(std::string_view name) {
  return name.ends_with("embedding") || name.ends_with(".attention.output") || name.ends_with(".attention.value");
}

}  // namespace

// LD = ln p_here − ln p_there is the loss for `there` minus the loss for `here`: two backward passes give its gradient.
Explanation explain(Engine& engine, const ModelSettings& model, const Batch& batch, const LogOdds& odds, int64_t row) {
  check(batch.sequence_count() == 1 && odds.here.size() == 1 && odds.there.size() == 1,
        "one sentence, and one answer on each side");
  const int64_t n = batch.size(), D = model.width;
  const auto pass = [&](int32_t answer) {
    Batch asked = batch;
    for (Targets& t : asked.targets) t.classes.assign(t.classes.size(), -1), t.weight = 0;
    asked.targets[odds.objective].classes[odds.target] = answer, asked.targets[odds.objective].weight = 1;
    Activations seen(explains);
    engine.gradients_of(asked, &seen);
    return seen;
  };
  const Activations here = pass(odds.here[0]), there = pass(odds.there[0]);
  const auto gradient = [&](const std::string& name) {
    std::vector<double> g = there.at("gradient." + name).values;
    for (size_t k = 0; k < g.size(); ++k) g[k] -= here.at("gradient." + name).values[k];
    return g;
  };

  Explanation out;
  const std::vector<double>&x = here.at("embedding").values, dx = gradient("embedding");
  for (int64_t i = 0; i < n; ++i) {
    double dot = 0;
    for (int64_t c = i * D; c < (i + 1) * D; ++c) dot += x[static_cast<size_t>(c)] * dx[static_cast<size_t>(c)];
    out.gradient_input.push_back(std::abs(dot));
  }
  ForwardResult result;
  Intervention without(model, batch);
  engine.forward(batch, result, Want::kLogits, &without);
  const double clean = odds(result);
  for (int64_t i = 0; i < n; ++i) {
    without.clear();
    without.zero({"embedding", -1, i});
    engine.forward(batch, result, Want::kLogits, &without);
    out.leave_one_out.push_back(std::abs(odds(result) - clean));
  }

  AttentionMaps maps(model.layers, model.heads, n), gradients = maps;
  AttentionRecorder recorder(maps);
  engine.forward(batch, result, Want::kLosses, &recorder);
  for (int64_t l = 0; l < model.layers; ++l)
    weight_gradients(gradients, l, gradient(activation_name(l, "attention.output")),
                     here.at(activation_name(l, "attention.value")).values);
  out.relevance = read_row(relevance(maps, gradients), n, row);
  const AttentionMaps rolled = rollout(maps);
  out.rollout = read_row(std::span(rolled.weights).last(static_cast<size_t>(n * n)), n, row);
  for (int64_t l = 0; l < model.layers; ++l)
    for (int64_t h = 0; h < model.heads; ++h) {
      const std::vector<double> weights = read_row({head_map(maps, l, h).weights, static_cast<size_t>(n * n)}, n, row);
      out.with_gradient.push_back(kendall_tau(weights, out.gradient_input));
      out.with_leaving.push_back(kendall_tau(weights, out.leave_one_out));
    }
  out.null = n > 1 ? kendall_null_deviation(n) : 0;
  return out;
}

}  // namespace vitrine
