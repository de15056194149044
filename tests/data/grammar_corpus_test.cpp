#include <chrono>
#include <cmath>
#include <fstream>
#include <map>
#include <set>

#include "base/file.h"
#include "data/grammar.h"
#include "support/catch.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

using namespace vitrine;

namespace {

DataSettings english(int64_t max_length = 64) {
  DataSettings data;
  data.kind = DataKind::kGrammar;
  data.grammar = VITRINE_SOURCE_DIR "/data/english.grammar";
  data.max_length = max_length;
  return data;
}

// What the grammar says of a sentence of tokens, for tests: p(target = token | the words that are not open).
class Oracle {
 public:
  Oracle(const Corpus& corpus, const std::string& path, int64_t max_length)
      : grammar_(read_grammar(path)), enumerator_(grammar_, std::min(max_length, grammar_.longest)) {
    for (size_t w = 0; w < grammar_.words.size(); ++w) word_[corpus.tokenizer->find(grammar_.words[w])] = static_cast<int32_t>(w);
  }
  std::map<int32_t, double> operator()(const std::vector<int32_t>& tokens, int64_t target, std::set<int32_t> open) const {
    std::vector<int32_t> words;
    for (size_t i = 0; i < tokens.size(); ++i) {
      const auto position = static_cast<int32_t>(i);
      words.push_back(position == target || open.contains(position) ? GrammarEnumerator::kOpen : word_.at(tokens[i]));
    }
    std::vector<double> joint;
    enumerator_.joint(words, target, joint);
    double sum = 0;
    for (const double p : joint) sum += p;
    std::map<int32_t, double> out;
    for (const auto& [token, w] : word_) out[token] = sum > 0 ? joint[w] / sum : 0;
    return out;
  }

 private:
  Grammar grammar_;
  GrammarEnumerator enumerator_;
  std::map<int32_t, int32_t> word_;
};

double mass(const std::map<int32_t, double>& p, const std::vector<int32_t>& tokens) {
  double sum = 0;
  for (const int32_t t : tokens) sum += p.at(t);
  return sum;
}

std::string write(const TemporaryFolder& folder, const std::string& text) {
  const std::string path = folder / "test.grammar";
  write_file_atomically(path, text);
  return path;
}

}  // namespace

TEST_CASE("The grammar's splits are read by number, alike every time, each from its own numbers") {
  DataSettings data = english();
  data.train_sentences = 5000, data.validation_sentences = 300, data.test_sentences = 0;
  const Corpus a = load_corpus(data, {}, {}, 3), b = load_corpus(data, {}, {}, 3), other = load_corpus(data, {}, {}, 4);
  CHECK(a.train->size() == 5000);
  CHECK(a.validation->size() == 300);
  CHECK(a.test == nullptr);
  CHECK(a.cut.sequences_cut == 0);
  CHECK(a.tokenizer->size() == Tokenizer::kSpecialCount + static_cast<int64_t>(read_grammar(data.grammar).words.size()));
  Example x, y, z;
  int64_t same = 0, shortest = 1000, longest = 0;
  for (int64_t i = 5000; i-- > 0;) {
    a.train->read(i, x);
    b.train->read(i, y);
    REQUIRE(x.tokens == y.tokens);
    REQUIRE(x.masked == y.masked);
    REQUIRE(a.train->length(i) == std::ssize(x.tokens));
    REQUIRE((x.masked >= 0 && x.masked < std::ssize(x.tokens)));
    other.train->read(i, z);
    same += x.tokens == z.tokens;
    if (i < 300) {
      a.validation->read(i, z);
      same += x.tokens == z.tokens;
    }
    for (const int32_t t : x.tokens) REQUIRE((t >= Tokenizer::kSpecialCount && t < a.tokenizer->size()));
    shortest = std::min(shortest, a.train->length(i)), longest = std::max(longest, a.train->length(i));
  }
  CHECK(same < 50);
  CHECK(a.shortest == shortest);
  CHECK(a.longest == longest);
}

TEST_CASE("The floor of a sentence is -log p(hidden word | rest), fast enough for every evaluation") {
  const Corpus corpus = load_corpus(english(), {}, {}, 1);
  const Oracle oracle(corpus, english().grammar, 64);
  const auto begin = std::chrono::steady_clock::now();
  std::vector<double> floors;
  for (int64_t i = 0; i < 2000; ++i) floors.push_back(corpus.test->entropy(i));
  CHECK(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() < 1);
  Example x;
  for (int64_t i = 0; i < 2000; i += 7) {
    corpus.test->read(i, x);
    const double p = oracle(x.tokens, x.masked, {}).at(x.tokens[x.masked]);
    CHECK(floors[i] == Approx(-std::log(p)).margin(1e-12));
  }
}

TEST_CASE("By enumeration the source of a link decides, and without it every possible value is as likely") {
  const int64_t max_length = GENERATE(64, 8);
  const Corpus corpus = load_corpus(english(max_length), {}, {}, 1);
  const Oracle oracle(corpus, english().grammar, max_length);
  std::vector<int64_t> count(3), attractors(3);
  Example x;
  for (int64_t i = 0; i < 2000; ++i) {
    const std::vector<Link> links = corpus.validation->links(i);
    REQUIRE(links.size() <= 1);
    if (links.empty()) continue;
    corpus.validation->read(i, x);
    const Link& link = links[0];
    const LinkClass& c = corpus.link_classes[link.link_class];
    INFO(c.name << ": " << corpus.tokenizer->decode(x.tokens) << ", target " << link.target);
    ++count[link.link_class], attractors[link.link_class] += link.attractor;

    CHECK(link.target == x.masked);
    REQUIRE(link.sources.size() == 1);
    REQUIRE(link.pair.size() == x.tokens.size());
    CHECK(link.pair[link.target] == Tokenizer::kMask);
    CHECK(link.pair_value != link.value);
    for (int32_t s = 0; s < std::ssize(x.tokens); ++s)
      if (s != link.target) CHECK((link.pair[s] != x.tokens[s]) == (s == link.sources[0]));

    if (c.tokens.size() > 3) {  // names: a distractor is any other name that is nearer
      bool nearer = false;
      for (int32_t s = 0; s < std::ssize(x.tokens); ++s)
        for (const auto& name : c.tokens)
          nearer |= name[0] == x.tokens[s] && name[0] != x.tokens[link.target] &&
                    std::abs(s - link.target) < std::abs(link.sources[0] - link.target);
      CHECK(link.attractor == nearer);
    }
    const auto& truth = c.tokens[link.value];
    CHECK(std::count(truth.begin(), truth.end(), x.tokens[link.target]) == 1);
    const auto given = oracle(x.tokens, link.target, {}), pair = oracle(link.pair, link.target, {}),
               without = oracle(x.tokens, link.target, {link.sources[0]});
    double of_all_given = 0, of_all_pair = 0, of_all_without = 0;
    for (const auto& tokens : c.tokens)
      of_all_given += mass(given, tokens), of_all_pair += mass(pair, tokens), of_all_without += mass(without, tokens);
    CHECK(mass(given, truth) == Approx(of_all_given));
    CHECK(mass(pair, c.tokens[link.pair_value]) == Approx(of_all_pair));
    size_t possible = 0;
    for (const auto& tokens : c.tokens) {
      if (mass(without, tokens) == 0) continue;
      ++possible;
      CHECK(mass(without, tokens) == Approx(mass(without, truth)));
    }
    CHECK(possible >= (c.tokens.size() > 3 ? 50 : c.tokens.size()));
    CHECK(of_all_without > 0);
  }
  for (size_t k = 0; k < 3; ++k) {
    CHECK(count[k] > 50);
    CHECK(attractors[k] > 10);
  }
}

TEST_CASE("Max length hides a word that is left, and drops the links whose source it cuts off") {
  DataSettings data = english(5);
  data.train_sentences = 1000, data.validation_sentences = 0, data.test_sentences = 0;
  const Corpus cut = load_corpus(data, {}, {}, 1);
  data.max_length = 64;
  const Corpus whole = load_corpus(data, {}, {}, 1);
  int64_t sequences = 0, tokens = 0;
  Example x, y;
  for (int64_t i = 0; i < 1000; ++i) {
    cut.train->read(i, x);
    whole.train->read(i, y);
    REQUIRE(x.tokens.size() == std::min<size_t>(5, y.tokens.size()));
    CHECK(std::equal(x.tokens.begin(), x.tokens.end(), y.tokens.begin()));
    CHECK(x.masked < 5);
    CHECK(std::isfinite(cut.train->entropy(i)));
    sequences += x.tokens.size() < y.tokens.size();
    tokens += std::ssize(y.tokens) - std::ssize(x.tokens);
    for (const Link& link : cut.train->links(i)) CHECK((link.sources[0] < 5 && link.pair.size() == x.tokens.size()));
  }
  CHECK(cut.cut.sequences_cut == sequences);
  CHECK(cut.cut.tokens_cut == tokens);
  CHECK(cut.cut.links_lost > 50);
  CHECK(cut.cut.links_lost < sequences);
  CHECK(whole.cut.links_lost == 0);
}

TEST_CASE("A second cue, or a word that only leans to one value, leaves no link") {
  const TemporaryFolder folder;
  const std::string head =
      "feature number: one many\nclass NOUN [number]\n  one: cat dog\n  many: cats dogs\nclass BE [number]\n  one: is\n  many: "
      "are\n"
      "class THE [number]\n  any: the*3\n  one: this\n  many: these two\nlink \"number\": number of BE\nfocus 100\nsentence\n";
  const auto count = [&](const std::string& sentences) {
    DataSettings data = english();
    data.grammar = write(folder, head + sentences);
    data.validation_sentences = 300;
    const Corpus corpus = load_corpus(data, {}, {}, 1);
    int64_t links = 0;
    for (int64_t i = 0; i < 300; ++i) links += std::ssize(corpus.validation->links(i));
    return links;
  };
  CHECK(count("  1: the NOUN[n] BE[n] old\n") > 250);
  CHECK(count("  1: the NOUN[n] BE[n] and BE[n]\n") == 0);                     // the other verb says it too
  CHECK(count("  1: THE[n] NOUN[n] BE[n] old\n") == 0);                        // "the" is likelier before one than before many
  CHECK(count("  1: the NOUN[one] BE[one] old\n") == 0);                       // nothing to decide
  CHECK(count("  1: the NOUN[n] BE[m] old\n") == 0);                           // nothing decides
  CHECK(count("  9: the NOUN[n] BE[n] old\n  1: the NOUN[n] is old\n") == 0);  // not even the source is certain
}

TEST_CASE("An attractor is a nearer token that says another value") {
  const TemporaryFolder folder;
  DataSettings data = english();
  data.validation_sentences = 400;
  data.grammar = write(folder,
                       "feature number: one many\nclass NOUN [number]\n  one: cat dog\n  many: cats dogs\nclass BE [number]\n"
                       "  one: is\n  many: are\nlink \"number\": number of BE\nfocus 9\n"
                       "sentence\n  1: the NOUN[n] near the NOUN[m] BE[n]\n  1: NOUN[n] and two BE[n] near the NOUN[m]\n");
  const Corpus corpus = load_corpus(data, {}, {}, 1);
  const auto is_plural = [&](int32_t token) { return corpus.tokenizer->token(token).back() == 's'; };
  Example x;
  int64_t with = 0, without = 0;
  for (int64_t i = 0; i < 400; ++i) {
    for (const Link& link : corpus.validation->links(i)) {
      corpus.validation->read(i, x);
      const bool between = link.target == 5;  // else the other noun stands behind, as far away as the source or farther
      const bool differs = is_plural(x.tokens[link.sources[0]]) != is_plural(x.tokens[between ? 4 : 6]);
      CHECK(link.attractor == (between && differs));
      ++(link.attractor ? with : without);
    }
  }
  CHECK(with > 50);
  CHECK(without > 150);
}

TEST_CASE("Mistakes about a grammar corpus are said") {
  const TemporaryFolder folder;
  DataSettings data = english();
  data.grammar.clear();
  CHECK(error_of(ErrorKind::kConfig, [&] { load_corpus(data, {}, {}, 1); }).find("data.grammar") == 0);
  data = english();
  data.train_sentences = 0;
  CHECK(error_of(ErrorKind::kConfig, [&] { load_corpus(data, {}, {}, 1); }).find("data.train_sentences") == 0);
  data = english();
  data.grammar = write(folder, "sentence\n  1: don't stop.now 7 cat,dog\n");
  CHECK(error_of(ErrorKind::kData, [&] { load_corpus(data, {}, {}, 1); }).find("'cat,dog' is not one word") != std::string::npos);
  data = english();
  Learned learned;
  learned.tokenizer = make_word_tokenizer({"the", "cat"});
  CHECK(error_of(ErrorKind::kData, [&] {
          load_corpus(data, {}, {}, 1, std::move(learned));
        }).find("not in the tokenizer of this run") != std::string::npos);
}
