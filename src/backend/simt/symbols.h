#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vitrine::simt {

// What the file that holds this code (the plug-in, or a test) says about addresses in it: from its symbol table, without debug information.
std::string kernel_name(
    const void* kernel);  // "softmax_forward_kernel", without namespaces and arguments; an address where it is stripped
std::string file_name(std::string_view path);  // "softmax.cu"

// Of the checker: where the call before `place` stands, "row_reduce.cuh:12, in softmax.cu:41" where inlined. Asks addr2line, so it is slow.
std::string source_line(uintptr_t place);

struct Variable {
  uintptr_t at, end;
  std::string name;
};
struct Module {
  uintptr_t base = 0;                                          // where it is loaded
  std::vector<std::pair<uintptr_t, uintptr_t>> constants;      // what no one can write to
  uintptr_t variables_begin = UINTPTR_MAX, variables_end = 0;  // what can be written to
  std::vector<Variable> shared;                                // static shared variables, ascending
};
const Module& own_module();

}  // namespace vitrine::simt
