#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace vitrine {

// Lines for people, on stderr, and with the time in front in the log file, when one is set. Safe from any thread.
void log_line(std::string_view level, std::string_view text);  // level "" or "warning"
void set_log_file(const std::string& path);                    // appended to; "": none
int64_t warnings_logged();

template <class... A>
void log_info(fmt::format_string<A...> format, A&&... arguments) {
  log_line("", fmt::format(format, std::forward<A>(arguments)...));
}
template <class... A>
void log_warning(fmt::format_string<A...> format, A&&... arguments) {
  log_line("warning", fmt::format(format, std::forward<A>(arguments)...));
}

// What occupies the last line of the terminal, such as a progress bar: a line of the log hides it, appears, and shows it again.
class StatusLine {
 public:
  virtual ~StatusLine() = default;
  virtual void hide() = 0;
  virtual void show() = 0;
};
void set_status_line(StatusLine* line);  // nullptr: none

}  // namespace vitrine
