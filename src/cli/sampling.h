#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace vitrine {

// How the next token is drawn: with probability ∝ e^(z/temperature) among the `top_k` most probable (0: all). Temperature 0 takes the most
// probable one, of equal ones the smallest. Special tokens are never drawn.
struct Sampling {
  double temperature = 1;
  size_t top_k = 0;
};
// z [V]: logits; u: uniform in [0, 1).
int32_t draw_token(std::span<const double> z, const Sampling& how, double u);

// Text that comes in pieces of any bytes, for a terminal (`safe`: control characters become visible, line ends and tabs stay) or for a
// file as it is. Characters are never cut: the bytes of one wait until it is whole.
class TextPieces {
 public:
  explicit TextPieces(bool safe) : safe_(safe) {}
  std::string add(std::string_view bytes);  // what can be shown now
  std::string finish();                     // what was left

 private:
  std::string take(size_t bytes);

  bool safe_;
  std::string waiting_;
};

}  // namespace vitrine
