#include "config/describe.h"
#include "layers/attention/pairs.h"
#include "model/settings.h"
#include "train/metrics.h"

namespace vitrine {
namespace {

// Kinds of attention whose weights dropout can act on.
const std::vector<std::string> kWithDropout = {"full",  "causal", "local",         "block_sparse",
                                               "top_k", "entmax", "adaptive_span", "routing"};

// A choice of these words, each with its formula.
template <class T>
Key& kind_of(Key& s, T& member, std::span<const KindWord<T>> kinds, std::string about) {
  Words<T> words;
  std::vector<Meaning> meanings;
  for (const KindWord<T>& k : kinds) {
    words.emplace_back(k.word, k.kind);
    meanings.push_back({std::string(k.word), std::string(k.formula), std::string(k.source)});
  }
  Key& key = s.choice("kind", member, std::move(words), std::move(about));
  key.meanings = std::move(meanings);
  return key;
}

// A section that may be a list: `describe_one` describes it, or each element.
template <class T>
void describe_one_or_more(Key& s, std::vector<T>& all, void (*describe_one)(Key&, T&), const char* about) {
  s.make_list = [&all, describe_one, about](Key& key, size_t n) {
    all.assign(n, {});
    key.children.clear();
    key.is_list = n > 1;
    if (n == 1) return describe_one(key, all[0]);
    for (size_t k = 0; k < n; ++k) describe_one(key.section(std::to_string(k), about), all[k]);
  };
  s.make_list(s, all.size());
}

void describe_attention(Key& s, AttentionSettings& o) {
  const std::string kind = s.path + ".kind";
  s.shorthand = {"kind"};
  kind_of(s, o.kind, attention_words(), "Where the weights come from; `causal` is short for full with causal: true")
      .implies("causal", s.path + ".causal", "true");
  s.boolean("causal", o.causal, "A token sees only itself and those before it")
      .defaults_to("true for causal_lm and for the task induction, else false");
  s.choice("implementation", o.implementation,
           {{"auto", AttentionImplementation::kAuto},
            {"dense", AttentionImplementation::kDense},
            {"fused", AttentionImplementation::kFused}},
           "How it is computed; the results agree up to rounding")
      .when(kind, {"full", "causal", "local", "block_sparse"});
  s.integers(
       "window", o.window, between(1, 1 << 20),
       "How far a query sees on each side: in tokens (local; a list: of each head), or in blocks beside its own (block_sparse)")
      .optional()
      .defaults_to("64 tokens, or 1 block")
      .when(kind, {"local", "block_sparse"});
  s.integer("block", o.block, between(1, 65536), "Tokens of a block").when(kind, {"block_sparse"});
  s.integer("global", o.global, between(0, 1 << 20),
            "The first tokens of a sequence that see every token and are seen by every token")
      .when(kind, {"block_sparse"});
  s.integer("random", o.random, between(0, 65536),
            "Blocks drawn for each row of blocks and head, the same ones during the whole run")
      .when(kind, {"block_sparse"});
  s.integer("stride", o.stride, between(1, 65536), "A row of blocks also sees every stride-th block from its own")
      .word("none", 0)
      .when(kind, {"block_sparse"});
  s.integer("k", o.k, between(1, 1 << 20), "How many of its largest scores a query keeps").required().when(kind, {"top_k"});
  s.number("alpha", o.alpha, {1, 2, true, false},
           "Between softmax (1) and sparsemax (2): larger ones give more zeros; learned for each head")
      .word("learned", 0)
      .when(kind, {"entmax"});
  s.integer("max_span", o.max_span, between(1, 1 << 20), "The farthest that a head can learn to look, in tokens")
      .optional()
      .defaults_to("data.max_length")
      .when(kind, {"adaptive_span"});
  s.number("ramp", o.ramp, {0, 65536, true, false}, "Tokens behind the span over which weights fall to 0")
      .when(kind, {"adaptive_span"});
  s.number("initial", o.initial, at_least(0), "The span of every head at the start, in tokens").when(kind, {"adaptive_span"});
  s.number("penalty", o.penalty, at_least(0), "What a token of span costs: added to the span's gradient in each step")
      .when(kind, {"adaptive_span"});
  s.integer("features", o.features, between(1, 65536), "Random features m of a head")
      .optional()
      .when(kind, {"performer"})
      .defaults_to("four times the width of a head");
  s.integer("redraw", o.redraw, between(0, 1e9), "Steps after which the random features are drawn anew; 0: never")
      .when(kind, {"performer"});
  s.integer("clusters", o.clusters, between(1, 1 << 20), "Clusters c of a head; each takes T/c queries and keys")
      .optional()
      .when(kind, {"routing"})
      .defaults_to("the root of data.max_length, rounded up");
  s.number("decay", o.decay, kOpenShare, "Share of a centroid that stays in a step").when(kind, {"routing"});
}

}  // namespace

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
  dropout.number("attention", o.dropout.attention, kShare, "On the attention weights").when("model.attention.kind", kWithDropout);
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
  kind_of(position, o.position.kind, position_words(),
          "No positions; a learned table or sines and cosines, added to the embedding; or a scheme of attention that sees "
          "how far tokens are apart");
  const std::string positions = "model.position.kind";
  position.number("base", o.position.base, at_least(1), "The pair i turns by t·base^(−2i/width) at position t")
      .when(positions, {"rotary"});
  position.integer("width", o.position.width, between(2, 65536), "Numbers of a head that turn; the others stay")
      .optional()
      .defaults_to("all: model.width / model.heads")
      .when(positions, {"rotary"});
  position
      .integer("buckets", o.position.buckets, between(4, 65536), "Learned numbers of a head; half are for keys behind the query")
      .when(positions, {"t5_bias"});
  position.integer("max_distance", o.position.max_distance, between(2, 1 << 20), "Keys from here on share the last bucket")
      .when(positions, {"t5_bias"});
  position.integer("distance", o.position.distance, between(1, 65536), "Offsets beyond it count as this one")
      .when(positions, {"shaw", "disentangled"});
  position.boolean("values", o.position.values, "Offsets have embeddings for the values too, not only for the keys")
      .when(positions, {"shaw"});
  describe_one_or_more(
      s.section("attention", "The attention of every block, or a list with one for each; a bare word is its kind"), o.attention,
      describe_attention, "One of the blocks, from the lowest on");
  s.text("initialize_from", o.initialize_from, TextValue::Form::kPath,
         "A run or a safetensors file to start from: parameters are taken by name, shapes must agree, what it lacks starts anew; "
         "the "
         "classifier only from a run with the same labels");
}

namespace {

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

}  // namespace

void describe_objectives(Key& s, std::vector<ObjectiveSettings>& all) {
  describe_one_or_more(s, all, describe_objective, "One of several heads");
}

}  // namespace vitrine
