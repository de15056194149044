#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "base/file.h"
#include "base/system_calls.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"
#include "train/checkpoint.h"
#include "train/checkpoints.h"

using namespace vitrine;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

// A save, and what must hold whatever happened in it: the newest whole checkpoint is one of `before` and `after`, bit by bit.
struct Scenario {
  std::string name;
  std::function<void(const std::string&run)> prepare, save;
  Checkpoint before, after;
};

std::vector<Scenario> scenarios() {
  const auto save = [](int64_t step, int64_t best, int64_t keep) {
    return [=](const std::string& run) { save_checkpoint(run, checkpoint_of(step, best), keep); };
  };
  const auto three = [=](const std::string& run) {
    for (int64_t step : {10, 20, 30}) save_checkpoint(run, checkpoint_of(step, 10), 2);
  };
  return {{"a new best: two old ones go", three, save(40, 40, 1), checkpoint_of(30, 10), checkpoint_of(40, 40)},
          {"the only one is replaced", save(10, -1, 1), save(20, -1, 1), checkpoint_of(10, -1), checkpoint_of(20, -1)},
          {"the same step again", save(10, -1, 1), save(10, 10, 1), checkpoint_of(10, -1), checkpoint_of(10, 10)}};
}

int64_t calls_of(const Scenario& s) {
  const TemporaryFolder run;
  s.prepare(run.path());
  set_failpoint(0, Failure::kInputOutput);
  s.save(run.path());
  return calls_since_failpoint();
}

// The old or the new one, without a word of damage; then saving again works and leaves no litter.
void check_nothing_lost(const Scenario& s, const std::string& run, bool must_be_new = false) {
  const LoadedCheckpoint latest = load_checkpoint(run, CheckpointChoice::kLatest);
  CHECK(latest.warning.empty());
  const bool is_new = same(latest, s.after);
  CHECK((is_new || (same(latest, s.before) && !must_be_new)));
  const int64_t best = latest.state.best_step < 0 ? latest.state.step : latest.state.best_step;
  CHECK(load_checkpoint(run, CheckpointChoice::kBest).state.step == best);

  save_checkpoint(run, checkpoint_of(50, -1), 1);
  CHECK(same(load_checkpoint(run, CheckpointChoice::kLatest), checkpoint_of(50, -1)));
  CHECK(std::distance(fs::directory_iterator(run + "/checkpoints"), fs::directory_iterator()) == 1);
  for (const auto& entry : fs::directory_iterator(run)) CHECK(entry.path().filename().string()[0] != '.');
}

}  // namespace

TEST_CASE("any call of a save fails: nothing is lost and the error says what and why") {
  for (const Scenario& s : scenarios()) {
    const int64_t calls = calls_of(s);
    REQUIRE(calls > 30);
    int64_t errors = 0, saved = 0;
    for (int64_t n = 1; n <= calls; ++n)
      for (const Failure failure : {Failure::kDiskFull, Failure::kInputOutput, Failure::kShortWrite}) {
        CAPTURE(s.name, n, static_cast<int>(failure));
        const TemporaryFolder run;
        s.prepare(run.path());
        set_failpoint(n, failure);
        bool thrown = false;
        try {
          s.save(run.path());
        } catch (const Error& error) {
          thrown = true;
          CHECK(error.kind() == ErrorKind::kCheckpoint);
          CHECK_THAT(error.what(), Contains(run.path()));
          CHECK_THAT(error.what(), Contains(failure == Failure::kDiskFull ? "the disk is full" : "Input/output error"));
        }
        set_failpoint(0, Failure::kInputOutput);
        CHECK_FALSE((thrown && failure == Failure::kShortWrite));
        ++(thrown ? errors : saved);
        check_nothing_lost(s, run.path(), !thrown);
      }
    CHECK(errors > calls);  // only the removal of old ones may fail in silence: it is done again with the next save
    CHECK(saved >= calls);  // short writes
  }
}

TEST_CASE("where a call is not supported, the save succeeds another way or fails and loses nothing") {
  for (const Scenario& s : scenarios()) {
    int64_t saved = 0;
    for (int64_t n = 1, calls = calls_of(s); n <= calls; ++n) {
      CAPTURE(s.name, n);
      const TemporaryFolder run;
      s.prepare(run.path());
      set_failpoint(n, Failure::kNotSupported);
      bool thrown = false;
      try {
        s.save(run.path());
      } catch (const Error& error) {
        thrown = true;
        CHECK_THAT(error.what(), Contains("Invalid argument"));
      }
      set_failpoint(0, Failure::kNotSupported);
      saved += !thrown;
      check_nothing_lost(s, run.path(), !thrown);
    }
    CHECK(saved >= 3);  // fsync of a folder, swapping two names
  }
}

TEST_CASE("a save killed before or after any of its calls loses nothing") {
  for (const Scenario& s : scenarios()) {
    const int64_t calls = calls_of(s);
    int64_t old_ones = 0, new_ones = 0;
    for (int64_t n = 1; n <= calls; ++n)
      for (const Failure failure : {Failure::kKillBefore, Failure::kKillAfter}) {
        CAPTURE(s.name, n, static_cast<int>(failure));
        const TemporaryFolder run;
        s.prepare(run.path());
        const pid_t child = ::fork();
        if (child == 0) {
          set_failpoint(n, failure);
          s.save(run.path());
          ::_exit(0);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        REQUIRE((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
        ++(same(load_checkpoint(run.path(), CheckpointChoice::kLatest), s.after) ? new_ones : old_ones);
        check_nothing_lost(s, run.path());
      }
    CHECK(old_ones > 20);
    CHECK(new_ones > 20);
  }
}

TEST_CASE("the very first save killed anywhere: no checkpoint, or a whole one") {
  const auto nothing = [](const std::string&) {};
  const auto save = [](const std::string& run) { save_checkpoint(run, checkpoint_of(10, 10), 2); };
  const Scenario first{"first", nothing, save, checkpoint_of(10, 10), checkpoint_of(10, 10)};
  const int64_t calls = calls_of(first);
  for (int64_t n = 1; n <= calls; ++n)
    for (const Failure failure : {Failure::kKillBefore, Failure::kKillAfter}) {
      CAPTURE(n, static_cast<int>(failure));
      const TemporaryFolder run;
      const pid_t child = ::fork();
      if (child == 0) {
        set_failpoint(n, failure);
        first.save(run.path());
        ::_exit(0);
      }
      ::waitpid(child, nullptr, 0);
      if (checkpoint_steps(run.path()).empty()) save_checkpoint(run.path(), checkpoint_of(10, 10), 2);
      check_nothing_lost(first, run.path(), true);
    }
}
