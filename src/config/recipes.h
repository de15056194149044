#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace vitrine {

// A task that people have, and what differs from the defaults to train on it. The file names in it are to be replaced.
struct Recipe {
  std::string_view name, about, yaml;
};
std::span<const Recipe> recipes();

// A complete commented configuration; Error{kConfig} that lists the recipes when there is none of this name.
std::string write_recipe(const std::string& name);

// The synthetic tasks among them, and the configuration of one as far as data go (20,000 sequences to train on), with `--set` assignments over it, which may not make
// it another task.
std::vector<std::string> task_names();
Config task_config(const std::string& name, const std::vector<std::string>& sets);

}  // namespace vitrine
