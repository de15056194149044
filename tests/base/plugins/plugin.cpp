// Libraries for plugin_test.cpp: one that can compute, and ones that cannot.
#include "base/plugin.h"

#if defined(KIND_strange)
extern "C" int something_else() { return 0; }
#else
extern "C" const vitrine::Plugin* vitrine_plugin() {
  static int made;
#if defined(KIND_other)
  constexpr const char* kVersion = "Vitrine 0.0.9 (interface 000000000000)";
#else
  constexpr const char* kVersion = VITRINE_PLUGIN_VERSION;
#endif
#if defined(KIND_absent)
  constexpr const char* kMissing = "there is no GPU\nhelp: buy one";
#else
  constexpr const char* kMissing = "";
#endif
#if defined(KIND_small)
  constexpr size_t kFree = 1 << 20;
#else
  constexpr size_t kFree = 0;
#endif
  static const vitrine::Plugin plugin{
      kVersion, [] { return std::string(kMissing); }, [] { return kFree; },
      [](size_t bytes, const vitrine::DeviceSettings&) -> void* { return bytes == 4 ? &made : nullptr; }};
  return &plugin;
}
#endif
