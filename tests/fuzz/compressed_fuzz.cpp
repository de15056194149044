#include "data/input_file.h"
#include "fuzz/fuzz.h"

using namespace vitrine;

// gzip and zstd, cut, damaged or with something behind them.
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (is_compressed(bytes)) fuzz::accepts([&] { decompress(bytes, "file.gz"); });
  return 0;
}
