#pragma once
#include <cstdint>

namespace vitrine {

// How often operator new was called by any thread since the program started. Link support/allocation_count.cpp, which replaces it.
int64_t allocation_count();

}  // namespace vitrine
