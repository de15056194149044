#include "data/utf8.h"

#include "support/catch.h"

using namespace vitrine;

TEST_CASE("every code point is encoded and decoded") {
  for (uint32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    append_utf8(text, c);
    const CodePoint d = decode_utf8(text, 0);
    if (d.value != c || d.bytes != text.size() || find_invalid_utf8(text) != std::string::npos) FAIL("code point " << c);
  }
}

TEST_CASE("what is not UTF-8 is found where it stands") {
  const std::string_view bad[] = {"\x80",              // a continuation alone
                                  "\xC0\xAF",          // overlong
                                  "\xE0\x80\x80",      // overlong
                                  "\xF0\x80\x80\x80",  // overlong
                                  "\xED\xA0\x80",      // surrogate
                                  "\xF4\x90\x80\x80",  // above U+10FFFF
                                  "\xFF",
                                  "\xC3",
                                  "\xE2\x82",
                                  "\xF0\x9F\x98",
                                  "\xE2x"};
  for (std::string_view bytes : bad)
    for (size_t before : {0, 1, 7, 8, 9, 20}) {
      const std::string text = std::string(before, 'a') + std::string(bytes);
      CHECK(find_invalid_utf8(text) == before);
      CHECK(find_invalid_utf8(text + "tail of the text") == before);
      const CodePoint c = decode_utf8(text, before);
      CHECK(c.value == CodePoint::kInvalid);
      CHECK(c.bytes == 1);
    }
  CHECK(find_invalid_utf8("") == std::string::npos);
  CHECK(find_invalid_utf8("na\xC3\xAFve \xE2\x82\xAC \xF0\x9F\x98\x80 end") == std::string::npos);
}

TEST_CASE("latin-1 becomes UTF-8") {
  CHECK(latin1_to_utf8("caf\xE9 \xA0\xFF") == "caf\xC3\xA9 \xC2\xA0\xC3\xBF");
  CHECK(find_non_ascii("plain text, long enough") == std::string::npos);
}

TEST_CASE("lower case keeps the number of bytes, is stable, and knows five scripts") {
  const auto low = [](std::string text) {
    std::string out(text.size(), '?');
    lower_case_utf8(text, out.data());
    return out;
  };
  CHECK(low("HELLO, World 123 [") == "hello, world 123 [");
  CHECK(low("ÀÉÎÕÜÞ×ß") == "àéîõüþ×ß");
  CHECK(low("ĀŁŇŽŸİıŊŘ") == "āłňžÿİıŋř");
  CHECK(low("ΑΒΓΔΩΆΈΌΏς") == "αβγδωάέόώς");
  CHECK(low("ПРИВЕТ Ёж Ђ") == "привет ёж ђ");
  CHECK(low("日本 😀 \xFF A") == "日本 😀 \xFF a");
  for (uint32_t c = 0; c < 0x3000; ++c) {
    std::string upper, lower;
    append_utf8(upper, c), append_utf8(lower, lower_case(c));
    if (upper.size() != lower.size() || lower_case(lower_case(c)) != lower_case(c)) FAIL("code point " << c);
  }
}
