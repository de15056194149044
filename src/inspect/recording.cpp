#include "inspect/recording.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/file.h"
#include "base/safetensors.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
constexpr int kFormat = 1;
constexpr std::string_view kBefore = "step-", kAfter = ".safetensors";

std::string index_of(const std::string& folder) { return folder + "/index.json"; }
std::string partial_of(const std::string& folder) { return folder + "/.partial"; }  // a step that is being written

Json to_json(const RecordedSentence& s) {
  Json out{{"tokens", s.shown.tokens}, {"kinds", Json::array()}, {"words", s.words}};
  for (const TokenKind kind : s.kinds) out["kinds"].push_back(static_cast<int>(kind));
  if (s.shown.target >= 0) out["target"] = s.shown.target;
  if (!s.shown.sources.empty()) out["sources"] = s.shown.sources;
  if (!s.note.empty()) out["note"] = s.note;
  if (s.link)
    out["link"] = {{"name", s.link->name},
                   {"value", s.link->value},
                   {"pair_value", s.link->pair_value},
                   {"pair", s.link->pair},
                   {"chance", s.link->chance}};
  return out;
}

RecordedSentence sentence_from(const Json& j) {
  RecordedSentence s;
  s.shown.tokens = j.at("tokens").get<std::vector<std::string>>();
  s.shown.target = j.value("target", int64_t{-1});
  s.shown.sources = j.value("sources", std::vector<int64_t>());
  for (const int kind : j.at("kinds")) s.kinds.push_back(static_cast<TokenKind>(kind));
  s.words = j.at("words").get<std::vector<int64_t>>();
  s.note = j.value("note", "");
  if (j.contains("link")) {
    const Json& l = j["link"];
    s.link = {l.at("name"), l.at("value"), l.at("pair_value"), l.at("pair"), l.at("chance")};
  }
  const auto n = std::ssize(s.shown.tokens);
  const auto inside = [&](int64_t i) { return i >= 0 && i < n; };
  if (n == 0 || std::ssize(s.kinds) != n || std::ssize(s.words) != n || s.shown.target >= n ||
      !std::all_of(s.shown.sources.begin(), s.shown.sources.end(), inside))
    throw std::out_of_range("a sentence");
  return s;
}

std::string index_text(int64_t layers, int64_t heads, const std::vector<RecordedSentence>& sentences) {
  Json out{{"format", kFormat}, {"vitrine", VITRINE_VERSION}, {"layers", layers}, {"heads", heads}, {"sentences", Json::array()}};
  for (const RecordedSentence& s : sentences) out["sentences"].push_back(to_json(s));
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::vector<float> as_float(const std::vector<double>& values) { return {values.begin(), values.end()}; }

}  // namespace

std::vector<int64_t> words_of(const Tokenizer& tokenizer, std::span<const int32_t> ids) {
  const auto is_space = [](std::string_view s) { return s.find_first_not_of(" \t\r\n") == s.npos; };
  const auto goes_on = [&](int32_t before, int32_t id) {
    if (before < Tokenizer::kSpecialCount || id < Tokenizer::kSpecialCount) return false;
    const std::string_view token = tokenizer.token(id);
    switch (tokenizer.kind()) {
      case TokenizerKind::kWord: return false;
      case TokenizerKind::kWordPiece: return token.starts_with("##");
      case TokenizerKind::kBytePair: return !token.starts_with("Ġ");
      default: return !is_space(token) && !is_space(tokenizer.token(before));
    }
  };
  std::vector<int64_t> words;
  for (size_t i = 0; i < ids.size(); ++i) words.push_back(i == 0 ? 0 : words.back() + (goes_on(ids[i - 1], ids[i]) ? 0 : 1));
  return words;
}

Recording::Recording(std::string folder, int64_t layers, int64_t heads, std::vector<RecordedSentence> sentences, int64_t step)
    : folder_(std::move(folder)), layers_(layers), heads_(heads), sentences_(std::move(sentences)) {
  const std::string text = index_text(layers_, heads_, sentences_), index = index_of(folder_);
  std::error_code ignored;
  const bool begun = fs::exists(index, ignored);
  const bool same = begun && read_file(index, ErrorKind::kCheckpoint) == text;
  restarted_ = begun && !same;
  for (const int64_t s : steps())
    if ((!same || s > step) && !remove_tree(path_of(s)))
      fail(ErrorKind::kCheckpoint, "cannot remove '{}' of the earlier recording", path_of(s));
  make_directories(folder_);
  remove_tree(partial_of(folder_));
  if (!same) write_file_atomically(index, text);
}

std::optional<Recording> Recording::open(const std::string& folder) {
  std::error_code ignored;
  const std::string index = index_of(folder);
  if (!fs::exists(index, ignored)) return std::nullopt;
  Recording out;
  out.folder_ = folder;
  try {
    const Json j = Json::parse(read_file(index, ErrorKind::kCheckpoint));
    if (j.at("format") != kFormat)
      fail(ErrorKind::kCheckpoint, "{}: has format {}; this version reads format {}", index, j["format"].dump(), kFormat);
    out.layers_ = j.at("layers"), out.heads_ = j.at("heads");
    for (const Json& s : j.at("sentences")) out.sentences_.push_back(sentence_from(s));
  } catch (const std::exception& error) {
    if (dynamic_cast<const Error*>(&error) != nullptr) throw;
    fail(ErrorKind::kCheckpoint, "{}: is damaged: it does not hold what a recording's index holds", index);
  }
  return out;
}

std::string Recording::path_of(int64_t step) const { return fmt::format("{}/{}{:08}{}", folder_, kBefore, step, kAfter); }

std::vector<int64_t> Recording::steps() const {
  std::vector<int64_t> steps;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kBefore) || !name.ends_with(kAfter)) continue;
    int64_t step = -1;
    const char *first = name.data() + kBefore.size(), *last = name.data() + name.size() - kAfter.size();
    if (std::from_chars(first, last, step).ptr == last && step >= 0) steps.push_back(step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

int64_t Recording::bytes_of_step() const {
  int64_t numbers = 0;
  for (const RecordedSentence& s : sentences_) {
    const auto n = std::ssize(s.shown.tokens);
    numbers += layers_ * heads_ * (n * n + (s.link ? 1 : 0)) + (s.link ? 1 : 0);
  }
  return numbers * static_cast<int64_t>(sizeof(float));
}

void Recording::write(int64_t step, const std::vector<SentenceRecord>& records) const {
  check(records.size() == sentences_.size(), "a record for each sentence");
  SafeTensors file;
  file.metadata["step"] = std::to_string(step);
  for (size_t k = 0; k < records.size(); ++k) {
    const SentenceRecord& r = records[k];
    const std::string name = fmt::format("sentences.{}.", k);
    file.tensors.push_back(NamedTensor::of(name + "weights", {layers_, heads_, r.maps.length, r.maps.length},
                                           std::span<const float>(as_float(r.maps.weights))));
    if (!r.move) continue;
    file.tensors.push_back(NamedTensor::of(name + "moves", {layers_, heads_}, std::span<const float>(as_float(r.move->heads))));
    file.tensors.push_back(NamedTensor::of(name + "pair_move", {1}, std::span<const float>(as_float({r.move->pair}))));
  }
  // Training does not wait for the disk here: what the loss of power takes away, the page leaves out.
  const std::string partial = partial_of(folder_);
  remove_tree(partial);
  LineFile(partial).append_bytes(encode_safetensors(file));
  rename_file(partial, path_of(step));
}

std::vector<SentenceRecord> Recording::read(int64_t step) const {
  const std::string path = path_of(step);
  const SafeTensors file = read_safetensors(path);
  std::vector<SentenceRecord> out;
  for (size_t k = 0; k < sentences_.size(); ++k) {
    const RecordedSentence& s = sentences_[k];
    const auto n = std::ssize(s.shown.tokens);
    const std::string name = fmt::format("sentences.{}.", k);
    const auto tensor = [&](const std::string& what, const std::vector<int64_t>& shape) {
      const NamedTensor& t = file.at(name + what);
      if (t.dtype != Dtype::kF32 || t.shape != shape)
        fail(ErrorKind::kCheckpoint, "{}: {}{} is not what index.json announces", path, name, what);
      return t.as_double();
    };
    SentenceRecord& r = out.emplace_back();
    r.maps = AttentionMaps(layers_, heads_, n);
    r.maps.weights = tensor("weights", {layers_, heads_, n, n});
    if (s.link) r.move = LinkMove{tensor("pair_move", {1})[0], tensor("moves", {layers_, heads_})};
  }
  return out;
}

}  // namespace vitrine
