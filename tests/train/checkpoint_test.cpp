#include "train/checkpoint.h"

#include <algorithm>
#include <fstream>

#include "base/file.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"
#include "train/checkpoints.h"

using namespace vitrine;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

void overwrite(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

}  // namespace

TEST_CASE("a checkpoint comes back to the bit") {
  const TemporaryFolder run;
  const Checkpoint saved = checkpoint_of(30, 20);
  save_checkpoint(run.path(), saved, 2);
  const LoadedCheckpoint loaded = load_checkpoint(run.path(), CheckpointChoice::kLatest);
  CHECK(same(loaded, saved));
  CHECK(loaded.warning.empty());
  CHECK(loaded.path == run / "checkpoints/step-00000030");
  CHECK(names_in(loaded.path) ==
        std::vector<std::string>{"manifest.json", "model.safetensors", "optimizer.safetensors", "state.json"});
  CHECK(read_file(run / "latest") == "checkpoints/step-00000030\n");

  Checkpoint no_best = checkpoint_of(40, -1);
  no_best.state.best_metric.reset();
  save_checkpoint(run.path(), no_best, 2);
  CHECK(same(load_checkpoint(run.path(), CheckpointChoice::kLatest), no_best));
}

TEST_CASE("the newest ones are kept, and the best") {
  const TemporaryFolder run;
  for (int64_t step : {10, 20, 30, 40, 50}) save_checkpoint(run.path(), checkpoint_of(step, std::min<int64_t>(step, 20)), 2);
  CHECK(checkpoint_steps(run.path()) == std::vector<int64_t>{20, 40, 50});
  CHECK(read_file(run / "best") == "checkpoints/step-00000020\n");
  CHECK(same(load_checkpoint(run.path(), CheckpointChoice::kBest), checkpoint_of(20, 20)));
  CHECK(same(load_checkpoint(run.path(), CheckpointChoice::kStep, 40), checkpoint_of(40, 20)));
  save_checkpoint(run.path(), checkpoint_of(60, 60), 0);  // at least itself
  CHECK(checkpoint_steps(run.path()) == std::vector<int64_t>{60});
  CHECK(same(load_checkpoint(run.path(), CheckpointChoice::kBest), checkpoint_of(60, 60)));
  CHECK(names_in(run / "checkpoints") == std::vector<std::string>{"step-00000060"});
  CHECK(names_in(run.path()) == std::vector<std::string>{"best", "checkpoints", "latest"});
}

TEST_CASE("without a best, the newest is it; a step that is not there is named with those that are") {
  const TemporaryFolder run;
  CHECK_THAT(error_of(ErrorKind::kCheckpoint, [&] { load_checkpoint(run.path(), CheckpointChoice::kLatest); }),
             Contains("there is no checkpoint in '" + run.path()));
  CHECK(checkpoint_steps(run.path()).empty());
  for (int64_t step : {10, 20}) save_checkpoint(run.path(), checkpoint_of(step, -1), 2);
  CHECK(load_checkpoint(run.path(), CheckpointChoice::kBest).state.step == 20);
  CHECK_FALSE(fs::exists(run / "best"));
  CHECK_THAT(error_of(ErrorKind::kCheckpoint, [&] { load_checkpoint(run.path(), CheckpointChoice::kStep, 15); }),
             Contains("no step-00000015") && Contains("10, 20"));
  save_checkpoint(run.path(), checkpoint_of(123456789, -1), 2);  // more digits than the name has room for
  CHECK(load_checkpoint(run.path(), CheckpointChoice::kLatest).state.step == 123456789);
}

TEST_CASE("latest and best are for people: stale, missing or wrong ones lose nothing") {
  const TemporaryFolder run;
  for (int64_t step : {10, 20, 30}) save_checkpoint(run.path(), checkpoint_of(step, 20), 2);
  for (const std::string name : {"latest", "best"})
    for (const std::string text : {"checkpoints/step-00000010\n", "", "../../etc/passwd\n"}) {
      overwrite(run / name, text);
      CHECK(load_checkpoint(run.path(), CheckpointChoice::kLatest).state.step == 30);
      CHECK(load_checkpoint(run.path(), CheckpointChoice::kBest).state.step == 20);
    }
  fs::remove(run / "latest"), fs::remove(run / "best");
  CHECK(load_checkpoint(run.path(), CheckpointChoice::kLatest).state.step == 30);
  CHECK(load_checkpoint(run.path(), CheckpointChoice::kBest).state.step == 20);
}

TEST_CASE("a copied or moved run is whole") {
  const TemporaryFolder a, b;
  for (int64_t step : {10, 20}) save_checkpoint(a / "run", checkpoint_of(step, 10), 2);
  fs::copy(a / "run", b / "elsewhere", fs::copy_options::recursive);
  fs::rename(a / "run", a / "moved");
  for (const std::string& run : {b / "elsewhere", a / "moved"}) {
    CHECK(same(load_checkpoint(run, CheckpointChoice::kLatest), checkpoint_of(20, 10)));
    CHECK(same(load_checkpoint(run, CheckpointChoice::kBest), checkpoint_of(10, 10)));
  }
}

TEST_CASE("a newest checkpoint cut at any length, or with any byte changed, is detected and the previous one used") {
  const TemporaryFolder run;
  for (int64_t step : {10, 20}) save_checkpoint(run.path(), checkpoint_of(step, 10), 2);
  const std::string newest = run / "checkpoints/step-00000020";
  int64_t cases = 0;
  const auto previous_is_used = [&](const std::string& file, const std::string& bytes) {
    overwrite(newest + "/" + file, bytes);
    const LoadedCheckpoint loaded = load_checkpoint(run.path(), CheckpointChoice::kLatest);
    ++cases;
    return same(loaded, checkpoint_of(10, 10)) && loaded.warning.find("step-00000020 is damaged") != std::string::npos &&
           loaded.warning.find("step-00000010 is used") != std::string::npos;
  };
  for (const std::string file : {"model.safetensors", "optimizer.safetensors", "state.json", "manifest.json"}) {
    const std::string whole = read_file(newest + "/" + file);
    REQUIRE((whole.size() > 90 && whole.size() < 1000));
    for (size_t length = 0; length < whole.size(); ++length) {
      CAPTURE(file, length);
      REQUIRE(previous_is_used(file, whole.substr(0, length)));
    }
    for (size_t at = 0; at < whole.size(); ++at)
      for (const char bits : {'\x01', '\x20', '\x80'}) {
        CAPTURE(file, at, static_cast<int>(bits));
        std::string flipped = whole;
        flipped[at] = static_cast<char>(flipped[at] ^ bits);
        REQUIRE(previous_is_used(file, flipped));
      }
    REQUIRE(previous_is_used(file, whole + "x"));
    REQUIRE(previous_is_used(file, whole + "\n"));
    fs::remove(newest + "/" + file);
    CHECK_THAT(load_checkpoint(run.path(), CheckpointChoice::kLatest).warning, Contains("no such file"));
    fs::create_directory(newest + "/" + file);
    CHECK_THAT(load_checkpoint(run.path(), CheckpointChoice::kLatest).warning, Contains("it is a folder"));
    fs::remove(newest + "/" + file);
    overwrite(newest + "/" + file, whole);
    REQUIRE(same(load_checkpoint(run.path(), CheckpointChoice::kLatest), checkpoint_of(20, 10)));
  }
  CHECK(cases > 2500);
}

TEST_CASE("a checkpoint under another step's name is not taken for it") {
  const TemporaryFolder run;
  save_checkpoint(run.path(), checkpoint_of(10, -1), 2);
  fs::copy(run / "checkpoints/step-00000010", run / "checkpoints/step-00000020");
  for (const std::string name : {"step-", "step-x", "step-30", "step-00000040x", "step-99999999999999999999"})
    fs::create_directory(run / "checkpoints/" + name);
  const LoadedCheckpoint loaded = load_checkpoint(run.path(), CheckpointChoice::kLatest);
  CHECK(loaded.state.step == 10);
  CHECK_THAT(loaded.warning, Contains("step-00000020 is damaged: manifest.json is not as it was written"));
}

TEST_CASE("when none is whole, or the one asked for is not, that is an error") {
  const TemporaryFolder run;
  for (int64_t step : {10, 20, 30}) save_checkpoint(run.path(), checkpoint_of(step, 10), 3);
  overwrite(run / "checkpoints/step-00000030/state.json", "{}");
  CHECK_THAT(load_checkpoint(run.path(), CheckpointChoice::kBest).warning, Contains("step-00000030 is damaged"));
  overwrite(run / "checkpoints/step-00000010/state.json", "{}");
  for (const CheckpointChoice choice : {CheckpointChoice::kBest, CheckpointChoice::kStep})
    CHECK_THAT(error_of(ErrorKind::kCheckpoint, [&] { load_checkpoint(run.path(), choice, 10); }),
               Contains("step-00000010' is damaged: state.json does not have the size and hash"));
  overwrite(run / "checkpoints/step-00000020/manifest.json", "");
  CHECK_THAT(error_of(ErrorKind::kCheckpoint, [&] { load_checkpoint(run.path(), CheckpointChoice::kLatest); }),
             Contains("no checkpoint in") && Contains("step-00000030") && Contains("step-00000020") && Contains("step-00000010"));
}

TEST_CASE("going on after a damaged newest checkpoint: it goes, and the new one is never what makes room") {
  const TemporaryFolder run;
  for (int64_t step : {10, 20}) save_checkpoint(run.path(), checkpoint_of(step, -1), 2);
  overwrite(run / "checkpoints/step-00000020/state.json", "{}");
  save_checkpoint(run.path(), checkpoint_of(15, -1), 1);
  CHECK(checkpoint_steps(run.path()) == std::vector<int64_t>{15});
  CHECK(same(load_checkpoint(run.path(), CheckpointChoice::kLatest), checkpoint_of(15, -1)));
}

TEST_CASE("the same step may be saved again") {
  const TemporaryFolder run;
  save_checkpoint(run.path(), checkpoint_of(10, -1), 1);
  save_checkpoint(run.path(), checkpoint_of(10, 10), 1);
  CHECK(same(load_checkpoint(run.path(), CheckpointChoice::kLatest), checkpoint_of(10, 10)));
  CHECK(names_in(run / "checkpoints") == std::vector<std::string>{"step-00000010"});
}

TEST_CASE("a state of another version is refused and not passed over") {
  const TemporaryFolder run, other;
  for (int64_t step : {10, 20}) save_checkpoint(run.path(), checkpoint_of(step, -1), 2);
  const std::string newest = run / "checkpoints/step-00000020", state = read_file(newest + "/state.json");
  std::string changed = state, manifest = read_file(newest + "/manifest.json");
  changed.replace(changed.find("\"format\": 1"), 11, "\"format\": 2");
  write_file_atomically(newest + "/state.json", changed);
  manifest.replace(manifest.find(hash_of(state)), 16, hash_of(changed));
  write_file_atomically(newest + "/manifest.json", manifest);
  CHECK_THAT(error_of(ErrorKind::kCheckpoint, [&] { load_checkpoint(run.path(), CheckpointChoice::kLatest); }),
             Contains("format 2, of another version") && Contains("reads format 1"));
}

TEST_CASE("a run directory that is a file is a clear error") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "file", "x");
  CHECK_THAT(error_of(ErrorKind::kCheckpoint, [&] { save_checkpoint(folder / "file", checkpoint_of(1, -1), 1); }),
             Contains("step 1 could not be saved") && Contains("'" + folder / "file'"));
  CHECK_THAT(error_of(ErrorKind::kCheckpoint, [&] { load_checkpoint(folder / "file", CheckpointChoice::kLatest); }),
             Contains(folder / "file"));
  write_file_atomically(folder / "checkpoints", "x");
  CHECK_THAT(error_of(ErrorKind::kCheckpoint, [&] { save_checkpoint(folder.path(), checkpoint_of(1, -1), 1); }),
             Contains("a file has this name"));
}
