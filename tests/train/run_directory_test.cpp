#include "train/run_directory.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/system_calls.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"
#include "train/checkpoint.h"
#include "train/checkpoints.h"

using namespace vitrine;
using Catch::Matchers::Contains;
using Mode = RunDirectory::Mode;
namespace fs = std::filesystem;

namespace {

std::string refusal(const std::string& path, Mode mode, ErrorKind kind = ErrorKind::kCheckpoint) {
  return error_of(kind, [&] { RunDirectory::create(path, mode); });
}

}  // namespace

TEST_CASE("a run directory is created with all above it, and then opened") {
  const TemporaryFolder folder;
  const std::string path = folder / "runs/quick";
  {
    RunDirectory run = RunDirectory::create(path, Mode::kNew);
    CHECK(run.path() == path);
    CHECK(run.config() == path + "/config.resolved.yaml");
    run.append_metrics(R"({"step":1})");
  }
  CHECK(RunDirectory::open(path).read_metrics() == std::vector<std::string>{R"({"step":1})"});
  CHECK_NOTHROW(RunDirectory::create(path, Mode::kResume));
  fs::create_directory(folder / "empty");
  CHECK_NOTHROW(RunDirectory::create(folder / "empty", Mode::kNew));
  fs::create_directory(folder / "resumed");  // killed before anything stood in it
  CHECK_NOTHROW(RunDirectory::create(folder / "resumed", Mode::kResume));
}

TEST_CASE("an existing run is refused, and the message says how to go on") {
  const TemporaryFolder folder;
  RunDirectory::create(folder / "run", Mode::kNew);
  CHECK_THAT(refusal(folder / "run", Mode::kNew, ErrorKind::kConfig),
             Contains("'" + folder / "run' exists already\nhelp: --resume") && Contains("--overwrite") && Contains("--run-dir"));
  CHECK_THAT(refusal(folder / "none", Mode::kResume, ErrorKind::kConfig), Contains("no run directory '" + folder / "none'"));
  CHECK_FALSE(fs::exists(folder / "none"));
  CHECK_THAT(error_of(ErrorKind::kCheckpoint, [&] { RunDirectory::open(folder / "none"); }), Contains(folder / "none"));
}

TEST_CASE("what is not a run directory is left alone") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "thesis.tex", "years of work");
  CHECK_THAT(refusal(folder.path(), Mode::kNew, ErrorKind::kConfig), Contains("exists already"));
  for (const Mode mode : {Mode::kResume, Mode::kOverwrite})
    CHECK_THAT(refusal(folder.path(), mode), Contains("'" + folder.path() + "' is not a run directory"));
  CHECK_THAT(error_of(ErrorKind::kCheckpoint, [&] { RunDirectory::open(folder.path()); }), Contains("not a run directory"));
  for (const Mode mode : {Mode::kNew, Mode::kResume, Mode::kOverwrite}) {
    CHECK_THAT(refusal(folder / "thesis.tex", mode), Contains("'" + folder / "thesis.tex' is not a run directory: it is a file"));
    CHECK_THAT(refusal(folder / "thesis.tex/run", mode, mode == Mode::kResume ? ErrorKind::kConfig : ErrorKind::kCheckpoint),
               Contains(folder / "thesis.tex"));
  }
  CHECK(read_file(folder / "thesis.tex") == "years of work");
}

TEST_CASE("overwriting removes what a training wrote and nothing else") {
  const TemporaryFolder folder;
  const std::string path = folder / "run";
  {
    RunDirectory run = RunDirectory::create(path, Mode::kNew);
    run.append_metrics(R"({"step":1})");
    save_checkpoint(path, checkpoint_of(10, 10), 2);
    make_directories(run.attention());
    for (const std::string& file : {run.config(), run.tokenizer(), run.log(), run.page(), path + "/notes.txt"})
      write_file_atomically(file, "x");
  }
  RunDirectory::create(path, Mode::kOverwrite);
  std::vector<std::string> left;
  for (const auto& entry : fs::directory_iterator(path)) left.push_back(entry.path().filename().string());
  std::sort(left.begin(), left.end());
  CHECK(left == std::vector<std::string>{"notes.txt", "run.json"});
}

TEST_CASE("overwriting, killed at any call: never an old checkpoint in a run without its other files") {
  for (int64_t n = 1, killed = 1; killed != 0; ++n) {
    const TemporaryFolder folder;
    {
      RunDirectory run = RunDirectory::create(folder / "run", Mode::kNew);
      save_checkpoint(run.path(), checkpoint_of(10, 10), 2);
      write_file_atomically(run.config(), "x");
      run.append_metrics(R"({"step":1})");
    }
    const pid_t child = ::fork();
    if (child == 0) {
      set_failpoint(n, Failure::kKillBefore);
      RunDirectory::create(folder / "run", Mode::kOverwrite);
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    killed = WIFSIGNALED(status);
    CAPTURE(n);
    const RunDirectory run = RunDirectory::create(folder / "run", Mode::kResume);
    const bool old = !checkpoint_steps(run.path()).empty();
    if (old) CHECK((fs::exists(run.config()) && fs::exists(run.metrics())));
    CHECK((killed != 0 || (!old && n > 10)));
  }
}

TEST_CASE("a run directory of another version is refused, whoever opens it") {
  const TemporaryFolder folder;
  RunDirectory::create(folder.path(), Mode::kNew);
  write_file_atomically(folder / "run.json", R"({"format": 7, "vitrine": "9.1"})");
  const std::string message = error_of(ErrorKind::kCheckpoint, [&] { RunDirectory::open(folder.path()); });
  CHECK_THAT(message, Contains("another version of vitrine (\"9.1\", format 7)") && Contains("reads format 1"));
  CHECK(refusal(folder.path(), Mode::kResume) == message);
  for (const std::string text : {"", "{}", "7", "{\"format\": \"1\"}", "\xff"}) {
    write_file_atomically(folder / "run.json", text);
    CHECK_THAT(error_of(ErrorKind::kCheckpoint, [&] { RunDirectory::open(folder.path()); }),
               Contains("does not say which format"));
  }
  CHECK_NOTHROW(RunDirectory::create(folder.path(), Mode::kOverwrite));
  CHECK_NOTHROW(RunDirectory::open(folder.path()));
}

TEST_CASE("two trainings in one directory: the second is refused, readers are not") {
  const TemporaryFolder folder;
  {
    const RunDirectory first = RunDirectory::create(folder / "run", Mode::kNew);
    for (const Mode mode : {Mode::kResume, Mode::kOverwrite})
      CHECK_THAT(refusal(folder / "run", mode), Contains("another process is training in '" + folder / "run'"));
    CHECK_NOTHROW(RunDirectory::open(folder / "run"));
  }
  CHECK_NOTHROW(RunDirectory::create(folder / "run", Mode::kResume));
}

TEST_CASE("a read-only run directory is a clear error before training starts") {
  const TemporaryFolder folder;
  RunDirectory::create(folder / "run", Mode::kNew);
  ::chmod(folder.path().c_str(), 0555), ::chmod((folder / "run").c_str(), 0555);
  const pid_t child = ::fork();  // root may do everything, so the child becomes nobody
  if (child == 0) {
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(9);
    int refused = 0;
    for (const auto& [name, mode] : {std::pair("run", Mode::kResume), std::pair("new", Mode::kNew)}) try {
        RunDirectory::create(folder / name, mode);
      } catch (const Error& error) {
        const std::string_view message = error.what();
        refused += error.kind() == ErrorKind::kCheckpoint && message.find("permission denied") != message.npos &&
                   message.find(folder / name) != message.npos;
      }
    ::_exit(refused == 2 ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  ::chmod(folder.path().c_str(), 0755), ::chmod((folder / "run").c_str(), 0755);
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

TEST_CASE("metrics: later lines and a torn last line go when a run is resumed") {
  const TemporaryFolder folder;
  RunDirectory run = RunDirectory::create(folder / "run", Mode::kNew);
  CHECK(run.read_metrics().empty());
  CHECK_NOTHROW(run.drop_metrics_after(0));
  const std::vector<std::string> lines = {R"({"step":10,"loss":2.5})", R"({"step":10,"split":"validation"})", R"({"step":20})",
                                          R"({"step":30})"};
  for (const std::string& line : lines) run.append_metrics(line);
  CHECK(run.read_metrics() == lines);
  const std::string whole = read_file(run.metrics());
  for (size_t cut = 0; cut < 11; ++cut) {  // a kill in the last line
    write_file_atomically(run.metrics(), whole.substr(0, whole.size() - cut));
    const std::vector<std::string> expected(lines.begin(), lines.end() - (cut > 0));
    CHECK(RunDirectory::open(run.path()).read_metrics() == expected);
    RunDirectory::open(run.path()).drop_metrics_after(30);
    CHECK(read_file(run.metrics()).size() == (cut > 0 ? whole.size() - 12 : whole.size() + 0));
  }
  write_file_atomically(run.metrics(), whole + R"({"step":4)");
  run.drop_metrics_after(20);
  run.append_metrics(R"({"step":21})");
  CHECK(run.read_metrics() == std::vector<std::string>{lines[0], lines[1], lines[2], R"({"step":21})"});
  run.drop_metrics_after(0);
  CHECK(read_file(run.metrics()).empty());
}

TEST_CASE("metrics on a full disk: a clear error, and the lines before it stay") {
  const TemporaryFolder folder;
  RunDirectory run = RunDirectory::create(folder / "run", Mode::kNew);
  run.append_metrics(R"({"step":1})");
  set_failpoint(1, Failure::kDiskFull);
  CHECK_THAT(error_of(ErrorKind::kCheckpoint, [&] { run.append_metrics(R"({"step":2})"); }),
             Contains(run.metrics()) && Contains("the disk is full"));
  set_failpoint(0, Failure::kDiskFull);
  CHECK(run.read_metrics() == std::vector<std::string>{R"({"step":1})"});
}
