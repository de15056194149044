#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/file.h"
#include "data/learn.h"
#include "data/varied_lines.h"

using namespace vitrine;

// scripts/make_tokenizer_golden.py tells what the files of tests/golden/tokenizer/ are.
namespace {

const std::string kFolder = std::string(VITRINE_SOURCE_DIR) + "/tests/golden/tokenizer/";
constexpr uint64_t kBlocks = 12, kBlock = 1000;

// The tokenizers that are learned here, from the lines that the script's are learned from.
std::unique_ptr<Tokenizer> learn_golden(const std::string& name) {
  TokenizerSettings settings{name == "byte_pair" ? TokenizerKind::kBytePair : TokenizerKind::kWordPiece};
  settings.vocabulary_size = 700;
  settings.min_count = 2;
  settings.lowercase = settings.strip_accents = name == "uncased";
  settings.nfc = name == "nfc";
  const auto builder = make_tokenizer_builder(settings);
  for (uint64_t i = 1000000; i < 1001500; ++i) builder->add(VariedLines::line(i));
  return builder->build();
}

constexpr const char* kLearned[] = {"byte_pair", "uncased", "cased", "nfc"};

std::string hash_ids(const Tokenizer& tokenizer, uint64_t first, bool special) {
  uint64_t h = 0xCBF29CE484222325;
  const auto add = [&](uint32_t id) { h = (h ^ id) * 0x100000001B3; };
  for (uint64_t i = first; i < first + kBlock; ++i) {
    const std::string line = VariedLines::line(i);
    for (const Piece& piece : special ? tokenizer.encode_with_masks(line) : pieces_of(tokenizer, line))
      add(static_cast<uint32_t>(piece.id));
    add(0xFFFFFFFF);
  }
  return fmt::format("{:016x}", h);
}

}  // namespace

TEST_CASE("writes the tokenizers that are learned here", "[.golden]") {
  for (const char* name : kLearned) write_file_atomically(kFolder + "learned_" + name + ".json", learn_golden(name)->to_json());
}

TEST_CASE("the tokenizers package reads what is written here, and learning is what it was") {
  for (const char* name : kLearned) {
    INFO(name);
    CHECK(learn_golden(name)->to_json() == read_file(kFolder + "learned_" + name + ".json", ErrorKind::kData));
  }
}

TEST_CASE("twelve thousand lines of many scripts have the ids that the tokenizers package gives them") {
  std::ifstream table(kFolder + "ids.txt");
  size_t files = 0;
  for (std::string row; std::getline(table, row); ++files) {
    std::istringstream columns(row);
    std::string name, hash;
    columns >> name;
    INFO(name);
    const auto tokenizer = tokenizer_from_json(read_file(kFolder + name, ErrorKind::kData), name);
    for (uint64_t b = 0; b < kBlocks; ++b)
      for (const bool special : {false, true}) {
        columns >> hash;
        INFO("lines " << b * kBlock << " to " << (b + 1) * kBlock << (special ? ", with special tokens" : ""));
        CHECK(hash == hash_ids(*tokenizer, b * kBlock, special));
      }
  }
  CHECK(files == 8);
}
