#include "base/npy.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace vitrine {
namespace {

std::string_view descr_of(Dtype dtype) {  // little-endian, as safetensors are
  switch (dtype) {
    case Dtype::kF32: return "<f4";
    case Dtype::kF64: return "<f8";
    case Dtype::kI32: return "<i4";
    case Dtype::kI64: return "<i8";
    case Dtype::kU8: return "|u1";
  }
  return {};
}

// CRC-32 of ZIP: reflected, polynomial 0xEDB88320.
uint32_t crc32(std::string_view bytes) {
  constexpr auto kTable = [] {
    std::array<uint32_t, 256> table{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t c = i;
      for (int k = 0; k < 8; ++k) c = c >> 1 ^ (c & 1 ? 0xEDB88320U : 0);
      table[i] = c;
    }
    return table;
  }();
  uint32_t crc = ~0U;
  for (const char b : bytes) crc = crc >> 8 ^ kTable[(crc ^ static_cast<uint8_t>(b)) & 0xFF];
  return ~crc;
}

}  // namespace

std::string encode_npy(const NamedTensor& array) {
  check(static_cast<int64_t>(array.bytes.size()) == array.count() * size_of(array.dtype), "an array has the bytes of its shape");
  std::string shape;  // (3,) or (3, 4)
  for (const int64_t extent : array.shape) shape += fmt::format("{}{}", shape.empty() ? "" : " ", extent) + ",";
  if (array.shape.size() > 1) shape.pop_back();
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr_of(array.dtype), shape);
  constexpr size_t kBefore = 10, kMultiple = 64;
  header.append(kMultiple - (kBefore + header.size() + 1) % kMultiple, ' ');
  header += '\n';
  std::string out("\x93NUMPY\x01\x00", 8);
  out += static_cast<char>(header.size() & 0xFF);
  out += static_cast<char>(header.size() >> 8);
  out += header;
  out.append(reinterpret_cast<const char*>(array.bytes.data()), array.bytes.size());
  return out;
}

std::string encode_npz(std::span<const NamedTensor> arrays) {
  std::string out, directory;
  const auto append = [](std::string& to, std::initializer_list<std::pair<uint64_t, int>> fields) {  // value, bytes
    for (const auto& [value, bytes] : fields)
      for (int k = 0; k < bytes; ++k) to += static_cast<char>(value >> 8 * k & 0xFF);
  };
  for (const NamedTensor& array : arrays) {
    const std::string name = array.name + ".npy", file = encode_npy(array);
    const uint64_t at = out.size(), crc = crc32(file), size = file.size();
    // version 2.0, no flags, stored, midnight of 1980-01-01
    append(
        out,
        {{0x04034B50, 4}, {20, 2}, {0, 2}, {0, 2}, {0, 2}, {0x21, 2}, {crc, 4}, {size, 4}, {size, 4}, {name.size(), 2}, {0, 2}});
    append(directory, {{0x02014B50, 4},
                       {20, 2},
                       {20, 2},
                       {0, 2},
                       {0, 2},
                       {0, 2},
                       {0x21, 2},
                       {crc, 4},
                       {size, 4},
                       {size, 4},
                       {name.size(), 2},
                       {0, 2},
                       {0, 2},
                       {0, 2},
                       {0, 2},
                       {0, 4},
                       {at, 4}});
    out += name + file;
    directory += name;
  }
  check(out.size() + directory.size() < 0xFFFFFFFF, "a ZIP archive without extensions is below 4 GiB");
  const uint64_t at = out.size(), count = arrays.size();
  out += directory;
  append(out, {{0x06054B50, 4}, {0, 2}, {0, 2}, {count, 2}, {count, 2}, {directory.size(), 4}, {at, 4}, {0, 2}});
  return out;
}

}  // namespace vitrine
