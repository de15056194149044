#include "cli/verbs.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <charconv>
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

CLI::Validator whole_number(int64_t least) {
  const auto check = [least](const std::string& text) -> std::string {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size() && number >= least) return {};
    return fmt::format("expected a whole number of at least {}, got '{}'", least, text);
  };
  return CLI::Validator(check, "");
}

}  // namespace vitrine
