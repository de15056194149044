#include "base/base64.h"

#include "support/catch.h"

using namespace vitrine;

TEST_CASE("base64 of RFC 4648, §10, and of every byte") {
  CHECK(base64("").empty());
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foob") == "Zm9vYg==");
  CHECK(base64("fooba") == "Zm9vYmE=");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64(std::string("\x00\xff\x80\x7f", 4)) == "AP+Afw==");
}
