#pragma once
#include <string_view>
#include <vector>

#include "labs/cut.h"
#include "labs/description.h"
#include "labs/view.h"

namespace vitrine::labs {

// What the build makes of a description (generate.cpp): its texts, and the functions of the right source and of each mistake, compiled.
struct LabCode {
  const char *name, *description, *source, *page;
  std::vector<std::vector<Call>> variants;  // [0]: the right one; [1 + m]: mistake m; each the functions in order
};

struct Lab {
  Description about;
  std::vector<CutFunction> functions;
  std::string handout;  // the derivation, with steps left open
  const LabCode* code = nullptr;
  const std::vector<Call>& right() const { return code->variants[0]; }
};

const std::vector<Lab>& all_labs();
const Lab& find_lab(std::string_view name);  // Error{kConfig} names what was meant

// Files that a submission is compiled with, by their names in src/.
struct Text {
  const char *name, *text;
};
extern const std::vector<Text> kTexts;

}  // namespace vitrine::labs
