#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>

#include "base/system_calls.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

using namespace vitrine;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

size_t entries(const std::string& folder) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("what is written is read, by both ways of reading") {
  const TemporaryFolder folder;
  std::string every_byte;
  for (int i = 0; i < 70000; ++i) every_byte += static_cast<char>(i * 7);
  for (const std::string& bytes : {std::string(), std::string("one line\n"), std::string("\0\n\0", 3), every_byte}) {
    write_file_atomically(folder / "f", bytes);
    CHECK(read_file(folder / "f") == bytes);
    CHECK(MappedFile(folder / "f").text() == bytes);
    CHECK(entries(folder.path()) == 1);
  }
}

TEST_CASE("a mapped file can be moved") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "a", "first");
  write_file_atomically(folder / "b", "second");
  MappedFile a(folder / "a");
  MappedFile moved(std::move(a));
  CHECK(moved.text() == "first");
  moved = MappedFile(folder / "b");
  CHECK(moved.text() == "second");
}

TEST_CASE("a pipe is read to its end") {
  const TemporaryFolder folder;
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  const std::string bytes(300000, 'x');
  const pid_t child = ::fork();
  if (child == 0) {
    write_file_atomically(folder / "pipe", bytes);
    ::_exit(0);
  }
  CHECK(read_file(folder / "pipe") == bytes);
  ::waitpid(child, nullptr, 0);
}

TEST_CASE("missing, folder and unreadable are told apart, with the path") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "file", "x");
  const auto reading = [&](const std::string& path) {
    const std::string message = error_of(ErrorKind::kData, [&] { read_file(path); });
    CHECK(error_of(ErrorKind::kConfig, [&] { MappedFile file(path, ErrorKind::kConfig); }) == message);
    return message;
  };
  CHECK(reading(folder / "none") == "cannot read '" + folder / "none" + "': no such file or folder");
  CHECK(reading(folder.path()) == "cannot read '" + folder.path() + "': it is a folder");
  CHECK_THAT(reading(folder / "file/x"), Contains("a part of the path is not a folder"));
  CHECK_THAT(reading(""), Contains("the path is empty"));
  CHECK_THAT(reading(std::string("/tmp\0x", 6)), Contains("zero byte"));
  CHECK_THAT(reading(folder / std::string(300, 'n')), Contains("too long"));
}

TEST_CASE("no permission is a clear error") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "file", "x");
  ::chmod((folder / "file").c_str(), 0);
  ::chmod(folder.path().c_str(), 0555);
  const pid_t child = ::fork();  // root may do everything, so the child becomes nobody
  if (child == 0) {
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(9);
    const auto says_so = [](auto f) {
      try {
        f();
      } catch (const Error& error) {
        return std::string_view(error.what()).find("permission denied") != std::string_view::npos;
      }
      return false;
    };
    const bool read = says_so([&] { read_file(folder / "file"); });
    const bool write = says_so([&] { write_file_atomically(folder / "new", "x"); });
    const bool create = says_so([&] { make_directories(folder / "a/b"); });
    ::_exit((read ? 0 : 1) | (write ? 0 : 2) | (create ? 0 : 4));
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  ::chmod(folder.path().c_str(), 0755);
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

TEST_CASE("links are followed, folders refused, devices written to and not replaced") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "file", "old");
  fs::create_symlink("file", folder / "link");
  write_file_atomically(folder / "link", "new");
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(read_file(folder / "file") == "new");
  CHECK_THAT(error_of(ErrorKind::kCheckpoint, [&] { write_file_atomically(folder.path(), "x"); }), Contains("it is a folder"));
  CHECK_THAT(error_of(ErrorKind::kData, [&] { write_file_atomically(folder / "none/x", "x", ErrorKind::kData); }),
             Contains("cannot write '" + folder / "none/x" + "': no such file or folder"));
  write_file_atomically("/dev/null", "x");
  CHECK(fs::is_character_file("/dev/null"));
}

TEST_CASE("folders are made with all above them; a file in the way is named") {
  const TemporaryFolder folder;
  make_directories(folder / "a/b/c");
  make_directories(folder / "a/b/c/");
  CHECK(fs::is_directory(folder / "a/b/c"));
  write_file_atomically(folder / "file", "x");
  CHECK_THAT(error_of(ErrorKind::kCheckpoint, [&] { make_directories(folder / "file"); }), Contains("a file has this name"));
  CHECK_THAT(error_of(ErrorKind::kCheckpoint, [&] { make_directories(folder / "file/b"); }), Contains(folder / "file"));
}

TEST_CASE("remove_tree removes all and follows no link") {
  const TemporaryFolder folder;
  make_directories(folder / "a/b");
  write_file_atomically(folder / "a/b/x", "x");
  write_file_atomically(folder / "outside", "x");
  fs::create_directory_symlink(folder.path(), folder / "a/link");
  CHECK(remove_tree(folder / "a"));
  CHECK_FALSE(fs::exists(folder / "a"));
  CHECK(fs::exists(folder / "outside"));
  CHECK_FALSE(remove_tree(folder / "none"));
}

TEST_CASE("a line file grows by whole lines") {
  const TemporaryFolder folder;
  {
    LineFile file(folder / "lines");
    file.append("one");
    LineFile moved(std::move(file));
    moved.append("two");
    CHECK(read_file(folder / "lines") == "one\ntwo\n");
  }
  LineFile(folder / "lines").append("three");
  CHECK(read_file(folder / "lines") == "one\ntwo\nthree\n");
}

TEST_CASE("any call of an atomic write may fail: the file is the old or the new one, and the error says why") {
  const TemporaryFolder folder;
  const std::string path = folder / "file", old_bytes(1000, 'o'), new_bytes(5000, 'n');
  write_file_atomically(path, old_bytes);
  set_failpoint(0, Failure::kInputOutput);
  write_file_atomically(path, old_bytes);
  const int64_t calls = calls_since_failpoint();
  REQUIRE(calls == 6);  // open, write, fsync, rename; open and fsync of the folder
  for (int64_t n = 1; n <= calls; ++n) {
    for (const Failure failure : {Failure::kDiskFull, Failure::kInputOutput}) {
      CAPTURE(n, static_cast<int>(failure));
      write_file_atomically(path, old_bytes);
      set_failpoint(n, failure);
      const std::string message = error_of(ErrorKind::kCheckpoint, [&] { write_file_atomically(path, new_bytes); });
      CHECK_THAT(message, Contains(n < 5 ? path : folder.path()));
      CHECK_THAT(message, Contains(failure == Failure::kDiskFull ? "the disk is full" : "Input/output error"));
      if (failure == Failure::kDiskFull && n < 5) CHECK_THAT(message, Contains("it needs 5000 bytes, ") && Contains(" are free"));
      CHECK(read_file(path) == (n < 5 ? old_bytes : new_bytes));
      CHECK(entries(folder.path()) == 1);
    }
    set_failpoint(n, Failure::kShortWrite);
    write_file_atomically(path, new_bytes);
    CHECK(read_file(path) == new_bytes);
  }
  set_failpoint(0, Failure::kInputOutput);
}

TEST_CASE("a kill at any call of an atomic write leaves the old or the new file, and a leftover that can be removed") {
  const TemporaryFolder folder;
  const std::string path = folder / "file", old_bytes(1000, 'o'), new_bytes(5000, 'n');
  for (int64_t n = 1; n <= 6; ++n)
    for (const Failure failure : {Failure::kKillBefore, Failure::kKillAfter}) {
      CAPTURE(n, static_cast<int>(failure));
      write_file_atomically(path, old_bytes);
      const pid_t child = ::fork();
      if (child == 0) {
        set_failpoint(n, failure);
        write_file_atomically(path, new_bytes);
        ::_exit(0);
      }
      int status = 0;
      ::waitpid(child, &status, 0);
      REQUIRE((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
      CHECK(read_file(path) == (n < 4 || (n == 4 && failure == Failure::kKillBefore) ? old_bytes : new_bytes));
      remove_leftovers(path);
      CHECK(entries(folder.path()) == 1);
    }
}
