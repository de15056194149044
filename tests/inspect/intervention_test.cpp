#include "inspect/intervention.h"

#include <cmath>
#include <regex>

#include "inspect/explanation.h"
#include "inspect/flow.h"
#include "inspect/link_test.h"
#include "inspect/patching.h"
#include "inspect/statistics.h"
#include "support/catch.h"
#include "support/error_of.h"
#include "support/hand_made.h"

using namespace vitrine;

namespace {

Batch batch_of(const std::vector<std::vector<int32_t>>& sentences, ObjectiveKind kind) {
  Batch batch;
  batch.targets.resize(1);
  for (const auto& tokens : sentences) {
    const auto first = static_cast<int32_t>(batch.size());
    batch.tokens.insert(batch.tokens.end(), tokens.begin(), tokens.end());
    batch.offsets.push_back(batch.size()), batch.sequences.push_back(batch.sequence_count());
    for (int32_t row = first; row < batch.size(); ++row)
      if (kind == ObjectiveKind::kCausalLm ? row + 1 < batch.size() : batch.tokens[static_cast<size_t>(row)] == Tokenizer::kMask)
        batch.targets[0].rows.push_back(row), batch.targets[0].classes.push_back(HandMade::kNames);
  }
  batch.targets[0].weight = static_cast<double>(batch.targets[0].rows.size());
  return batch;
}

std::vector<double> logits_of(Engine& engine, const Batch& batch, Probe* probe = nullptr) {
  ForwardResult result;
  engine.forward(batch, result, Want::kLogits, probe);
  return result[0].logits;
}

// A random model of any kind, whose heads all matter.
struct Random {
  EngineSettings settings;
  std::unique_ptr<Engine> engine;
  Batch clean, pair;
};
Random random_model(Precision precision, const AttentionSettings& attention, NormPlace place,
                    PositionKind position = PositionKind::kLearned, int64_t lanes = 1) {
  Random out;
  EngineSettings& s = out.settings;
  s.model.width = 24, s.model.layers = 2, s.model.heads = 3, s.model.hidden = 20, s.model.max_length = 16;
  s.model.attention = {attention}, s.model.norm.place = place, s.model.position.kind = position;
  s.objectives = {{}}, s.objectives[0].rate = 1;
  s.class_weights = {{}};
  s.vocabulary = 20, s.classes = {20}, s.seed = 7;
  s.longest = 16, s.batch_tokens = 32, s.batch_sequences = 4, s.training.lanes = lanes, s.training.micro_batch = 16;
  out.engine = make_engine(precision, s);
  out.engine->set_parameters({[&] {  // larger than models start, so that everything acts
                                std::vector<NamedTensor> all = out.engine->parameters();
                                for (NamedTensor& t : all) {
                                  std::vector<double> x = t.as_double();
                                  for (double& v : x) v *= t.name.find("norm") == std::string::npos ? 8 : 1;
                                  if (t.shape.size() == 2 || t.name.find("norm") != std::string::npos)
                                    t = precision == Precision::kFloat64
                                            ? NamedTensor::of(t.name, t.shape, std::span<const double>(x))
                                            : NamedTensor::of(t.name, t.shape,
                                                              std::span<const float>(std::vector<float>(x.begin(), x.end())));
                                }
                                return all;
                              }(),
                              {}});
  const int32_t M = Tokenizer::kMask;
  out.clean = batch_of({{7, 8, 9, M, 11, 12}, {5, M, 9}, {M}, {6, 7, 8, 9, 10, 11, M}}, ObjectiveKind::kMaskedLm);
  out.pair = batch_of({{15, 8, 4, M, 19, 12}, {6, M, 9}, {M}, {6, 7, 18, 9, 10, 19, M}}, ObjectiveKind::kMaskedLm);
  return out;
}

AttentionSettings kind_of(AttentionKind kind) {
  AttentionSettings a;
  a.kind = kind;
  if (kind == AttentionKind::kLocal) a.window = {2};
  if (kind == AttentionKind::kTopK) a.k = 2;
  if (kind == AttentionKind::kRouting) a.clusters = 2;
  if (kind == AttentionKind::kPerformer) a.features = 8;
  return a;
}

}  // namespace

TEST_CASE("Putting nothing in changes no bit; putting everything in gives the pair's run to the bit") {
  const Precision precision = GENERATE(Precision::kFloat32, Precision::kFloat64);
  const NormPlace place = GENERATE(NormPlace::kPre, NormPlace::kPost);
  const AttentionKind kind =
      GENERATE(AttentionKind::kFull, AttentionKind::kLocal, AttentionKind::kLinear, AttentionKind::kRouting);
  const int64_t lanes = GENERATE(1, 2);
  Random model = random_model(precision, kind_of(kind), place, PositionKind::kLearned, lanes);
  const auto all = [](std::string_view name) { return !name.starts_with("gradient."); };
  Activations clean(all), pair(all);
  const std::vector<double> z = logits_of(*model.engine, model.clean, &clean),
                            z_pair = logits_of(*model.engine, model.pair, &pair);
  REQUIRE(z != z_pair);
  Intervention nothing(model.settings.model, model.clean);
  const std::vector<double> plain = logits_of(*model.engine, model.clean);
  CHECK(logits_of(*model.engine, model.clean, &nothing) == plain);

  Intervention same(model.settings.model, model.clean), everything(model.settings.model, model.clean);
  for (const std::string& name : activation_names(model.settings.model))
    same.replace({name}, clean), everything.replace({name}, pair);
  CHECK(logits_of(*model.engine, model.clean, &same) == z);
  CHECK(logits_of(*model.engine, model.clean, &everything) == z_pair);
  for (const char* name : {"embedding", "blocks.0.residual", "blocks.1.residual", "encoder"}) {  // what all else follows from
    INFO(name);
    Activations one(std::vector<std::string>{name});  // nobody looks at weights
    const std::vector<double> alone = logits_of(*model.engine, model.pair, &one);
    Intervention patch(model.settings.model, model.clean);
    patch.replace({name}, one);
    CHECK(logits_of(*model.engine, model.clean, &patch) == alone);
  }
}

TEST_CASE("A site is a head, a position, a sequence, a key, and nothing beside it is touched") {
  const AttentionKind kind = GENERATE(AttentionKind::kFull, AttentionKind::kLinear, AttentionKind::kTopK);
  Random model = random_model(Precision::kFloat64, kind_of(kind), NormPlace::kPre);
  const ModelSettings& m = model.settings.model;
  Activations before([](std::string_view) { return true; });
  logits_of(*model.engine, model.clean, &before);
  const int64_t d = m.width / m.heads;

  Intervention head(m, model.clean);
  head.zero({"blocks.0.attention.output", 1, 3, -1, 0});  // head 1, position 3, sequence 0
  Activations after([](std::string_view) { return true; });
  ProbePair both(head, after);
  logits_of(*model.engine, model.clean, &both);
  for (int64_t row = 0; row < model.clean.size(); ++row)
    for (int64_t c = 0; c < m.width; ++c) {
      const double was = before.at("blocks.0.attention.output").row(row)[static_cast<size_t>(c)];
      CHECK(after.at("blocks.0.attention.output").row(row)[static_cast<size_t>(c)] == (row == 3 && c / d == 1 ? 0 : was));
    }
  const auto changed = [&](int64_t row) {
    const auto x = before.at("blocks.0.residual").row(row), y = after.at("blocks.0.residual").row(row);
    return !std::equal(x.begin(), x.end(), y.begin());
  };
  for (int64_t row = 0; row < model.clean.size(); ++row) CHECK(changed(row) == (row == 3));

  Intervention key(m, model.clean);
  key.zero({"blocks.1.attention.weights", 2, -1, 0});  // nobody looks at token 0 in head 2
  ProbePair edge(key, after);
  logits_of(*model.engine, model.clean, &edge);
  for (int64_t b = 0; b < 4; ++b)
    for (int64_t h = 0; h < m.heads; ++h)
      for (int64_t i = 0; i < model.clean.length(b); ++i)
        for (int64_t j = 0; j < model.clean.length(b); ++j) {
          const double was = before.weights(1, b, h).row(i)[static_cast<size_t>(j)];
          CHECK(after.weights(1, b, h).row(i)[static_cast<size_t>(j)] == Approx(h == 2 && j == 0 ? 0 : was).margin(1e-15));
        }
  Activations pair([](std::string_view) { return true; });
  logits_of(*model.engine, model.pair, &pair);
  Intervention weights(m, model.clean);
  weights.replace({"blocks.0.attention.weights"}, pair);
  Activations replaced([](std::string_view) { return true; });
  ProbePair all(weights, replaced);
  logits_of(*model.engine, model.clean, &all);
  for (int64_t b = 0; b < 4; ++b)
    for (int64_t h = 0; h < m.heads; ++h) CHECK(replaced.weights(0, b, h).values == pair.weights(0, b, h).values);

  // What the weight moved is gone from the head's output: O_i − α_i0 v_0.
  const auto O = before.at("blocks.1.attention.output").row(3), P = after.at("blocks.1.attention.output").row(3),
             v = before.at("blocks.1.attention.value").row(0);
  for (int64_t c = 0; c < m.width; ++c) {
    const auto k = static_cast<size_t>(c);
    CHECK(P[k] == Approx(O[k] - (c / d == 2 ? before.weights(1, 0, 2).row(3)[0] * v[k] : 0)).margin(1e-12));
  }
}

TEST_CASE("An edge moves its weight and its value; all edges of a row are the head's output, and of equal runs nothing") {
  const AttentionKind kind = GENERATE(AttentionKind::kFull, AttentionKind::kLinear, AttentionKind::kRouting);
  Random model = random_model(Precision::kFloat64, kind_of(kind), NormPlace::kPre);
  const ModelSettings& m = model.settings.model;
  const Batch clean = batch_of({{7, 8, 9, Tokenizer::kMask, 11}}, ObjectiveKind::kMaskedLm),
              pair = batch_of({{15, 8, 4, Tokenizer::kMask, 12}}, ObjectiveKind::kMaskedLm);
  const auto all = [](std::string_view name) { return !name.starts_with("gradient."); };
  Activations x(all), y(all);
  const std::vector<double> z = logits_of(*model.engine, clean, &x);
  logits_of(*model.engine, pair, &y);
  Intervention edges(m, clean), output(m, clean), same(m, clean);
  for (int64_t j = 0; j < 5; ++j) edges.replace_edge(0, 1, 3, j, x, y), same.replace_edge(0, 1, 3, j, x, x);
  output.replace({"blocks.0.attention.output", 1, 3}, y);
  const std::vector<double> by_edges = logits_of(*model.engine, clean, &edges),
                            by_output = logits_of(*model.engine, clean, &output),
                            unmoved = logits_of(*model.engine, clean, &same);
  CHECK(by_output != z);
  for (size_t c = 0; c < z.size(); ++c) {
    CHECK(by_edges[c] == Approx(by_output[c]).margin(1e-11));
    CHECK(unmoved[c] == Approx(z[c]).margin(1e-12));
  }
}

TEST_CASE("Means are those of all rows, and put in they make every row of a site alike") {
  Random model = random_model(Precision::kFloat64, {}, NormPlace::kPre);
  ActivationMeans means({"blocks.0.attention.output", "blocks.1.feed_forward"});
  Activations all([](std::string_view) { return true; });
  ProbePair both(means, all);
  logits_of(*model.engine, model.clean, &both);
  logits_of(*model.engine, model.pair, &means);
  Activations other([](std::string_view) { return true; });
  logits_of(*model.engine, model.pair, &other);
  const std::vector<double> mean = means.mean("blocks.0.attention.output");
  for (size_t c = 0; c < mean.size(); ++c) {
    double sum = 0;
    for (int64_t row = 0; row < model.clean.size(); ++row)
      sum += all.at("blocks.0.attention.output").row(row)[c] + other.at("blocks.0.attention.output").row(row)[c];
    CHECK(mean[c] == Approx(sum / static_cast<double>(2 * model.clean.size())));
  }
  Intervention set(model.settings.model, model.clean);
  set.set({"blocks.0.attention.output", 2}, mean);
  Activations after([](std::string_view) { return true; });
  ProbePair then(set, after);
  logits_of(*model.engine, model.clean, &then);
  for (int64_t row = 0; row < model.clean.size(); ++row)
    for (size_t c = 0; c < mean.size(); ++c)
      CHECK(after.at("blocks.0.attention.output").row(row)[c] ==
            (c / 8 == 2 ? mean[c] : all.at("blocks.0.attention.output").row(row)[c]));
}

TEST_CASE("A site that the model does not have is refused by name") {
  const HandMade model = make_by_hand(Circuit::kCopier, Precision::kFloat32);
  const Batch batch = batch_of({{4, 8, 9, Tokenizer::kMask}}, ObjectiveKind::kMaskedLm);
  Intervention x(model.settings.model, batch);
  const auto error = [&](const Site& site) { return error_of(ErrorKind::kConfig, [&] { x.zero(site); }); };
  CHECK(error({"blocks.7.residual"}).find("there is no activation 'blocks.7.residual'; this model has embedding, blocks.0.") !=
        std::string::npos);
  CHECK(error({"blocks.0.attention.output", 4}).find("heads 0 to 3, not 4") != std::string::npos);
  CHECK(error({"blocks.0.residual", 1}).find("has no heads") != std::string::npos);
  CHECK(error({"blocks.0.residual", -1, 0, 1}).find("has no keys") != std::string::npos);
  CHECK(error_of(ErrorKind::kConfig, [&] { x.set({"blocks.0.attention.weights"}, {1}); }).find("zero or replace weights") !=
        std::string::npos);
  CHECK(error({"blocks.0.residual", -1, 4}).find("position 4 in a sequence of 4 tokens") != std::string::npos);
}

TEST_CASE("Patching tells the head that copies from the decoy, the dead one, and the one that nobody reads") {
  const Precision precision = GENERATE(Precision::kFloat32, Precision::kFloat64);
  HandMade model = make_by_hand(Circuit::kCopier, precision);
  const Batch clean = batch_of({{4, 8, 9, Tokenizer::kMask}}, ObjectiveKind::kMaskedLm),
              pair = batch_of({{5, 8, 9, Tokenizer::kMask}}, ObjectiveKind::kMaskedLm);
  const PatchQuestion question{clean, pair, {0, 0, {4}, {5}}, 3};
  const PatchGrids g = patch(*model.engine, model.settings.model, question);
  CHECK(g.clean > 10);
  CHECK(g.pair == Approx(-g.clean));
  CHECK(g.none == 0);
  CHECK(g.all == 1);
  const auto near = [](double a, double b) { CHECK(a == Approx(b).margin(1e-4)); };
  const std::vector<double> residual{1, 0, 0, 0, 0, 0, 0, 1}, heads{1, 0, 0, 0};  // the name moves from its place to the mask
  for (size_t k = 0; k < 8; ++k) near(g.residual[k], residual[k]);
  for (size_t k = 0; k < 4; ++k) {
    near(g.heads[k], heads[k]), near(g.heads_at_target[k], heads[k]);
    near(g.attention[k], k == 3 ? 1 : 0), near(g.feed_forward[k], 0);
  }
  for (size_t h = 0; h < 4; ++h)
    for (size_t j = 0; j < 4; ++j) near(g.edges[h * 4 + j], h == 0 && j == 0 ? 1 : 0);
  const std::vector<double> edges = patch_edges(*model.engine, model.settings.model, question, 0, 0);
  for (size_t ij = 0; ij < 16; ++ij) near(edges[ij], ij == 3 * 4 + 0 ? 1 : 0);

  const auto lens = logit_lens(*model.engine, model.settings.model, clean, question.odds);
  REQUIRE(lens.size() == 2);
  CHECK(lens[0] == std::vector<double>(12, 0.0));  // before the block nothing is known
  CHECK(lens[1] == logits_of(*model.engine, clean));

  const std::vector<double> zeroing = value_zeroing(*model.engine, model.settings.model, clean, 0);
  CHECK(zeroing[3 * 4 + 0] == Approx(0.5).epsilon(1e-3));  // the mask has the name by head 0,
  CHECK(zeroing[3 * 4 + 2] == Approx(0.5).epsilon(1e-3));  // the token before by head 3,
  CHECK(zeroing[3 * 4 + 1] == Approx(0).margin(1e-3));
  CHECK(zeroing[1 * 4 + 2] > 0.01);  // who asks for nothing sees all alike
  CHECK(error_of(ErrorKind::kConfig, [&] {
          patch(*model.engine, model.settings.model, {clean, clean, question.odds, 3});
        }).find("the two sentences have the same log-odds") != std::string::npos);
}

TEST_CASE("What an answer hangs on: the name, by all four ways; the head that copies agrees, the one that looks back does not") {
  HandMade model = make_by_hand(Circuit::kCopier, Precision::kFloat64);
  Batch clean = batch_of({{4, 8, 9, Tokenizer::kMask}}, ObjectiveKind::kMaskedLm);
  clean.targets[0].classes = {-1};  // nobody knows the answer
  const Explanation e = explain(*model.engine, model.settings.model, clean, {0, 0, {4}, {5}}, 3);
  const auto largest = [](const std::vector<double>& x) { return std::max_element(x.begin(), x.end()) - x.begin(); };
  for (const auto* by : {&e.leave_one_out, &e.gradient_input, &e.relevance})
    CHECK((by->at(0) > by->at(1) && by->at(0) > by->at(2)));
  CHECK(largest(e.leave_one_out) == 0);
  CHECK(e.leave_one_out[1] == Approx(0).margin(1e-3));
  CHECK(e.rollout[0] > e.rollout[1]);
  CHECK(e.with_leaving[0] > e.with_leaving[3]);
  CHECK(e.null == Approx(kendall_null_deviation(4)));

  // Of a random model: the gradient is that of the log-odds, by finite differences along x itself.
  Random random = random_model(Precision::kFloat64, {}, NormPlace::kPost);
  const Batch batch = batch_of({{7, 8, 9, Tokenizer::kMask, 11, 12}}, ObjectiveKind::kMaskedLm);
  const LogOdds odds{0, 0, {5}, {9}};
  const Explanation r = explain(*random.engine, random.settings.model, batch, odds, 3);
  Activations x(std::vector<std::string>{"embedding"});
  logits_of(*random.engine, batch, &x);
  for (int64_t i = 0; i < 6; ++i) {
    const auto at = [&](double scale) {
      std::vector<double> row(x.at("embedding").row(i).begin(), x.at("embedding").row(i).end());
      for (double& v : row) v *= scale;
      Intervention change(random.settings.model, batch);
      change.set({"embedding", -1, i}, row);
      ForwardResult result;
      random.engine->forward(batch, result, Want::kLogits, &change);
      return odds(result);
    };
    CHECK(r.gradient_input[static_cast<size_t>(i)] == Approx(std::abs(at(1 + 1e-5) - at(1 - 1e-5)) / 2e-5).margin(1e-7));
    CHECK(r.leave_one_out[static_cast<size_t>(i)] == Approx(std::abs(at(0) - at(1))).margin(1e-12));
  }
}

TEST_CASE("The link test and patching agree on a circuit; twins share what they carry; looking is not acting") {
  HandMade copier = make_by_hand(Circuit::kCopier, Precision::kFloat32);
  const LinkMeasure m = measure_links(*copier.engine, copier.settings.model, copier.corpus, *copier.data, *copier.collator)[0];
  CHECK(m.count == 40);
  CHECK(m.decision == 1);
  CHECK(m.effect_of_none == 0);
  CHECK(m.effect_of_all == 1);
  const std::vector<double> effects{1, 0, 0, 0}, attention{1, 1, 0.25, 0};
  for (size_t h = 0; h < 4; ++h) {
    CHECK(m.heads[h].effect == Approx(effects[h]).margin(1e-4));
    CHECK(m.heads[h].attention == Approx(attention[h]).margin(1e-4));
  }
  HandMade twins = make_by_hand(Circuit::kTwins, Precision::kFloat32);
  const LinkMeasure t = measure_links(*twins.engine, twins.settings.model, twins.corpus, *twins.data, *twins.collator)[0];
  CHECK(t.heads[0].effect == Approx(t.heads[3].effect).margin(1e-4));
  CHECK((t.heads[0].effect > 0.3 && t.heads[0].effect < 0.7));
}

TEST_CASE("An induction circuit is seen as one: the first block looks back, the second behind the same token") {
  HandMade model = make_by_hand(Circuit::kInducer, Precision::kFloat64);
  Example example;
  model.data->read(0, example);
  const Batch batch = batch_of({example.tokens}, ObjectiveKind::kCausalLm);
  AttentionMaps maps(2, 4, 9);
  AttentionRecorder recorder(maps);
  ForwardResult result;
  model.engine->forward(batch, result, Want::kLogits, &recorder);
  const VisibleKeys causal = visible_keys(model.settings.model.attention[0], 0);
  const PatternMass back =
      pattern_mass(head_map(maps, 0, 0), causal, AttentionPattern::kPrevious, example.tokens, std::vector<bool>(9));
  CHECK(back.mass / back.total > 0.99);
  CHECK(induction_mass(head_map(maps, 1, 0), 4, 1) > 0.99);
  CHECK(duplicate_mass(head_map(maps, 1, 0), 4, 1) < 0.01);
  CHECK(induction_mass(head_map(maps, 0, 0), 4, 1) < 0.01);
  for (size_t m = 5; m < 8; ++m) CHECK(result[0].predictions[m] == example.tokens[m + 1]);  // the second time it knows
}

TEST_CASE("Gradients that a probe sees are those of finite differences, in any number of lanes") {
  const int64_t lanes = GENERATE(1, 2);
  Random model = random_model(Precision::kFloat64, {}, NormPlace::kPre, PositionKind::kLearned, lanes);
  Activations seen(
      [](std::string_view name) { return name.starts_with("gradient.") || name.ends_with(".output") || name == "embedding"; });
  const double loss = model.engine->gradients_of(model.clean, &seen);
  CHECK(loss == Approx(model.engine->loss_of(model.clean)));
  for (const std::string name : {"embedding", "blocks.0.attention.output", "blocks.1.attention.output"})
    for (const int64_t row : {0, 3, 8, 15}) {
      INFO(name << " row " << row);
      const auto mean_loss = [&](double by) {
        std::vector<double> x(seen.at(name).row(row).begin(), seen.at(name).row(row).end());
        x[5] += by;
        const auto sequence =
            std::upper_bound(model.clean.offsets.begin(), model.clean.offsets.end(), row) - model.clean.offsets.begin() - 1;
        Intervention change(model.settings.model, model.clean);
        change.set({name, -1, row - model.clean.offsets[static_cast<size_t>(sequence)], -1, sequence}, x);
        ForwardResult result;
        model.engine->forward(model.clean, result, Want::kLosses, &change);
        double sum = 0;
        for (const double l : result[0].losses) sum += l;
        return sum / static_cast<double>(result[0].losses.size());
      };
      const double step = 1e-5, difference = (mean_loss(step) - mean_loss(-step)) / (2 * step);
      CHECK(seen.at("gradient." + name).row(row)[5] == Approx(difference).margin(1e-8));
    }
}
