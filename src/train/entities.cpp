#include "train/entities.h"

#include <algorithm>

namespace vitrine {
namespace {

struct Tag {
  char place = 'O';  // B, I, E, S or O
  std::string_view type;
};

Tag read(std::string_view tag) {
  return tag.empty() || tag == "O" ? Tag{} : Tag{tag[0], tag.substr(std::min<size_t>(2, tag.size()))};
}

bool begins(const Tag& before, const Tag& tag) {
  if (tag.place == 'O') return false;
  return tag.place == 'B' || tag.place == 'S' || before.place == 'O' || before.place == 'E' || before.place == 'S' ||
         before.type != tag.type;
}

}  // namespace

bool spell_entities(const std::vector<std::string>& tags) {
  bool any = false;
  for (const std::string& tag : tags) {
    if (tag == "O") continue;
    if (tag.size() < 3 || std::string_view("BIES").find(tag[0]) == std::string_view::npos || tag[1] != '-') return false;
    any = true;
  }
  return any;
}

// What begins anew ends what was before: so an entity ends at O and where the next one begins.
std::vector<Entity> entities_of(std::span<const std::string_view> tags) {
  std::vector<Entity> entities;
  Tag before;
  for (size_t i = 0; i < tags.size(); ++i) {
    const Tag tag = read(tags[i]);
    const auto at = static_cast<int64_t>(i);
    if (begins(before, tag))
      entities.push_back({std::string(tag.type), at, at});
    else if (tag.place != 'O')
      entities.back().last = at;
    before = tag;
  }
  return entities;
}

void EntityScores::add(std::span<const std::string_view> truth, std::span<const std::string_view> predicted) {
  const std::vector<Entity> there = entities_of(truth), found = entities_of(predicted);
  const auto count = [&](const Entity& e, int64_t ClassScore::*number) { ++(all.*number), ++(types[e.type].*number); };
  for (const Entity& e : there) count(e, &ClassScore::truth);
  for (const Entity& e : found) {
    count(e, &ClassScore::predicted);
    if (std::find(there.begin(), there.end(), e) != there.end()) count(e, &ClassScore::hits);
  }
}

}  // namespace vitrine
