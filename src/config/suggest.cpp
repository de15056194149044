#include "config/suggest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace vitrine {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), previous(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, previous);
    std::swap(previous, row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

namespace {

std::string plain(std::string_view word) {
  std::string out(word);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c == '-' ? '_' : c;
  });
  return out;
}

template <size_t N>
std::string look_up(std::string_view word, const std::pair<std::string_view, std::string_view> (&table)[N]) {
  for (const auto& [theirs, ours] : table)
    if (theirs == word) return std::string(ours);
  return {};
}

}  // namespace

std::string closest(std::string_view word, const std::vector<std::string>& words) {
  if (word.size() > 64) return {};
  const std::string lower = plain(word);
  std::string best;
  size_t fewest = 1 + std::max<size_t>(1, word.size() / 3);
  for (const std::string& candidate : words) {
    const size_t edits = edit_distance(lower, candidate);
    if (edits < fewest && edits < candidate.size()) fewest = edits, best = candidate;
  }
  return best;
}

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
