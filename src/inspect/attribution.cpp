#include "inspect/attribution.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"

namespace vitrine {
namespace {

using Row = std::vector<double>;

// A parameter [rows, cols]; a vector is one row.
struct Parameter {
  std::vector<double> values;
  int64_t cols = 0;
  Parameter(const SafeTensors& file, const std::string& name) {
    const NamedTensor& t = file.at(name);
    values = t.as_double(), cols = t.shape.back();
  }
  std::span<const double> row(int64_t i) const {
    return std::span(values).subspan(static_cast<size_t>(i * cols), static_cast<size_t>(cols));
  }
};

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

// x ↦ γ ⊙ (x − μ) r + β, or γ ⊙ x r. `scale` is what remains when the statistics are those of one row: a linear map and β.
class FrozenNorm {
 public:
  FrozenNorm(const SafeTensors& file, const std::string& name, const NormSettings& settings)
      : gamma_(Parameter(file, name + ".weight").values),
        centred_(settings.kind == NormKind::kLayer),
        epsilon_(settings.epsilon) {
    beta_ = centred_ ? Parameter(file, name + ".bias").values : Row(gamma_.size(), 0.0);
  }
  double r(std::span<const double> x) const {
    const double n = static_cast<double>(x.size()), mean = centred_ ? std::accumulate(x.begin(), x.end(), 0.0) / n : 0;
    double squares = 0;
    for (const double v : x) squares += (v - mean) * (v - mean);
    return 1 / std::sqrt(squares / n + epsilon_);
  }
  Row linear(std::span<const double> x, double r) const {  // without β
    const double mean = centred_ ? std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size()) : 0;
    Row y(x.begin(), x.end());
    for (size_t c = 0; c < y.size(); ++c) y[c] = gamma_[c] * (y[c] - mean) * r;
    return y;
  }
  Row operator()(std::span<const double> x) const {
    Row y = linear(x, r(x));
    for (size_t c = 0; c < y.size(); ++c) y[c] += beta_[c];
    return y;
  }
  const Row& beta() const { return beta_; }

 private:
  Row gamma_, beta_;
  bool centred_;
  double epsilon_;
};

bool is_language_model(const ObjectiveSettings& o) {
  return o.kind == ObjectiveKind::kMaskedLm || o.kind == ObjectiveKind::kCausalLm;
}

std::string last_layer(const ObjectiveSettings& o) {
  switch (o.kind) {
    case ObjectiveKind::kMaskedLm:
    case ObjectiveKind::kCausalLm: return "head";
    case ObjectiveKind::kTokenClassification: return "tagger";
    case ObjectiveKind::kSequenceClassification: return "classifier";
    case ObjectiveKind::kMultiLabelClassification: return "labeller";
    case ObjectiveKind::kRegression: return "regressor";
  }
  return {};
}
std::string unembedding_name(const ObjectiveSettings& o) {
  return is_language_model(o) && o.tied ? "embedding.token.weight" : last_layer(o) + ".weight";
}

// What head h writes of a row of outputs or values: W_O's columns h·d … times the row's.
Row head_output(const Parameter& W_O, std::span<const double> o, int64_t head, int64_t d) {
  Row y;
  for (int64_t i = 0; i < W_O.cols; ++i)
    y.push_back(dot(W_O.row(i).subspan(static_cast<size_t>(head * d), static_cast<size_t>(d)),
                    o.subspan(static_cast<size_t>(head * d), static_cast<size_t>(d))));
  return y;
}

// x Wᵀ + b of some rows of W.
Row project(const SafeTensors& file, const std::string& name, std::span<const double> x, int64_t first, int64_t count) {
  const Parameter W(file, name + ".weight"), b(file, name + ".bias");
  Row y;
  for (int64_t i = first; i < first + count; ++i) y.push_back(dot(W.row(i), x) + b.values[static_cast<size_t>(i)]);
  return y;
}

}  // namespace

double DirectAttribution::sum() const {
  return embedding + biases + std::accumulate(heads.begin(), heads.end(), 0.0) +
         std::accumulate(feed_forward.begin(), feed_forward.end(), 0.0);
}

std::string why_no_direct_attribution(const ModelSettings& model, const ObjectiveSettings& objective) {
  if (model.norm.place == NormPlace::kPost) return "post-norm blocks scale what the blocks before them wrote";
  if (objective.transform) return "a transform stands between the encoder and the logits";
  if (objective.pooler) return "a pooler stands between the encoder and the logits";
  return {};
}

DirectAttribution direct_attribution(Engine& engine, const ModelSettings& model, const ObjectiveSettings& objective,
                                     const SafeTensors& parameters, const Batch& batch, const LogOdds& odds,
                                     const std::vector<int64_t>& rows) {
  check(odds.here.size() == 1 && odds.there.size() == 1, "one answer on each side");
  const int64_t d = model.width / model.heads;
  Activations seen([](std::string_view name) { return name == "embedding" || !name.ends_with(".weights"); });
  ForwardResult result;
  engine.forward(batch, result, Want::kLogits, &seen);
  const FrozenNorm norm(parameters, "final_norm", model.norm);
  const Parameter U(parameters, unembedding_name(objective)), b(parameters, last_layer(objective) + ".bias");
  Row u(U.row(odds.here[0]).begin(), U.row(odds.here[0]).end());
  for (size_t c = 0; c < u.size(); ++c) u[c] -= U.row(odds.there[0])[c];

  DirectAttribution out;
  out.total = odds(result);
  out.heads.resize(static_cast<size_t>(model.layers * model.heads)), out.feed_forward.resize(static_cast<size_t>(model.layers));
  out.biases = dot(u, norm.beta()) + b.values[static_cast<size_t>(odds.here[0])] - b.values[static_cast<size_t>(odds.there[0])];
  for (const int64_t row : rows) {
    const double r = norm.r(seen.at(activation_name(model.layers - 1, "residual")).row(row));
    const auto share = [&](std::span<const double> part) {
      return dot(u, norm.linear(part, r)) / static_cast<double>(rows.size());
    };
    out.embedding += share(seen.at("embedding").row(row));
    for (int64_t l = 0; l < model.layers; ++l) {
      const Parameter W_O(parameters, activation_name(l, "attention.output.weight")),
          b_O(parameters, activation_name(l, "attention.output.bias"));
      for (int64_t h = 0; h < model.heads; ++h)
        out.heads[static_cast<size_t>(l * model.heads + h)] +=
            share(head_output(W_O, seen.at(activation_name(l, "attention.output")).row(row), h, d));
      out.biases += share(b_O.values);
      out.feed_forward[static_cast<size_t>(l)] += share(seen.at(activation_name(l, "feed_forward")).row(row));
    }
  }
  return out;
}

HeadCircuit head_circuit(const ModelSettings& model, const ObjectiveSettings& objective, const SafeTensors& parameters,
                         int64_t layer, int64_t head, int32_t token) {
  const int64_t d = model.width / model.heads;
  const std::string block = activation_name(layer, "attention");
  const Parameter E(parameters, "embedding.token.weight");
  const int64_t V = std::ssize(E.values) / E.cols;
  const bool pre = model.norm.place == NormPlace::kPre;
  std::optional<FrozenNorm> norm;
  if (pre) norm.emplace(parameters, block + "_norm", model.norm);
  const auto seen = [&](int64_t t) { return norm ? (*norm)(E.row(t)) : Row(E.row(t).begin(), E.row(t).end()); };
  const Row x = seen(token);

  HeadCircuit out;
  const Row q = project(parameters, block + ".query", x, head * d, d);
  const Parameter W_K(parameters, block + ".key.weight"), b_K(parameters, block + ".key.bias");
  // q · k_t = (q W_K) · x_t + q · b_K, so that each key costs D products.
  Row to_key(static_cast<size_t>(model.width), 0.0);
  double constant = 0;
  for (int64_t i = 0; i < d; ++i) {
    const double qi = q[static_cast<size_t>(i)];
    for (size_t c = 0; c < to_key.size(); ++c) to_key[c] += qi * W_K.row(head * d + i)[c];
    constant += qi * b_K.values[static_cast<size_t>(head * d + i)];
  }
  for (int64_t t = 0; t < V; ++t) out.looks.push_back((dot(to_key, seen(t)) + constant) / std::sqrt(static_cast<double>(d)));
  if (!is_language_model(objective) || objective.transform) return out;

  Row v(static_cast<size_t>(model.width), 0.0);
  const Row of_head = project(parameters, block + ".value", x, head * d, d);
  std::copy(of_head.begin(), of_head.end(), v.begin() + static_cast<std::ptrdiff_t>(head * d));
  Row written = head_output(Parameter(parameters, block + ".output.weight"), v, head, d);
  if (pre) written = FrozenNorm(parameters, "final_norm", model.norm).linear(written, 1);
  const Parameter U(parameters, unembedding_name(objective));
  for (int64_t t = 0; t < V; ++t) out.writes.push_back(dot(U.row(t), written));
  return out;
}

}  // namespace vitrine
