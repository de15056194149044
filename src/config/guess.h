#pragma once
#include <string>

namespace vitrine {

// A complete commented configuration that trains on this file, each guess with its reason beside it: what kind of file it is, which
// columns, what is learnt, and sizes that suit its amount. Files beside it that are named as test or validation splits are taken.
std::string write_config_for(const std::string& path);

}  // namespace vitrine
