#include "config/suggest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace vitrine {
namespace {

template <size_t N>
std::string look_up(std::string_view word, const std::pair<std::string_view, std::string_view> (&table)[N]) {
  for (const auto& [theirs, ours] : table)
    if (theirs == word) return std::string(ours);
  return {};
}

}  // namespace

std::string renamed(std::string_view word) {
  static constexpr std::pair<std::string_view, std::string_view> kTable[] = {
      {"lr", "optimizer.learning_rate"},
      {"max_lr", "optimizer.learning_rate"},
      {"eps", "optimizer.epsilon"},
      {"wd", "optimizer.weight_decay"},
      {"warmup", "schedule.warmup_steps"},
      {"scheduler", "schedule"},
      {"batch", "training.batch_size"},
      {"max_steps", "training.steps"},
      {"max_epochs", "training.epochs"},
      {"num_train_epochs", "training.epochs"},
      {"grad_clip", "training.clip"},
      {"gradient_clipping", "training.clip"},
      {"max_grad_norm", "training.clip"},
      {"early_stopping", "evaluation.patience"},
      {"d_model", "model.width"},
      {"hidden_size", "model.width"},
      {"n_embd", "model.width"},
      {"embedding_size", "model.width"},
      {"d_ff", "model.hidden"},
      {"intermediate_size", "model.hidden"},
      {"ffn_dim", "model.hidden"},
      {"n_layer", "model.layers"},
      {"num_layers", "model.layers"},
      {"num_hidden_layers", "model.layers"},
      {"n_head", "model.heads"},
      {"num_heads", "model.heads"},
      {"num_attention_heads", "model.heads"},
      {"block_size", "model.max_length"},
      {"context", "model.max_length"},
      {"max_position_embeddings", "model.max_length"},
      {"causal", "model.attention.causal"},
      {"loss", "objective"},
      {"task", "objective"},
      {"mask_rate", "objective.rate"},
      {"mlm_probability", "objective.rate"},
      {"smoothing", "objective.label_smoothing"},
      {"vocab_size", "tokenizer.max_size"},
      {"min_freq", "tokenizer.min_count"},
      {"dataset", "data"},
      {"train_file", "data.train"},
      {"dtype", "run.precision"},
      {"num_threads", "run.threads"},
      {"log_interval", "log.interval"},
      {"eval_interval", "evaluation.every"},
      {"save_every", "checkpoint.every"},
  };
  return look_up(plain(word), kTable);
}

std::string meant(std::string_view word, const std::vector<std::string>& words) {
  static constexpr std::pair<std::string_view, std::string_view> kTable[] = {
      {"gpu", "cuda"},         {"float", "float32"},
      {"double", "float64"},   {"utf8", "utf-8"},
      {"latin1", "latin-1"},   {"iso_8859_1", "latin-1"},
      {"mlm", "masked_lm"},    {"clm", "causal_lm"},
      {"lm", "causal_lm"},     {"classification", "sequence_classification"},
      {"acc", "accuracy"},     {"char", "character"},
      {"absolute", "learned"}, {"bidirectional", "full"},
      {"rmsnorm", "rms"},      {"layernorm", "layer"},
  };
  const std::string ours = look_up(plain(word), kTable);
  return std::find(words.begin(), words.end(), ours) != words.end() ? ours : closest(word, words);
}

std::string list_text(const std::vector<std::string>& words, std::string_view last) {
  std::string out;
  for (size_t i = 0; i < words.size(); ++i)
    out += fmt::format("{}`{}`", i == 0 ? "" : i + 1 == words.size() ? fmt::format(" {} ", last) : ", ", words[i]);
  return out;
}

}  // namespace vitrine
