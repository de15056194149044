#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace vitrine::labs {

// A function of a real source whose body stands between the lines
//     // lab NAME: what is to be written
//     // lab: end
// From the empty line before it to the brace that ends it; as a function of its own, without the class that it is a member of.
struct CutFunction {
  std::string name;
  std::string comment;    // the lines above the signature
  std::string signature;  // from "void" to ")"
  std::string task;       // what the marker says
  std::string body;       // the solution
  std::string whole() const { return comment + signature + " {\n" + body + "}\n"; }
};

// Those of lab NAME, in the order of the file. Error{kInternal} for a marker that has no end, or stands in no function.
std::vector<CutFunction> cut_functions(std::string_view source, std::string_view lab);

// A page whose lines between <!-- lab NAME: a question --> and <!-- lab: end --> are left open for the reader: the question stands there
// instead. Links into the sources are only their texts.
std::string cut_page(std::string_view page, std::string_view lab);

// A change of `text`: the old piece must stand in it exactly once. Error{kInternal} otherwise.
std::string changed(const std::string& text, const std::string& from, const std::string& to);

}  // namespace vitrine::labs
