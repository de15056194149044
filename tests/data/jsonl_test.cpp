#include "data/files.h"
#include "support/error_of.h"

using namespace vitrine;
using Catch::Matchers::Contains;
using Strings = std::vector<std::string>;

namespace {

struct Truth : Files {
  explicit Truth(std::string_view train) : Files(DataKind::kJsonl, train) { target = {TargetKind::kTags, 0.15, false}; }
};

// "a b c" reversed, its second word asked for as well, one link from the first answer.
const std::string kLink = R"({"class": "mirror", "target": 0, "sources": [2], "pair": {"tokens": ["a"], "target": "a"}})";
std::string line(const std::string& links = kLink) {
  return R"({"tokens": ["a", "b b", "c"], "targets": ["c", null, "a"], "links": [)" + links + "]}\n";
}

std::string error(const std::string& text) {
  const Truth truth(text);
  return error_of(ErrorKind::kData, [&] { truth.load(); });
}

}  // namespace

TEST_CASE("tokens, tags and links of a corpus with its own truth") {
  Truth truth("\n" + line() + R"({"targets": ["q"], "tokens": ["c"]})" + "\n");
  const Corpus corpus = truth.load();
  REQUIRE(corpus.train->size() == 2);
  // By falling count: c twice, then a and "b b" in the order of their bytes. A token may have blanks.
  CHECK(corpus.tokenizer->find("c") == 4);
  CHECK(corpus.tokenizer->find("a") == 5);
  CHECK(corpus.tokenizer->find("b b") == 6);
  CHECK(corpus.tokenizer->size() == 7);
  CHECK(corpus.tags == Strings{"a", "c", "q"});
  Example e;
  corpus.train->read(0, e);
  CHECK(e.tokens == std::vector<int32_t>{5, 6, 4});
  CHECK(e.tags == std::vector<int32_t>{1, kNoTag, 0});
  REQUIRE(corpus.link_classes.size() == 1);
  CHECK(corpus.link_classes[0].name == "mirror");
  CHECK(corpus.link_classes[0].values == Strings{"a", "c"});
  CHECK(corpus.link_classes[0].tags == std::vector<std::vector<int32_t>>{{0}, {1}});
  CHECK(corpus.link_classes[0].tokens == std::vector<std::vector<int32_t>>{{5}, {4}});
  const std::vector<Link> links = corpus.train->links(0);
  REQUIRE(links.size() == 1);
  CHECK(links[0].target == 0);
  CHECK(links[0].sources == std::vector<int32_t>{2});
  CHECK(links[0].value == 1);
  CHECK(links[0].pair_value == 0);
  CHECK(links[0].pair == std::vector<int32_t>{5, 6, 5});
  CHECK_FALSE(links[0].attractor);
  CHECK(corpus.train->links(1).empty());
}

TEST_CASE("a cut takes links away whose source or target it reaches") {
  Truth truth(
      line(kLink +
           R"(, {"class": "near", "target": 0, "sources": [1], "pair": {"tokens": ["x"], "target": "a"}, "attractor": true})"));
  truth.data.max_length = 2;
  const Corpus corpus = truth.load();
  CHECK(corpus.cut.links_lost == 1);
  CHECK(corpus.cut.tokens_cut == 1);
  CHECK(corpus.train->length(0) == 2);
  const std::vector<Link> links = corpus.train->links(0);
  REQUIRE(links.size() == 1);
  CHECK(links[0].attractor);
  CHECK(links[0].pair == std::vector<int32_t>{4, Tokenizer::kUnknown});
  CHECK(corpus.link_classes.size() == 1);
  CHECK(corpus.train->cut_tags(0) == std::vector<int32_t>{0});
}

TEST_CASE("what only the test split has counts as wrong, and its links are left out") {
  Truth truth(line(""));
  truth.data.test.path = truth.write(
      "test.txt", R"({"tokens": ["a", "z", "[MASK]"], "targets": ["new", "a", null], "links": [)"
                  R"({"class": "m", "target": 0, "sources": [1], "pair": {"tokens": ["a"], "target": "a"}},)"
                  R"({"class": "n", "target": 1, "sources": [0, 2], "pair": {"tokens": ["c", "c"], "target": "c"}}]})");
  const Corpus corpus = truth.load();
  CHECK(corpus.unknown_tags == Strings{"new"});
  CHECK(corpus.cut.unknown_tags == 1);
  CHECK(corpus.cut.links_lost == 1);
  Example e;
  corpus.test->read(0, e);
  CHECK(e.tokens == std::vector<int32_t>{corpus.tokenizer->find("a"), Tokenizer::kUnknown, Tokenizer::kUnknown});
  CHECK(e.tags == std::vector<int32_t>{unknown_tag(0), 0, kNoTag});
  REQUIRE(corpus.link_classes.size() == 1);
  CHECK(corpus.link_classes[0].name == "n");
  CHECK(corpus.test->links(0).at(0).link_class == 0);
}

TEST_CASE("labels of sequences") {
  Truth truth("{\"tokens\": [\"a\"], \"label\": \"x\"}\n{\"tokens\": [\"b\"], \"label\": \"w\"}\n");
  CHECK_THAT(error_of(ErrorKind::kData, [&] { truth.load(); }),
             Contains("train.txt:1: `targets` is missing, which is to be learnt"));
  truth.target.kind = TargetKind::kLabel;
  const Corpus corpus = truth.load();
  CHECK(corpus.labels == Strings{"w", "x"});
  Example e;
  corpus.train->read(0, e);
  CHECK(e.label == 1);
  CHECK(e.tags.empty());
  CHECK(corpus.link_classes.empty());
}

TEST_CASE("what is wrong with a truth is said with file, line and field") {
  const auto with = [](const std::string& link) { return error("\n" + line(link)); };
  CHECK_THAT(error("a b c\n"), Contains("train.txt:1: this line is not a JSON object"));
  CHECK_THAT(error(R"({"targets": []})"), Contains("`tokens` is missing"));
  CHECK_THAT(error(R"({"tokens": [], "targets": []})"), Contains("`tokens` is empty"));
  CHECK_THAT(error(R"({"tokens": ["a", 3], "targets": []})"), Contains("`tokens[1]` is 3; expected a text"));
  CHECK_THAT(error(R"({"tokens": ["a", ""], "targets": []})"), Contains("`tokens[1]` is \"\"; expected a text"));
  CHECK_THAT(error(line() + R"({"tokens": ["a", "b"], "targets": ["a"]})"),
             Contains("train.txt:2: there are 1 `targets` for 2 `tokens`"));
  CHECK_THAT(error(R"({"tokens": ["a"], "tragets": ["a"]})"),
             Contains("`tragets` is no field of this form\nhelp: did you mean `targets`?"));
  CHECK_THAT(error(R"({"tokens": ["a"], "label": "x", "links": [{}]})"), Contains("`links` need `targets`"));
  CHECK_THAT(error(R"({"tokens": ["a"], "label": "x", "tokens": ["b"]})"),
             Contains("train.txt:1: `tokens` stands twice in one object"));
  CHECK_THAT(with(R"({"class": "m", "target": 0, "class": "n"})"), Contains("train.txt:2: `class` stands twice in one object"));
  CHECK_THAT(error("\n"), Contains("no text"));
  CHECK_THAT(with("{}"), Contains("train.txt:2: `links.class` is missing"));
  CHECK_THAT(with(R"({"class": "m", "target": 3})"), Contains("`links.target` is 3; the positions of this line are 0 to 2"));
  CHECK_THAT(with(R"({"class": "m", "target": -1})"), Contains("`links.target` is -1"));
  CHECK_THAT(with(R"({"class": "m", "target": 1})"), Contains("`links.target` is 1, where `targets` asks nothing"));
  CHECK_THAT(with(R"({"class": "m", "target": 0, "sources": []})"), Contains("`links.sources` is []; expected a list"));
  CHECK_THAT(with(R"({"class": "m", "target": 0, "sources": [0]})"), Contains("`links.sources` holds the target, 0"));
  CHECK_THAT(with(R"({"class": "m", "target": 0, "sources": [2, 1]})"),
             Contains("`links.sources` is [2,1]; positions stand in ascending order"));
  CHECK_THAT(with(R"({"class": "m", "target": 0, "sources": [2], "pair": {"tokens": ["a", "b"], "target": "a"}})"),
             Contains("there are 2 `links.pair.tokens` for 1 `links.sources`"));
  CHECK_THAT(with(R"({"class": "m", "target": 0, "sources": [2], "pair": {"tokens": ["a"], "target": "c"}})"),
             Contains("`links.pair.target` is \"c\", the answer that the pair should change"));
  CHECK_THAT(with(R"({"class": "m", "target": 0, "sources": [2], "pair": {"tokens": ["a"], "target": "a"}, "attractor": 1})"),
             Contains("`links.attractor` is 1; expected true or false"));
  CHECK_THAT(with(R"({"class": "m", "target": 0, "sources": [2], "pear": {}})"),
             Contains("`links.pear` is no field of this form"));
}
