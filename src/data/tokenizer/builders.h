#pragma once
#include <memory>

#include "data/tokenizer.h"
#include "data/tokenizer/hugging_face.h"

namespace vitrine {

std::unique_ptr<TokenizerBuilder> make_character_builder(const TokenizerSettings& settings);
std::unique_ptr<TokenizerBuilder> make_byte_builder();
std::unique_ptr<TokenizerBuilder> make_word_builder(const TokenizerSettings& settings);
std::unique_ptr<TokenizerBuilder> make_byte_pair_builder(const TokenizerSettings& settings);
std::unique_ptr<TokenizerBuilder> make_word_piece_builder(const TokenizerSettings& settings);
std::unique_ptr<Tokenizer> make_byte_pair_tokenizer(BytePairModel model);
std::unique_ptr<Tokenizer> make_word_piece_tokenizer(WordPieceModel model);

// Learns nothing: `settings.file` is a tokenizer.json, or BERT's vocab.txt, a token a line in the order of the ids, of which the special
// ones move to the front. Error{kData} names file and line.
std::unique_ptr<TokenizerBuilder> make_file_builder(const TokenizerSettings& settings);

}  // namespace vitrine
