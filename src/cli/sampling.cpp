#include "cli/sampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/check.h"
#include "data/tokenizer.h"
#include "data/utf8.h"
#include "inspect/terminal_text.h"

namespace vitrine {
namespace {

// Bytes of the character that begins with `first`; 1 where none does.
size_t bytes_of(char first) {
  const auto c = static_cast<unsigned char>(first);
  return c >= 0xF0 && c < 0xF5 ? 4 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xC2 && c < 0xE0 ? 2 : 1;
}

// Bytes of whole characters: all but the beginning of one at the end.
size_t whole(std::string_view text) {
  for (size_t back = 1; back <= std::min<size_t>(3, text.size()); ++back) {
    const size_t at = text.size() - back;
    if ((static_cast<unsigned char>(text[at]) & 0xC0) != 0x80) return bytes_of(text[at]) > back ? at : text.size();
  }
  return text.size();
}

}  // namespace

int32_t draw_token(std::span<const double> z, const Sampling& how, double u) {
  constexpr auto kFirst = static_cast<size_t>(Tokenizer::kSpecialCount);
  check(z.size() > kFirst, "a vocabulary has tokens besides the special ones");
  const auto most = std::max_element(z.begin() + kFirst, z.end());
  if (how.temperature == 0) return static_cast<int32_t>(most - z.begin());
  std::vector<size_t> order(z.size() - kFirst);
  std::iota(order.begin(), order.end(), kFirst);
  if (how.top_k > 0 && how.top_k < order.size()) {
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(how.top_k), order.end(),
                      [&](size_t a, size_t b) { return z[a] != z[b] ? z[a] > z[b] : a < b; });
    order.resize(how.top_k);
  }
  double sum = 0;
  std::vector<double> ends;
  for (const size_t c : order) ends.push_back(sum += std::exp((z[c] - *most) / how.temperature));
  const auto found = std::upper_bound(ends.begin(), ends.end(), u * sum);
  return static_cast<int32_t>(order[std::min(static_cast<size_t>(found - ends.begin()), order.size() - 1)]);
}

std::string TextPieces::add(std::string_view bytes) {
  waiting_ += bytes;
  return take(whole(waiting_));
}

std::string TextPieces::finish() { return take(waiting_.size()); }

std::string TextPieces::take(size_t bytes) {
  const std::string text = waiting_.substr(0, bytes);
  waiting_.erase(0, bytes);
  if (!safe_) return text;
  std::string out;
  for (size_t at = 0, n; at < text.size(); at += n) {
    n = decode_utf8(text, at).bytes;
    const std::string_view character = std::string_view(text).substr(at, n);
    const bool as_it_is = character == "\n" || character == "\t" || character == " ";
    out += as_it_is ? std::string(character) : printable(character);
  }
  return out;
}

}  // namespace vitrine
