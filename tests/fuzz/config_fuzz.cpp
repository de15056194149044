#include "config/config.h"
#include "fuzz/fuzz.h"

using namespace vitrine;

// What is accepted can be shown, and what is shown is the same configuration again.
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string yaml(reinterpret_cast<const char*>(data), size);
  LoadedConfig loaded;
  if (!fuzz::accepts([&] { loaded = parse_config(yaml, "fuzz.yaml"); })) return 0;
  LoadedConfig again;
  fuzz::require(fuzz::accepts([&] { again = parse_config(show(loaded), "shown.yaml"); }), "what `show` writes is accepted");
  fuzz::require(again.config == loaded.config, "what `show` writes is the same configuration");
  return 0;
}
