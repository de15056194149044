#include "data/pairs.h"

namespace vitrine {

std::pair<int64_t, int64_t> cut_pair(int64_t a, int64_t b, int64_t room) {
  const int64_t half = room / 2, rest = room - half;
  if (a + b <= room) return {a, b};
  if (a <= rest) return {a, room - a};
  if (b <= half) return {room - b, b};
  return {rest, half};
}

void join_pair(const std::vector<Piece>& a, const std::vector<Piece>& b, size_t tab, int64_t limit, std::vector<Piece>& out) {
  const auto [from_a, from_b] = cut_pair(std::ssize(a), std::ssize(b), limit - 2);
  const auto shift = static_cast<uint32_t>(tab + 1);
  out.insert(out.end(), a.begin(), a.begin() + from_a);
  out.push_back({Tokenizer::kSep, shift - 1, shift});
  uint32_t end = shift;
  for (int64_t i = 0; i < from_b; ++i) out.push_back({b[i].id, b[i].begin + shift, end = b[i].end + shift});
  out.push_back({Tokenizer::kSep, end, end});
}

void types_of_pair(const std::vector<Piece>& pieces, size_t tab, std::vector<int32_t>& out) {
  for (const Piece& piece : pieces) out.push_back(piece.begin > tab ? 1 : 0);
}

}  // namespace vitrine
