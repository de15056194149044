#include "base/plugin.h"

#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

using namespace vitrine;
using Catch::Matchers::Contains;

namespace {

// What opening says when the library of the device is this one.
std::string opening(const std::string& kind, const std::string& name, const DeviceSettings& settings) {
  const TemporaryFolder folder;
  if (!kind.empty())
    std::filesystem::copy_file(std::string(VITRINE_TEST_PLUGINS) + "/test_plugin_" + kind + ".so", folder / name);
  setenv("VITRINE_PLUGIN_DIR", folder.path().c_str(), 1);
  std::string said = "no error";
  try {
    const Plugin& plugin = open_plugin(settings);
    CHECK(plugin.make_backend(4, settings) != nullptr);
  } catch (const Error& e) {
    CHECK(e.kind() == ErrorKind::kDevice);
    said = e.what();
  }
  CHECK(missing_for(settings) == (said == "no error" ? "" : said));
  unsetenv("VITRINE_PLUGIN_DIR");
  return said;
}

}  // namespace

TEST_CASE("the library of a device is opened by its name, and what is missing is said with what to do") {
  const DeviceSettings cuda{.kind = Device::kCuda}, simt{.kind = Device::kSimt}, checked{.kind = Device::kSimt, .check = true};
  CHECK(opening("right", "libvitrine_cuda.so", cuda) == "no error");
  CHECK(opening("right", "libvitrine_simt.so", simt) == "no error");
  CHECK(opening("right", "libvitrine_simt_check.so", checked) == "no error");
  CHECK_THAT(opening("", "", cuda), Contains("run.device: cuda: there is no libvitrine_cuda.so in /") && Contains("\nhelp: "));
  CHECK_THAT(opening("right", "libvitrine_simt.so", checked), Contains("run.device: simt: there is no libvitrine_simt_check.so"));
  CHECK_THAT(opening("strange", "libvitrine_cuda.so", cuda),
             Contains("libvitrine_cuda.so comes from elsewhere, not from the build"));
  CHECK_THAT(opening("other", "libvitrine_cuda.so", cuda),
             Contains("comes from Vitrine 0.0.9 (interface 000000000000), not from"));
  CHECK(opening("absent", "libvitrine_cuda.so", cuda) == "run.device: cuda: there is no GPU\nhelp: buy one");
}

TEST_CASE("a file that is no library is said to be none") {
  const TemporaryFolder folder;
  std::filesystem::copy_file("/etc/passwd", folder / "libvitrine_cuda.so");
  setenv("VITRINE_PLUGIN_DIR", folder.path().c_str(), 1);
  CHECK_THAT(missing_for({.kind = Device::kCuda}), Contains("libvitrine_cuda.so: ") && Contains("\nhelp: "));
  unsetenv("VITRINE_PLUGIN_DIR");
}
