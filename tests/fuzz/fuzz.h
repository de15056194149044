#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"

// A fuzz target is one function over hostile bytes. Whatever they are, the program takes them or refuses them with an Error; anything
// else, and any property below that does not hold, is a finding. libFuzzer calls it (scripts/fuzz.sh), and the tests call it on every
// file of corpus/, where findings stay for good.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace vitrine::fuzz {

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "property does not hold: %s\n", what);
  std::abort();
}

// Runs f; true: it was not refused. A refusal says what is wrong.
template <class F>
bool accepts(F f) {
  try {
    f();
    return true;
  } catch (const Error& error) {
    require(!std::string_view(error.what()).empty(), "a refusal has a message");
    return false;
  }
}

// The first byte chooses, the rest is read.
struct Input {
  uint8_t choice;
  std::string bytes;
  Input(const uint8_t* data, size_t size)
      : choice(size > 0 ? data[0] : 0), bytes(size > 0 ? std::string(reinterpret_cast<const char*>(data) + 1, size - 1) : "") {}
};

}  // namespace vitrine::fuzz
