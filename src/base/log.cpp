#include "base/log.h"

#include <cstdio>
#include <ctime>
#include <mutex>
#include <optional>

#include "base/file.h"

namespace vitrine {
namespace {

std::mutex mutex;
std::optional<LineFile> file;
StatusLine* status_line = nullptr;
int64_t warnings = 0;

void print(std::string_view text) {
  if (status_line != nullptr) status_line->hide();
  std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
  if (status_line != nullptr) status_line->show();
}

std::string now() {
  const std::time_t t = std::time(nullptr);
  std::tm utc{};
  char text[32];
  ::gmtime_r(&t, &utc);
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

}  // namespace

void log_line(std::string_view level, std::string_view text) {
  const std::lock_guard lock(mutex);
  const std::string line = level.empty() ? std::string(text) : fmt::format("{}: {}", level, text);
  warnings += level == "warning";
  print(line);
  if (!file) return;
  try {
    file->append(now() + " " + line);
  } catch (const Error& error) {  // a log that cannot be written does not end a training
    file.reset();
    print(fmt::format("warning: the log ends here: {}", error.what()));
  }
}

void set_log_file(const std::string& path) {
  const std::lock_guard lock(mutex);
  file.reset();
  if (!path.empty()) file.emplace(path);
}

int64_t warnings_logged() {
  const std::lock_guard lock(mutex);
  return warnings;
}

void set_status_line(StatusLine* line) {
  const std::lock_guard lock(mutex);
  status_line = line;
}

}  // namespace vitrine
