#include "inspect/recording.h"

#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "base/safetensors.h"
#include "support/catch.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

using namespace vitrine;

namespace {

constexpr int64_t L = 2, H = 3;

std::vector<RecordedSentence> two_sentences() {
  RecordedSentence linked, typed;
  linked.shown = {{"anna", "waved", "[MASK]"}, 2, {0}};
  linked.kinds = {TokenKind::kNormal, TokenKind::kNormal, TokenKind::kMasked};
  linked.words = {0, 1, 2};
  linked.link = {"copied name", "anna", "bob", "bob waved [MASK]", 1.0 / 3};
  typed.shown = {{"[CLS]", "</script>"}, -1, {}};
  typed.kinds = {TokenKind::kSpecial, TokenKind::kNormal};
  typed.words = {0, 1};
  typed.note = "'zebra' is read as [UNK]";
  return {linked, typed};
}

// Different numbers everywhere; not the weights of anything.
std::vector<SentenceRecord> records(double seed) {
  std::vector<SentenceRecord> out;
  for (const int64_t n : {3, 2}) {
    SentenceRecord& r = out.emplace_back();
    r.maps = AttentionMaps(L, H, n);
    for (size_t i = 0; i < r.maps.weights.size(); ++i) r.maps.weights[i] = seed / (1.0 + static_cast<double>(i));
  }
  out[0].move = LinkMove{-3 * seed, {seed, 2, 3, 4, 5, 6}};
  return out;
}

Recording begin(const std::string& folder, int64_t step, std::vector<RecordedSentence> sentences = two_sentences()) {
  return {folder, L, H, std::move(sentences), step};
}

}  // namespace

TEST_CASE("what is recorded is read back, as exact float32") {
  const TemporaryFolder around;
  const std::string folder = around / "attention";
  const Recording writer = begin(folder, 0);
  CHECK_FALSE(writer.restarted());
  writer.write(50, records(0.3));
  writer.write(0, records(0.7));
  const std::optional<Recording> reader = Recording::open(folder);
  REQUIRE(reader);
  CHECK(reader->steps() == std::vector<int64_t>{0, 50});
  CHECK(reader->sentences() == two_sentences());
  const std::vector<SentenceRecord> read = reader->read(50), wrote = records(0.3);
  REQUIRE(read.size() == 2);
  for (size_t k = 0; k < 2; ++k) {
    REQUIRE(read[k].maps.weights.size() == wrote[k].maps.weights.size());
    for (size_t i = 0; i < wrote[k].maps.weights.size(); ++i)
      CHECK(read[k].maps.weights[i] == static_cast<double>(static_cast<float>(wrote[k].maps.weights[i])));
  }
  CHECK(read[0].move->pair == static_cast<double>(static_cast<float>(-3 * 0.3)));
  CHECK(read[0].move->heads == std::vector<double>{static_cast<double>(0.3F), 2, 3, 4, 5, 6});
  CHECK_FALSE(read[1].move);
  const SafeTensors file = read_safetensors(folder + "/step-00000050.safetensors");
  CHECK(file.at("sentences.1.weights").shape == std::vector<int64_t>{L, H, 2, 2});
  int64_t bytes = 0;
  for (const NamedTensor& t : file.tensors) bytes += std::ssize(t.bytes);
  CHECK(writer.bytes_of_step() == bytes);
}

TEST_CASE("a resumed recording keeps the steps before and drops those after; one of other sentences begins anew") {
  const TemporaryFolder around;
  const std::string folder = around / "attention";
  for (const int64_t step : {0, 10, 20, 30}) begin(folder, 30).write(step, records(0.1));
  const Recording resumed = begin(folder, 20);
  CHECK(resumed.steps() == std::vector<int64_t>{0, 10, 20});
  CHECK_FALSE(resumed.restarted());
  std::vector<RecordedSentence> others = two_sentences();
  others[1].shown.tokens[1] = "else";
  const Recording anew = begin(folder, 20, others);
  CHECK(anew.restarted());
  CHECK(anew.steps().empty());
  CHECK(Recording::open(folder)->sentences() == others);
}

TEST_CASE("what a killed process left half written is in no step") {
  const TemporaryFolder around;
  const std::string folder = around / "attention", half = folder + "/.partial";
  Recording recording = begin(folder, 0);
  std::ofstream(half) << "half a file";
  recording.write(10, records(0.2));
  CHECK(recording.read(10)[0].move->pair == static_cast<double>(static_cast<float>(-3 * 0.2)));
  CHECK_FALSE(std::ifstream(half).good());
  std::ofstream(half) << "half a file";
  CHECK(begin(folder, 10).steps() == std::vector<int64_t>{10});
  CHECK_FALSE(std::ifstream(half).good());
}

TEST_CASE("a damaged recording is refused, naming the file; without one there is none") {
  const TemporaryFolder around;
  const std::string folder = around / "attention", file = folder + "/step-00000010.safetensors";
  CHECK_FALSE(Recording::open(folder));
  const Recording recording = begin(folder, 0);
  recording.write(10, records(0.2));
  const auto cut = [](const std::string& path, size_t bytes) {
    const std::string text = read_file(path).substr(0, bytes);
    std::ofstream(path, std::ios::binary) << text;
  };
  const auto says = [&](const std::string& path) {
    const std::string message = error_of(ErrorKind::kCheckpoint, [&] { Recording::open(folder)->read(10); });
    CHECK(message.find(path) != message.npos);
  };
  cut(file, 200);
  says(file);
  std::vector<SentenceRecord> wrong = records(0.2);
  wrong[1].maps = AttentionMaps(L, H, 3);  // not the length that index.json says
  recording.write(10, wrong);
  says(file);
  cut(folder + "/index.json", 100);
  says(folder + "/index.json");
}

TEST_CASE("pieces of a word are told by their marks, letters by the spaces between them") {
  const auto words = [](const std::string& json, std::vector<std::string> tokens) {
    const auto tokenizer = tokenizer_from_json(json, "test");
    std::vector<int32_t> ids;
    for (const std::string& t : tokens) ids.push_back(tokenizer->find(t));
    return words_of(*tokenizer, ids);
  };
  const std::string letters = make_character_tokenizer({"a", "b", " "})->to_json();
  CHECK(words(letters, {"[CLS]", "a", "b", " ", "a", "[MASK]", "b"}) == std::vector<int64_t>{0, 1, 1, 2, 3, 4, 5});
  CHECK(words(make_word_tokenizer({"a", "b"})->to_json(), {"a", "b", "a"}) == std::vector<int64_t>{0, 1, 2});
}
