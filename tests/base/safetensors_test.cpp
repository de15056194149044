#include "base/safetensors.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/file.h"
#include "base/rng.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

using namespace vitrine;
using Catch::Matchers::Contains;

namespace {

std::string file_of(std::string_view header, size_t data) {
  const uint64_t size = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &size, 8);
  bytes += header;
  for (size_t i = 0; i < data; ++i) bytes += static_cast<char>(i + 1);
  return bytes;
}

std::string problem(std::string_view bytes) {
  const std::string message = error_of(ErrorKind::kCheckpoint, [&] { decode_safetensors(bytes, "m.safetensors"); });
  CHECK_THAT(message, Catch::Matchers::StartsWith("m.safetensors: not a safetensors file: "));
  return message;
}
std::string problem(std::string_view header, size_t data) { return problem(file_of(header, data)); }

SafeTensors example() {
  SafeTensors file;
  const std::vector<float> f = {1.5f, -0.0f, std::numeric_limits<float>::denorm_min(), std::numeric_limits<float>::infinity(),
                                3,    4};
  const std::vector<double> d = {0.1, std::numeric_limits<double>::quiet_NaN()};
  const std::vector<int32_t> i = {-7, std::numeric_limits<int32_t>::max(), 0};
  file.tensors.push_back(NamedTensor::of("blocks.0.weight", {2, 3}, std::span(f)));
  file.tensors.push_back(NamedTensor::of("empty", {0, 5}, std::span<const float>()));
  file.tensors.push_back(NamedTensor::of("tokens", {3}, std::span(i)));
  file.tensors.push_back({"bytes", Dtype::kU8, {3}, {std::byte{1}, std::byte{2}, std::byte{255}}});
  file.tensors.push_back(NamedTensor::of("scalar \"quoted\" é\n", {}, std::span(d).first(1)));
  file.tensors.push_back(NamedTensor::of("double", {2, 1}, std::span(d)));
  file.metadata = {{"format", "vitrine"}, {"a\"b", "line\nend"}};
  return file;
}

}  // namespace

TEST_CASE("what is encoded is decoded to the bit") {
  const SafeTensors file = example();
  const std::string bytes = encode_safetensors(file);
  const SafeTensors back = decode_safetensors(bytes, "x");
  CHECK(back.metadata == file.metadata);
  REQUIRE(back.tensors.size() == file.tensors.size());
  for (const NamedTensor& t : file.tensors) {
    const NamedTensor& b = back.at(t.name);
    CHECK((b.dtype == t.dtype && b.shape == t.shape && b.bytes == t.bytes));
  }
  CHECK(encode_safetensors(back) == bytes);
  CHECK(back.at("double").as_double()[0] == 0.1);
  CHECK(std::isnan(back.at("double").as_double()[1]));
  CHECK(std::signbit(back.at("blocks.0.weight").as_double()[1]));
  CHECK(back.at("tokens").as_int() == std::vector<int64_t>{-7, 2147483647, 0});
  CHECK(back.at("bytes").as_int() == std::vector<int64_t>{1, 2, 255});
  CHECK(back.at("scalar \"quoted\" é\n").count() == 1);
  CHECK_THAT(error_of(ErrorKind::kCheckpoint, [&] { back.at("double").as_int(); }), Contains("'double' holds F64"));
  CHECK_THAT(error_of(ErrorKind::kCheckpoint, [&] { back.at("tokens").as_double(); }), Contains("'tokens' holds I32"));
  CHECK_THAT(error_of(ErrorKind::kCheckpoint, [&] { back.at("none"); }), Contains("'none'"));
  CHECK(back.find("none") == nullptr);
}

TEST_CASE("the header ends at a multiple of 8 and every tensor starts at a multiple of its type's width") {
  for (size_t length = 1; length < 12; ++length) {
    SafeTensors file = example();
    file.tensors[0].name = std::string(length, 'n');
    const std::string bytes = encode_safetensors(file);
    uint64_t header;
    std::memcpy(&header, bytes.data(), 8);
    CHECK(header % 8 == 0);
    int64_t offset = 0;
    for (const NamedTensor& t : decode_safetensors(bytes, "x").tensors) {
      CHECK(offset % size_of(t.dtype) == 0);
      offset += static_cast<int64_t>(t.bytes.size());
    }
  }
}

TEST_CASE("files as other writers make them are read") {
  CHECK(decode_safetensors(file_of("{}", 0), "x").tensors.empty());
  CHECK(decode_safetensors(encode_safetensors({}), "x").tensors.empty());
  SafeTensors only_metadata;
  only_metadata.metadata["format"] = "pt";
  CHECK(decode_safetensors(encode_safetensors(only_metadata), "x").metadata == only_metadata.metadata);
  // PyTorch's package: metadata {"format":"pt"}, padded with spaces; the order of the names is not that of the data.
  const SafeTensors file = decode_safetensors(
      file_of(
          R"({"__metadata__":{"format":"pt"},"b":{"dtype":"U8","shape":[4],"data_offsets":[8,12]},)"
          R"("a":{"dtype":"I32","shape":[1,2],"data_offsets":[0,8]},"z":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}}     )",
          12),
      "x");
  REQUIRE(file.tensors.size() == 3);
  CHECK(file.tensors[0].name == "a");
  CHECK(file.at("a").as_int() == std::vector<int64_t>{0x04030201, 0x08070605});
  CHECK(file.at("b").as_int() == std::vector<int64_t>{9, 10, 11, 12});
  CHECK(file.metadata.at("format") == "pt");
}

TEST_CASE("a file that breaks the rules is refused, and the rule named") {
  const auto tensor = [](std::string_view dtype, std::string_view shape, std::string_view offsets) {
    return fmt::format(R"({{"a":{{"dtype":"{}","shape":{},"data_offsets":{}}}}})", dtype, shape, offsets);
  };
  SECTION("size of the header") {
    CHECK_THAT(problem(""), Contains("0 bytes"));
    CHECK_THAT(problem("1234567"), Contains("7 bytes"));
    std::string bytes = file_of("{}", 0);
    bytes[0] = 3;
    CHECK_THAT(problem(bytes), Contains("3 bytes, but only 2 follow"));
    bytes[4] = 1;
    CHECK_THAT(problem(bytes), Contains("100000000 are allowed"));
    std::fill_n(bytes.begin(), 8, '\xff');
    CHECK_THAT(problem(bytes), Contains("100000000 are allowed"));
    CHECK_THAT(problem("", 4), Contains("does not start with '{'"));
  }
  SECTION("JSON") {
    CHECK_THAT(problem("[]", 0), Contains("does not start with '{'"));
    CHECK_THAT(problem(" {}", 0), Contains("does not start with '{'"));
    CHECK_THAT(problem("{", 0), Contains("not valid JSON"));
    CHECK_THAT(problem("{}x", 0), Contains("not valid JSON"));
    CHECK_THAT(problem("{}{}", 0), Contains("not valid JSON"));
    CHECK_THAT(problem("{\"a\xff\":{}}", 0), Contains("not valid JSON in UTF-8"));
    CHECK_THAT(problem("{\"\xc0\xaf\":{}}", 0), Contains("not valid JSON in UTF-8"));
    CHECK_THAT(problem(R"({"a":{"dtype":"F32",}})", 0), Contains("not valid JSON"));
    CHECK_THAT(problem(R"({"a":1e999})", 0), Contains("JSON"));
    CHECK_THAT(problem("{\"a\":" + std::string(100000, '['), 0), Contains("'a' is a list"));
    CHECK_THAT(problem(R"({"a":null})", 0), Contains("'a' is null"));
    CHECK_THAT(problem(R"({"a":true})", 0), Contains("'a' is a truth value"));
    CHECK_THAT(problem(R"({"a":"F32"})", 0), Contains("'a' is a string"));
    CHECK_THAT(problem(R"({"a":5})", 0), Contains("'a' is a number"));
  }
  SECTION("names") {
    CHECK_THAT(
        problem(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                2),
        Contains("'a' stands there twice"));
    CHECK_THAT(problem(R"({"":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1), Contains("no name"));
    CHECK_THAT(problem(R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1),
               Contains("dtype of 'a' stands there twice"));
    CHECK_THAT(problem(R"({"a":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}})", 1),
               Contains("shape of 'a' stands there twice"));
    CHECK_THAT(problem(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"data_offsets":[0,1]}})", 1),
               Contains("data_offsets of 'a' stands there twice"));
    CHECK_THAT(problem(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"code":"x"}})", 1), Contains("'code'"));
    CHECK_THAT(problem(R"({"a\u001b[2J":5})", 0), Contains("'a?[2J'"));
  }
  SECTION("metadata") {
    CHECK_THAT(problem(R"({"__metadata__":{"k":"v","k":"v"}})", 0), Contains("'k' stands twice in __metadata__"));
    CHECK_THAT(problem(R"({"__metadata__":{},"__metadata__":{}})", 0), Contains("'__metadata__' stands there twice"));
    CHECK_THAT(problem(R"({"__metadata__":{"k":1}})", 0), Contains("'k' in __metadata__ is a number"));
    CHECK_THAT(problem(R"({"__metadata__":{"k":{}}})", 0), Contains("'k' in __metadata__ is an object"));
    CHECK_THAT(problem(R"({"__metadata__":[]})", 0), Contains("'__metadata__' is a list"));
  }
  SECTION("fields") {
    CHECK_THAT(problem(R"({"a":{"shape":[1],"data_offsets":[0,1]}})", 1), Contains("lacks one of"));
    CHECK_THAT(problem(R"({"a":{"dtype":"U8","data_offsets":[0,1]}})", 1), Contains("lacks one of"));
    CHECK_THAT(problem(R"({"a":{"dtype":"U8","shape":[1]}})", 1), Contains("lacks one of"));
    CHECK_THAT(problem(R"({"a":{"dtype":["U8"],"shape":[1],"data_offsets":[0,1]}})", 1), Contains("dtype of 'a' is a list"));
    CHECK_THAT(problem(R"({"a":{"dtype":"U8","shape":1,"data_offsets":[0,1]}})", 1), Contains("shape of 'a' is a number"));
    CHECK_THAT(problem(R"({"a":{"dtype":"U8","shape":{},"data_offsets":[0,1]}})", 1), Contains("shape of 'a' is an object"));
    CHECK_THAT(problem(tensor("F8", "[1]", "[0,1]"), 1), Contains("dtype of 'a' is 'F8'"));
    CHECK_THAT(problem(tensor("f32", "[1]", "[0,4]"), 4), Contains("dtype of 'a' is 'f32'"));
    CHECK_THAT(problem(tensor("U8", "[[1]]", "[0,1]"), 1), Contains("shape of 'a' is a list"));
    CHECK_THAT(problem(tensor("U8", "[\"1\"]", "[0,1]"), 1), Contains("shape of 'a' is a string"));
    CHECK_THAT(problem(tensor("U8", "[-1]", "[0,1]"), 1), Contains("shape of 'a' is a negative number"));
    CHECK_THAT(problem(tensor("U8", "[1.0]", "[0,1]"), 1), Contains("not a whole one"));
    CHECK_THAT(problem(tensor("U8", "[18446744073709551616]", "[0,1]"), 1), Contains("not a whole one"));
    CHECK_THAT(problem(tensor("U8", "[9223372036854775808]", "[0,1]"), 1), Contains("too large"));
    CHECK_THAT(problem(tensor("U8", "[1]", "[-1,0]"), 1), Contains("negative number"));
    CHECK_THAT(problem(tensor("U8", "[1]", "[0,1,1]"), 1), Contains("not two numbers"));
    CHECK_THAT(problem(tensor("U8", "[1]", "[1]"), 1), Contains("not two numbers"));
    CHECK_THAT(problem(tensor("U8", "[1]", "[]"), 1), Contains("not two numbers"));
  }
  SECTION("sizes") {
    CHECK_THAT(problem(tensor("F32", "[4294967296,4294967296]", "[0,0]"), 0), Contains("overflows"));
    CHECK_THAT(problem(tensor("F64", "[2305843009213693952]", "[0,0]"), 0), Contains("overflows"));
    CHECK_THAT(problem(tensor("F32", "[2]", "[0,4]"), 4), Contains("takes 8 bytes"));
    CHECK_THAT(problem(tensor("F32", "[1]", "[0,8]"), 8), Contains("takes 4 bytes"));
    CHECK_THAT(problem(tensor("U8", "[0]", "[0,1]"), 1), Contains("takes 0 bytes"));
    CHECK_THAT(problem(tensor("U8", "[1]", "[1,0]"), 1), Contains("starts at 1"));
    CHECK_THAT(problem(tensor("U8", "[1]", "[1,2]"), 2), Contains("starts at 1, where the data before it ends at 0"));
    CHECK_THAT(problem(tensor("U8", "[2]", "[0,2]"), 1), Contains("ends at 2, but there are 1 bytes"));
    CHECK_THAT(problem(tensor("U8", "[1]", "[0,1]"), 2), Contains("end at 1, but there are 2 bytes"));
    CHECK_THAT(problem("{}", 1), Contains("end at 0, but there are 1 bytes"));
    const auto pair = [](std::string_view a, std::string_view b) {
      return fmt::format(
          R"({{"a":{{"dtype":"U8","shape":[2],"data_offsets":{}}},"b":{{"dtype":"U8","shape":[2],"data_offsets":{}}}}})", a, b);
    };
    CHECK_THAT(problem(pair("[0,2]", "[1,3]"), 3), Contains("'b' starts at 1, where the data before it ends at 2"));
    CHECK_THAT(problem(pair("[0,2]", "[3,5]"), 5), Contains("'b' starts at 3, where the data before it ends at 2"));
    CHECK_THAT(problem(pair("[0,2]", "[0,2]"), 2), Contains("starts at 0, where the data before it ends at 2"));
    CHECK(decode_safetensors(file_of(pair("[2,4]", "[0,2]"), 4), "x").tensors[0].name == "b");
  }
}

TEST_CASE("no truncated file is read, and no change of bytes does more than raise an error") {
  const std::string bytes = encode_safetensors(example());
  for (size_t length = 0; length < bytes.size(); ++length)
    REQUIRE_THROWS_AS(decode_safetensors(std::string_view(bytes).substr(0, length), "x"), Error);
  REQUIRE_THROWS_AS(decode_safetensors(bytes + "x", "x"), Error);
  const RngKey key{5, 0, 0};
  int64_t read = 0;
  for (uint32_t round = 0; round < 20000; ++round) {
    std::string changed = bytes;
    for (uint32_t k = 0; k <= key.below(4, round, 0); ++k)
      changed[key.below(static_cast<uint32_t>(bytes.size()), round, 4 * k + 1)] = static_cast<char>(key.word(round, 4 * k + 2));
    if (key.below(8, round, 3) == 0) changed.resize(key.below(static_cast<uint32_t>(bytes.size()), round, 5));
    try {
      for (const NamedTensor& t : decode_safetensors(changed, "x").tensors)
        REQUIRE(static_cast<int64_t>(t.bytes.size()) == t.count() * size_of(t.dtype));
      ++read;
    } catch (const Error& error) {
      REQUIRE(error.kind() == ErrorKind::kCheckpoint);
    }
  }
  CHECK((read > 100 && read < 19000));
}

TEST_CASE("files on the disk: atomic, and errors name the path") {
  const TemporaryFolder folder;
  write_safetensors(folder / "m.safetensors", example());
  CHECK(encode_safetensors(read_safetensors(folder / "m.safetensors")) == read_file(folder / "m.safetensors"));
  CHECK_THAT(error_of(ErrorKind::kCheckpoint, [&] { read_safetensors(folder / "none"); }), Contains(folder / "none"));
  write_file_atomically(folder / "bad", "not it");
  CHECK_THAT(error_of(ErrorKind::kCheckpoint, [&] { read_safetensors(folder / "bad"); }), Contains(folder / "bad"));
}
