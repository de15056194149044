#include "base/safetensors.h"
#include "fuzz/fuzz.h"

using namespace vitrine;

// What is accepted is the same after it was written.
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  SafeTensors file, again;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (!fuzz::accepts([&] { file = decode_safetensors(bytes, "file.safetensors"); })) return 0;
  fuzz::require(fuzz::accepts([&] { again = decode_safetensors(encode_safetensors(file), "written"); }),
                "what it writes is accepted");
  fuzz::require(again.metadata == file.metadata && again.tensors.size() == file.tensors.size(), "nothing is lost");
  for (const NamedTensor& a : file.tensors) {
    const NamedTensor* b = again.find(a.name);  // wide types are written first
    fuzz::require(b && b->dtype == a.dtype && b->shape == a.shape && b->bytes == a.bytes, "tensors are the same");
    fuzz::require(a.count() * size_of(a.dtype) == static_cast<int64_t>(a.bytes.size()), "bytes fit the shape");
  }
  return 0;
}
