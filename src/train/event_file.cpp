#include "train/event_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>

namespace vitrine {
namespace {

// The wire format of protobuf: a field is its number and type as a varint, then a varint (0), 8 bytes (1), a length and bytes (2)
// or 4 bytes (5).
std::string varint(uint64_t x) {
  std::string out;
  for (; x >= 0x80; x >>= 7) out += static_cast<char>(0x80 | (x & 0x7F));
  return out + static_cast<char>(x);
}

std::string little_endian(uint64_t x, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(x >> (8 * i) & 0xFF);
  return out;
}

std::string field(int number, int64_t value) {
  return varint(static_cast<uint64_t>(number) << 3) + varint(static_cast<uint64_t>(value));
}
std::string field(int number, double value) {
  return varint(static_cast<uint64_t>(number) << 3 | 1) + little_endian(std::bit_cast<uint64_t>(value), 8);
}
std::string field(int number, float value) {
  return varint(static_cast<uint64_t>(number) << 3 | 5) + little_endian(std::bit_cast<uint32_t>(value), 4);
}
std::string field(int number, const std::string& bytes) {
  return varint(static_cast<uint64_t>(number) << 3 | 2) + varint(bytes.size()) + bytes;
}

uint32_t masked_crc(std::string_view bytes) {
  const uint32_t crc = crc32c(bytes);
  return std::rotr(crc, 15) + 0xA282EAD8u;
}

double seconds_now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::string file_in(const std::string& folder) {
  make_directories(folder);
  return fmt::format("{}/events.out.tfevents.{:010}.vitrine", folder, static_cast<int64_t>(seconds_now()));
}

// Fields of Event, Summary.Value, HistogramProto, TensorProto and SessionLog.
constexpr int kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5, kSessionLog = 7;
constexpr int kValue = 1, kTag = 1, kSimpleValue = 2, kHistogram = 5, kTensor = 8, kMetadata = 9;
constexpr int64_t kStart = 1, kString = 7;  // SessionLog.START, DT_STRING

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> t{};
    for (uint32_t i = 0; i < 256; ++i) {
      t[i] = i;
      for (int bit = 0; bit < 8; ++bit) t[i] = t[i] >> 1 ^ (t[i] & 1 ? 0x82F63B78u : 0);
    }
    return t;
  }();
  uint32_t crc = 0xFFFFFFFFu;
  for (const char c : bytes) crc = crc >> 8 ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xFF];
  return ~crc;
}

EventFile::EventFile(const std::string& folder, int64_t step) : path_(file_in(folder)), file_(path_) {
  append(field(kFileVersion, std::string("brain.Event:2")));
  if (step > 0) append(field(kStep, step) + field(kSessionLog, field(1, kStart)));
}

void EventFile::scalar(int64_t step, const std::string& tag, double value) {
  write(step, field(kTag, tag) + field(kSimpleValue, static_cast<float>(value)));
}

void EventFile::text(int64_t step, const std::string& tag, const std::string& markdown) {
  const std::string plugin = field(1, std::string("text"));
  write(step, field(kTag, tag) + field(kTensor, field(1, kString) + field(2, std::string()) + field(8, markdown)) +
                  field(kMetadata, field(1, plugin)));
}

void EventFile::Histogram::see(double v) {
  if (!std::isfinite(v)) return;
  low = n == 0 ? v : std::min(low, v);
  high = n == 0 ? v : std::max(high, v);
  sum += v;
  squares += v * v;
  ++n;
}

void EventFile::Histogram::divide() {
  if (!(high > low)) high = low + std::max(1e-12, std::abs(low) * 1e-6);
}

void EventFile::Histogram::count(double v) {
  if (std::isfinite(v))
    ++counts[std::min(kParts - 1, static_cast<size_t>((v - low) / (high - low) * static_cast<double>(kParts)))];
}

std::string EventFile::Histogram::message(const std::string& tag) const {
  std::string limits, buckets;
  for (size_t k = 0; k < kParts; ++k) {
    const double limit = k + 1 == kParts ? high : low + (high - low) * static_cast<double>(k + 1) / static_cast<double>(kParts);
    limits += little_endian(std::bit_cast<uint64_t>(limit), 8);
    buckets += little_endian(std::bit_cast<uint64_t>(static_cast<double>(counts[k])), 8);
  }
  return field(kTag, tag) + field(kHistogram, field(1, low) + field(2, high) + field(3, static_cast<double>(n)) + field(4, sum) +
                                                  field(5, squares) + field(6, limits) + field(7, buckets));
}

void EventFile::write(int64_t step, const std::string& value) {
  append(field(kStep, step) + field(kSummary, field(kValue, value)));
}

void EventFile::append(const std::string& event) {
  const std::string message = field(kWallTime, seconds_now()) + event, length = little_endian(message.size(), 8);
  file_.append_bytes(length + little_endian(masked_crc(length), 4) + message + little_endian(masked_crc(message), 4));
}

}  // namespace vitrine
