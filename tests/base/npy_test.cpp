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

TEST_CASE("a .npz file: a ZIP archive of .npy files, stored, with a directory behind them") {
  const std::vector<float> values = {1, 2};
  const std::vector<NamedTensor> arrays{NamedTensor::of("a", {2}, std::span<const float>(values)),
                                        NamedTensor::of("long_name", {1, 2}, std::span<const float>(values))};
  const std::string file = encode_npz(arrays);
  const auto number = [&](size_t at, int bytes) {
    size_t value = 0;
    for (int k = bytes; k-- > 0;) value = value << 8 | static_cast<unsigned char>(file[at + static_cast<size_t>(k)]);
    return value;
  };
  const size_t end = file.size() - 22;  // the end record has no comment
  REQUIRE(number(end, 4) == 0x06054B50);
  CHECK(number(end + 10, 2) == 2);
  size_t entry = number(end + 16, 4);
  CHECK(entry + number(end + 12, 4) == end);
  for (const NamedTensor& array : arrays) {
    const std::string name = array.name + ".npy", content = encode_npy(array);
    REQUIRE(number(entry, 4) == 0x02014B50);
    CHECK(file.substr(entry + 46, number(entry + 28, 2)) == name);
    const size_t local = number(entry + 42, 4);
    REQUIRE(number(local, 4) == 0x04034B50);
    CHECK(number(local + 8, 2) == 0);  // stored
    CHECK(number(local + 14, 4) == number(entry + 16, 4));
    CHECK(file.substr(local + 30, name.size()) == name);
    CHECK(number(local + 22, 4) == content.size());
    CHECK(file.substr(local + 30 + name.size(), content.size()) == content);
    entry += 46 + name.size();
  }
  CHECK(entry == end);
}
