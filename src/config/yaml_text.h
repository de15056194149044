#pragma once
#include <string>

#include "config/source.h"

namespace vitrine {

// Looks at the text before the parser does, for what the parser accepts silently or never returns from: bytes that are not UTF-8,
// control characters, tabs in the indentation, quotes that are not closed on their line. False when something was found.
bool check_yaml_text(const std::string& text, int source, Diagnostics& diagnostics);

constexpr size_t kMaxConfigBytes = 1 << 20;

// Where the quote that opens at `open` closes on the same line; npos: nowhere.
size_t closing_quote(const std::string& text, size_t open);
std::string unclosed_quote_message(char quote);

}  // namespace vitrine
