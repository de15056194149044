#include "config/config.h"
#include "config/registry.h"
#include "train/metrics.h"

// Every key of a configuration, as one table: name, member, range, meaning; then when it applies.
namespace vitrine {
namespace {

using Form = TextValue::Form;
constexpr Range kCount = between(1, 1e9), kSteps = between(0, 1e12);

void describe_run(Key& s, RunSettings& o) {
  s.text("name", o.name, Form::kName, "Name of the run; its folder is runs/<name>").defaults_to("the name of the file");
  s.integer("seed", o.seed, between(0, 9007199254740992),
            "Seed of every random number: initial weights, dropout, masks, order, splits");
  s.choice("device", o.device, {{"cpu", Device::kCpu}, {"cuda", Device::kCuda}, {"simt", Device::kSimt}}, "What computes");
  s.integer("threads", o.threads, between(1, 1024), "Threads; the results are the same bits for any number").word("auto", 0);
  s.choice("precision", o.precision, {{"float32", Precision::kFloat32}, {"float64", Precision::kFloat64}},
           "Type of all numbers of the model");
}

// Data that are drawn, not read.
void describe_task(Key& s, DataSettings& o) {
  const std::vector<std::string> drawn = {"task", "random"}, task = {"task"};
  s.choice("task", o.task,
           {{"copy", TaskKind::kCopy},
            {"reverse", TaskKind::kReverse},
            {"sort", TaskKind::kSort},
            {"first_occurrence", TaskKind::kFirstOccurrence},
            {"recall", TaskKind::kRecall},
            {"induction", TaskKind::kInduction},
            {"brackets", TaskKind::kBrackets},
            {"majority", TaskKind::kMajority}},
           "What is asked of sequences of random symbols; the answers, and what each is taken from, are known")
      .when("data.kind", task)
      .required();
  s.integer("vocabulary_size", o.vocabulary_size, between(2, 1e7),
            "Task: different symbols, keys and values or kinds of brackets. Random: tokens, the four special ones included")
      .when("data.kind", drawn)
      .required();
  s.integer("length", o.length, between(1, 1 << 20), "Task: symbols or pairs of the longest sequences. Random: tokens of each")
      .when("data.kind", drawn)
      .required();
  s.integer("min_length", o.min_length, between(1, 1 << 20),
            "Symbols or pairs of the shortest sequences; every length up to data.length is as likely")
      .optional()
      .defaults_to("data.length")
      .when("data.kind", task);
  s.integer("distractors", o.distractors, between(0, 1 << 16), "Words without meaning at random places of each sequence")
      .when("data.kind", task);
  s.integer("queries", o.queries, between(1, 1 << 20), "Keys that are asked for at the end of each sequence")
      .when("data.kind", task)
      .when("data.task", {"recall"});
}

void describe_table(Key& s, DataSettings& o) {
  const std::vector<std::string> table = {"table"};
  s.columns("text", o.text, "Column of the text, or a list of two columns: pairs of texts, read as [CLS] a [SEP] b [SEP]")
      .when("data.kind", table)
      .required();
  s.text("label", o.label, Form::kText, "Column of the label: a class, a number, or several labels, as the objective needs it")
      .optional()
      .defaults_to("none")
      .when("data.kind", table);
  s.text("label_separator", o.label_separator, Form::kText, "What stands between the labels of a row that has several")
      .optional()
      .defaults_to("none: they are lists of JSON")
      .when("data.kind", table);
  s.choice(
       "format", o.format,
       {{"auto", TableFormat::kAuto}, {"csv", TableFormat::kCsv}, {"tsv", TableFormat::kTsv}, {"jsonl", TableFormat::kJsonl}},
       "How rows are written: with separators and quotes, with tabs and no quotes, or a JSON object a line; auto: as the name of "
       "the file says")
      .when("data.kind", table);
  s.choice("delimiter", o.delimiter, {{"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"bar", '|'}},
           "What separates the fields of a csv")
      .when("data.kind", table)
      .when("data.format", {"auto", "csv"});
  s.boolean("header", o.header, "The first row names the columns; else they are called 0, 1, …")
      .when("data.kind", table)
      .when("data.format", {"auto", "csv", "tsv"});
}

void describe_data(Key& s, DataSettings& o) {
  const std::vector<std::string> texts = {"text", "lines", "labelled_lines", "table", "tagged"},
                                 files = {"text", "lines", "labelled_lines", "table", "tagged", "jsonl"},
                                 generated = {"grammar", "task", "random"};
  s.choice("kind", o.kind,
           {{"text", DataKind::kText},
            {"lines", DataKind::kLines},
            {"labelled_lines", DataKind::kLabelledLines},
            {"table", DataKind::kTable},
            {"tagged", DataKind::kTagged},
            {"jsonl", DataKind::kJsonl},
            {"grammar", DataKind::kGrammar},
            {"task", DataKind::kTask},
            {"random", DataKind::kRandom}},
           "One stream of text, one sequence a line, a label before each line, a table with named columns, a tag for each "
           "word, tokens with their own truth, sentences of a grammar, a synthetic task, or random tokens")
      .required();
  s.integer("max_length", o.max_length, between(1, 1 << 20),
            "Tokens of a sequence; longer ones are cut, and it is said how many");
  s.files("train", o.train, o.train_beside,
          "Training file, a folder of files or a pattern such as parts/*.txt, relative to this file; tagged data also as "
          "parallel files "
          "{tokens: a, tags: b, labels: c}, of which labels may be left out")
      .when("data.kind", files)
      .required();
  s.split("validation", o.validation, "Validation file, or the share of the training file that is held out")
      .when("data.kind", files);
  s.split("test", o.test, "Test file, or a share of the training file").when("data.kind", files);
  describe_table(s, o);
  Key& columns = s.section("columns", "Where a line of a tagged file has its word and its tag, counted from 0")
                     .when("data.kind", {"tagged"});
  columns.integer("token", o.token_column, between(0, 1e6), "Column of the word")
      .optional()
      .defaults_to("0")
      .when("data.kind", {"tagged"});
  columns.integer("tag", o.tag_column, between(0, 1e6), "Column of its tag")
      .word("last", -1)
      .optional()
      .defaults_to("last")
      .when("data.kind", {"tagged"});
  s.choice("encoding", o.encoding, {{"utf-8", Encoding::kUtf8}, {"latin-1", Encoding::kLatin1}}, "Encoding of the files")
      .when("data.kind", texts);
  s.text("grammar", o.grammar, Form::kPath, "Grammar file, relative to this file").when("data.kind", {"grammar"}).required();
  s.integer("train_sentences", o.train_sentences, kCount, "Sequences generated for training").when("data.kind", generated);
  s.integer("validation_sentences", o.validation_sentences, between(0, 1e9),
            "Sequences generated for validation; 0: no such split")
      .when("data.kind", generated);
  s.integer("test_sentences", o.test_sentences, between(0, 1e9), "Sequences generated for the test; 0: no such split")
      .when("data.kind", generated);
  describe_task(s, o);
}

void describe_tokenizer(Key& s, TokenizerSettings& o) {
  const std::vector<std::string> whole = {"character", "word"}, pieces = {"byte_pair", "word_piece"}, bert = {"word_piece"};
  const std::vector<std::string> learned = {"character", "word", "byte_pair", "word_piece"},
                                 lowered = {"character", "word", "word_piece"},
                                 files = {"text", "lines", "labelled_lines", "table", "tagged"};
  s.choice("kind", o.kind,
           {{"character", TokenizerKind::kCharacter},
            {"byte", TokenizerKind::kByte},
            {"word", TokenizerKind::kWord},
            {"byte_pair", TokenizerKind::kBytePair},
            {"word_piece", TokenizerKind::kWordPiece}},
           "What a token is: a character, a byte, a word, or a frequent piece of a word: joined from bytes as in GPT-2, so that "
           "nothing is unknown, or from characters as in BERT");
  s.boolean("lowercase", o.lowercase, "Lower-case the text first").when("tokenizer.kind", lowered).when("data.kind", files);
  s.boolean("strip_accents", o.strip_accents, "Strip accents (é is e)")
      .defaults_to("tokenizer.lowercase, as in BERT")
      .when("tokenizer.kind", bert)
      .when("data.kind", files);
  s.boolean("nfc", o.nfc, "Compose characters first (Unicode NFC): e with an accent of its own is é")
      .when("tokenizer.kind", bert)
      .when("data.kind", files);
  s.integer("min_count", o.min_count, kCount, "Rarer tokens are [UNK]; rarer pairs of pieces are not joined")
      .when("tokenizer.kind", learned)
      .when("data.kind", files);
  s.integer("max_size", o.max_size, between(0, 1e9), "Tokens kept, the most frequent first; 0: all")
      .when("tokenizer.kind", whole)
      .when("data.kind", files);
  s.integer("vocabulary_size", o.vocabulary_size, between(5, 1e7),
            "Tokens to learn, the special ones included; byte_pair needs 260, the special ones and all bytes")
      .when("tokenizer.kind", pieces)
      .when("data.kind", files);
  s.text("file", o.file, Form::kPath,
         "A tokenizer to read instead of learning one: a tokenizer.json, of a run or of the tokenizers package, or BERT's "
         "vocab.txt; relative to this file")
      .when("tokenizer.kind", pieces)
      .when("data.kind", files);
}

void describe_model(Key& s, ModelSettings& o) {
  s.integer("width", o.width, between(1, 65536), "Width D of the stream: numbers for one token");
  s.integer("layers", o.layers, between(0, 1024), "Blocks L");
  s.integer("heads", o.heads, between(1, 65536), "Attention heads H of a block; each has width D/H");
  s.integer("hidden", o.hidden, between(1, 1 << 20), "Width F inside the feed-forward layer");
  s.choice("activation", o.activation,
           {{"gelu", ActivationKind::kGelu},
            {"gelu_tanh", ActivationKind::kGeluTanh},
            {"relu", ActivationKind::kRelu},
            {"silu", ActivationKind::kSilu},
            {"swiglu", ActivationKind::kSwiglu},
            {"geglu", ActivationKind::kGeglu}},
           "Non-linearity of the feed-forward layer");
  Key& norm = s.section("norm", "Normalisation; a bare word is its kind");
  norm.shorthand = {"kind"};
  norm.choice("kind", o.norm.kind, {{"layer", NormKind::kLayer}, {"rms", NormKind::kRms}},
              "Layer norm, or by the root of the mean square");
  norm.choice("place", o.norm.place, {{"pre", NormPlace::kPre}, {"post", NormPlace::kPost}},
              "Before each sublayer, or after the residual sum");
  norm.number("epsilon", o.norm.epsilon, kPositive, "Added to the variance");
  Key& dropout = s.section("dropout", "Dropout rates; a bare number sets all four");
  dropout.shorthand = {"embedding", "attention", "residual", "hidden"};
  dropout.number("embedding", o.dropout.embedding, kShare, "After the embedding");
  dropout.number("attention", o.dropout.attention, kShare, "On the attention weights");
  dropout.number("residual", o.dropout.residual, kShare, "On what a sublayer adds to the stream");
  dropout.number("hidden", o.dropout.hidden, kShare, "Inside the feed-forward layer");
  s.integer("max_length", o.max_length, between(1, 1 << 20),
            "Rows of the position table: the longest sequence the model can read")
      .optional()
      .defaults_to("what data.max_length needs");
  s.integer("token_types", o.token_types, between(0, 65536), "Rows of the token-type table; 0: none")
      .word("auto", -1)
      .defaults_to("auto: 2 for pairs of texts, else 0");
  s.boolean("embedding_norm", o.embedding_norm, "A norm right after the embedding, as BERT has");
  Key& position = s.section("position", "How the model knows positions; a bare word is the kind");
  position.shorthand = {"kind"};
  position.choice("kind", o.position.kind,
                  {{"none", PositionKind::kNone}, {"learned", PositionKind::kLearned}, {"sinusoidal", PositionKind::kSinusoidal}},
                  "No positions, a learned table, or sines and cosines");
  Key& attention = s.section("attention", "The attention of every block; a bare word is its kind");
  attention.shorthand = {"kind"};
  attention
      .choice("kind", o.attention.kind, {{"full", AttentionKind::kFull}, {"causal", AttentionKind::kFull}},
              "Which keys a query may see; `causal` is short for full with causal: true")
      .implies("causal", "model.attention.causal", "true");
  attention.boolean("causal", o.attention.causal, "A token sees only itself and those before it")
      .defaults_to("true for causal_lm and for the task induction, else false");
  attention.choice("implementation", o.attention.implementation,
                   {{"auto", AttentionImplementation::kAuto},
                    {"dense", AttentionImplementation::kDense},
                    {"fused", AttentionImplementation::kFused}},
                   "How it is computed; the results agree up to rounding");
  s.text("initialize_from", o.initialize_from, Form::kPath,
         "A run or a safetensors file to start from: parameters are taken by name, shapes must agree, what it lacks starts anew; "
         "the "
         "classifier only from a run with the same labels");
}

void describe_objective(Key& s, ObjectiveSettings& o) {
  const std::string kind = s.path + ".kind";
  Words<ObjectiveKind> kinds;
  for (const ObjectiveKind k :
       {ObjectiveKind::kMaskedLm, ObjectiveKind::kCausalLm, ObjectiveKind::kSequenceClassification,
        ObjectiveKind::kTokenClassification, ObjectiveKind::kMultiLabelClassification, ObjectiveKind::kRegression})
    kinds.emplace_back(name_of(k), k);
  const std::vector<std::string> language = {"masked_lm", "causal_lm"},
                                 pooled = {"sequence_classification", "multi_label_classification", "regression"},
                                 one_of_classes = {"sequence_classification", "token_classification"},
                                 classes = {"sequence_classification", "token_classification", "multi_label_classification"};
  s.choice(
       "kind", o.kind, kinds,
       "What the model learns: masked tokens, the next token, the class of a sequence, a tag for each word, any number of labels "
       "of a sequence, or a number")
      .required();
  s.number("weight", o.weight, kPositive, "Weight of this head's loss in the sum over all heads");
  s.number("rate", o.rate, kFraction, "Share of the tokens of a sequence that are predicted, one at least")
      .when(kind, {"masked_lm"})
      .when("data.kind", {"text", "lines", "labelled_lines", "table", "tagged", "jsonl", "random"});
  s.boolean("tied", o.tied, "The head uses the token embedding as its weight").when(kind, language);
  s.boolean("transform", o.transform, "BERT's linear layer, activation and norm before the head").when(kind, {"masked_lm"});
  s.choice("pooling", o.pooling, {{"mean", Pooling::kMean}, {"cls", Pooling::kCls}},
           "The mean over tokens, or a [CLS] token in front")
      .when(kind, pooled);
  s.boolean("pooler", o.pooler, "BERT's linear layer and tanh before the last one").when(kind, pooled);
  s.number("label_smoothing", o.label_smoothing, kShare, "Share of the target spread over all classes")
      .when(kind, one_of_classes);
  s.weights("class_weights", o.class_weights, "Weight of each class in the loss, by label or tag; those not named weigh 1")
      .when(kind, one_of_classes);
  s.integer("classes", o.classes, between(2, 1e7), "Number of classes, labels or tags")
      .optional()
      .when(kind, classes)
      .when("data.kind", {"random"})
      .required();
}

void describe_objectives(Key& s, std::vector<ObjectiveSettings>& all) {
  s.make_list = [&all](Key& list, size_t n) {
    all.assign(n, {});
    list.children.clear();
    list.is_list = true;
    for (size_t k = 0; k < n; ++k) describe_objective(list.section(std::to_string(k), "One of several heads"), all[k]);
  };
  if (all.size() == 1)
    describe_objective(s, all[0]);
  else
    s.make_list(s, all.size());
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
  inspect.texts("sentences", c.inspect.sentences, "Sentences that `vitrine attention RUN` shows when none is given")
      .defaults_to("none");
  inspect.integer("every", c.inspect.every, kSteps,
                  "Steps between recordings during training; 0: none (this version records none)");
  Key& log = root->section("log", "What is written while training");
  log.integer("interval", c.log.interval, kCount, "Steps between lines of the log");
  log.choice("progress", c.log.progress, {{"auto", Progress::kAuto}, {"on", Progress::kOn}, {"off", Progress::kOff}},
             "A progress bar; auto: on a terminal only");
  log.boolean("tensorboard", c.log.tensorboard,
              "Event files for TensorBoard in tensorboard/ of the run: numbers, histograms, the configuration");
  return root;
}

}  // namespace vitrine
