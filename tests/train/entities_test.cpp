#include "train/entities.h"

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"
#include "support/catch.h"

using namespace vitrine;

namespace {

std::vector<std::string> words(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

std::vector<std::string_view> views(const std::vector<std::string>& all) { return {all.begin(), all.end()}; }

// "X:0-2" for each entity.
std::string found(const std::string& line) {
  const std::vector<std::string> tags = words(line);
  std::string out;
  for (const Entity& e : entities_of(views(tags)))
    out += (out.empty() ? "" : " ") + e.type + ":" + std::to_string(e.first) + "-" + std::to_string(e.last);
  return out;
}

}  // namespace

TEST_CASE("entities of BIO tags, case by case as conlleval has them") {
  CHECK(found("") == "");
  CHECK(found("O O") == "");
  CHECK(found("B-X") == "X:0-0");
  CHECK(found("B-X I-X O") == "X:0-1");
  CHECK(found("O B-X I-X I-X") == "X:1-3");          // the sentence ends it
  CHECK(found("B-X B-X") == "X:0-0 X:1-1");          // B after B of the same type
  CHECK(found("B-X I-X B-X I-X") == "X:0-1 X:2-3");  // B after I of the same type
  CHECK(found("O I-X I-X O") == "X:1-2");            // I after O begins one, as in IOB1
  CHECK(found("I-X") == "X:0-0");                    // at the beginning, too
  CHECK(found("B-X I-Y") == "X:0-0 Y:1-1");          // another type inside
  CHECK(found("I-X I-Y I-Y I-X") == "X:0-0 Y:1-2 X:3-3");
  CHECK(found("B-X B-Y I-Y") == "X:0-0 Y:1-2");
  CHECK(found("B-X O I-X") == "X:0-0 X:2-2");
  CHECK(found("B-a-b I-a-b") == "a-b:0-1");  // the type is all behind the first hyphen
  CHECK(found("B-fare.amount I-fare.amount") == "fare.amount:0-1");
}

TEST_CASE("entities of IOBES tags, case by case") {
  CHECK(found("S-X") == "X:0-0");
  CHECK(found("S-X S-X") == "X:0-0 X:1-1");
  CHECK(found("B-X I-X E-X") == "X:0-2");
  CHECK(found("B-X E-X B-X E-X") == "X:0-1 X:2-3");
  CHECK(found("B-X E-X I-X") == "X:0-1 X:2-2");  // I after E begins one
  CHECK(found("B-X E-X E-X") == "X:0-1 X:2-2");  // E after E
  CHECK(found("S-X I-X") == "X:0-0 X:1-1");      // I after S
  CHECK(found("S-X E-X") == "X:0-0 X:1-1");      // E after S
  CHECK(found("O E-X") == "X:1-1");              // E after O
  CHECK(found("I-X E-X") == "X:0-1");
  CHECK(found("B-X S-X") == "X:0-0 X:1-1");  // S ends what B began
  CHECK(found("B-X I-X S-X") == "X:0-1 X:2-2");
  CHECK(found("B-X E-Y") == "X:0-0 Y:1-1");
}

// Tags in any order, also such as no annotator would write (scripts/make_entities_golden.py).
TEST_CASE("entities and scores of random tags are those of seqeval") {
  const auto cases = nlohmann::json::parse(read_file(VITRINE_SOURCE_DIR "/tests/golden/entities.json"));
  REQUIRE(cases.size() == 400);
  for (const auto& c : cases) {
    EntityScores scores;
    for (size_t i = 0; i < c["truth"].size(); ++i) {
      const std::string line = c["truth"][i];
      CAPTURE(line);
      const auto truth = words(line), predicted = words(c["predicted"][i]);
      std::string expected;
      for (const std::string e : c["entities"][i]) expected += (expected.empty() ? "" : " ") + e;
      CHECK(found(line) == expected);
      scores.add(views(truth), views(predicted));
    }
    CAPTURE(c.dump());
    CHECK(scores.all.precision() == Approx(c["scores"][0].get<double>()));
    CHECK(scores.all.recall() == Approx(c["scores"][1].get<double>()));
    CHECK(scores.all.f1() == Approx(c["scores"][2].get<double>()));
  }
}

TEST_CASE("which tags spell entities") {
  CHECK(spell_entities(words("B-a I-a O")));
  CHECK(spell_entities(words("B-a E-a I-a S-a")));
  CHECK(spell_entities(words("I-a O")));
  CHECK_FALSE(spell_entities(words("O")));
  CHECK_FALSE(spell_entities(words("NN VB O")));
  CHECK_FALSE(spell_entities(words("B-a X-a O")));
  CHECK_FALSE(spell_entities(words("B- O")));
  CHECK_FALSE(spell_entities(words("B I O")));
  CHECK_FALSE(spell_entities({}));
}

// The example of conlleval's own description is of this shape: counts over sentences, each on its own.
TEST_CASE("precision, recall and F1 count entities of the same type and the same words") {
  EntityScores scores;
  const auto add = [&](const std::string& truth, const std::string& predicted) {
    const auto t = words(truth), p = words(predicted);
    REQUIRE(t.size() == p.size());
    scores.add(views(t), views(p));
  };
  add("B-PER I-PER O B-LOC", "B-PER I-PER O B-LOC");  // both right
  add("B-PER I-PER O", "B-PER O O");                  // too short
  add("B-PER O O", "B-PER I-PER O");                  // too long
  add("B-LOC O", "B-PER O");                          // another type
  add("O O", "B-LOC I-LOC");                          // nothing there
  add("B-LOC I-LOC", "I-LOC I-LOC");                  // the same words under other tags are right
  add("B-LOC", "O");                                  // missed
  add("B-LOC B-LOC", "B-LOC I-LOC");                  // two became one
  CHECK(scores.all.truth == 9);
  CHECK(scores.all.predicted == 8);
  CHECK(scores.all.hits == 3);
  CHECK(scores.all.precision() == Approx(3.0 / 8));
  CHECK(scores.all.recall() == Approx(3.0 / 9));
  CHECK(scores.all.f1() == Approx(6.0 / 17));
  CHECK(scores.types.at("PER").truth == 3);
  CHECK(scores.types.at("PER").predicted == 4);
  CHECK(scores.types.at("PER").hits == 1);
  CHECK(scores.types.at("LOC").truth == 6);
  CHECK(scores.types.at("LOC").predicted == 4);
  CHECK(scores.types.at("LOC").hits == 2);
}

TEST_CASE("without entities every score is 0") {
  EntityScores scores;
  const auto tags = words("O O");
  scores.add(views(tags), views(tags));
  CHECK(scores.all.precision() == 0);
  CHECK(scores.all.recall() == 0);
  CHECK(scores.all.f1() == 0);
}
