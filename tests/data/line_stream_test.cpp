#include "data/line_stream.h"

#include <unistd.h>

#include "data/compressed.h"
#include "data/files.h"
#include "support/error_of.h"

using namespace vitrine;
using Catch::Matchers::Contains;
using Lines = std::vector<std::string>;

namespace {

// All lines; their numbers must go on from block to block.
Lines all_of(LineStream& stream, size_t* blocks = nullptr) {
  Lines all;
  while (true) {
    const std::vector<std::string_view>& lines = stream.next();
    if (lines.empty()) return all;
    CHECK(stream.first_line() == std::ssize(all) + 1);
    all.insert(all.end(), lines.begin(), lines.end());
    if (blocks != nullptr) ++*blocks;
  }
}

struct File {
  TemporaryFolder folder;
  std::string path = folder / "lines.txt";
  explicit File(const std::string& bytes) { write_file_atomically(path, bytes); }
};
Lines lines_of(const std::string& bytes, Encoding encoding = Encoding::kUtf8) {
  const File file(bytes);
  LineStream stream(file.path, encoding);
  return all_of(stream);
}
// The lines that came before the error, and its message.
std::pair<Lines, std::string> failing(const std::string& bytes, Encoding encoding = Encoding::kUtf8) {
  const File file(bytes);
  LineStream stream(file.path, encoding);
  Lines before;
  const std::string message = error_of(ErrorKind::kData, [&] {
    while (true)
      for (const std::string_view line : stream.next()) before.emplace_back(line);
  });
  return {before, message.substr(message.find("lines.txt"))};
}

}  // namespace

TEST_CASE("a stream of lines: ends, empty lines, byte order mark, encodings") {
  CHECK(lines_of("").empty());
  CHECK(lines_of("\n") == Lines{""});
  CHECK(lines_of("a") == Lines{"a"});
  CHECK(lines_of("a\n\nb c\r\n d\r\n\n") == Lines{"a", "", "b c", " d", ""});
  CHECK(lines_of("a\rb\n") == Lines{"a\rb"});
  const std::string mark = "\xEF\xBB\xBF";
  CHECK(lines_of(mark + "a\n" + mark + "\n") == Lines{"a", mark});
  CHECK(lines_of("\xFCn\n\xE9\n", Encoding::kLatin1) == Lines{"\xC3\xBCn", "\xC3\xA9"});
  CHECK(lines_of(gzip("a\nb\n")) == Lines{"a", "b"});
  CHECK(lines_of(zstd("a\nb")) == Lines{"a", "b"});
}

TEST_CASE("a stream of lines is the file, however large, in blocks that are not") {
  Lines expected;
  std::string text;
  for (int i = 0; i < 60000; ++i) {
    expected.push_back(std::string(static_cast<size_t>(i * 7 % 37), 'x') + std::to_string(i));
    text += expected.back() + (i % 3 == 0 ? "\r\n" : "\n");
  }
  for (const std::string& bytes : {text, gzip(text)}) {
    const File file(bytes);
    LineStream stream(file.path, Encoding::kUtf8);
    size_t blocks = 0;
    CHECK((all_of(stream, &blocks) == expected));
    CHECK(blocks >= text.size() / (2 * LineStream::kBlock));
  }
  const std::string long_line(3 * LineStream::kBlock, 'y');
  CHECK((lines_of("a\n" + long_line + "\nb") == Lines{"a", long_line, "b"}));
}

TEST_CASE("the lines before a wrong one come first, then an error with its place") {
  const auto [before, message] = failing("\xEF\xBB\xBFone\ntwo\nthr\xFF\n four\n");
  CHECK(before == Lines{"one", "two"});
  CHECK_THAT(message, Contains("lines.txt:3: byte 0xFF at offset 14 is not valid UTF-8"));
  CHECK(failing("\xC3(\n").first.empty());
  CHECK_THAT(failing(std::string("a\nb\n\0c\n", 7)).second, Contains("lines.txt:3: a NUL byte at offset 4"));
}

TEST_CASE("a wrong line is found in any block, and a file that is no text at all") {
  std::string text;
  for (int i = 0; i < 50000; ++i) text += "line " + std::to_string(i) + "\n";
  const auto [before, message] = failing(text + "bad \xE9\n");
  CHECK(before.size() == 50000);
  CHECK_THAT(message, Contains("lines.txt:50001: byte 0xE9 at offset " + std::to_string(text.size() + 4)));
  CHECK_THAT(failing("\xFF\xFEh\0i\0").second, Contains("the byte order mark of UTF-16"));
  CHECK_THAT(failing(std::string("h\0i\0\n\0", 6)).second, Contains("looks like UTF-16"));
  CHECK_THAT(failing("a\n" + std::string(LineStream::kLongestLine + 2, 'x')).second,
             Contains("lines.txt:2: a line of more than 16 MiB"));
  CHECK_THAT(failing(gzip("a\nb\n").substr(0, 20)).second, Contains("ends too early"));
  TemporaryFolder folder;
  CHECK_THAT(error_of(ErrorKind::kData, [&] { LineStream(folder / "none.txt", Encoding::kUtf8); }),
             Contains("none.txt': no such file or folder"));
  CHECK_THAT(error_of(ErrorKind::kData, [&] { LineStream(folder / ".", Encoding::kUtf8).next(); }), Contains("it is a folder"));
}

TEST_CASE("what a slow writer has sent is a block before more has come") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  LineStream stream("/dev/fd/" + std::to_string(ends[0]), Encoding::kUtf8);
  const auto send = [&](const std::string& text) { REQUIRE(::write(ends[1], text.data(), text.size()) == std::ssize(text)); };
  const auto next = [&] {
    const std::vector<std::string_view>& lines = stream.next();
    return Lines(lines.begin(), lines.end());
  };
  send("a\n");
  CHECK(next() == Lines{"a"});
  send("b\nc\nd");
  CHECK(next() == Lines{"b", "c"});
  CHECK(stream.first_line() == 2);
  send("e\nf");
  CHECK(next() == Lines{"de"});
  ::close(ends[1]);
  CHECK(next() == Lines{"f"});
  CHECK(next().empty());
  ::close(ends[0]);
}
