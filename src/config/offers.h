#pragma once
#include <string>
#include <utility>

#include "data/settings.h"
#include "model/settings.h"

namespace vitrine {

// Whether data can hold what an objective learns.
bool offers(const DataSettings& data, ObjectiveKind objective);

// What is missing where there is none of it, and which data have it.
std::pair<std::string, std::string> needs(ObjectiveKind objective);

}  // namespace vitrine
