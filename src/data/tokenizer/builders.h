#pragma once
#include <memory>

#include "data/tokenizer.h"

namespace vitrine {

std::unique_ptr<TokenizerBuilder> make_character_builder(const TokenizerSettings& settings);
std::unique_ptr<TokenizerBuilder> make_byte_builder();
std::unique_ptr<TokenizerBuilder> make_word_builder(const TokenizerSettings& settings);

}  // namespace vitrine
