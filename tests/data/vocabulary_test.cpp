#include "data/vocabulary.h"

#include "support/catch.h"

using namespace vitrine;

TEST_CASE("300,000 words keep their numbers; about ten pairs of them have the same hash") {
  Vocabulary words;
  const auto word = [](int i) { return "word" + std::to_string(i * 7); };
  for (int i = 0; i < 300'000; ++i)
    if (words.insert(word(i)) != i) FAIL("insert " << i);
  for (int i = 0; i < 300'000; ++i)
    if (words.find(word(i)) != i || words[i] != word(i)) FAIL("find " << i);
  CHECK(words.insert(word(5)) == 5);
  CHECK(words.size() == 300'000);
  CHECK(words.find("word1") == -1);
  CHECK(Vocabulary().find("x") == -1);
}
