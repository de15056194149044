#include "data/tokenizer.h"
#include "fuzz/fuzz.h"

using namespace vitrine;

// tokenizer.json, of a run or of the tokenizers package: what is accepted encodes anything, and is the same after it was written.
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::unique_ptr<Tokenizer> tokenizer, again;
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  if (!fuzz::accepts([&] { tokenizer = tokenizer_from_json(json, "tokenizer.json"); })) return 0;
  fuzz::require(tokenizer->size() >= Tokenizer::kSpecialCount, "the special tokens are there");
  const std::string text =
      "The \xC3\xA9t\xC3\xA9 of l'H\xC3\xB4pital,  42\xE4\xB8\xAD\xE6\x96\x87 \xF0\x9F\x98\x80\n\xFF\x80 abab aab";
  fuzz::require(fuzz::accepts([&] { again = tokenizer_from_json(tokenizer->to_json(), "written"); }),
                "what it writes is accepted");
  std::vector<Piece> pieces, repeated;
  tokenizer->encode(text, pieces);
  again->encode(text, repeated);
  fuzz::require(pieces == repeated, "it is the same after it was written");
  for (const Piece& piece : pieces) {
    fuzz::require(piece.id >= 0 && piece.id < tokenizer->size(), "ids are below V");
    fuzz::require(piece.begin <= piece.end && piece.end <= text.size(), "pieces stand in the text");
    tokenizer->token(piece.id);
  }
  return 0;
}
