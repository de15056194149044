#include <algorithm>
#include <random>

#include "base/file.h"
#include "config/recipes.h"
#include "config/registry.h"
#include "config/suggest.h"
#include "config_files.h"
#include "layers/attention/pairs.h"
#include "support/catch.h"

using namespace vitrine;
namespace fs = std::filesystem;

TEST_CASE("every member of a configuration is read from its key") {
  const WorkingFolder folder;
  const Config c = loaded(R"(
run: {name: all, seed: 7, device: cpu, threads: 3, precision: float64}
data: {kind: text, train: a.txt, validation: b.txt, test: 0.25, max_length: 33, encoding: latin-1}
tokenizer: {kind: character, lowercase: true, min_count: 2, max_size: 300}
model:
  width: 60
  layers: 3
  heads: 5
  hidden: 70
  activation: swiglu
  norm: {kind: rms, place: post, epsilon: 1.0e-6}
  dropout: {embedding: 0.1, attention: 0.2, residual: 0.3, hidden: 0.4}
  max_length: 40
  token_types: 2
  embedding_norm: true
  position: {kind: sinusoidal}
  attention: {kind: full, causal: true, implementation: dense}
  initialize_from: runs/first
objective: {kind: masked_lm, rate: 0.2, tied: false, transform: true}
optimizer: {kind: adam, learning_rate: 2.0e-3, betas: [0.8, 0.95], epsilon: 1.0e-7, weight_decay: 0.5}
schedule: {kind: cosine, warmup_steps: 4, final_ratio: 0.1}
training: {epochs: 1.5, batch_tokens: 400, micro_batch: 200, lanes: 2, clip: 0.5}
evaluation: {every: 6, metric: accuracy, patience: 3}
checkpoint: {every: 7, keep: 4}
inspect: {sentences: [a cat, "a, b"], every: 8}
log: {interval: 9, progress: "off", tensorboard: true}
)")
                       .config;
  CHECK(c.run == RunSettings{"all", 7, Device::kCpu, 3, Precision::kFloat64, false, false, {}});
  CHECK(c.data.kind == DataKind::kText);
  CHECK(c.data.train == "a.txt");
  CHECK(c.data.validation == SplitSource{"b.txt", 0});
  CHECK(c.data.test == SplitSource{"", 0.25});
  CHECK(c.data.max_length == 33);
  CHECK(c.data.encoding == Encoding::kLatin1);
  CHECK(c.tokenizer == TokenizerSettings{TokenizerKind::kCharacter, true, 2, 300});
  ModelSettings m;
  m.width = 60, m.layers = 3, m.heads = 5, m.hidden = 70, m.activation = ActivationKind::kSwiglu;
  m.norm = {NormKind::kRms, NormPlace::kPost, 1e-6};
  m.dropout = {0.1, 0.2, 0.3, 0.4};
  m.max_length = 40, m.token_types = 2, m.embedding_norm = true, m.position.kind = PositionKind::kSinusoidal;
  m.attention = {{AttentionKind::kFull, true, AttentionImplementation::kDense}};
  m.initialize_from = "runs/first";
  CHECK(c.model == m);
  CHECK(c.objectives[0].kind == ObjectiveKind::kMaskedLm);
  CHECK(c.objectives[0].rate == 0.2);
  CHECK_FALSE(c.objectives[0].tied);
  CHECK(c.objectives[0].transform);
  CHECK(c.optimizer == OptimizerSettings{OptimizerKind::kAdam, 2e-3, 0.8, 0.95, 1e-7, 0.9, 0.5});
  CHECK(c.schedule == ScheduleSettings{ScheduleKind::kCosine, 4, 0.1});
  CHECK(c.training == TrainingSettings{-1, 1.5, 0, 400, 200, 2, 0.5});
  CHECK(c.evaluation == EvaluationSettings{6, "accuracy", 3});
  CHECK(c.checkpoint == CheckpointSettings{7, 4});
  CHECK(c.inspect == InspectSettings{{"a cat", "a, b"}, 8});
  CHECK(c.log == LogSettings{9, Progress::kOff, true});
}

TEST_CASE("the keys of one kind") {
  const WorkingFolder folder;
  const Config classify =
      loaded(configuration(
                 {"objective: {kind: sequence_classification, pooling: cls, pooler: true, label_smoothing: 0.1, class_weights: "
                  "{cat: 2, \"a: b\": 0.5}}",
                  "optimizer: {kind: sgd, momentum: 0.8}"}))
          .config;
  CHECK(classify.objectives[0].pooling == Pooling::kCls);
  CHECK(classify.objectives[0].pooler);
  CHECK(classify.objectives[0].label_smoothing == 0.1);
  CHECK(classify.objectives[0].class_weights == std::map<std::string, double>{{"a: b", 0.5}, {"cat", 2}});
  CHECK(classify.optimizer.momentum == 0.8);
  const Config grammar =
      loaded(configuration({"data: {kind: grammar, grammar: toy.grammar, train_sentences: 5, validation_sentences: 4, "
                            "test_sentences: 3}",
                            "objective: {kind: masked_lm}"}))
          .config;
  CHECK(grammar.data.grammar == "toy.grammar");
  CHECK(grammar.data.train_sentences == 5);
  CHECK(grammar.data.validation_sentences == 4);
  CHECK(grammar.data.test_sentences == 3);
  const Config random = loaded(configuration({"data: {kind: random, vocabulary_size: 50, length: 12}", "tokenizer: (none)",
                                              "objective: {kind: sequence_classification, classes: 3}"}))
                            .config;
  CHECK(random.data.vocabulary_size == 50);
  CHECK(random.data.length == 12);
  CHECK(random.data.max_length == 12);
  CHECK(random.model.max_length == 12);
  CHECK(random.data.classes == 3);
}

TEST_CASE("the keys of each kind of attention") {
  const WorkingFolder folder;
  const auto attention = [](const std::string& keys) { return loaded(configuration({"model: {attention: " + keys + "}"})); };
  const LoadedConfig local = attention("local");
  CHECK(local.config.model.attention[0].kind == AttentionKind::kLocal);
  CHECK(local.config.model.attention[0].window == std::vector<int64_t>{64});
  CHECK(local.origins.at("model.attention.window") == "from model.attention.kind");
  CHECK(attention("{kind: local, window: 5, causal: true}").config.model.attention[0].window == std::vector<int64_t>{5});
  CHECK(attention("{kind: block_sparse}").config.model.attention[0].window == std::vector<int64_t>{1});
  const AttentionSettings blocks =
      attention("{kind: block_sparse, block: 4, window: 2, global: 3, random: 5, stride: 6, implementation: dense}")
          .config.model.attention[0];
  CHECK(blocks.kind == AttentionKind::kBlockSparse);
  CHECK(blocks.implementation == AttentionImplementation::kDense);
  CHECK(std::vector{blocks.block, blocks.window[0], blocks.global, blocks.random, blocks.stride} ==
        std::vector<int64_t>{4, 2, 3, 5, 6});
  CHECK(attention("{kind: block_sparse, stride: none}").config.model.attention[0].stride == 0);
  CHECK(attention("{kind: top_k, k: 7}").config.model.attention[0].k == 7);
  CHECK(attention("{kind: entmax, alpha: 1.25}").config.model.attention[0].alpha == 1.25);
  CHECK(attention("{kind: entmax, alpha: learned, causal: true}").config.model.attention[0].alpha == 0);
  CHECK(attention("entmax").config.model.attention[0].alpha == 1.5);
  CHECK(attention("adaptive_span").config.model.attention[0].max_span == 64);
  CHECK(attention("adaptive_span").origins.at("model.attention.max_span") == "from data.max_length");
  const AttentionSettings span =
      attention("{kind: adaptive_span, max_span: 20, ramp: 4.5, initial: 3, penalty: 0.25}").config.model.attention[0];
  CHECK(span.max_span == 20);
  CHECK(std::vector{span.ramp, span.initial, span.penalty} == std::vector{4.5, 3.0, 0.25});
}

TEST_CASE("the keys of the machine that executes kernels") {
  const WorkingFolder folder;
  const RunSettings run = loaded(configuration({"run: {device: simt, simt: {check: true, order: reverse}}"})).config.run;
  CHECK(run.device == Device::kSimt);
  CHECK(run.simt == SimtSettings{true, ThreadOrder::kReverse});
}

TEST_CASE("heads of local attention may have windows of their own") {
  const WorkingFolder folder;
  const LoadedConfig l = loaded(configuration({"model: {heads: 4, attention: {kind: local, window: [4, 16, 64, 64]}}"}));
  const AttentionSettings& a = l.config.model.attention[0];
  CHECK(a.window == std::vector<int64_t>{4, 16, 64, 64});
  CHECK(a.window_of(1) == 16);
  CHECK(values_of(l.config).at("model.attention.window") == "[4, 16, 64, 64]");
  CHECK(loaded(resolved_yaml(l.config, {}, "."), {"run.name=" + l.config.run.name}).config == l.config);
  const LoadedConfig one = loaded(configuration({"model: {attention: {kind: local, window: [7]}}"}));
  CHECK(one.config.model.attention[0].window_of(3) == 7);
  CHECK(values_of(one.config).at("model.attention.window") == "7");
}

TEST_CASE("the attention of each block: a list of words and maps") {
  const WorkingFolder folder;
  const std::string data = "data: {kind: labelled_lines, train: a.txt, validation: 0.1, max_length: 50}";
  const std::string model =
      "model:\n"
      "  width: 24\n"
      "  heads: 3\n"
      "  layers: 4\n"
      "  dropout: 0.1\n"
      "  attention: [{kind: local, window: 8}, {causal: true}, performer, routing]\n";
  const LoadedConfig l = loaded(configuration({data, model}), {"model.attention.0.window=5", "model.attention.3.decay=0.5"});
  const std::vector<AttentionSettings>& a = l.config.model.attention;
  REQUIRE(a.size() == 4);
  CHECK(a[0] == AttentionSettings{.kind = AttentionKind::kLocal, .window = {5}});
  CHECK(a[1] == AttentionSettings{.causal = true});
  CHECK(a[2] == AttentionSettings{.kind = AttentionKind::kPerformer, .features = 32});  // what follows from other keys, in each
  CHECK(a[3] == AttentionSettings{.kind = AttentionKind::kRouting, .clusters = 8, .decay = 0.5});
  CHECK(&l.config.model.attention_of(2) == &a[2]);
  CHECK_FALSE(l.config.model.causal());
  CHECK(l.config.model.dropout.attention == 0.1);  // for the blocks that have weights to drop
  CHECK(l.warnings.empty());
  CHECK(l.origins.at("model.attention.0.window") == "--set");
  CHECK(l.origins.at("model.attention.1.causal") == "t.yaml:9");
  CHECK(l.origins.at("model.attention.2.features") == "from model.width and heads");
  CHECK(show(l).find("  attention:\n"
                     "    - kind: local\n"
                     "      causal: false\n"
                     "      implementation: auto\n"
                     "      window: 5\n"
                     "    - kind: full\n"
                     "      causal: true\n"
                     "      implementation: auto\n"
                     "    - kind: performer\n") != std::string::npos);
  CHECK(values_of(l.config).at("model.attention.2.features") == "32");
  CHECK(loaded(resolved_yaml(l.config, {}, "."), {"run.name=" + l.config.run.name}).config == l.config);
  CHECK(explain("model.attention.1.window") == explain("model.attention.window"));

  // One for all, in three ways; what a list said is then forgotten.
  const std::string one_block = configuration({"model: {layers: 1, attention: [{kind: local, window: 8}]}"});
  CHECK(loaded(one_block).config.model.attention == std::vector{AttentionSettings{.kind = AttentionKind::kLocal, .window = {8}}});
  CHECK(loaded(configuration({data, model}), {"model.attention=top_k", "model.attention.k=3"}).config.model.attention ==
        std::vector{AttentionSettings{.kind = AttentionKind::kTopK, .k = 3}});
  CHECK(loaded(one_block, {"model.layers=2", "model.attention=[full, linear]"}).config.model.attention ==
        std::vector{AttentionSettings{}, AttentionSettings{.kind = AttentionKind::kLinear}});
  CHECK(loaded(one_block, {"model.attention=[{implementation: dense}]"}).config.model.attention ==
        std::vector{AttentionSettings{.implementation = AttentionImplementation::kDense}});
}

TEST_CASE("what needs a causal model makes every block causal, and only a model of causal blocks is one") {
  const WorkingFolder folder;
  const auto with = [](const std::string& attention, const std::string& objective) {
    return loaded(configuration({"model: {layers: 2, attention: " + attention + "}", "objective: " + objective}));
  };
  const LoadedConfig next = with("[{kind: local, window: 3}, causal]", "{kind: causal_lm}");
  CHECK(next.config.model.causal());
  CHECK(next.origins.at("model.attention.0.causal") == "from objective.kind: causal_lm");
  CHECK(next.warnings.empty());
  // [CLS] sees the others in the block that is not causal.
  CHECK_FALSE(with("[causal, full]", "{kind: sequence_classification, pooling: cls}").config.model.causal());
  CHECK(with("[causal, full]", "{kind: masked_lm}").warnings.empty());
  CHECK(with("[causal, causal]", "{kind: masked_lm}").warnings ==
        std::vector<std::string>{
            "t.yaml:4:32: model.attention.0.causal: masked tokens are guessed from the words before them only"});
}

TEST_CASE("the keys of each position scheme") {
  const WorkingFolder folder;
  const auto position = [](const std::string& text) {
    return loaded(configuration({"model: {width: 64, heads: 4, position: " + text + "}"})).config.model.position;
  };
  PositionSettings want{.kind = PositionKind::kRotary};
  CHECK(position("rotary") == want);
  want.base = 500, want.width = 8;
  CHECK(position("{kind: rotary, base: 500, width: 8}") == want);
  CHECK(position("alibi") == PositionSettings{.kind = PositionKind::kAlibi});
  want = {.kind = PositionKind::kT5Bias};
  CHECK(want.buckets == 32);
  CHECK(want.max_distance == 128);
  CHECK(position("t5_bias") == want);
  want.buckets = 8, want.max_distance = 20;
  CHECK(position("{kind: t5_bias, buckets: 8, max_distance: 20}") == want);
  want = {.kind = PositionKind::kShaw};
  CHECK(want.distance == 16);
  CHECK(position("shaw") == want);
  want.distance = 3, want.values = true;
  CHECK(position("{kind: shaw, distance: 3, values: true}") == want);
  CHECK(position("{kind: disentangled, distance: 5}") == PositionSettings{.kind = PositionKind::kDisentangled, .distance = 5});
  // Sequences may be longer than a position table that is not there.
  CHECK(loaded(configuration({"model: {max_length: 9, position: alibi}"})).config.data.max_length == 64);
}

TEST_CASE("pairs of attention and positions: what acts on scores needs them") {
  const auto works = [](ScoreForm form, AttentionImplementation implementation, PositionKind position) {
    return !unfit(form, implementation, position).has_value();
  };
  constexpr auto kAuto = AttentionImplementation::kAuto, kDense = AttentionImplementation::kDense,
                 kFused = AttentionImplementation::kFused;
  for (const PositionKind p : {PositionKind::kNone, PositionKind::kLearned, PositionKind::kSinusoidal})
    for (const ScoreForm form :
         {ScoreForm::kEither, ScoreForm::kStored, ScoreForm::kTiles, ScoreForm::kClusters, ScoreForm::kFeatures})
      for (const auto implementation : {kAuto, kDense, kFused}) CHECK(works(form, implementation, p));
  for (const PositionKind p :
       {PositionKind::kRotary, PositionKind::kAlibi, PositionKind::kT5Bias, PositionKind::kShaw, PositionKind::kDisentangled}) {
    CHECK(works(ScoreForm::kEither, kAuto, p));
    CHECK(works(ScoreForm::kEither, kDense, p));
    CHECK(works(ScoreForm::kEither, kFused, p) == (p != PositionKind::kShaw && p != PositionKind::kDisentangled));
    CHECK(works(ScoreForm::kStored, kAuto, p));
    CHECK(works(ScoreForm::kTiles, kAuto, p) == (p == PositionKind::kRotary));
    CHECK_FALSE(works(ScoreForm::kClusters, kAuto, p));
    CHECK_FALSE(works(ScoreForm::kFeatures, kAuto, p));
  }
  const Unfit why = *unfit(ScoreForm::kFeatures, kAuto, PositionKind::kT5Bias);
  CHECK(why.key == "model.attention.kind");
  CHECK(why.reason == "t5_bias adds to scores, and there are none with");
  CHECK(why.instead == "use learned or sinusoidal");
}

TEST_CASE("a synthetic task: its keys, and what follows from them") {
  const WorkingFolder folder;
  const auto task = [](const std::string& data, const std::string& objective = "{kind: token_classification}") {
    return loaded(
        configuration({"data: {kind: task, vocabulary_size: 20, " + data + "}", "tokenizer: (none)", "objective: " + objective}));
  };
  const DataSettings d =
      task("task: recall, length: 9, min_length: 4, distractors: 3, queries: 2, train_sentences: 50").config.data;
  CHECK(d.kind == DataKind::kTask);
  CHECK(d.task == TaskKind::kRecall);
  CHECK(d.vocabulary_size == 20);
  CHECK(d.length == 9);
  CHECK(d.min_length == 4);
  CHECK(d.distractors == 3);
  CHECK(d.queries == 2);
  CHECK(d.train_sentences == 50);
  CHECK(d.max_length == 2 * 9 + 1 + 2 + 3);
  const LoadedConfig reverse = task("task: reverse, length: 9, max_length: 30");
  CHECK(reverse.config.data.max_length == 30);
  CHECK_FALSE(reverse.config.model.attention[0].causal);
  const LoadedConfig induction = task("task: induction, length: 9");
  CHECK(induction.config.model.attention[0].causal);
  CHECK(induction.config.model.max_length == 18);
  CHECK(induction.origins.at("model.attention.causal") == "from data.task: induction");
  CHECK(induction.origins.at("data.max_length") == "from data.length");
  CHECK(task("task: induction, length: 9", "{kind: causal_lm}").config.objectives[0].kind == ObjectiveKind::kCausalLm);
  CHECK(task("task: majority, length: 9", "{kind: sequence_classification}").config.data.max_length == 9);
  CHECK(task("task: majority, length: 9", "{kind: sequence_classification, pooling: cls}").config.data.max_length == 10);
  for (const char* name : {"copy", "sort", "first_occurrence", "brackets"})
    CHECK(values_of(task(fmt::format("task: {}, length: 9", name)).config).at("data.task") == name);
}

TEST_CASE("a table: its columns, and the token types of pairs") {
  const WorkingFolder folder;
  const auto table = [](const std::string& keys, const std::string& objective = "{kind: sequence_classification}",
                        const std::string& model = "{width: 64, heads: 4}") {
    return loaded(configuration(
        {"data: {kind: table, train: a.csv, validation: 0.1, " + keys + "}", "objective: " + objective, "model: " + model}));
  };
  const LoadedConfig one = table("text: 1, label: the label, header: false, delimiter: tab, format: csv");
  CHECK(one.config.data.text == std::vector<std::string>{"1"});
  CHECK(one.config.data.label == "the label");
  CHECK(one.config.data.delimiter == '\t');
  CHECK(one.config.data.format == TableFormat::kCsv);
  CHECK_FALSE(one.config.data.header);
  CHECK_FALSE(one.config.data.pairs());
  CHECK(one.config.model.token_types == 0);
  CHECK(show(one).find("  text: \"1\"") != std::string::npos);
  CHECK(show(one).find("label_separator") == std::string::npos);
  const LoadedConfig pairs = table("text: [a, \"b, c\"], label: x");
  CHECK(pairs.config.data.text == std::vector<std::string>{"a", "b, c"});
  CHECK(pairs.config.data.pairs());
  CHECK(pairs.config.model.token_types == 2);
  CHECK(pairs.origins.at("model.token_types") == "from data.text");
  CHECK(parse_config(show(pairs), "t").config == pairs.config);
  const std::string classes = "{kind: sequence_classification}";
  CHECK(table("text: [a, b], label: x", classes, "{token_types: auto}").config.model.token_types == 2);
  CHECK(table("text: [a, b], label: x", classes, "{token_types: 3}").config.model.token_types == 3);
  CHECK(table("text: [a, b], label: x", classes, "{token_types: 0}").config.model.token_types == 0);
  CHECK(table("text: a, label: x", classes, "{token_types: auto}").config.model.token_types == 0);
  CHECK(table("text: a, label: x, label_separator: \";\"", "{kind: multi_label_classification}").config.data.label_separator ==
        ";");
  CHECK(table("text: a, label: x", "{kind: regression}").config.data.label == "x");
  CHECK(table("text: [a, b]", "{kind: masked_lm}").config.data.label.empty());
}

TEST_CASE("short forms and defaults that depend on other keys") {
  const WorkingFolder folder;
  const Config plain = loaded(configuration({"run: {}"})).config;
  CHECK(plain.run.name == "t");
  CHECK(plain.model.max_length == 64);
  CHECK_FALSE(plain.model.attention[0].causal);
  CHECK(plain.training.batch_size == 32);
  const Config c = loaded(configuration({"model: {dropout: 0.25, norm: rms, position: none, attention: causal}"})).config;
  CHECK(c.model.dropout == DropoutSettings{0.25, 0.25, 0.25, 0.25});
  CHECK(c.model.norm == NormSettings{NormKind::kRms, NormPlace::kPre, 1e-5});
  CHECK(c.model.position.kind == PositionKind::kNone);
  CHECK(c.model.attention[0].causal);
  CHECK(loaded(configuration({"model: {attention: {kind: causal, causal: true}}"})).config.model.attention[0].causal);
  CHECK(loaded(configuration({"objective: {kind: causal_lm}"})).config.model.attention[0].causal);
  CHECK(loaded(configuration({"training: {steps: 0}"})).config.training.steps == 0);  // warm-up does not matter then
  CHECK(loaded(configuration({"training: {steps: 10, batch_tokens: 99}"})).config.training.batch_size == 0);
  CHECK(loaded(configuration({"training: {steps: 10, clip: none}"})).config.training.clip == 0);
  CHECK(loaded(configuration({"training: {steps: 10, micro_batch: auto}", "run: {threads: auto}"})).config.run.threads == 0);
}

TEST_CASE("overrides stand above the file, later ones above earlier ones, and say so") {
  const WorkingFolder folder;
  const LoadedConfig l =
      loaded(configuration({"training: {epochs: 3, batch_size: 8}", "model: {dropout: 0.1}"}),
             {"training.steps=20", "training.batch_tokens=500", "model.dropout.hidden=0.3", "run.seed=1", "run.seed=2",
              "optimizer.betas=[0.5, 0.6]", "optimizer={learning_rate: 0.5}", "inspect.sentences=[\"a, b\", c]"});
  CHECK(l.config.training.steps == 20);
  CHECK(l.config.training.epochs == 0);
  CHECK(l.config.training.batch_size == 0);
  CHECK(l.config.training.batch_tokens == 500);
  CHECK(l.config.model.dropout == DropoutSettings{0.1, 0.1, 0.1, 0.3});
  CHECK(l.config.run.seed == 2);
  CHECK(l.config.optimizer.beta1 == 0.5);
  CHECK(l.config.optimizer.learning_rate == 0.5);
  CHECK(l.config.inspect.sentences == std::vector<std::string>{"a, b", "c"});
  CHECK(l.origins.at("run.seed") == "--set");
  CHECK(l.origins.at("model.dropout.residual") == "t.yaml:4");
  CHECK(l.origins.at("model.dropout.hidden") == "--set");
  CHECK(l.origins.at("model.max_length") == "from data.max_length");
  CHECK_FALSE(l.origins.contains("training.epochs"));
  CHECK_FALSE(l.origins.contains("checkpoint.keep"));
  CHECK(l.warnings.empty());
}

TEST_CASE("an override takes the meaning of keys of the file away, with a warning") {
  const WorkingFolder folder;
  const LoadedConfig l =
      loaded(configuration({"optimizer: {kind: adamw, betas: [0.5, 0.6]}", "schedule: {kind: linear, final_ratio: 0.5}"}),
             {"optimizer.kind=sgd", "schedule.kind=constant"});
  CHECK(l.config.optimizer.beta1 == OptimizerSettings().beta1);
  CHECK(l.config.schedule.final_ratio == 0);
  CHECK(l.warnings ==
        std::vector<std::string>{
            "t.yaml:6:26: optimizer.betas: left out, since it has no meaning with `optimizer.kind: sgd` (--set)",
            "t.yaml:7:26: schedule.final_ratio: left out, since it has no meaning with `schedule.kind: constant` (--set)"});
  const LoadedConfig masked = loaded(configuration({"model: {attention: causal}", "objective: {kind: masked_lm}"}));
  REQUIRE(masked.warnings.size() == 1);
  CHECK(masked.warnings[0] == "t.yaml:4:9: model.attention.causal: masked tokens are guessed from the words before them only");
}

TEST_CASE("a bare dropout rate leaves out the place that the attention does not have, and says so") {
  const WorkingFolder folder;
  const LoadedConfig l = loaded(configuration({"model: {dropout: 0.25, attention: linear}"}));
  CHECK(l.config.model.dropout == DropoutSettings{0.25, 0, 0.25, 0.25});
  CHECK(l.warnings == std::vector<std::string>{"t.yaml:4:9: model.dropout.attention: left out, since it has no meaning with "
                                               "`model.attention.kind: linear` (line 4)"});
  CHECK(loaded(configuration({"model: {dropout: 0.0, attention: linear}"})).warnings.empty());
  CHECK(loaded(configuration({"model: {attention: {kind: linear, causal: true}}"})).config.model.attention[0] ==
        AttentionSettings{AttentionKind::kLinear, true, AttentionImplementation::kAuto});
  // Of several blocks, it is left out where none has weights that it could drop.
  const LoadedConfig none = loaded(configuration({"model: {layers: 2, dropout: 0.25, attention: [linear, performer]}"}));
  CHECK(none.config.model.dropout.attention == 0);
  REQUIRE(none.warnings.size() == 1);
  CHECK(none.warnings[0].ends_with("since it has no meaning with `model.attention.0.kind: linear` (line 4)"));
  const LoadedConfig changed =
      loaded(configuration({"model: {layers: 2, dropout: {attention: 0.25}, attention: [linear, full]}"}),
             {"model.attention.1.kind=performer"});
  REQUIRE(changed.warnings.size() == 1);
  CHECK(changed.warnings[0].ends_with("since it has no meaning with `model.attention.1.kind: performer` (--set)"));
}

TEST_CASE("the number of clusters follows from the longest sequence") {
  const WorkingFolder folder;
  const LoadedConfig l = loaded(configuration({"data: {kind: labelled_lines, train: a.txt, max_length: 50}",
                                               "model: {dropout: 0.1, attention: routing}", "evaluation: (none)"}));
  CHECK(l.config.model.attention[0].kind == AttentionKind::kRouting);
  CHECK(l.config.model.attention[0].clusters == 8);
  CHECK(l.config.model.attention[0].decay == 0.999);
  CHECK(l.config.model.dropout.attention == 0.1);
  CHECK(l.warnings.empty());
}

TEST_CASE("the number of random features follows from the width of a head") {
  const WorkingFolder folder;
  const LoadedConfig l = loaded(configuration({"model: {width: 24, heads: 3, attention: performer}"}));
  CHECK(l.config.model.attention[0].kind == AttentionKind::kPerformer);
  CHECK(l.config.model.attention[0].features == 32);
  CHECK(l.config.model.attention[0].redraw == 1000);
  CHECK(l.origins.at("model.attention.features") == "from model.width and heads");
  const AttentionSettings given =
      loaded(configuration({"model: {attention: {kind: performer, features: 5, redraw: 0}}"})).config.model.attention[0];
  CHECK(given.features == 5);
  CHECK(given.redraw == 0);
}

TEST_CASE("show says every value and where it comes from") {
  const WorkingFolder folder;
  const LoadedConfig l = loaded(configuration({"objective: {kind: causal_lm}"}), {"training.clip=0.5"});
  const std::string text = show(l, true);
  const auto has = [&](const std::string& line) { return text.find(line) != std::string::npos; };
  CHECK(has("  clip: 0.5                                      # --set\n"));
  CHECK(has("  width: 64                                      # t.yaml:4\n"));
  CHECK(has("    epsilon: 1.0e-05                             # default\n"));
  CHECK(has("    causal: true                                 # from objective.kind: causal_lm\n"));
  CHECK(has("  warmup_steps: 5                                # t.yaml:7\n"));
  CHECK_FALSE(has("pooling"));  // has no meaning here
  CHECK_FALSE(has("epochs"));   // steps are given
  CHECK(show(l).find('#') == std::string::npos);
}

TEST_CASE("what show writes reads back as the same values") {
  const WorkingFolder folder;
  const Config c =
      loaded(
          configuration({"run: {name: \"on\", seed: 9007199254740992}", "log: {progress: \"off\"}",
                         "objective: {kind: sequence_classification, class_weights: {\"yes\": 2, \"a \\\"b\\\" \\\\\": 1.0e-9}}",
                         "inspect: {sentences: [\"true\", \"\", \"1\", \"a: b # c\", \"é\\t\\n'\"]}"}))
          .config;
  CHECK(c.inspect.sentences.back() == "é\t\n'");
  CHECK(loaded(show({c, {}, {}})).config == c);
}

TEST_CASE("data paths are relative to the file that names them") {
  const WorkingFolder folder;
  const std::string text = configuration(
      {"data: {kind: lines, train: ../data/a.txt, validation: ./b.txt, test: /c/d.txt}", "objective: {kind: masked_lm}"});
  write("configs/one.yaml", text);
  const Config c = load_config("configs/one.yaml", {"model.initialize_from=runs/x"});
  CHECK(c.data.train == "data/a.txt");
  CHECK(c.data.validation.path == "configs/b.txt");
  CHECK(c.data.test.path == "/c/d.txt");
  CHECK(c.model.initialize_from == "runs/x");  // of an override: relative to the working directory
  CHECK(load_config(fs::absolute("configs/one.yaml").string()).data.train == (folder.path() / "data/a.txt").string());
}

TEST_CASE("the resolved file gives the same configuration") {
  const WorkingFolder folder;
  write("configs/one.yaml", configuration({"data: {kind: lines, train: ../data/a.txt, validation: 0.1, test: ../data/é.txt}",
                                           "objective: {kind: masked_lm, rate: 0.3}"}));
  const Config c = load_config("configs/one.yaml", {"optimizer.learning_rate=1e-4", "model.initialize_from=runs/first"});
  const std::string text =
      resolved_yaml(c, {{"version", "0.1.0"}, {"data.train", "xxh3:0f"}, {"build", "-O3: \"fast\""}}, "runs/one");
  CHECK(text.find("  learning_rate: 1.0e-04\n") != std::string::npos);
  CHECK(text.find("  train: ../../data/a.txt\n") != std::string::npos);
  CHECK(text.find("  initialize_from: ../first\n") != std::string::npos);
  CHECK(text.find("provenance:\n  build: \"-O3: \\\"fast\\\"\"\n  data.train: \"xxh3:0f\"\n  version: \"0.1.0\"\n") !=
        std::string::npos);
  write("runs/one/config.resolved.yaml", text);
  CHECK(load_config("runs/one/config.resolved.yaml") == c);
  CHECK(load_config("./configs/../runs/one/config.resolved.yaml") == c);
  const Config by_tokens = load_config("configs/one.yaml", {"training.batch_tokens=99", "training.epochs=2"});
  write("runs/one/config.resolved.yaml", resolved_yaml(by_tokens, {}, "runs/one"));
  CHECK(load_config("runs/one/config.resolved.yaml") == by_tokens);

  // A run directory behind a link.
  fs::create_directories("disk/deep/runs");
  fs::create_directory_symlink("disk/deep/runs", "linked");
  write("linked/one/config.resolved.yaml", resolved_yaml(c, {}, "linked/one"));
  write("data/a.txt", "x");
  const Config behind = load_config("linked/one/config.resolved.yaml");
  CHECK(fs::exists(behind.data.train));
  CHECK(fs::equivalent(behind.data.train, "data/a.txt"));
}

TEST_CASE("every configuration that is shipped can be read, and again from its resolved form") {
  const std::string source = VITRINE_SOURCE_DIR;
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(source + "/configs"))
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  CHECK(files.size() >= 10);
  const WorkingFolder folder;
  for (const fs::path& file : files) {
    INFO(file);
    const LoadedConfig l = read_config(file.string());
    CHECK(l.warnings.empty());
    CHECK(l.config.run.name != "config");
    write("runs/r/config.resolved.yaml", resolved_yaml(l.config, {{"version", "1"}}, "runs/r"));
    CHECK(load_config("runs/r/config.resolved.yaml") == l.config);
  }
}

TEST_CASE("every key is described, shows its default and can be explained") {
  Config config;
  const auto root = describe(config);
  int keys = 0;
  for_each_key(*root, [&](const Key& key) {
    INFO(key.path);
    CHECK(key.summary.size() > 3);
    CHECK_FALSE(key.summary.ends_with("."));
    CHECK(root->find(key.path) == &key);
    for (const Condition& condition : key.conditions) REQUIRE(root->find(condition.key));
    for (const std::string& name : key.shorthand) REQUIRE(key.find(name));
    for (const Implication& implied : key.implications) REQUIRE(root->find(implied.key));
    const std::string text = explain(key.path);
    CHECK(text.starts_with(key.path + ": " + key.summary + ".\n"));
    keys += key.value != nullptr;
  });
  CHECK(keys > 60);
  CHECK(explain("objective.rate") ==
        "objective.rate: Share of the tokens of a sequence that are predicted, one at least.\n"
        "  value: a number x with 0 < x ≤ 1\n"
        "  default: 0.15\n"
        "  only with objective.kind: `masked_lm`\n"
        "  only with data.kind: `text`, `lines`, `labelled_lines`, `table`, `tagged`, `jsonl` or `random`\n");
  CHECK(explain("training.clip").find("value: a positive number, or none\n  default: none\n") != std::string::npos);
  CHECK(explain("optimizer").find("learning_rate ") != std::string::npos);
  // Each word that attention and positions have, with its formula and where it comes from.
  for (const char* kind : {"model.attention.kind", "model.position.kind"})
    for (const std::string& word : root->find(kind)->value->words()) {
      INFO(kind << ": " << word);
      const auto& meanings = root->find(kind)->meanings;
      const auto m = std::find_if(meanings.begin(), meanings.end(), [&](const Meaning& each) { return each.word == word; });
      REQUIRE(m != meanings.end());
      CHECK(m->source.find("arXiv ") != std::string::npos);
      CHECK(explain(kind).find(fmt::format("  {:<14} {}\n", word, m->formula)) != std::string::npos);
    }
  CHECK(explain("model.attention.0.kind")
            .find("  local          P = softmax(S) over |i − j| ≤ window\n"
                  "                   Beltagy et al. 2020, arXiv 2004.05150, §3.1\n") != std::string::npos);
  CHECK_THROWS_WITH(explain("optimizer.learning_rat"),
                    "optimizer.learning_rat: unknown key\nhelp: did you mean `learning_rate`?");
  CHECK_THROWS_WITH(explain("lr"), "lr: unknown key\nhelp: this is called `optimizer.learning_rate` here");
}

TEST_CASE("numbers are written so that every YAML reader sees a number, and the same one") {
  CHECK(write_number(1e-4) == "1.0e-04");
  CHECK(write_number(1.5e-10) == "1.5e-10");
  CHECK(write_number(0.001) == "0.001");
  CHECK(write_number(0) == "0.0");
  CHECK(write_number(1) == "1.0");
  CHECK(write_number(123456) == "123456.0");
  CHECK(write_number(-2.5e300) == "-2.5e+300");
  std::mt19937_64 random(3);
  for (int i = 0; i < 2000; ++i) {
    const double x = std::ldexp(static_cast<double>(random() >> 11), static_cast<int>(random() % 600) - 300);
    Node node;
    node.kind = Node::Kind::kScalar;
    node.text = write_number(x);
    double back = 0;
    std::string help;
    REQUIRE(parse_number(node, back, help));
    REQUIRE(back == x);
    REQUIRE(node.text.find('.') != std::string::npos);  // PyYAML reads 1e-05 as a text
  }
}

TEST_CASE("edit distance counts a swap as one") {
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("widht", "width") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("ca", "abc") == 3);  // restricted: nothing is edited twice
  CHECK(edit_distance("same", "same") == 0);
  CHECK(closest("hedas", {"heads", "hidden"}) == "heads");
  CHECK(closest("x", {"heads", "y"}) == "");
  CHECK(closest("colour", {"heads", "hidden"}) == "");
}

TEST_CASE("several heads are a list of maps, and every key of an element has its place") {
  const WorkingFolder folder;
  const std::string heads =
      "objective:\n"
      "  - {kind: masked_lm, weight: 0.5, rate: 0.3}\n"
      "  - kind: sequence_classification\n"
      "    pooling: cls\n";
  const std::string data = "data: {kind: labelled_lines, train: a.txt, max_length: 9, validation: 0.1}";
  const LoadedConfig l = loaded(configuration({data, heads}), {"objective.1.weight=2", "objective.0.tied=false"});
  const std::vector<ObjectiveSettings>& o = l.config.objectives;
  REQUIRE(o.size() == 2);
  CHECK(o[0].kind == ObjectiveKind::kMaskedLm);
  CHECK(o[0].weight == 0.5);
  CHECK_FALSE(o[0].tied);
  CHECK(o[1].kind == ObjectiveKind::kSequenceClassification);
  CHECK(o[1].weight == 2);
  CHECK(o[1].pooling == Pooling::kCls);
  CHECK(l.config.head(ObjectiveKind::kSequenceClassification) == &o[1]);
  CHECK(l.config.head(ObjectiveKind::kCausalLm) == nullptr);
  CHECK(l.origins.at("objective.1.weight") == "--set");
  CHECK(show(l).find("objective:\n"
                     "  - kind: masked_lm\n"
                     "    weight: 0.5\n"
                     "    rate: 0.3\n"
                     "    tied: false\n"
                     "    transform: false\n"
                     "  - kind: sequence_classification\n"
                     "    weight: 2.0\n"
                     "    pooling: cls\n") != std::string::npos);
  CHECK(values_of(l.config).at("objective.1.pooling") == "cls");
  CHECK(explain("objective.1.pooling") == explain("objective.pooling"));

  // What is resolved is read as the same; a list of one is its element.
  CHECK(loaded(resolved_yaml(l.config, {}, "."), {"run.name=" + l.config.run.name}).config == l.config);
  CHECK(loaded(configuration({"objective: [{kind: masked_lm, rate: 0.3}]"})).config.objectives ==
        loaded(configuration({"objective: {kind: masked_lm, rate: 0.3}"})).config.objectives);
  const Config replaced = loaded(configuration({data, "objective: {kind: masked_lm, rate: 0.3}"}),
                                 {"objective=[{kind: sequence_classification}, {kind: masked_lm}]", "objective.1.rate=0.4"})
                              .config;
  REQUIRE(replaced.objectives.size() == 2);
  CHECK(replaced.objectives[1].rate == 0.4);
}

TEST_CASE("a recipe is a complete configuration with every key that has a meaning") {
  const WorkingFolder folder;
  CHECK(recipes().size() >= 4);
  for (const Recipe& recipe : recipes()) {
    INFO(recipe.name);
    const std::string text = write_recipe(std::string(recipe.name));
    const LoadedConfig l = loaded(text);
    CHECK(l.warnings.empty());
    CHECK(l.config.run.name == recipe.name);
    CHECK(text.starts_with("# " + std::string(recipe.about) + ".\n"));
    Config read;
    const auto root = describe(read);  // learns the defaults
    read = l.config;
    for_each_key(*root, [&](const Key& key) {
      if (unmet_condition(*root, key)) return;
      INFO(key.path);
      const size_t line =
          text.find("\n" + std::string(2 * static_cast<size_t>(std::count(key.path.begin(), key.path.end(), '.')), ' ') +
                    (key.value && key.value->write({}).empty() ? "# " : "") + key.name + ":");
      CHECK(line != std::string::npos);
    });
  }
  CHECK_THROWS_WITH(write_recipe("clasification"), "there is no task 'clasification'\nhelp: did you mean `classification`?");
  CHECK(write_recipe("classification").find("# Non-linearity of the feed-forward layer (gelu | gelu_tanh | relu | ") !=
        std::string::npos);
  const std::string noted = commented(load_config("t.yaml"), {{"data.kind", "because"}});
  CHECK(noted.find("  # because\n") != std::string::npos);
}

TEST_CASE("the reference page is the present one") {
  INFO("to renew it: vitrine config explain --markdown > configs/REFERENCE.md");
  CHECK(read_file(std::string(VITRINE_SOURCE_DIR) + "/configs/REFERENCE.md") == reference_page());
}

TEST_CASE("values are compared whatever the path to them") {
  const WorkingFolder folder;
  write("configs/one.yaml",
        configuration({"data: {kind: lines, train: ../data/a.txt, validation: 0.1}", "objective: {kind: masked_lm}"}));
  write("other/two.yaml",
        configuration({fmt::format("data: {{kind: lines, train: {}/data/a.txt, validation: 0.1}}", folder.path().string()),
                       "objective: {kind: masked_lm}"}));
  CHECK(values_of(load_config("configs/one.yaml")) == values_of(load_config("other/two.yaml")));
}
