#pragma once
#include "labs/lab.h"

namespace vitrine::labs {

std::vector<const LabCode*> list_of_labs();  // as src/CMakeLists.txt lists them

}  // namespace vitrine::labs
