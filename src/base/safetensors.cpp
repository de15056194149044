#include "base/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/file.h"

namespace vitrine {
namespace {

static_assert(std::endian::native == std::endian::little,
              "safetensors are little-endian, and read and written as they lie in memory");

constexpr uint64_t kMaxHeader = 100'000'000;
constexpr std::pair<Dtype, std::string_view> kDtypes[] = {
    {Dtype::kF32, "F32"}, {Dtype::kF64, "F64"}, {Dtype::kI32, "I32"}, {Dtype::kI64, "I64"}, {Dtype::kU8, "U8"}};

// Names come from the file: no control character of theirs reaches a terminal, and no message is as long as a header.
std::string show(std::string_view name) {
  std::string out = "'";
  for (char c : name.substr(0, 100)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return out + (name.size() > 100 ? "…'" : "'");
}

// a · b; false on overflow
bool multiply(int64_t& a, int64_t b) { return !__builtin_mul_overflow(a, b, &a); }

struct Entry {
  std::string name;
  std::optional<Dtype> dtype;
  std::optional<std::vector<int64_t>> shape;
  std::optional<std::vector<int64_t>> offsets;  // [begin, end), from the end of the header
};

// Reads the header as a stream of events, since a parsed object no longer shows that a name stood there twice. `where_` says what
// the next event belongs to; whatever does not fit there is an error.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;
  std::string problem;

  bool start_object(size_t) override {
    if (where_ == Where::kStart) return go(Where::kNames);
    if (where_ == Where::kNames && name_ == "__metadata__") return go(Where::kMetadata);
    if (where_ == Where::kNames && !name_.empty()) return entries.push_back({name_, {}, {}, {}}), go(Where::kTensor);
    return wrong("an object");
  }
  bool key(string_t& key) override {
    if (where_ == Where::kNames) {
      if (key.empty()) return give_up("a tensor has no name");
      if (!names_.insert(key).second) return give_up("the name " + show(key) + " stands there twice");
      name_ = key;
    } else if (where_ == Where::kMetadata) {
      if (metadata.contains(key)) return give_up("the key " + show(key) + " stands twice in __metadata__");
      key_ = key;
    } else {
      const Entry& e = entries.back();
      if ((key == "dtype" && e.dtype) || (key == "shape" && e.shape) || (key == "data_offsets" && e.offsets))
        return give_up(fmt::format("{} of {} stands there twice", key, show(name_)));
      if (key != "dtype" && key != "shape" && key != "data_offsets")
        return give_up(fmt::format("{} has {}, which is no part of the format", show(name_), show(key)));
      key_ = key;
    }
    return true;
  }
  bool string(string_t& value) override {
    if (where_ == Where::kMetadata) return metadata.emplace(key_, value), true;
    if (where_ != Where::kTensor || key_ != "dtype") return wrong("a string");
    for (const auto& [dtype, name] : kDtypes)
      if (name == value) entries.back().dtype = dtype;
    if (!entries.back().dtype)
      return give_up(fmt::format("the dtype of {} is {}; F32, F64, I32, I64 and U8 are known", show(name_), show(value)));
    return true;
  }
  bool start_array(size_t) override {
    if (where_ != Where::kTensor || key_ == "dtype") return wrong("a list");
    (key_ == "shape" ? entries.back().shape : entries.back().offsets).emplace();
    return go(Where::kNumbers);
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (where_ != Where::kNumbers) return wrong("a number");
    if (value > uint64_t{INT64_MAX})
      return give_up(fmt::format("{} of {} holds {}, which is too large", key_, show(name_), value));
    (key_ == "shape" ? entries.back().shape : entries.back().offsets)->push_back(static_cast<int64_t>(value));
    return true;
  }
  bool end_array() override { return go(Where::kTensor); }
  bool end_object() override {
    if (where_ == Where::kNames) return go(Where::kEnd);
    const bool whole = where_ == Where::kMetadata || (entries.back().dtype && entries.back().shape && entries.back().offsets);
    return whole ? go(Where::kNames) : give_up(show(name_) + " lacks one of dtype, shape and data_offsets");
  }
  bool number_integer(number_integer_t) override { return wrong("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { return wrong("a number that is not a whole one"); }
  bool null() override { return wrong("null"); }
  bool boolean(bool) override { return wrong("a truth value"); }
  bool binary(binary_t&) override { return wrong("binary data"); }
  bool parse_error(size_t at, const std::string&, const nlohmann::json::exception&) override {
    return give_up(fmt::format("the header is not valid JSON in UTF-8 (at its byte {})", at));
  }

 private:
  enum class Where { kStart, kNames, kMetadata, kTensor, kNumbers, kEnd };

  bool go(Where where) { return where_ = where, true; }
  bool give_up(std::string what) { return problem = std::move(what), false; }
  bool wrong(const char* what) {
    const std::string place = where_ == Where::kTensor || where_ == Where::kNumbers ? key_ + " of " + show(name_)
                              : where_ == Where::kMetadata                          ? show(key_) + " in __metadata__"
                              : where_ == Where::kNames                             ? show(name_)
                                                                                    : "the header";
    return give_up(fmt::format("{} is {}, which the format does not allow", place, what));
  }

  Where where_ = Where::kStart;
  std::string name_, key_;
  std::set<std::string> names_;
};

template <class T>
NamedTensor make(std::string name, Dtype dtype, std::vector<int64_t> shape, std::span<const T> values) {
  NamedTensor t{std::move(name), dtype, std::move(shape), {}};
  check(t.count() == static_cast<int64_t>(values.size()), "a tensor has as many values as its shape says");
  const auto bytes = std::as_bytes(values);
  t.bytes.assign(bytes.begin(), bytes.end());
  return t;
}

template <class T, class To>
void convert(const NamedTensor& t, std::vector<To>& out) {
  for (size_t i = 0; i < out.size(); ++i) {
    T value;
    std::memcpy(&value, t.bytes.data() + i * sizeof(T), sizeof(T));
    out[i] = static_cast<To>(value);
  }
}

}  // namespace

int64_t size_of(Dtype dtype) { return dtype == Dtype::kU8 ? 1 : dtype == Dtype::kF32 || dtype == Dtype::kI32 ? 4 : 8; }

std::string_view name_of(Dtype dtype) {
  for (const auto& [d, name] : kDtypes)
    if (d == dtype) return name;
  return "?";
}

int64_t NamedTensor::count() const {
  int64_t n = 1;
  for (int64_t extent : shape) n *= extent;
  return n;
}

NamedTensor NamedTensor::of(std::string name, std::vector<int64_t> shape, std::span<const float> values) {
  return make(std::move(name), Dtype::kF32, std::move(shape), values);
}
NamedTensor NamedTensor::of(std::string name, std::vector<int64_t> shape, std::span<const double> values) {
  return make(std::move(name), Dtype::kF64, std::move(shape), values);
}
NamedTensor NamedTensor::of(std::string name, std::vector<int64_t> shape, std::span<const int32_t> values) {
  return make(std::move(name), Dtype::kI32, std::move(shape), values);
}

std::vector<double> NamedTensor::as_double() const {
  std::vector<double> out(static_cast<size_t>(count()));
  if (dtype != Dtype::kF32 && dtype != Dtype::kF64)
    fail(ErrorKind::kCheckpoint, "{} holds {}, where F32 or F64 is wanted", show(name), name_of(dtype));
  dtype == Dtype::kF32 ? convert<float>(*this, out) : convert<double>(*this, out);
  return out;
}

std::vector<int64_t> NamedTensor::as_int() const {
  std::vector<int64_t> out(static_cast<size_t>(count()));
  switch (dtype) {
    case Dtype::kI32: convert<int32_t>(*this, out); break;
    case Dtype::kI64: convert<int64_t>(*this, out); break;
    case Dtype::kU8: convert<uint8_t>(*this, out); break;
    default: fail(ErrorKind::kCheckpoint, "{} holds {}, where I32, I64 or U8 is wanted", show(name), name_of(dtype));
  }
  return out;
}

const NamedTensor* SafeTensors::find(std::string_view name) const {
  const auto at = std::find_if(tensors.begin(), tensors.end(), [&](const NamedTensor& t) { return t.name == name; });
  return at == tensors.end() ? nullptr : &*at;
}

const NamedTensor& SafeTensors::at(std::string_view name) const {
  const NamedTensor* tensor = find(name);
  if (tensor == nullptr) fail(ErrorKind::kCheckpoint, "there is no tensor {}", show(name));
  return *tensor;
}

std::string encode_safetensors(const SafeTensors& file) {
  // Wide types first: then every tensor starts at a multiple of its own width, which some readers need.
  std::vector<const NamedTensor*> order;
  for (const NamedTensor& t : file.tensors) order.push_back(&t);
  std::stable_sort(order.begin(), order.end(), [](auto* a, auto* b) { return size_of(a->dtype) > size_of(b->dtype); });

  std::string out(8, '\0');
  out += '{';
  if (!file.metadata.empty()) out += "\"__metadata__\":" + nlohmann::json(file.metadata).dump() + (order.empty() ? "" : ",");
  std::set<std::string_view> names = {"", "__metadata__"};
  size_t offset = 0;
  for (const NamedTensor* t : order) {
    check(names.insert(t->name).second, "a tensor has a name of its own");
    check(static_cast<int64_t>(t->bytes.size()) == t->count() * size_of(t->dtype),
          "a tensor has as many bytes as its shape says");
    out += fmt::format("{}{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}", names.size() > 3 ? "," : "",
                       nlohmann::json(t->name).dump(), name_of(t->dtype), fmt::join(t->shape, ","), offset,
                       offset + t->bytes.size());
    offset += t->bytes.size();
  }
  if (out.back() == ',') out.pop_back();
  out += '}';
  out.resize((out.size() + 7) / 8 * 8, ' ');
  const uint64_t header = out.size() - 8;
  std::memcpy(out.data(), &header, 8);
  out.reserve(out.size() + offset);
  for (const NamedTensor* t : order) out.append(reinterpret_cast<const char*>(t->bytes.data()), t->bytes.size());
  return out;
}

SafeTensors decode_safetensors(std::string_view bytes, std::string_view origin) {
  const auto wrong = [&](std::string_view what) { fail(ErrorKind::kCheckpoint, "{}: not a safetensors file: {}", origin, what); };
  uint64_t size = 0;
  if (bytes.size() < 8) wrong(fmt::format("it has {} bytes; the size of the header alone takes 8", bytes.size()));
  std::memcpy(&size, bytes.data(), 8);
  if (size > kMaxHeader) wrong(fmt::format("its header would have {} bytes; {} are allowed", size, kMaxHeader));
  if (size > bytes.size() - 8) wrong(fmt::format("its header would have {} bytes, but only {} follow", size, bytes.size() - 8));
  const std::string_view header = bytes.substr(8, size), data = bytes.substr(8 + size);
  if (!header.starts_with('{')) wrong("its header does not start with '{'");

  HeaderReader reader;
  if (!nlohmann::json::sax_parse(header, &reader)) wrong(reader.problem);

  std::stable_sort(reader.entries.begin(), reader.entries.end(),
                   [](const Entry& a, const Entry& b) { return a.offsets < b.offsets; });
  SafeTensors out{{}, std::move(reader.metadata)};
  int64_t position = 0;
  for (Entry& e : reader.entries) {
    int64_t want = 1;
    for (int64_t extent : *e.shape)
      if (!multiply(want, extent)) wrong(fmt::format("the shape [{}] of {} overflows", fmt::join(*e.shape, ", "), show(e.name)));
    if (!multiply(want, size_of(*e.dtype))) wrong(fmt::format("the size of {} overflows", show(e.name)));
    if (e.offsets->size() != 2) wrong(fmt::format("data_offsets of {} are not two numbers", show(e.name)));
    const int64_t begin = (*e.offsets)[0], end = (*e.offsets)[1];
    if (begin != position)
      wrong(fmt::format("{} starts at {}, where the data before it ends at {}", show(e.name), begin, position));
    if (end < begin || end - begin != want)
      wrong(fmt::format("{} is {} [{}], which takes {} bytes; its offsets are {} and {}", show(e.name), name_of(*e.dtype),
                        fmt::join(*e.shape, ", "), want, begin, end));
    if (static_cast<uint64_t>(end) > data.size())
      wrong(fmt::format("{} ends at {}, but there are {} bytes of data", show(e.name), end, data.size()));
    const std::byte* first = reinterpret_cast<const std::byte*>(data.data()) + begin;
    out.tensors.push_back({std::move(e.name), *e.dtype, std::move(*e.shape), {first, first + want}});
    position = end;
  }
  if (static_cast<uint64_t>(position) != data.size())
    wrong(fmt::format("its tensors end at {}, but there are {} bytes of data", position, data.size()));
  return out;
}

SafeTensors read_safetensors(const std::string& path) {
  return decode_safetensors(read_file(path, ErrorKind::kCheckpoint), path);
}

void write_safetensors(const std::string& path, const SafeTensors& file) {
  write_file_atomically(path, encode_safetensors(file), ErrorKind::kCheckpoint);
}

}  // namespace vitrine
