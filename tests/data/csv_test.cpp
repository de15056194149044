#include "data/csv.h"

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "support/error_of.h"

using namespace vitrine;
using Catch::Matchers::Contains;
using Json = nlohmann::json;
using Rows = std::vector<std::vector<std::string>>;

namespace {

Rows rows_of(const std::string& text, char delimiter = ',', bool quotes = true) {
  const TextFile file("t.csv", text, Encoding::kUtf8);
  CsvRows rows(file, delimiter, quotes);
  Rows out;
  for (std::vector<std::string_view> fields; rows.next(fields);) out.emplace_back(fields.begin(), fields.end());
  return out;
}

}  // namespace

// scripts/make_csv_golden.py wrote it.
TEST_CASE("rows of nasty files are those of Python's csv") {
  const Json cases = Json::parse(read_file(VITRINE_SOURCE_DIR "/tests/golden/csv.json"));
  REQUIRE(cases.size() > 400);
  size_t refused = 0;
  for (const Json& c : cases) {
    const std::string text = c["text"], kind = c["kind"];
    const char delimiter = kind == "csv" ? ',' : kind == "semicolon" ? ';' : '\t';
    CAPTURE(text, kind);
    if (c["rows"].is_null()) {
      ++refused;
      REQUIRE_THAT(error_of(ErrorKind::kData, [&] { rows_of(text, delimiter); }), Contains("is never closed"));
      continue;
    }
    REQUIRE(rows_of(text, delimiter, kind != "tsv") == c["rows"].get<Rows>());
  }
  CHECK(refused > 20);
}

TEST_CASE("a quote that is never closed is named by its line") {
  CHECK_THAT(error_of(ErrorKind::kData, [] { rows_of("a,b\n1,\"2\n3\"\n\n4,\"5\n6,7\n"); }),
             Contains("t.csv:5: the quote that opens here is never closed\nhelp: "));
  CHECK(rows_of("a\t\"b\n", '\t', false) == Rows{{"a", "\"b"}});
}

TEST_CASE("a byte order mark is no part of the first field, quoted or not") {
  CHECK(rows_of("\xEF\xBB\xBF\"a,b\",c\r\n") == Rows{{"a,b", "c"}});
  CHECK(rows_of("\xEF\xBB\xBFtext,label\n") == Rows{{"text", "label"}});
}
