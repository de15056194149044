#include "config/registry.h"

#include <algorithm>

namespace vitrine {

Key& Key::add(std::string child, std::string about, std::unique_ptr<Value> bound) {
  std::string dotted = path.empty() ? child : path + "." + child;
  children.push_back(std::make_unique<Key>(std::move(child), std::move(dotted), std::move(about)));
  children.back()->value = std::move(bound);
  children.back()->conditions = conditions;  // of the section around it
  return *children.back();
}

Key* Key::find(std::string_view dotted) {
  const std::string_view first = dotted.substr(0, dotted.find('.'));
  for (const auto& child : children)
    if (child->name == first) return first.size() == dotted.size() ? child.get() : child->find(dotted.substr(first.size() + 1));
  return nullptr;
}

std::vector<const Key*> Key::find_all(std::string_view dotted) const {
  const std::string_view first = dotted.substr(0, dotted.find('.'));
  for (const auto& child : children) {
    if (child->name != first) continue;
    if (first.size() == dotted.size()) return {child.get()};
    return child->find_all(dotted.substr(first.size() + 1));
  }
  std::vector<const Key*> all;
  for (size_t k = 0; is_list && k < children.size(); ++k) {
    const std::vector<const Key*> below = children[k]->find_all(dotted);
    all.insert(all.end(), below.begin(), below.end());
  }
  return all;
}

std::vector<std::string> Key::names() const {
  std::vector<std::string> all;
  for (const auto& child : children) all.push_back(child->name);
  return all;
}

const Condition* unmet_condition(const Key& root, const Key& key) {
  for (const Condition& condition : key.conditions) {
    const std::vector<const Key*> keys = root.find_all(condition.key);
    const auto holds = [&](const Key* k) {
      return std::find(condition.values.begin(), condition.values.end(), k->value->write({})) != condition.values.end();
    };
    if (std::none_of(keys.begin(), keys.end(), holds)) return &condition;
  }
  return nullptr;
}

}  // namespace vitrine
