#include "inspect/page.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "inspect/figure.h"
#include "support/catch.h"
#include "support/error_of.h"

using namespace vitrine;

namespace {

constexpr int64_t L = 2, H = 2, n = 5;
const std::string kHostile = "</script><script>alert(1)</script>";

AttentionMaps maps_at(int64_t step) {
  AttentionMaps m(L, H, n);
  for (int64_t row = 0; row < L * H * n; ++row) {
    double sum = 0;
    for (int64_t j = 0; j < n; ++j)
      sum += m.weights[static_cast<size_t>(row * n + j)] = std::exp(3 * std::sin(static_cast<double>(row * 7 + j * 3 + step)));
    for (int64_t j = 0; j < n; ++j) m.weights[static_cast<size_t>(row * n + j)] /= sum;
  }
  return m;
}

ShownSentence hostile_sentence() { return {{kHostile, "\xff\xfe", "ü", "[MASK]", "&"}, 3, {0}}; }

PageRun run_of(std::vector<int64_t> steps, int64_t damaged = -1) {
  PageRun run;
  run.name = kHostile, run.layers = L, run.heads = H, run.steps = std::move(steps);
  run.visible.assign(L * H, {});
  RecordedSentence s;
  s.shown = hostile_sentence();
  s.kinds.assign(n, TokenKind::kNormal);
  s.words = {0, 1, 2, 3, 4};
  run.sentences = {s};
  run.read = [damaged](int64_t step) {
    if (step == damaged) fail(ErrorKind::kCheckpoint, "this file is damaged");
    std::vector<SentenceRecord> records(1);
    records[0].maps = maps_at(step);
    return records;
  };
  return run;
}

std::string data_text(const std::string& page) {
  const std::string before = "<script type=\"application/json\" id=\"data\">";
  const size_t at = page.find(before);
  REQUIRE(at != page.npos);
  return page.substr(at + before.size(), page.find("</script>", at) - at - before.size());
}
nlohmann::json data_of(const std::string& page) { return nlohmann::json::parse(data_text(page)); }

std::string bytes_of(const std::string& base64) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : base64) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<uint32_t>(digits.find(c));
    if ((count += 6) >= 8) out += static_cast<char>(bits >> (count -= 8) & 0xFF);
  }
  return out;
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
  return found;
}
// The attribute of the last element before some words that the picture shows, as a number.
double number_at(const std::string& svg, const std::string& words, const std::string& attribute) {
  const size_t end = svg.find(">" + words + "<");
  REQUIRE(end != svg.npos);
  return std::stod(svg.substr(svg.rfind(" " + attribute + "=\"", end) + attribute.size() + 3));
}

}  // namespace

TEST_CASE("the page carries every weight within its stated precision") {
  const std::string page = draw_page({{run_of({0, 7})}, {}, {}}, 10'000'000);
  const nlohmann::json run = data_of(page)["runs"][0];
  CHECK(run["steps"] == nlohmann::json({0, 7}));
  for (size_t k = 0; k < 2; ++k) {
    const std::string packed = bytes_of(run["sentences"][0]["maps"][k]);
    std::string bytes(L * H * n * n, '\0');
    uLongf size = bytes.size();
    REQUIRE(uncompress(reinterpret_cast<Bytef*>(bytes.data()), &size, reinterpret_cast<const Bytef*>(packed.data()),
                       packed.size()) == Z_OK);
    REQUIRE(size == bytes.size());
    const AttentionMaps exact = maps_at(k == 0 ? 0 : 7);
    for (size_t i = 0; i < bytes.size(); ++i)
      CHECK(std::abs(std::pow(static_cast<uint8_t>(bytes[i]) / 255.0, 2) - exact.weights[i]) <= kPagePrecision);
  }
}

TEST_CASE("nothing that came with the data can end its place in the page, whatever bytes it has") {
  PageRun run = run_of({0});
  run.findings = {{"alike", {{0, 1}, {1, 0}}, 0.01, 0.02, "0.1 and 1.0 </script>"}};
  const std::string page = draw_page({{run}, {kHostile}, {}}, 10'000'000), text = data_text(page);
  CHECK(text.find('<') == text.npos);
  CHECK(text.back() == '}');
  CHECK(std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
  CHECK(data_of(page)["runs"][0]["sentences"][0]["tokens"][0] == kHostile);
  CHECK(data_of(page)["notes"][0] == kHostile);
  CHECK(data_of(page)["runs"][0]["findings"] ==
        nlohmann::json::parse(R"([{"kind": "alike", "heads": [[0, 1], [1, 0]], "sentence": "0.1 and 1.0 </script>"}])"));
  CHECK(page.find(kHostile) == page.npos);
  CHECK(page.find("default-src 'none'") != page.npos);
}

TEST_CASE("a page that would be too large leaves steps out evenly and says so; a damaged step is left out and named") {
  std::vector<int64_t> steps;
  for (int64_t s = 0; s <= 3000; ++s) steps.push_back(s);
  const std::string all = draw_page({{run_of(steps)}, {}, {}}, 100'000'000);
  const auto most = static_cast<int64_t>(all.size() / 2);
  const std::string half = draw_page({{run_of(steps)}, {}, {}}, most);
  CHECK(static_cast<int64_t>(half.size()) <= most);
  const nlohmann::json data = data_of(half);
  const std::vector<int64_t> kept = data["runs"][0]["steps"];
  REQUIRE(kept.size() > 100);
  CHECK(kept.front() == 0);
  CHECK(kept.back() == 3000);
  int64_t least = 1 << 20, widest = 0;
  for (size_t i = 1; i < kept.size(); ++i)
    least = std::min(least, kept[i] - kept[i - 1]), widest = std::max(widest, kept[i] - kept[i - 1]);
  CHECK(widest - least <= 1);
  CHECK(data["notes"][0].get<std::string>().find("of the 3001 recorded steps") != std::string::npos);
  CHECK(error_of(ErrorKind::kConfig, [] { draw_page({{run_of({0})}, {}, {}}, 1000); }).find("--max-mb") == 0);
  const nlohmann::json damaged = data_of(draw_page({{run_of({0, 5, 9}, 5)}, {}, {}}, 10'000'000));
  CHECK(damaged["runs"][0]["steps"] == nlohmann::json({0, 9}));
  CHECK(damaged["notes"][0].get<std::string>().find("Step 5 of ") == 0);
  PageRun half_gone = run_of({0, 5, 9});
  half_gone.read = [](int64_t step) {
    if (step > 0) fail(ErrorKind::kCheckpoint, "file {} is damaged", step);
    return std::vector<SentenceRecord>{{maps_at(0), {}}};
  };
  CHECK(data_of(draw_page({{half_gone}, {}, {}}, 10'000'000))["notes"] ==
        nlohmann::json({"Steps 5, 9 of " + kHostile + " are left out; the first one: file 5 is damaged"}));
  CHECK(error_of(ErrorKind::kCheckpoint, [] {
          draw_page({{run_of({5}, 5)}, {}, {}}, 10'000'000);
        }).find("this file is damaged") != std::string::npos);
}

TEST_CASE("heads of two runs are matched by what they look at, whatever their numbers; runs without a common sentence are not") {
  // B shows the heads of A elsewhere: head k of A is head order[k] of B; heads of B that are none of A's look at the first token alone.
  const auto elsewhere = [](int64_t layers, int64_t heads, std::vector<int64_t> order) {
    PageRun b = run_of({0, 9});
    b.layers = layers, b.heads = heads;
    b.read = [=](int64_t step) {
      AttentionMaps maps(layers, heads, n);
      for (int64_t row = 0; row < layers * heads * n; ++row) maps.weights[static_cast<size_t>(row * n)] = 1;
      const AttentionMaps a = maps_at(step == 9 ? 7 : 100 + step);  // alike at the last step of each run alone
      for (size_t k = 0; k < order.size(); ++k)
        if (order[k] >= 0)
          std::copy_n(a.weights.begin() + static_cast<int64_t>(k) * n * n, n * n, maps.weights.begin() + order[k] * n * n);
      std::vector<SentenceRecord> records(1);
      records[0].maps = std::move(maps);
      return records;
    };
    return b;
  };
  const auto matching = [](const PageRun& b) { return data_of(draw_page({{run_of({0, 7}), b}, {}, {}}, 10'000'000)); };
  for (const auto& [layers, heads, order] : std::vector<std::tuple<int64_t, int64_t, std::vector<int64_t>>>{
           {2, 2, {2, 0, 3, 1}}, {3, 2, {5, 1, 0, 3}}, {1, 3, {1, -1, 0, 2}}}) {
    const nlohmann::json data = matching(elsewhere(layers, heads, order));
    REQUIRE(data["matching"].size() == 4);
    for (size_t k = 0; k < 4; ++k) {
      CHECK(data["matching"][k][0] == order[k]);
      CHECK(data["matching"][k][1].get<double>() == Approx(0).margin(1e-12));
    }
    CHECK(data["runs"][1]["layers"] == layers);
  }
  PageRun other = elsewhere(2, 2, {0, 1, 2, 3});
  other.sentences[0].shown.tokens[2] = "another";
  const nlohmann::json data = matching(other);
  CHECK(data["matching"].is_null());
  INFO(data["notes"].dump());
  CHECK(data["notes"][0].get<std::string>().find("no sentence of the same tokens") != std::string::npos);
}

TEST_CASE("figures are the same bytes every time, name what they show, and hold data as text only") {
  const FigureStyle style{84, "Attention of block 1, head 0 after step 7; " + kHostile};
  const AttentionMaps maps = maps_at(7);
  const ShownSentence s = hostile_sentence();
  for (const std::string& svg :
       {figure_of_head(maps, 1, 0, s, style), figure_of_heads(maps, s, style), figure_of_lines(maps, 1, 0, s, style)}) {
    CHECK(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"84mm\""));
    CHECK(svg.find("<title>Attention of block 1, head 0 after step 7; &lt;/script&gt;") != svg.npos);
    CHECK(svg.find("<script") == svg.npos);
  }
  const std::string head = figure_of_head(maps, 1, 0, s, style);
  CHECK(head == figure_of_head(maps_at(7), 1, 0, s, style));
  CHECK(head != figure_of_head(maps, 0, 0, s, style));
  constexpr size_t scale = 20;                       // steps of the scale of colours
  CHECK(count(head, "<rect") == n * n + 1 + scale);  // the cells, and the frame of the source
  CHECK(count(figure_of_heads(maps, s, style), "<rect") == L * H * (n * n + 1) + scale);
  CHECK(head.find(fmt::format(".{:02d}<", static_cast<int>(std::lround(100 * maps.at(1, 0, 3, 0))))) != head.npos);
  AttentionMaps one(L, H, n);  // the number of a weight stands in the line of its query
  one.weights[one.index(1, 0, 3, 1)] = 1;
  const std::string single = figure_of_head(one, 1, 0, s, style);
  const auto y_of = [&](const std::string& words) {
    const size_t at = single.rfind(" y=\"", single.find(">" + words + "<"));
    return single.substr(at, single.find('"', at + 4) - at);
  };
  CHECK(y_of("1.0") == y_of("› [MASK]"));
  const std::string lines = figure_of_lines(maps, 1, 0, s, style);
  size_t expected = 0;
  for (int64_t i = 0; i < n; ++i) {
    std::vector<double> row;
    for (int64_t j = 0; j < n; ++j) row.push_back(maps.at(1, 0, i, j));
    std::sort(row.rbegin(), row.rend());
    for (double sum = 0; const double a : row)
      if (sum < 0.9) ++expected, sum += a;
  }
  CHECK(count(lines, "<path") == expected);
}

TEST_CASE(
    "the figure of patching shows each effect at its block and word, its sign also in grey, where there is room and where not") {
  PatchGrids g;  // 2 blocks, 3 heads, 4 tokens
  g.residual.assign(12, 0), g.attention.assign(8, 0), g.feed_forward.assign(8, 0), g.heads.assign(6, 0.9),
      g.heads_at_target.assign(6, 0);
  g.residual[1 * 4 + 2] = 0.62, g.attention[1 * 4 + 3] = -0.31, g.heads_at_target[1 * 3 + 2] = 1;
  const std::vector<std::string> clean{"from", "mark", "by", "[MASK]"}, pair{"from", "jack", "by", "[MASK]"};
  const std::string svg = figure_of_patch(g, clean, pair, 3, {120, "Effects; " + kHostile});
  CHECK(svg == figure_of_patch(g, clean, pair, 3, {120, "Effects; " + kHostile}));
  CHECK(svg.find("<script") == svg.npos);
  CHECK(count(svg, "<rect") == 12 + 8 + 8 + 6 + 20);
  CHECK(number_at(svg, ".62", "y") == number_at(svg, "block 0", "y"));
  CHECK(number_at(svg, "−.31", "y") == number_at(svg, "heads of 1", "y"));
  CHECK(number_at(svg, "−.31", "x") - number_at(svg, ".62", "x") ==
        Approx(number_at(svg, "› [MASK]", "x") - number_at(svg, "by", "x")).margin(0.02));
  CHECK(number_at(svg, "1.0", "x") == number_at(svg, "2", "x"));
  CHECK(svg.find(">mark / jack<") != svg.npos);
  CHECK(svg.find(">.90<") == svg.npos);  // of a target, heads there
  CHECK(figure_of_patch(g, clean, pair, -1, {120, ""}).find(">.90<") != svg.npos);
  CHECK(count(svg, "<path") == 0);
  CHECK(count(figure_of_patch(g, clean, pair, 3, {20, ""}), "<path") == 1);  // a stroke for the sign where no number has room
  // As dark below 0 as above it.
  const auto grey = [&](const std::string& number) {
    const size_t cell = svg.rfind("fill=\"#", svg.rfind("<text", svg.find(">" + number + "<")));
    const long rgb = std::stol(svg.substr(cell + 7, 6), nullptr, 16);
    return 0.299 * static_cast<double>(rgb >> 16) + 0.587 * static_cast<double>(rgb >> 8 & 255) +
           0.114 * static_cast<double>(rgb & 255);
  };
  CHECK(grey("1.0") < grey(".62"));
  CHECK(grey(".62") < grey("−.31"));
  PatchGrids both = g;
  both.residual[1 * 4 + 2] = 0.31;
  const std::string equal = figure_of_patch(both, clean, pair, 3, {120, ""});
  CHECK(equal.find(">.31<") != equal.npos);
}

TEST_CASE("the figure of the head table has a bar for each number and as many columns as fit") {
  std::vector<FigureColumn> columns{{"loss", "without", {0.25, 0.5, -0.125}, 3},
                                    {"copied name", "looks", {1, 0.5, std::nan("")}},
                                    {"copied name", "carries", {0, 0.1, 0.2}}};
  const std::string svg = figure_of_table({"0.0", "0.1", "1.0"}, columns, {84, "Heads"});
  CHECK(svg == figure_of_table({"0.0", "0.1", "1.0"}, columns, {84, "Heads"}));
  CHECK(number_at(svg, "0.250", "y") == number_at(svg, "0.0", "y"));
  CHECK(number_at(svg, "−0.125", "y") == number_at(svg, "1.0", "y"));
  CHECK(count(svg, ">–<") == 1);
  CHECK(count(svg, ">copied name<") == 1);
  CHECK(count(svg, "<rect") == 3 + 2 + 2 + 1);  // bars of what is not 0, and the line
  const auto bar = [&](const std::string& number) {
    const size_t text = svg.rfind("<text", svg.find(">" + number + "<")), rect = svg.rfind("<rect", text);
    return std::stod(svg.substr(svg.find("width=\"", rect) + 7));
  };
  CHECK(bar("0.250") == Approx(bar("0.500") / 2).margin(0.02));
  const size_t most = svg.rfind("<rect", svg.find(">0.500<"));
  CHECK(std::stod(svg.substr(most + 9)) + bar("0.500") ==
        Approx(number_at(svg, "0.500", "x")).margin(0.02));  // the largest fills its cell
  CHECK(bar("0.250") == Approx(2 * bar("−0.125")).margin(0.02));
  for (int k = 0; k < 12; ++k) columns.push_back({"", "confidence", {0.5, 0.5, 0.5}});
  const size_t narrow = count(figure_of_table({"0.0", "0.1", "1.0"}, columns, {84, ""}), ">confidence<"),
               wide = count(figure_of_table({"0.0", "0.1", "1.0"}, columns, {174, ""}), ">confidence<");
  CHECK(narrow > 0);
  CHECK(wide > narrow);
  CHECK(wide < 12);
}
