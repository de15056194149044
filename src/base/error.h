#pragma once
#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace vitrine {

// What went wrong, as the exit code of the program. `kConfig` also covers wrong usage of the command line.
enum class ErrorKind { kInternal = 1, kConfig = 2, kData = 3, kCheckpoint = 4, kDevice = 5, kDiverged = 6 };

// Everything that a person can cause and mend is thrown as this one type and caught once, in cli/main.cpp. The message is one
// sentence that names the value and the rule; further lines start with "help: " or show the place.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

// fail(ErrorKind::kData, "{}:{}: empty line", path, line);
template <class... A>
[[noreturn]] void fail(ErrorKind kind, fmt::format_string<A...> format, A&&... arguments) {
  throw Error(kind, fmt::format(format, std::forward<A>(arguments)...));
}

}  // namespace vitrine
