#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vitrine {

// Bytes as characters that can be seen, so that every piece of a byte_pair tokenizer is text: GPT-2's table (Radford et al. 2019,
// encoder.py). ! … ~, ¡ … ¬ and ® … ÿ stand for themselves, the other 68 bytes, in order, for U+0100 …; the space is Ġ.
uint32_t character_of_byte(uint8_t byte);
std::string bytes_to_characters(std::string_view bytes);
std::optional<std::string> characters_to_bytes(std::string_view characters);  // none: a character that stands for no byte

// The place of a byte among all 256, in the order of their characters.
int32_t rank_of_byte(uint8_t byte);

}  // namespace vitrine
