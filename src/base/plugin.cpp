#include "base/plugin.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "base/error.h"

namespace fs = std::filesystem;

namespace vitrine {
namespace {

const char* name_of(const DeviceSettings& s) { return s.kind == Device::kCuda ? "cuda" : "simt"; }

std::string library_of(const DeviceSettings& s) {
  return fmt::format("libvitrine_{}{}.so", name_of(s), s.kind == Device::kSimt && s.check ? "_check" : "");
}

std::vector<fs::path> folders() {
  if (const char* folder = std::getenv("VITRINE_PLUGIN_DIR"); folder && *folder) return {folder};
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path();
  return {program, program.parent_path() / "lib" / "vitrine"};
}

[[noreturn]] void fail_to_open(const DeviceSettings& s, const std::string& why) {
  fail(ErrorKind::kDevice, "run.device: {}: {}", name_of(s), why);
}

std::string find_library(const DeviceSettings& s) {
  const std::string name = library_of(s);
  std::string looked;
  for (const fs::path& folder : folders()) {
    std::error_code error;
    if (fs::exists(folder / name, error)) return (folder / name).string();
    looked += fmt::format("{}{}", looked.empty() ? "" : " and ", folder.string());
  }
  fail_to_open(
      s, fmt::format("there is no {} in {}\nhelp: {}", name, looked,
                     s.kind == Device::kCuda
                         ? "where nvcc is installed, `cmake -DVITRINE_CUDA=ON` builds it; `run.device: cpu` needs no library"
                         : "`cmake --build` makes it beside the program; `run.device: cpu` needs no library"));
}

}  // namespace

const Plugin& open_plugin(const DeviceSettings& s) {
  const std::string path = find_library(s);
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!library)
    fail_to_open(s, fmt::format("{}\nhelp: a library that it needs is not installed; `ldd {}` lists them", dlerror(), path));
  const auto entry = reinterpret_cast<const Plugin* (*)()>(dlsym(library, "vitrine_plugin"));
  const Plugin* plugin = entry ? entry() : nullptr;
  if (!plugin || std::string_view(plugin->version) != VITRINE_PLUGIN_VERSION)
    fail_to_open(s, fmt::format("{} comes from {}, not from the build of this program\nhelp: build and install both together",
                                path, plugin ? plugin->version : "elsewhere"));
  if (const std::string missing = plugin->missing(); !missing.empty()) fail_to_open(s, missing);
  return *plugin;
}

std::string missing_for(const DeviceSettings& s) {
  try {
    open_plugin(s);
    return "";
  } catch (const Error& e) {
    return e.what();
  }
}

}  // namespace vitrine
