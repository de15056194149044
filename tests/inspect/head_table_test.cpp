#include "inspect/head_table.h"

#include <cmath>
#include <regex>

#include "inspect/attribution.h"
#include "inspect/intervention.h"
#include "inspect/linter.h"
#include "support/catch.h"
#include "support/hand_made.h"

using namespace vitrine;

namespace {

HeadTable table_of(HandMade& model, int64_t limit = 0) {
  const std::unique_ptr<Engine> untrained = make_engine(model.engine->precision(), model.settings);
  HeadTableOptions options;
  options.batch_tokens = 30, options.longest = HandMade::kLongest, options.limit = limit, options.weights = {1};
  return measure_heads(*model.engine, *untrained, model.settings.model, model.corpus, *model.data, *model.collator, options);
}

std::vector<std::string> said(const std::vector<Finding>& findings, const std::string& kind) {
  std::vector<std::string> heads;
  for (const Finding& f : findings) {
    if (f.kind != kind) continue;
    std::string names;
    for (const HeadName& h : f.heads)
      names += (names.empty() ? "" : " ") + std::to_string(h.layer) + "." + std::to_string(h.head);
    heads.push_back(names);
  }
  return heads;
}
using Heads = std::vector<std::string>;

}  // namespace

TEST_CASE("The head table tells the head that copies from the decoy, the dead one and the one that nobody reads") {
  const Precision precision = GENERATE(Precision::kFloat32, Precision::kFloat64);
  HandMade model = make_by_hand(Circuit::kCopier, precision);
  const HeadTable t = table_of(model);
  CHECK(t.sentences == 40);
  CHECK(t.loss.value() < 1e-5);
  const std::vector<HeadFacts>& f = t.facts;
  CHECK(f[0].zeroed.value() == Approx(std::log(12)).epsilon(1e-3));  // nothing is known any more
  CHECK(f[0].averaged.value() > 1);
  CHECK(std::abs(f[0].averaged.value() - f[0].zeroed.value()) > 0.001);
  for (size_t h : {1, 2}) {
    CHECK(f[h].zeroed.value() == 0);
    CHECK(f[h].averaged.value() == Approx(0).margin(1e-6));
    CHECK(f[h].importance == 0);
  }
  CHECK(f[0].importance > 0.9);
  CHECK(f[2].trained.entropy.value() == Approx(1));
  CHECK(f[3].trained.patterns[static_cast<size_t>(AttentionPattern::kPrevious)].value() == Approx(1).epsilon(1e-3));
  CHECK(t.chance.patterns[static_cast<size_t>(AttentionPattern::kPrevious)].value() == Approx(0.25));
  CHECK(f[3].trained.content == Approx(0).margin(1e-6));  // places alone
  CHECK(f[0].zeroed.half_width() < 1e-3);
  CHECK(t.divergence[0 * 4 + 1] == Approx(0).margin(1e-9));
  CHECK(t.divergence[0 * 4 + 3] > 0.2);

  const std::vector<Finding> findings = lint(t);
  CHECK(said(findings, "dead") == Heads{"0.1", "0.2", "0.3"});
  CHECK(said(findings, "alike") == Heads{"0.0 0.1"});
  CHECK(said(findings, "prunable") == Heads{"0.1 0.2 0.3"});
  CHECK(said(findings, "uniform") == Heads{"0.2"});
  CHECK(said(findings, "pattern") == Heads{"0.3"});
  CHECK(said(findings, "carries") == Heads{"0.0"});
  CHECK(said(findings, "looks_only") == Heads{"0.1"});
  CHECK(said(findings, "carries_unseen").empty());
  for (const Finding& finding : findings) {
    INFO(finding.sentence);
    CHECK(std::regex_search(finding.sentence, std::regex("[0-9]")));
    if (finding.kind != "looks_and_acts") CHECK(finding.sentence.find("threshold") != std::string::npos);
  }
}

TEST_CASE("Twins are alike, each is missed little and both together much: they are not pruned together") {
  HandMade model = make_by_hand(Circuit::kTwins, Precision::kFloat64);
  const HeadTable t = table_of(model);
  const std::vector<Finding> findings = lint(t);
  const Heads alike = said(findings, "alike");
  REQUIRE(std::count(alike.begin(), alike.end(), "0.0 0.3") == 1);
  for (const AlikeHeads& pair : t.alike)
    if (pair.a == HeadName{0, 0} && pair.b == HeadName{0, 3}) CHECK(pair.together.value() == Approx(std::log(12)).epsilon(1e-3));
  CHECK(t.facts[0].zeroed.value() < 0.002);  // the other one does it
  CHECK(t.facts[3].zeroed.value() < 0.002);
  CHECK(t.prunable.heads.size() == 3);
  CHECK(t.prunable.cost.value() < 0.002);
  CHECK(said(findings, "carries") == Heads{"0.0", "0.3"});
}

TEST_CASE("An induction circuit is seen in random tokens that stand twice") {
  HandMade model = make_by_hand(Circuit::kInducer, Precision::kFloat64);
  const HeadTable t = table_of(model);
  const MapFacts& behind = t.facts[4].trained;
  CHECK(behind.induction.value() > 0.85);
  CHECK(behind.induction.value() > 3 * behind.duplicate.value());
  CHECK(behind.masked_copy.count() == 0);
  const std::vector<Finding> findings = lint(t);
  bool seen = false;
  for (const Finding& f : findings)
    seen |= f.kind == "pattern" && f.heads[0] == HeadName{1, 0} && f.sentence.find("`induction`") != std::string::npos;
  CHECK(seen);
  CHECK(t.facts[0].zeroed.value() > 0.5);
  CHECK(t.facts[4].zeroed.value() > 0.5);
  CHECK(said(findings, "prunable") == Heads{"0.1 0.2 0.3 1.1 1.2 1.3"});
}

TEST_CASE("A limit takes the first sentences; batches of any size say the same") {
  HandMade model = make_by_hand(Circuit::kCopier, Precision::kFloat64);
  const HeadTable few = table_of(model, 7);
  CHECK(few.sentences == 7);
  CHECK(few.facts[0].zeroed.count() == 7);
  const std::unique_ptr<Engine> untrained = make_engine(Precision::kFloat64, model.settings);
  HeadTableOptions options;
  options.batch_tokens = 4, options.longest = HandMade::kLongest, options.limit = 7, options.weights = {1};
  const HeadTable one =
      measure_heads(*model.engine, *untrained, model.settings.model, model.corpus, *model.data, *model.collator, options);
  for (size_t k = 0; k < 4; ++k) {
    CHECK(one.facts[k].zeroed.value() == Approx(few.facts[k].zeroed.value()).margin(1e-12));
    CHECK(one.facts[k].sensitivity.value() == Approx(few.facts[k].sensitivity.value()).margin(1e-12));  // not of the batch's mean
    CHECK(one.facts[k].trained.entropy.value() == Approx(few.facts[k].trained.entropy.value()));
  }
}

TEST_CASE("Importance is how the loss of a sentence moves with a factor on the head's output, by finite differences") {
  HandMade model = make_by_hand(Circuit::kCopier, Precision::kFloat64, 5);
  for (const NamedTensor& t : model.engine->parameters())
    for (int64_t k = 0; k < t.count(); ++k)
      model.engine->set(t.name, k, 0.3 * std::sin(static_cast<double>(k * k + std::ssize(t.name))));
  const HeadTable table = table_of(model);
  std::vector<double> slopes(4, 0.0);
  Example example;
  for (int64_t i = 0; i < 5; ++i) {
    Batch batch;
    model.data->read(i, example);
    model.collator->append(batch, example, i, kEvaluationEpoch);
    model.collator->finish(batch);
    const std::string name = "blocks.0.attention.output";
    Activations O(std::vector<std::string>{name});
    ForwardResult result;
    model.engine->forward(batch, result, Want::kLosses, &O);
    for (int64_t h = 0; h < 4; ++h) {
      const auto loss = [&](double factor) {
        Intervention scaled(model.settings.model, batch);
        for (int64_t row = 0; row < 4; ++row) {
          std::vector<double> x(O.at(name).row(row).begin(), O.at(name).row(row).end());
          for (double& v : x) v *= factor;
          scaled.set({name, h, row}, x);
        }
        model.engine->forward(batch, result, Want::kLosses, &scaled);
        return result[0].losses[0];
      };
      slopes[static_cast<size_t>(h)] += std::abs(loss(1 + 1e-5) - loss(1 - 1e-5)) / 2e-5 / 5;
    }
  }
  double squares = 0;
  for (const double s : slopes) squares += s * s;
  for (size_t h = 0; h < 4; ++h) {
    CHECK(slopes[h] > 1e-4);
    CHECK(table.facts[h].sensitivity.value() == Approx(slopes[h]).epsilon(1e-5));
    CHECK(table.facts[h].importance == Approx(slopes[h] / std::sqrt(squares)).epsilon(1e-5));
  }
}

TEST_CASE("Direct shares sum to the log-odds, and in a circuit one head has it all") {
  const Precision precision = GENERATE(Precision::kFloat32, Precision::kFloat64);
  HandMade model = make_by_hand(Circuit::kCopier, precision);
  Batch batch;
  batch.tokens = {4, 8, 9, Tokenizer::kMask}, batch.offsets = {0, 4}, batch.sequences = {0};
  batch.targets.resize(1);
  batch.targets[0].rows = {3}, batch.targets[0].classes = {4}, batch.targets[0].weight = 1;
  const SafeTensors parameters{model.engine->parameters(), {}};
  const ObjectiveSettings& objective = model.settings.objectives[0];
  const LogOdds odds{0, 0, {4}, {5}};
  const DirectAttribution d = direct_attribution(*model.engine, model.settings.model, objective, parameters, batch, odds, {3});
  CHECK(d.total > 10);
  CHECK(d.sum() == Approx(d.total).epsilon(1e-5));
  CHECK(d.heads[0] == Approx(d.total).epsilon(1e-3));
  for (size_t h = 1; h < 4; ++h) CHECK(d.heads[h] == Approx(0).margin(1e-4));

  const HeadCircuit copies = head_circuit(model.settings.model, objective, parameters, 0, 0, 6),
                    looks = head_circuit(model.settings.model, objective, parameters, 0, 0, Tokenizer::kMask);
  CHECK(std::max_element(copies.writes.begin(), copies.writes.end()) - copies.writes.begin() == 6);
  for (int32_t t = 0; t < HandMade::kVocabulary; ++t) {
    const bool name = t >= HandMade::kNames && t < HandMade::kFillers;
    CHECK((looks.looks[static_cast<size_t>(t)] > 1) == name);
  }
  const HeadCircuit decoy = head_circuit(model.settings.model, objective, parameters, 0, 1, 6);
  for (const double w : decoy.writes) CHECK(w == 0);
}

TEST_CASE(
    "Direct shares of a random model sum to the log-odds, under either norm, for masks and for means; and it is said where there "
    "are none") {
  const NormKind kind = GENERATE(NormKind::kLayer, NormKind::kRms);
  const ObjectiveKind objective = GENERATE(ObjectiveKind::kMaskedLm, ObjectiveKind::kSequenceClassification);
  EngineSettings s;
  s.model.width = 24, s.model.layers = 2, s.model.heads = 3, s.model.hidden = 20, s.model.max_length = 16;
  s.model.norm.kind = kind;
  s.objectives = {{}}, s.objectives[0].kind = objective;
  s.class_weights = {{}};
  s.vocabulary = 20, s.classes = {objective == ObjectiveKind::kMaskedLm ? 20 : 7}, s.seed = 5;
  s.longest = 16, s.batch_tokens = 32, s.batch_sequences = 4;
  const auto engine = make_engine(Precision::kFloat64, s);
  const std::vector<NamedTensor> names = engine->parameters();
  for (const NamedTensor& t : names)
    for (int64_t k = 0; k < t.count(); ++k)
      engine->set(t.name, k, engine->get(t.name, k) * 5 + 0.1 * std::sin(static_cast<double>(k)));  // biases and β, too
  Batch batch;
  batch.tokens = {7, 8, Tokenizer::kMask, 9, 10}, batch.offsets = {0, 5}, batch.sequences = {0};
  batch.targets.resize(1);
  if (objective == ObjectiveKind::kMaskedLm) batch.targets[0].rows = {2};
  batch.targets[0].classes = {3}, batch.targets[0].weight = 1;
  const SafeTensors parameters{engine->parameters(), {}};
  const std::vector<int64_t> rows =
      objective == ObjectiveKind::kMaskedLm ? std::vector<int64_t>{2} : std::vector<int64_t>{0, 1, 2, 3, 4};
  const DirectAttribution d = direct_attribution(*engine, s.model, s.objectives[0], parameters, batch, {0, 0, {3}, {6}}, rows);
  CHECK(std::abs(d.total) > 0.01);
  CHECK(d.sum() == Approx(d.total).epsilon(1e-10));
  CHECK(why_no_direct_attribution(s.model, s.objectives[0]).empty());
  s.model.norm.place = NormPlace::kPost;
  CHECK(why_no_direct_attribution(s.model, s.objectives[0]).find("post-norm") != std::string::npos);
}

TEST_CASE("The linter says what it was told, with the number and the threshold") {
  HeadTable t;
  t.layers = 1, t.heads = 3;
  t.facts.resize(3);
  for (HeadFacts& f : t.facts)
    for (const double x : {0.1, 0.3}) f.zeroed.add(x), f.averaged.add(x), f.trained.entropy.add(0.5);
  t.facts[2].zeroed = t.facts[1].averaged = {};
  for (const double x : {-0.5, 0.7}) t.facts[2].zeroed.add(x);  // 0.1 ± 1.2: nobody knows
  for (const double x : {0.0, 0.001}) t.facts[1].averaged.add(x);
  for (const double x : {0.5, 0.9}) t.facts[0].trained.first_key.add(x);
  t.sink_threshold = 0.4;
  LinkMeasure m;
  m.name = "number", m.count = 10, m.decision = 1;
  m.heads = {{0.9, 0.12, 0, 0.1}, {0.01, 0.8, 1, 0.1}, {0.1, 0.1, 0, 0.1}};
  t.links = t.untrained_links = {m};
  const std::vector<Finding> findings = lint(t);
  CHECK(said(findings, "dead") == Heads{"0.2"});
  CHECK(said(findings, "constant") == Heads{"0.1"});
  CHECK(said(findings, "sink") == Heads{"0.0"});
  CHECK(said(findings, "looks_only") == Heads{"0.1"});
  CHECK(said(findings, "carries_unseen") == Heads{"0.0"});
  CHECK(said(findings, "looks_and_acts") == Heads{"0.1 0.0"});
  CHECK(said(findings, "prunable").empty());
  for (const Finding& f : findings)
    if (f.kind == "sink")
      CHECK(f.sentence == "0.0 is a sink: 0.70 of its weight lies on the first token, whatever asks (threshold 0.40)");
  t.links[0].decision = 0.5;
  CHECK(said(lint(t), "unlearned").size() == 1);
  CHECK(said(lint(t), "looks_and_acts").empty());
}
