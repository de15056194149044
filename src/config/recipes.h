#pragma once
#include <span>
#include <string>
#include <string_view>

namespace vitrine {

// A task that people have, and what differs from the defaults to train on it. The file names in it are to be replaced.
struct Recipe {
  std::string_view name, about, yaml;
};
std::span<const Recipe> recipes();

// A complete commented configuration; Error{kConfig} that lists the recipes when there is none of this name.
std::string write_recipe(const std::string& name);

}  // namespace vitrine
