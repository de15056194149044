#include "base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "base/file.h"
#include "base/system_calls.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

using namespace vitrine;
using Catch::Matchers::Contains;

namespace {

// What `f` writes to stderr.
template <class F>
std::string stderr_of(const std::string& path, F f) {
  std::fflush(stderr);
  const int saved = ::dup(2), file = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
  ::dup2(file, 2);
  f();
  std::fflush(stderr);
  ::dup2(saved, 2);
  ::close(saved), ::close(file);
  return read_file(path);
}

struct Bar : StatusLine {
  void hide() override { std::fputs("<hide>", stderr); }
  void show() override { std::fputs("<show>", stderr); }
};

}  // namespace

TEST_CASE("log lines go to stderr and to the file, around the status line") {
  const TemporaryFolder folder;
  const int64_t warnings = warnings_logged();
  Bar bar;
  const std::string shown = stderr_of(folder / "stderr", [&] {
    log_info("step {}", 1);
    set_log_file(folder / "train.log");
    set_status_line(&bar);
    log_warning("{} is odd", 3);
    set_status_line(nullptr);
    set_log_file("");
    log_info("step 2");
  });
  CHECK(shown == "step 1\n<hide>warning: 3 is odd\n<show>step 2\n");
  CHECK(warnings_logged() == warnings + 1);
  const std::string logged = read_file(folder / "train.log");
  CHECK(logged.substr(20) == " warning: 3 is odd\n");
  CHECK((logged[4] == '-' && logged[10] == 'T' && logged[19] == 'Z'));
}

TEST_CASE("a log that cannot be written says so once and ends nothing") {
  const TemporaryFolder folder;
  const std::string shown = stderr_of(folder / "stderr", [&] {
    set_log_file(folder / "train.log");
    set_failpoint(1, Failure::kDiskFull);
    log_info("one");
    log_info("two");
    set_log_file("");
  });
  CHECK_THAT(shown, Contains("one\nwarning: the log ends here: cannot write '" + folder / "train.log" + "': the disk is full"));
  CHECK_THAT(shown, Contains("\ntwo\n"));
  CHECK_THAT(error_of(ErrorKind::kCheckpoint, [&] { set_log_file(folder.path()); }), Contains("it is a folder"));
}
