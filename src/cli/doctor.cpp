#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <thread>

#include "base/plugin.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace vitrine {
namespace {

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

double available_memory() {
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("MemAvailable:")) return std::stod(line.substr(13)) * 1024;
  return 0;
}

std::string gigabytes(double bytes) { return fmt::format("{:.1f} GB", bytes / 1e9); }

class DoctorVerb : public Verb {
 public:
  CLI::App* declare(CLI::App& program) override {
    CLI::App* verb = program.add_subcommand("doctor", "what was built in, what this machine offers, what is missing");
    verb->footer("Example:\n  vitrine doctor");
    return verb;
  }

  int run() override {
    const double memory = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGE_SIZE));
    std::string out = fmt::format("vitrine {}\n  build      {}\n", VITRINE_VERSION, VITRINE_BUILD);
    out += fmt::format("  processor  {}, {} threads\n", processor(), std::thread::hardware_concurrency());
    out += fmt::format("  memory     {}, {} of it available\n", gigabytes(memory), gigabytes(available_memory()));
    out += "  devices    cpu\n";
    for (const Device device : {Device::kSimt, Device::kCuda}) {
      std::string missing = missing_for({.kind = device});  // "run.device: cuda: why\nhelp: what to do"
      const std::string_view name = device == Device::kSimt ? "simt" : "cuda";
      if (missing.empty()) {
        out += fmt::format("             {}\n", name);
        continue;
      }
      for (size_t i; (i = missing.find('\n')) != std::string::npos;) missing.replace(i, 1, "; ");
      out +=
          fmt::format("  no {:<7} {}\n", name, std::string_view(missing).substr(missing.find(": ", missing.find(": ") + 2) + 2));
    }
#ifdef VITRINE_HAS_ONEDNN
    out += "  products   oneDNN for large matrices, Vitrine's own for small ones\n";
#else
    out += "  products   Vitrine's own\n";
#ifndef VITRINE_HAS_NATIVE
    out += "  missing    oneDNN, faster than ours in a build for any processor: apt install libdnnl-dev, then build again\n";
#endif
#endif
#ifndef VITRINE_HAS_NATIVE
    out += "  slow       built without -march=native: cmake -DVITRINE_NATIVE=ON is about 3 times as fast\n";
#endif
#ifndef NDEBUG
    out += "  slow       a debug build: cmake -DCMAKE_BUILD_TYPE=Release is many times as fast\n";
#endif
    const Terminal t = terminal_of(STDOUT_FILENO);
    const char* colours = t.style.colours == Colours::kTrue  ? "16 million colours"
                          : t.style.colours == Colours::k256 ? "256 colours"
                                                             : "no colours";
    out += fmt::format("  terminal   {} columns, {}{}\n", t.style.width, colours, t.is_terminal ? "" : " (not a terminal)");
    print(out);
    return 0;
  }
};

}  // namespace

std::unique_ptr<Verb> make_doctor_verb() { return std::make_unique<DoctorVerb>(); }

}  // namespace vitrine
