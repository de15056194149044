#include "inspect/attention_view.h"

#include <regex>
#include <sstream>

#include "support/catch.h"

using namespace vitrine;

namespace {

ShownSentence sentence() { return {{"anna", "waved", "and", "[MASK]", "left"}, 3, {0}}; }

// Head 0 looks at itself, head 1 at all alike, head 2 of block 1 copies: [MASK] looks at the first token.
AttentionMaps maps_of(int64_t n) {
  AttentionMaps m(2, 3, n);
  for (int64_t l = 0; l < 2; ++l)
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j) {
        m.weights[m.index(l, 0, i, j)] = i == j ? 1 : 0;
        m.weights[m.index(l, 1, i, j)] = 1.0 / static_cast<double>(n);
        const bool copy = l == 1 && i == 3;
        m.weights[m.index(l, 2, i, j)] =
            copy ? (j == 0 ? 0.88 : 0.12 / static_cast<double>(n - 1)) : (j == std::max<int64_t>(i - 1, 0) ? 1 : 0);
      }
  return m;
}

std::string without_colours(const std::string& text) { return std::regex_replace(text, std::regex("\x1b\\[[0-9;]*m"), ""); }

int widest(const std::string& text) {
  std::istringstream lines(without_colours(text));
  int widest = 0;
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, display_width(line));
  return widest;
}

}  // namespace

TEST_CASE("all heads of a short sentence, in plain text") {
  CHECK("\n" + draw_heads(maps_of(5), sentence(), {Colours::kNone, 60}) == R"(
block 0  head 0       head 1       head 2
          ▾            ▾            ▾
  «anna»  9 · · · ·    2 2 2 2 2    9 · · · ·
   waved  · 9 · · ·    2 2 2 2 2    9 · · · ·
     and  · · 9 · ·    2 2 2 2 2    · 9 · · ·
› [MASK]  · · · 9 ·    2 2 2 2 2    · · 9 · ·
    left  · · · · 9    2 2 2 2 2    · · · 9 ·
  on «…»   ·          .20            ·

block 1  head 0       head 1       head 2
          ▾            ▾            ▾
  «anna»  9 · · · ·    2 2 2 2 2    9 · · · ·
   waved  · 9 · · ·    2 2 2 2 2    9 · · · ·
     and  · · 9 · ·    2 2 2 2 2    · 9 · · ·
› [MASK]  · · · 9 ·    2 2 2 2 2    8 · · · ·
    left  · · · · 9    2 2 2 2 2    · · · 9 ·
  on «…»   ·          .20          .88

)");
}

TEST_CASE("one head has the sentence on both sides and marks the link") {
  CHECK("\n" + draw_head(maps_of(5), 1, 2, sentence(), {Colours::kNone, 60}) == R"(
block 1, head 2
          «anna» waved and [MASK] left
  «anna»     1.0     ·   ·      ·    ·
   waved     1.0     ·   ·      ·    ·
     and       ·   1.0   ·      ·    ·
› [MASK]   [.88]   .03 .03    .03  .03
    left       ·     ·   ·    1.0    ·

)");
}

TEST_CASE("one head in a narrow window has positions above") {
  CHECK("\n" + draw_head(maps_of(5), 1, 2, sentence(), {Colours::kNone, 22}) == R"(
block 1, head 2
            0 1 2 3 4
            ▾
  «anna» 0  9 · · · ·
   waved 1  9 · · · ·
     and 2  · 9 · · ·
› [MASK] 3  8 · · · ·
    left 4  · · · 9 ·

)");
}

TEST_CASE("one row as bars") {
  CHECK("\n" + draw_row(maps_of(5), 1, 2, 3, sentence(), {Colours::kNone, 34}) == R"(
  «anna» .88 █████████████████▋
   waved .03 ▋
     and .03 ▋
› [MASK] .03 ▋
    left .03 ▋
)");
}

TEST_CASE("the legend says that rows sum to 1 only where they do") {
  AttentionMaps m = maps_of(5);
  CHECK(draw_legend(m, sentence(), {}).find("Every row sums to 1") != std::string::npos);
  m.weights[7] += 0.25;
  CHECK(m.largest_row_error() == Approx(0.25));
  CHECK(draw_legend(m, sentence(), {}).find("do NOT sum to 1: largest deviation 0.25") != std::string::npos);
}

TEST_CASE("nothing is wider than the window, whatever the sentence, and colours change no character of the layout") {
  const int width = GENERATE(10, 13, 20, 33, 47, 80, 131);
  const int64_t n = GENERATE(1, 5, 17, 24, 25, 64, 300);
  CAPTURE(width, n);
  ShownSentence s;
  for (int64_t i = 0; i < n; ++i) s.tokens.push_back(i % 7 == 3 ? "überlängenwörterbuch" : i % 5 == 1 ? "東京" : "a");
  if (n > 3) {
    s.target = 3;
    s.sources = {0, n - 1};
  }
  const AttentionMaps m = maps_of(n);
  for (Colours colours : {Colours::kNone, Colours::k256, Colours::kTrue}) {
    const TerminalStyle style{colours, width}, plain{Colours::kNone, width};
    CHECK(widest(draw_heads(m, s, style)) <= width);
    CHECK(widest(draw_head(m, 1, 2, s, style)) <= width);
    CHECK(widest(draw_row(m, 1, 2, 0, s, style)) <= width);
    CHECK(widest(draw_legend(m, s, style)) <= width);
    const auto lines = [](const std::string& text) { return std::count(text.begin(), text.end(), '\n'); };
    CHECK(lines(draw_heads(m, s, style)) == lines(draw_heads(m, s, plain)));
    CHECK(lines(draw_head(m, 0, 0, s, style)) == lines(draw_head(m, 0, 0, s, plain)));
  }
}

TEST_CASE("truecolor paints each weight with its colour, ▀ holds two queries of a long sentence") {
  const std::string head = draw_head(maps_of(5), 1, 2, sentence(), {Colours::kTrue, 60});
  CHECK(head.find("\x1b[48;2;0;34;78m") != std::string::npos);     // 0
  CHECK(head.find("\x1b[48;2;254;232;56m") != std::string::npos);  // 1
  const std::string heads = draw_heads(maps_of(30), sentence(), {Colours::kTrue, 120});
  CHECK(heads.find("\x1b[38;2;254;232;56m\x1b[48;2;0;34;78m▀") != std::string::npos);  // a diagonal: 1 above 0
  CHECK(draw_heads(maps_of(30), sentence(), {Colours::k256, 120}).find("\x1b[38;5;") != std::string::npos);
}

TEST_CASE("text from the data cannot drive the terminal") {
  CHECK(printable("\x1b[2Jhi\n") == "\\x1b[2Jhi\\n");
  CHECK(printable("a\u202e"
                  "b") == "a\\u202eb");
  CHECK(printable("\xff\xc3") == "\\xff\\xc3");
  CHECK(printable("\xc0\x80\xed\xa0\x80") == "\\xc0\\x80\\xed\\xa0\\x80");
  CHECK(printable(" ") == "␣");
  CHECK(printable("Zoë 東京") == "Zoë 東京");
}

TEST_CASE("text is fitted to columns, not to bytes") {
  CHECK(display_width("Zoë") == 3);
  CHECK(display_width("東京") == 4);
  CHECK(display_width("e\u0301") == 1);
  CHECK(fit("東京", 3) == "東…");
  CHECK(fit("東京", 4) == "東京");
  CHECK(fit("東京x", 4) == "東… ");
  CHECK(fit("ab", 4, true) == "  ab");
}

TEST_CASE("cividis runs from dark blue to yellow and takes anything") {
  const auto same = [](Rgb a, Rgb b) { return a.r == b.r && a.g == b.g && a.b == b.b; };
  CHECK(same(cividis(0), {0x00, 0x22, 0x4e}));
  CHECK(same(cividis(1), {0xfe, 0xe8, 0x38}));
  CHECK(same(cividis(2), cividis(1)));
  CHECK(same(cividis(std::nan("")), cividis(0)));
  CHECK(cividis(0.5).g > cividis(0.4).g);
}

TEST_CASE("the recorder puts weights where layer, head, query and key say") {
  struct Square : Values {
    double base;
    explicit Square(double b) : base(b) {}
    int64_t rows() const override { return 2; }
    int64_t cols() const override { return 2; }
    void read(int64_t row, int64_t first, std::span<double> out) const override {
      for (size_t j = 0; j < out.size(); ++j)
        out[j] = base + 0.1 * static_cast<double>(row) + 0.01 * static_cast<double>(first + static_cast<int64_t>(j));
    }
    void write(int64_t, int64_t, std::span<const double>) override {}
  };
  AttentionMaps m(12, 2, 2);
  AttentionRecorder recorder(m);
  CHECK(recorder.wants("blocks.0.attention.weights"));
  CHECK_FALSE(recorder.wants("blocks.0.attention.output"));
  Square a(0.3), b(0.6);
  recorder.visit("blocks.0.attention.weights", {0, 0, 1}, a);
  recorder.visit("blocks.11.attention.weights", {0, 0, 0}, b);
  CHECK(m.at(0, 1, 1, 0) == Approx(0.4));
  CHECK(m.at(0, 1, 0, 1) == Approx(0.31));
  CHECK(m.at(11, 0, 1, 1) == Approx(0.71));
  CHECK(m.at(11, 1, 1, 1) == 0);
}
