#include "data/input_file.h"

#include <filesystem>

#include "data/compressed.h"
#include "data/files.h"
#include "data/offset_list.h"
#include "support/error_of.h"

using namespace vitrine;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
namespace fs = std::filesystem;

namespace {

std::string long_text() {
  std::string text;
  for (int i = 0; i < 40000; ++i) text += "word" + std::to_string(i * i % 977) + (i % 9 == 8 ? "\n" : " ");
  return text;
}
std::string data_error(const std::string& path) {
  return error_of(ErrorKind::kData, [&] { InputFile file(path); });
}

}  // namespace

TEST_CASE("gzip and zstd files are read as what they hold, whatever their name") {
  TemporaryFolder folder;
  const std::string text = long_text();
  for (const std::string& packed : {gzip(text), zstd(text), gzip(text.substr(0, 1000)) + gzip(text.substr(1000)),
                                    zstd(text.substr(0, 70000)) + zstd(text.substr(70000)), gzip(text) + std::string(13, '\0')}) {
    write_file_atomically(folder / "packed", packed);
    CHECK(InputFile(folder / "packed").bytes() == text);
    CHECK(TextFile(folder / "packed", Encoding::kUtf8).text() == text);
    CHECK(TextFile("packed", packed, Encoding::kUtf8).text() == text);
  }
  for (const std::string& nothing : {gzip(""), zstd("")}) {
    write_file_atomically(folder / "packed", nothing);
    CHECK(InputFile(folder / "packed").bytes().empty());
  }
  CHECK(without_compression("a.csv.gz") == "a.csv");
  CHECK(without_compression("a.csv.zst") == "a.csv");
  CHECK(without_compression("a.csv") == "a.csv");
}

TEST_CASE("a compressed file that is cut short, damaged or none says so with its name") {
  TemporaryFolder folder;
  const auto error = [&](const std::string& bytes, const char* name = "x.gz") {
    write_file_atomically(folder / name, bytes);
    return data_error(folder / name);
  };
  const std::string good = gzip(long_text()), better = zstd(long_text());
  for (const size_t bytes : {size_t{2}, size_t{9}, good.size() / 2, good.size() - 1})
    CHECK_THAT(error(good.substr(0, bytes)),
               Contains("x.gz: this gzip file ends too early, after " + std::to_string(bytes) + " bytes"));
  for (const size_t bytes : {size_t{4}, size_t{9}, better.size() / 2, better.size() - 1})
    CHECK_THAT(error(better.substr(0, bytes), "x.zst"),
               Contains("x.zst: this zstd file ends too early, after " + std::to_string(bytes) + " bytes"));
  std::string wrong = good;
  wrong[wrong.size() - 6] ^= 1;  // of the checksum
  CHECK_THAT(error(wrong), Contains("x.gz: this gzip file is damaged: incorrect data check"));
  wrong = better;
  wrong[40] ^= 0x55, wrong[better.size() / 2] ^= 0x55;
  CHECK_THAT(error(wrong, "x.zst"), Contains("x.zst: this zstd file is damaged: "));
  CHECK_THAT(error(good + "tail"), Contains("damaged: 4 bytes behind its end are something else"));
  CHECK_THAT(error("plain text"), Contains("x.gz: its name ends in .gz, but this is not a gzip file"));
  CHECK_THAT(error("plain text", "x.zst"), Contains("x.zst: its name ends in .zst, but this is not a zstd file"));
}

TEST_CASE("converted text: a compressed file with a mark, line ends of Windows, latin-1") {
  CHECK(TextFile("x", gzip("\xEF\xBB\xBFone\r\ntwo\r\n"), Encoding::kUtf8).text() == "one\ntwo\n");
  CHECK(TextFile("x", gzip("na\xEFve\r\n"), Encoding::kLatin1).text() == "naïve\n");
  CHECK_THAT(error_of(ErrorKind::kData, [] { TextFile("x.gz", gzip("fine\nna\xEFve\n"), Encoding::kUtf8); }),
             Contains("x.gz:2: byte 0xEF at offset 7 is not valid UTF-8"));
}

TEST_CASE("UTF-16 is told from other files with NUL bytes, and what to do is said") {
  using namespace std::string_literals;
  for (const auto& [bytes, order] : {std::pair{"a\0b\0c\0\n\0"s, "UTF-16LE"}, {"\0a\0b\0c\0\n"s, "UTF-16BE"}})
    CHECK_THAT(error_of(ErrorKind::kData, [&] { TextFile("x", bytes, Encoding::kUtf8); }),
               Contains("x: looks like UTF-16 without") && Contains("iconv -f "s + order + " -t UTF-8 'x' > utf8.txt"));
  for (const std::string& bytes : {"abc\0def\n"s, "\0\0\0\0\0\0"s, "PK\3\4\0\0\0\0abcd"s})
    CHECK_THAT(error_of(ErrorKind::kData, [&] { TextFile("x", bytes, Encoding::kUtf8); }), Contains("this is not a text file"));
}

TEST_CASE("a folder and a pattern are their files in the order of names") {
  TemporaryFolder folder;
  fs::create_directory(folder / "in");
  fs::create_directory(folder / "in/below.txt");
  for (const char* name : {"in/b.txt", "in/a.txt", "in/c.csv", "in/.hidden"}) write_file_atomically(folder / name, name);
  using Paths = std::vector<std::string>;
  CHECK(expand_path(folder / "in") == Paths{folder / "in/a.txt", folder / "in/b.txt", folder / "in/c.csv"});
  CHECK(expand_path(folder / "in/*.txt") == Paths{folder / "in/a.txt", folder / "in/b.txt"});
  CHECK(expand_path(folder / "in/[bc].*") == Paths{folder / "in/b.txt", folder / "in/c.csv"});
  CHECK(expand_path(folder / "in/a.txt") == Paths{folder / "in/a.txt"});
  CHECK(expand_path(folder / "missing") == Paths{folder / "missing"});  // whoever opens it says so
  write_file_atomically(folder / "in/a[1].txt", "a file, not a pattern");
  CHECK(expand_path(folder / "in/a[1].txt") == Paths{folder / "in/a[1].txt"});
  const auto error = [](const std::string& path) { return error_of(ErrorKind::kData, [&] { expand_path(path); }); };
  CHECK_THAT(error(folder / "in/*.tsv"), Contains("no file matches '" + folder / "in/*.tsv" + "'"));
  CHECK_THAT(error(folder / "in/below.txt"), Contains("below.txt' is a folder without a file in it"));
}

TEST_CASE("many files are one corpus, and an error names the one that is wrong") {
  for (const DataKind kind : {DataKind::kText, DataKind::kLines, DataKind::kLabelledLines}) {
    Files files(kind);
    fs::create_directory(files.folder / "parts");
    files.write("parts/2.txt.gz", gzip("B three four five\n"));
    files.write("parts/1.txt", "A one two\n");
    files.write("parts/3.txt.zst", zstd("A six\n"));
    files.data.train = files.folder / "parts";
    files.data.max_length = 3;
    files.data.validation.path = files.folder / "parts/[12]*";
    const Corpus corpus = files.load();
    using Texts = std::vector<std::string>;
    const bool labelled = kind == DataKind::kLabelledLines;
    // No window reaches from one file into the next.
    const Texts all = labelled                   ? Texts{"one two", "three four five", "six"}
                      : kind == DataKind::kLines ? Texts{"A one two", "B three four", "A six"}
                                                 : Texts{"A one two", "B three four", "five", "A six"};
    CHECK(texts_of(corpus, *corpus.train) == all);
    CHECK(texts_of(corpus, *corpus.validation) == Texts(all.begin(), all.end() - 1));
    if (kind == DataKind::kText) {
      std::vector<int64_t> lengths;
      Example e;
      for (int64_t i = 0; i < 4; ++i) {
        lengths.push_back(corpus.train->length(i));
        for (const int64_t shift : {1, 0}) {
          corpus.train->read(i, e, shift);
          CHECK(std::ssize(e.tokens) == lengths.back());
          CHECK((e.next >= 0) == (i == 1 && shift == 0));  // the last token of a file has none after it
        }
      }
      CHECK(lengths == std::vector<int64_t>{3, 3, 1, 2});
    }
    files.write("parts/2.txt.gz", gzip("B three four five\nB na\xEFve\n"));
    CHECK_THAT(error_of(ErrorKind::kData, [&] { files.load(); }), Contains("parts/2.txt.gz:2: byte 0xEF"));
  }
}

TEST_CASE("a share of many files is the last of all their text") {
  Files files(DataKind::kText);
  fs::create_directory(files.folder / "parts");
  std::string all;
  for (int f = 0; f < 4; ++f) {
    std::string text;
    for (int i = 0; i < 50; ++i) text += "w" + std::to_string(100 + 50 * f + i) + " ";  // 5 bytes a word
    files.write("parts/" + std::to_string(f), text);
    all += text;
  }
  files.data.train = files.folder / "parts";
  files.data.max_length = 1000;
  files.data.test.share = 0.3, files.data.validation.share = 0.3;
  const Corpus corpus = files.load();
  std::string joined;
  for (const Dataset* split : {corpus.train.get(), corpus.validation.get(), corpus.test.get()})
    for (int64_t i = 0; i < split->size(); ++i) joined += fmt::format("{} ", split->length(i));
  CHECK(joined == "50 30 20 41 9 50 ");  // the second cut, in the middle of a word, moves behind it
}

TEST_CASE("offsets of 4 bytes reach beyond 4 GiB") {
  OffsetList list;
  std::vector<uint64_t> expected;
  for (const uint64_t base : {uint64_t{0}, uint64_t{1} << 31, uint64_t{1} << 32, uint64_t{3} << 32, (uint64_t{5} << 32) + 12345})
    for (const uint64_t x : {0, 1, 1000}) expected.push_back(base + x), list.push_back(base + x);
  REQUIRE(list.size() == std::ssize(expected));
  for (int64_t i = 0; i < list.size(); ++i) CHECK(list[i] == expected[static_cast<size_t>(i)]);
}
