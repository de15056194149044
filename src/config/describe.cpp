#include "config/describe.h"

#include "config/config.h"

namespace vitrine {
namespace {

constexpr Range kSteps = between(0, 1e12);

void describe_run(Key& s, RunSettings& o) {
  s.text("name", o.name, TextValue::Form::kName, "Name of the run; its folder is runs/<name>")
      .defaults_to("the name of the file");
  s.integer("seed", o.seed, between(0, 9007199254740992),
            "Seed of every random number: initial weights, dropout, masks, order, splits");
  s.choice("device", o.device, {{"cpu", Device::kCpu}, {"cuda", Device::kCuda}, {"simt", Device::kSimt}},
           "What computes: the processor, a GPU, or the GPU's kernels on the processor, slowly");
  s.integer("threads", o.threads, between(1, 1024), "Threads; the results are the same bits for any number").word("auto", 0);
  s.choice("precision", o.precision, {{"float32", Precision::kFloat32}, {"float64", Precision::kFloat64}},
           "Type of all numbers of the model");
  s.boolean("tf32", o.tf32, "Whether products may round their factors to 10 bits (TF32), which tensor cores multiply faster")
      .when("run.device", {"cuda"});
  s.boolean("checked", o.checked,
            "Whether the processor does every primitive, too, and the first that parts from it stops the run by name; slow")
      .when("run.device", {"cuda", "simt"});
  Key& simt = s.section("simt", "How the processor executes kernels");
  simt.when("run.device", {"simt"});
  simt.boolean("check", o.simt.check, "Whether every access to memory is looked at: races, bounds, what was never written");
  simt.choice("order", o.simt.order,
              {{"forward", ThreadOrder::kForward}, {"reverse", ThreadOrder::kReverse}, {"random", ThreadOrder::kRandom}},
              "In which threads run; the results of a correct kernel are the same bits")
      .when("run.device", {"simt"});
}

void describe_training(Key& root, Config& c) {
  Key& optimizer = root.section("optimizer", "How parameters follow their gradients");
  optimizer.choice("kind", c.optimizer.kind,
                   {{"adamw", OptimizerKind::kAdamw}, {"adam", OptimizerKind::kAdam}, {"sgd", OptimizerKind::kSgd}},
                   "Update rule");
  optimizer.number("learning_rate", c.optimizer.learning_rate, kPositive, "Step size at the peak of the schedule");
  optimizer.numbers("betas", c.optimizer.beta1, c.optimizer.beta2, kShare, "Decay of the means of gradients and of their squares")
      .when("optimizer.kind", {"adamw", "adam"});
  optimizer.number("epsilon", c.optimizer.epsilon, kPositive, "Added to the root of the mean square")
      .when("optimizer.kind", {"adamw", "adam"});
  optimizer.number("momentum", c.optimizer.momentum, kShare, "Share of the last update that is kept")
      .when("optimizer.kind", {"sgd"});
  optimizer.number("weight_decay", c.optimizer.weight_decay, at_least(0),
                   "Pull of matrices towards zero; none on biases and norms");

  Key& schedule = root.section("schedule", "How the learning rate changes");
  schedule.choice("kind", c.schedule.kind,
                  {{"constant", ScheduleKind::kConstant},
                   {"linear", ScheduleKind::kLinear},
                   {"cosine", ScheduleKind::kCosine},
                   {"inverse_sqrt", ScheduleKind::kInverseSqrt}},
                  "Shape after the warm-up");
  schedule.integer("warmup_steps", c.schedule.warmup_steps, kSteps, "Steps in which the rate grows from 0 to its peak");
  schedule.number("final_ratio", c.schedule.final_ratio, kUnit, "Last rate as a share of the peak")
      .when("schedule.kind", {"linear", "cosine"});

  Key& training = root.section("training", "How long, and in what portions");
  training.integer("steps", c.training.steps, kSteps, "Updates; 0 writes the initial parameters. Or epochs")
      .optional()
      .instead_of("epochs", true);
  training.number("epochs", c.training.epochs, kPositive, "Passes over the training data. Or steps").optional();
  training.integer("batch_size", c.training.batch_size, kCount, "Sequences of a batch. Or batch_tokens");
  training.integer("batch_tokens", c.training.batch_tokens, kCount, "Tokens of a batch at most. Or batch_size")
      .optional()
      .instead_of("batch_size", false);
  training.integer("micro_batch", c.training.micro_batch, kCount, "Tokens that are computed at once; more need more memory")
      .word("auto", 0);
  training.integer("lanes", c.training.lanes, between(1, 1024), "Parts of a batch that may be computed at the same time")
      .word("auto", 0);
  training.number("clip", c.training.clip, kPositive, "Largest global norm of the gradient").word("none", 0);

  Key& evaluation = root.section("evaluation", "How progress is measured, on the validation split");
  evaluation.integer("every", c.evaluation.every, kSteps, "Steps between evaluations; 0: at the end only");
  evaluation.metric(
      "metric", c.evaluation.metric,
      "What decides which checkpoint is best; with several heads that have it, under its head: `token_classification.f1`");
  evaluation.integer("patience", c.evaluation.patience, kSteps,
                     "Evaluations without a better one before training stops; 0: never");

  Key& checkpoint = root.section("checkpoint", "What is saved");
  checkpoint.integer("every", c.checkpoint.every, kSteps, "Steps between checkpoints; 0: at the end only");
  checkpoint.integer("keep", c.checkpoint.keep, kCount, "Newest ones that stay; the best is kept besides");
}

}  // namespace

std::unique_ptr<Key> describe(Config& c) {
  auto root = std::make_unique<Key>("", "", "A run");
  describe_run(root->section("run", "What computes, and under which name and seed"), c.run);
  describe_data(root->section("data", "Where sequences come from"), c.data);
  describe_tokenizer(root->section("tokenizer", "How text becomes tokens")
                         .when("data.kind", {"text", "lines", "labelled_lines", "table", "tagged", "grammar"}),
                     c.tokenizer);
  describe_model(root->section("model", "The encoder"), c.model);
  describe_objectives(root->section("objective", "What the model learns; a list of such maps puts several heads on one encoder"),
                      c.objectives);
  describe_training(*root, c);
  Key& inspect = root->section("inspect", "What is recorded of the attention");
  inspect
      .texts("sentences", c.inspect.sentences,
             "Sentences whose attention is recorded, and shown by `vitrine attention RUN` when none is given")
      .defaults_to("none");
  inspect.integer("every", c.inspect.every, kSteps,
                  "Steps between recordings during training, which also write page.html in the end; 0: none");
  inspect.integer("samples", c.inspect.samples, kSteps,
                  "Sequences of the validation split that are recorded, too: of each kind of link one in turn");
  Key& log = root->section("log", "What is written while training");
  log.integer("interval", c.log.interval, kCount, "Steps between lines of the log");
  log.choice("progress", c.log.progress, {{"auto", Progress::kAuto}, {"on", Progress::kOn}, {"off", Progress::kOff}},
             "A progress bar; auto: on a terminal only");
  log.boolean("tensorboard", c.log.tensorboard,
              "Event files for TensorBoard in tensorboard/ of the run: numbers, histograms, the configuration");
  return root;
}

}  // namespace vitrine
