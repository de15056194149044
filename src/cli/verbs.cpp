#include "cli/verbs.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/error.h"

namespace vitrine {

void print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return;
  if (errno == EPIPE) throw ReaderGone();
  fail(ErrorKind::kInternal, "cannot write the results: {}", std::strerror(errno));
}

void add_config_argument(CLI::App& verb, std::string& path, std::vector<std::string>& sets) {
  verb.add_option("CONFIG", path, "a configuration in YAML")->required();
  verb.add_option("--set", sets, "replaces a value: --set training.clip=0.5 (again for more)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void add_run_argument(CLI::App& verb, std::string& path, std::vector<std::string>& sets) {
  verb.add_option("RUN", path, "a run directory, such as runs/quickstart")->required();
  verb.add_option("--set", sets, "replaces a value of its configuration (again for more)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

}  // namespace vitrine
