#include "base/npy.h"

#include <fmt/format.h>

#include <string_view>

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

}  // namespace vitrine
