#include "labs/lab.h"

#include <algorithm>

#include "base/closest.h"
#include "base/error.h"
#include "labs/list.h"

namespace vitrine::labs {

const std::vector<Lab>& all_labs() {
  static const std::vector<Lab> labs = [] {
    std::vector<Lab> out;
    for (const LabCode* code : list_of_labs()) {
      Lab lab;
      lab.about = read_description(code->name, code->description);
      lab.functions = cut_functions(code->source, code->name);
      lab.handout = cut_page(code->page, code->name);
      lab.code = code;
      out.push_back(std::move(lab));
    }
    return out;
  }();
  return labs;
}

const Lab& find_lab(std::string_view name) {
  std::vector<std::string> names;
  for (const Lab& lab : all_labs()) {
    if (lab.about.name == name) return lab;
    names.push_back(lab.about.name);
  }
  const std::string meant = closest(name, names);
  fail(ErrorKind::kConfig, "there is no lab '{}'\nhelp: {}`vitrine lab list` shows all", name,
       meant.empty() ? "" : "you may mean '" + meant + "'; ");
}

}  // namespace vitrine::labs
