#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/file.h"

namespace vitrine {

// CRC-32C (Castagnoli; RFC 3720, appendix B.4).
uint32_t crc32c(std::string_view bytes);

// What TensorBoard reads: a file of records, each a protobuf message `Event` (tensorflow/core/util/event.proto, written by hand) in
// TensorFlow's framing:
//   length, 8 bytes · masked crc32c of these · the message · masked crc32c of the message          (little-endian)
// A record is handed to the system in one call: a file of a killed process ends at worst in a part of one, which readers skip.
class EventFile {
 public:
  // A new file in `folder`, which is made; `step`: events of other files from this step on no longer count (0: a new run).
  EventFile(const std::string& folder, int64_t step);

  void scalar(int64_t step, const std::string& tag, double value);
  template <class T>  // of every number in `values` that is finite
  void histogram(int64_t step, const std::string& tag, const T& values) {
    Histogram h;
    for (const auto v : values) h.see(static_cast<double>(v));
    h.divide();
    for (const auto v : values) h.count(static_cast<double>(v));
    write(step, h.message(tag));
  }
  void text(int64_t step, const std::string& tag, const std::string& markdown);

  const std::string& path() const { return path_; }

 private:
  // Equal parts between the least and the greatest number.
  struct Histogram {
    static constexpr size_t kParts = 32;
    double low = 0, high = 0, sum = 0, squares = 0;
    int64_t n = 0;
    int64_t counts[kParts] = {};

    void see(double v);
    void divide();
    void count(double v);
    std::string message(const std::string& tag) const;  // Summary.Value
  };
  void write(int64_t step, const std::string& value);  // an Event with a Summary of this one Value
  void append(const std::string& event);

  std::string path_;
  LineFile file_;
};

}  // namespace vitrine
