#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vitrine {

enum class Dtype { kF32, kF64, kI32, kI64, kU8 };
int64_t size_of(Dtype dtype);           // bytes
std::string_view name_of(Dtype dtype);  // "F32", …

// One named array, row-major, in the machine's (little-endian) byte order.
struct NamedTensor {
  std::string name;
  Dtype dtype = Dtype::kF32;
  std::vector<int64_t> shape;
  std::vector<std::byte> bytes;

  int64_t count() const;  // product of the shape
  static NamedTensor of(std::string name, std::vector<int64_t> shape, std::span<const float> values);
  static NamedTensor of(std::string name, std::vector<int64_t> shape, std::span<const double> values);
  static NamedTensor of(std::string name, std::vector<int64_t> shape, std::span<const int32_t> values);
  std::vector<double> as_double() const;  // F32, F64
  std::vector<int64_t> as_int() const;    // I32, I64, U8
};

struct SafeTensors {
  std::vector<NamedTensor> tensors;             // in file order
  std::map<std::string, std::string> metadata;  // __metadata__

  const NamedTensor* find(std::string_view name) const;
  const NamedTensor& at(std::string_view name) const;  // Error{kCheckpoint} naming what is missing
};

// The safetensors format (8 bytes header size, JSON header, data), read strictly: header ≤ 100 MB, offsets contiguous from 0, no
// overflow, last end = file end, no duplicate names. Nothing that a file holds is executed. Errors: Error{kCheckpoint}, naming the
// file and the rule. `origin` names the source in messages.
std::string encode_safetensors(const SafeTensors& file);
SafeTensors decode_safetensors(std::string_view bytes, std::string_view origin);
SafeTensors read_safetensors(const std::string& path);
void write_safetensors(const std::string& path, const SafeTensors& file);  // atomic: all of it or nothing

}  // namespace vitrine
