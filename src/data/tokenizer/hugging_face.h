#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "data/tokenizer/bert_words.h"
#include "data/tokenizer/merges.h"

namespace vitrine {

class Tokenizer;

// Tokens as the bytes that they stand for; the first has id Tokenizer::kSpecialCount. Every single byte is one of them.
struct BytePairModel {
  std::vector<std::string> tokens;
  std::vector<Merge> merges;     // in the order in which they were learned
  bool mask_takes_space = true;  // the white space before [MASK] is a part of it ("lstrip"), as that before a word is
};

// Tokens behind the special ones; those that go on inside a word begin with ##.
struct WordPieceModel {
  std::vector<std::string> tokens;
  BertRules rules;
};

// tokenizer.json of the `tokenizers` package (https://huggingface.co/docs/tokenizers/components): a ByteLevel pre-tokenizer before a BPE
// model, or BertNormalizer (behind NFC, where asked for) and BertPreTokenizer before WordPiece. The special tokens come first here; where
// they stand elsewhere in a file, the other tokens keep their order behind them.
std::string byte_pair_to_json(const BytePairModel& model);
std::string word_piece_to_json(const WordPieceModel& model);
// Error{kData} names what the file has that is not supported. `file` has the key "model". What a post_processor adds, the special tokens
// at both ends, is left to the objective, with a warning.
std::unique_ptr<Tokenizer> tokenizer_from_hugging_face(const nlohmann::json& file, std::string_view origin);

// Moves the four special tokens, wherever they stand, to the front. Error{kData} where one is missing.
void special_tokens_first(std::vector<std::string>& tokens, std::string_view origin);

}  // namespace vitrine
