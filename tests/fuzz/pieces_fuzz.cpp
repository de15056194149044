#include "data/tokenizer.h"
#include "fuzz/fuzz.h"

using namespace vitrine;

namespace {

std::unique_ptr<Tokenizer> learn(TokenizerKind kind) {
  TokenizerSettings settings;
  settings.kind = kind;
  settings.vocabulary_size = 300;
  settings.lowercase = settings.strip_accents = settings.nfc = kind == TokenizerKind::kWordPiece;
  const auto builder = make_tokenizer_builder(settings);
  builder->add("the cat saw the other cats, and l'\xC3\xA9t\xC3\xA9 came; 1234 \xE4\xB8\xAD\xE6\x96\x87");
  return builder->build();
}

}  // namespace

// Any bytes as a text: pieces follow each other inside it, parts add up, and byte_pair gives every byte back.
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::unique_ptr<Tokenizer> tokenizers[] = {learn(TokenizerKind::kCharacter), learn(TokenizerKind::kByte),
                                                          learn(TokenizerKind::kWord), learn(TokenizerKind::kBytePair),
                                                          learn(TokenizerKind::kWordPiece)};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto& tokenizer : tokenizers) {
    std::vector<Piece> pieces, parts;
    tokenizer->encode(text, pieces);
    for (size_t at = 0; at < text.size();) {
      const size_t before = at;
      tokenizer->encode_part(text, at, parts);
      fuzz::require(at > before && at <= text.size(), "a part is not empty");
    }
    fuzz::require(parts == pieces, "a text is its parts");
    uint32_t behind = 0;
    for (const Piece& piece : pieces) {
      fuzz::require(piece.begin >= behind && piece.end >= piece.begin && piece.end <= size, "pieces follow each other");
      fuzz::require(piece.id >= 0 && piece.id < tokenizer->size(), "ids are below V");
      behind = piece.begin;
    }
    tokenizer->encode_with_masks(text);
    if (tokenizer->kind() != TokenizerKind::kBytePair && tokenizer->kind() != TokenizerKind::kByte) continue;
    std::vector<int32_t> ids;
    for (const Piece& piece : pieces) ids.push_back(piece.id);
    fuzz::require(tokenizer->decode(ids) == text, "every byte comes back");
  }
  return 0;
}
