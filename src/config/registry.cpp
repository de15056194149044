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

std::vector<std::string> Key::names() const {
  std::vector<std::string> all;
  for (const auto& child : children) all.push_back(child->name);
  return all;
}

const Condition* unmet_condition(const Key& root, const Key& key) {
  for (const Condition& condition : key.conditions) {
    const std::string now = root.find(condition.key)->value->write({});
    if (std::find(condition.values.begin(), condition.values.end(), now) == condition.values.end()) return &condition;
  }
  return nullptr;
}

}  // namespace vitrine
