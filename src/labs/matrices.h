#pragma once
#include <string>
#include <vector>

#include "labs/cases.h"

namespace vitrine::labs {

// A matrix of a case, as its numbers lie in `memory`, for the terminal; large ones are cut.
std::string matrix(const std::string& name, const Case& c, size_t m, const std::vector<double>& memory);

// What is right beside what came out; entries that differ by more than `tolerance` are marked.
std::string two_matrices(const std::string& name, const Case& c, size_t m, const std::vector<double>& want,
                         const std::vector<double>& got, double tolerance);

}  // namespace vitrine::labs
