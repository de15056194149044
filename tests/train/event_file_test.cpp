#include "train/event_file.h"

#include <bit>
#include <cstring>
#include <filesystem>
#include <map>
#include <vector>

#include "support/catch.h"
#include "support/temporary_folder.h"

using namespace vitrine;

namespace {

uint64_t number_at(std::string_view bytes, size_t at, int count) {
  uint64_t x = 0;
  for (int i = 0; i < count; ++i)
    x |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[at + static_cast<size_t>(i)])) << (8 * i);
  return x;
}

uint32_t masked(std::string_view bytes) {
  const uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
}

// The messages of a file whose checksums are right; a part of a record at the end is left out.
std::vector<std::string> records_of(std::string_view bytes) {
  std::vector<std::string> out;
  while (bytes.size() >= 12) {
    const auto length = static_cast<size_t>(number_at(bytes, 0, 8));
    CHECK(number_at(bytes, 8, 4) == masked(bytes.substr(0, 8)));
    if (bytes.size() < length + 16) break;
    CHECK(number_at(bytes, 12 + length, 4) == masked(bytes.substr(12, length)));
    out.emplace_back(bytes.substr(12, length));
    bytes.remove_prefix(length + 16);
  }
  return out;
}

// Fields of a protobuf message, as bytes: a varint as the 8 bytes of its number.
std::multimap<int, std::string> fields_of(std::string_view message) {
  std::multimap<int, std::string> out;
  size_t i = 0;
  const auto varint = [&] {
    uint64_t x = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(message.at(i++));
      x |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return x;
    }
  };
  while (i < message.size()) {
    const uint64_t key = varint();
    const int type = static_cast<int>(key & 7);
    if (type == 0) {
      const uint64_t x = varint();
      out.emplace(static_cast<int>(key >> 3), std::string(reinterpret_cast<const char*>(&x), 8));
      continue;
    }
    const size_t length = type == 1 ? 8 : type == 5 ? 4 : static_cast<size_t>(varint());
    REQUIRE((type == 1 || type == 5 || type == 2));
    out.emplace(static_cast<int>(key >> 3), std::string(message.substr(i, length)));
    i += length;
  }
  return out;
}

template <class T>
T as(const std::string& bytes, size_t index = 0) {
  T x;
  std::memcpy(&x, bytes.data() + index * sizeof(T), sizeof(T));
  return x;
}

}  // namespace

TEST_CASE("CRC-32C gives the values of RFC 3720") {
  CHECK(crc32c("123456789") == 0xE3069283u);
  CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AAu);
  CHECK(crc32c(std::string(32, '\xFF')) == 0x62A8AB43u);
  CHECK(crc32c("") == 0);
}

TEST_CASE("an event file holds what was written, record by record") {
  const TemporaryFolder folder;
  EventFile file(folder.path() + "/events", 0);
  CHECK(std::filesystem::path(file.path()).filename().string().starts_with("events.out.tfevents."));
  file.scalar(300, "train/loss", 0.25);
  file.histogram(300, "weights", std::vector<double>{-1, 0, 0.5, 1, 1, NAN});
  file.text(2, "config", "    a: 1");
  const std::vector<std::string> records = records_of(read_file(file.path()));
  REQUIRE(records.size() == 4);
  CHECK(fields_of(records[0]).find(3)->second == "brain.Event:2");
  CHECK(as<double>(fields_of(records[0]).find(1)->second) > 1.5e9);
  const auto value_of = [&](size_t i) { return fields_of(fields_of(fields_of(records[i]).find(5)->second).find(1)->second); };
  CHECK(as<int64_t>(fields_of(records[1]).find(2)->second) == 300);
  CHECK(value_of(1).find(1)->second == "train/loss");
  CHECK(as<float>(value_of(1).find(2)->second) == 0.25f);
  const auto histogram = fields_of(value_of(2).find(5)->second);
  for (const auto& [field, value] : {std::pair{1, -1.0}, {2, 1.0}, {3, 5.0}, {4, 1.5}, {5, 3.25}})
    CHECK(as<double>(histogram.find(field)->second) == value);
  const std::string limits = histogram.find(6)->second, counts = histogram.find(7)->second;
  REQUIRE(limits.size() == 32 * 8);
  REQUIRE(counts.size() == 32 * 8);
  CHECK(as<double>(limits, 0) == -1 + 2.0 / 32);
  CHECK(as<double>(limits, 31) == 1);
  CHECK(as<double>(counts, 0) == 1);
  CHECK(as<double>(counts, 16) == 1);
  CHECK(as<double>(counts, 24) == 1);
  CHECK(as<double>(counts, 31) == 2);
  const auto text = value_of(3);
  CHECK(fields_of(text.find(8)->second).find(8)->second == "    a: 1");
  CHECK(as<int64_t>(fields_of(text.find(8)->second).find(1)->second) == 7);
  CHECK(fields_of(fields_of(text.find(9)->second).find(1)->second).find(1)->second == "text");
}

TEST_CASE("a file of a resumed training says from which step on older ones no longer count") {
  const TemporaryFolder folder;
  const EventFile file(folder.path(), 41);
  const std::vector<std::string> records = records_of(read_file(file.path()));
  REQUIRE(records.size() == 2);
  CHECK(as<int64_t>(fields_of(records[1]).find(2)->second) == 41);
  CHECK(as<int64_t>(fields_of(fields_of(records[1]).find(7)->second).find(1)->second) == 1);
}

TEST_CASE("equal numbers and none at all have a histogram") {
  const TemporaryFolder folder;
  EventFile file(folder.path(), 0);
  file.histogram(1, "same", std::vector<double>(7, 3.0));
  file.histogram(1, "none", std::vector<double>{NAN});
  CHECK(records_of(read_file(file.path())).size() == 3);
}
