#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "train/score.h"

namespace vitrine {

// Entities that tags spell: B-city I-city O (BIO, as in CoNLL-2003), with E- for the last and S- for the only word of one (IOBES). The
// rules are those of conlleval (Tjong Kim Sang and Buchholz 2000; E and S as in its Python twin and in seqeval), which make
// an entity of every tag but O:
//   begins  at B and S;  at I and E after O, E or S, or after another type
//   ends    before B, S and O;  after E and S;  before another type;  at the end of the sentence
// An entity is right if the truth has one of the same type from the same first to the same last word.
struct Entity {
  std::string type;
  int64_t first = 0, last = 0;  // words
  auto operator<=>(const Entity&) const = default;
};

// Whether these tags are of such a scheme: O, or one of B I E S, a hyphen and a type; and at least one of the latter.
bool spell_entities(const std::vector<std::string>& tags);

std::vector<Entity> entities_of(std::span<const std::string_view> tags);  // of one sentence

// Counts over sentences, for each type and over all of them.
struct EntityScores {
  ClassScore all;
  std::map<std::string, ClassScore> types;

  void add(std::span<const std::string_view> truth, std::span<const std::string_view> predicted);
};

}  // namespace vitrine
