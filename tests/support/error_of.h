#pragma once
#include <string>

#include "base/error.h"
#include "support/catch.h"

namespace vitrine {

// The message of the Error that `f` throws; its kind is checked. Any other outcome fails the test.
template <class F>
std::string error_of(ErrorKind kind, F&& f) {
  try {
    f();
  } catch (const Error& error) {
    CHECK(error.kind() == kind);
    return error.what();
  }
  FAIL("nothing was thrown");
  return {};
}

}  // namespace vitrine
