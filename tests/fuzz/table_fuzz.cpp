#include "data/table_file.h"
#include "fuzz/fuzz.h"

using namespace vitrine;

// CSV, TSV and JSON lines, with and without a header: two columns, whatever they are called.
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::Input input(data, size);
  constexpr TableFormat kFormats[] = {TableFormat::kCsv, TableFormat::kTsv, TableFormat::kJsonl};
  DataSettings settings;
  settings.kind = DataKind::kTable;
  settings.format = kFormats[input.choice % 3];
  settings.delimiter = input.choice & 4 ? ';' : ',';
  settings.header = settings.format == TableFormat::kJsonl || input.choice & 8;
  const std::vector<std::string> wanted =
      settings.header ? std::vector<std::string>{"text", "label"} : std::vector<std::string>{"0", "1"};
  fuzz::accepts([&] {
    const TextFile file("table", input.bytes, input.choice & 16 ? Encoding::kLatin1 : Encoding::kUtf8);
    const auto reader = read_table(file, settings, wanted);
    std::vector<Cell> cells;
    size_t read = 0;
    while (reader->next(cells)) {
      fuzz::require(cells.size() == wanted.size(), "a row has the columns that are wanted");
      for (const Cell& cell : cells) {
        for (const char c : cell.text) read += static_cast<unsigned char>(c);
        for (const std::string_view item : cell.list)
          for (const char c : item) read += static_cast<unsigned char>(c);
      }
      fuzz::require(reader->begin() <= file.text().size(), "a row begins in the text");
    }
    fuzz::require(file.line_of(0) == 1 && read < ~size_t{0}, "every cell can be read");
  });
  return 0;
}
