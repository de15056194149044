#include "base/npy.h"

#include <cstring>

#include "support/catch.h"

using namespace vitrine;

namespace {

// What numpy.save writes, byte for byte, up to the padding before the line end.
std::string header_of(const std::string& file) { return file.substr(10, file.find('\n') - 9); }

}  // namespace

TEST_CASE("a .npy file: magic, version, a header of a multiple of 64 bytes, the numbers") {
  const std::vector<float> values = {1, -2, 3.5f, 4, 5, 6};
  const std::string file = encode_npy(NamedTensor::of("x", {2, 3}, std::span<const float>(values)));
  CHECK(file.substr(0, 8) == std::string("\x93NUMPY\x01\x00", 8));
  const size_t length = static_cast<unsigned char>(file[8]) + 256 * static_cast<unsigned char>(file[9]);
  CHECK((10 + length) % 64 == 0);
  CHECK(header_of(file).size() == length);
  CHECK(header_of(file).starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } "));
  REQUIRE(file.size() == 10 + length + 24);
  CHECK(std::memcmp(file.data() + 10 + length, values.data(), 24) == 0);
}

TEST_CASE("shapes and types of .npy files") {
  const std::vector<double> two = {1, 2};
  CHECK(header_of(encode_npy(NamedTensor::of("x", {2}, std::span<const double>(two))))
            .starts_with("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }"));
  const std::vector<int32_t> four = {1, 2, 3, 4};
  CHECK(header_of(encode_npy(NamedTensor::of("x", {2, 1, 2}, std::span<const int32_t>(four))))
            .starts_with("{'descr': '<i4', 'fortran_order': False, 'shape': (2, 1, 2), }"));
  CHECK(header_of(encode_npy(NamedTensor::of("x", {0, 3}, std::span<const float>()))).find("(0, 3)") != std::string::npos);
  for (int64_t n = 1; n < 1'000'000'000; n *= 3) {  // the padding never breaks the rule
    NamedTensor empty{"x", Dtype::kI64, {n, 0}, {}};
    CHECK(encode_npy(empty).size() % 64 == 0);
  }
}
