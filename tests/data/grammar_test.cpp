#include "data/grammar.h"

#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <sstream>

#include "support/catch.h"
#include "support/error_of.h"

using namespace vitrine;

namespace {

constexpr int32_t kOpen = GrammarEnumerator::kOpen;

// Agreement, a word of both numbers, a class of two features, labels in two places, an optional phrase with a variable of its own.
const std::string kSmall = R"(feature number: one many
feature sort: person thing
class NOUN [sort number]
  person one: king queen*3
  person many: kings
  thing one: hat
  thing many: hats
  thing: sheep
class DO [number]
  one: is
  many: are
  any: can*0.5
class NAME
  any: ann bob*2 cid
rule PHRASE [n]
  1: the NOUN[s n]
  2: the NOUN[s n] near NOUN[person m]
sentence
  3: PHRASE[n] DO[n]
  1: the NAME=a saw NAME=b near NAME=a
  2: NAME=a NAME=b
  1: NAME=a king
  1: ann NAME
focus 3
link "copied": copy of NAME
link "number": number of DO
)";

using Words = std::vector<int32_t>;
struct Derivation {
  Words words;
  double p;
  const Grammar::Template* form;
};

// Every derivation of every sentence, by brute force from the definition in grammar.h.
std::vector<Derivation> all_derivations(const Grammar& g) {
  std::vector<Derivation> out;
  for (const Grammar::Template& t : g.templates) {
    std::vector<int32_t> values(t.variables.size());
    std::function<void(size_t, double)> choose_values = [&](size_t v, double p) {
      if (v < values.size()) {
        const size_t n = g.features[t.variables[v]].values.size();
        for (size_t x = 0; x < n; ++x) values[v] = static_cast<int32_t>(x), choose_values(v + 1, p / static_cast<double>(n));
        return;
      }
      Words words;
      std::map<int32_t, int32_t> labels;
      std::function<void(double)> choose_words = [&](double q) {
        if (words.size() == t.slots.size()) return out.push_back({words, q, &t});
        const Grammar::Slot& slot = t.slots[words.size()];
        const Grammar::WordList& list = g.list(slot, values);
        double free = 0;
        const auto allowed = [&](int32_t w) {
          if (slot.label < 0) return true;
          if (labels.contains(slot.label)) return labels[slot.label] == w;
          return std::none_of(labels.begin(), labels.end(), [&](const auto& l) { return l.second == w; });
        };
        for (size_t i = 0; i < list.words.size(); ++i) free += allowed(list.words[i]) ? list.probability[i] : 0;
        for (size_t i = 0; i < list.words.size(); ++i) {
          if (!allowed(list.words[i])) continue;
          const bool fresh = slot.label >= 0 && !labels.contains(slot.label);
          if (fresh) labels[slot.label] = list.words[i];
          words.push_back(list.words[i]);
          choose_words(q * list.probability[i] / free);
          words.pop_back();
          if (fresh) labels.erase(slot.label);
        }
      };
      choose_words(p);
    };
    choose_values(0, t.probability);
  }
  return out;
}

Words to_words(const Grammar& g, const std::string& text) {
  Words out;
  std::istringstream in(text);
  for (std::string word; in >> word;) {
    const auto at = std::find(g.words.begin(), g.words.end(), word);
    REQUIRE(at != g.words.end());
    out.push_back(static_cast<int32_t>(at - g.words.begin()));
  }
  return out;
}
double probability(const Grammar& g, const std::string& text) {
  return GrammarEnumerator(g, g.longest).probability(to_words(g, text));
}

const std::string kEnglish = VITRINE_SOURCE_DIR "/data/english.grammar";

}  // namespace

TEST_CASE("A grammar is multiplied out as it is written") {
  const Grammar g = parse_grammar(kSmall, "small");
  CHECK(g.templates.size() == 6);
  CHECK(g.shortest == 2);
  CHECK(g.longest == 7 - 1);
  // By hand: (3/8) · p(no phrase) 1/3 · number 1/2 · p(is | one) 1/1.5 · sort 1/2 · p(queen | person one) 3/4
  CHECK(probability(g, "the queen is") == Approx(3. / 8 / 3 / 2 / 1.5 / 2 * 3 / 4));
  // "can" says no number: the noun decides it.
  CHECK(probability(g, "the kings can") == Approx(3. / 8 / 3 / 2 * (0.5 / 1.5) / 2));
  // "sheep" has every number: both are summed; among things it is one of two words.
  CHECK(probability(g, "the sheep is") == Approx(3. / 8 / 3 / 2 / 1.5 / 2 / 2));
  CHECK(probability(g, "the queen are") == 0);
  CHECK(probability(g, "the sheep near kings are") == Approx(3. / 8 * 2 / 3 / 2 / 1.5 / 2 / 2 / 2));
  // A label is drawn again only from the words that are left; "ann bob" is also "ann NAME".
  CHECK(probability(g, "bob cid") == Approx(2. / 8 * (2. / 4) * (1. / 2)));
  CHECK(probability(g, "ann bob") == Approx(2. / 8 * (1. / 4) * (2. / 3) + 1. / 8 * 2 / 4));
  CHECK(probability(g, "ann ann") == Approx(1. / 8 / 4));
  CHECK(probability(g, "the ann saw bob near ann") == Approx(1. / 8 * (1. / 4) * (2. / 3)));
  CHECK(probability(g, "the ann saw bob near bob") == 0);
  CHECK(probability(g, "the queen") == 0);
}

TEST_CASE("What a rule says of its own stays its own wherever it is used") {
  const Grammar g = parse_grammar(
      "feature n: one many\nclass NOUN [n]\n  one: cat\n  many: cats\nclass NAME\n  any: ann bob cid\n"
      "rule TWICE\n  1: NAME=a NAME=a\nrule TWO [n]\n  1: NOUN[n] NOUN[m] NOUN[m]\n"
      "sentence\n  1: TWICE TWICE\n  1: TWO[x] TWO[many] NOUN[x]\n",
      "g");
  CHECK(probability(g, "ann ann bob bob") == Approx(1. / 2 / 3 / 2));
  CHECK(probability(g, "ann ann ann ann") == 0);
  CHECK(probability(g, "ann bob ann bob") == 0);
  CHECK(probability(g, "cat cats cats cats cat cat cat") == Approx(1. / 2 / 8));
  CHECK(probability(g, "cat cats cats cats cat cat cats") == 0);
  CHECK(probability(g, "cat cats cats cat cat cat cat") == 0);
  CHECK(probability(g, "cat cats cats cats cat cats cat") == 0);
}

TEST_CASE("The exact probability of a hidden word is that of brute force, also for the beginnings of longer sentences") {
  const Grammar g = parse_grammar(kSmall, "small");
  const std::vector<Derivation> all = all_derivations(g);
  CHECK(std::accumulate(all.begin(), all.end(), 0.0, [](double s, const Derivation& d) { return s + d.p; }) == Approx(1));
  // The focus: the words of labels that return, and DO. Everything else has weight 1.
  const auto weight = [&](const Derivation& d, size_t i) {
    const std::string& name = g.classes[d.form->slots[i].word_class].name;
    const bool returns = name == "NAME" && d.words.size() == 6 && i != 3;
    return name == "DO" || returns ? 3.0 : 1.0;
  };
  const int64_t max_length = GENERATE(2, 3, 4, 6, 50);
  const GrammarEnumerator enumerator(g, max_length);
  std::map<std::pair<Words, size_t>, std::map<int32_t, double>> expected;  // (words with holes, hidden) → joint
  for (const Derivation& d : all) {
    const size_t length = std::min<size_t>(d.words.size(), max_length);
    double sum = 0;
    for (size_t i = 0; i < length; ++i) sum += weight(d, i);
    for (size_t i = 0; i < length; ++i) {
      for (size_t hole = 0; hole <= length; ++hole) {  // nothing but the target is open, or one word more
        Words words(d.words.begin(), d.words.begin() + static_cast<int64_t>(length));
        words[i] = kOpen;
        if (hole < length) words[hole] = kOpen;
        if (hole < length && hole == i) continue;
        expected[{words, i}][d.words[i]] += d.p * weight(d, i) / sum;
      }
    }
  }
  CHECK(expected.size() > 10);
  std::vector<double> got;
  for (const auto& [key, joint] : expected) {
    enumerator.joint(key.first, static_cast<int64_t>(key.second), got);
    double sum = 0, wanted = 0;
    for (const auto& [w, p] : joint) {
      INFO("word " << g.words[w] << " at " << key.second << " of " << key.first.size());
      CHECK(got[w] == Approx(p).epsilon(1e-12));
      wanted += p;
    }
    for (const double p : got) sum += p;
    CHECK(sum == Approx(wanted).epsilon(1e-12));
  }
}

TEST_CASE("Sentences come as often as the grammar says, and hide each position as often") {
  const Grammar g = parse_grammar(kSmall, "small");
  const int64_t max_length = GENERATE(3, 50), n = 200000;
  const GrammarSampler sampler(g, max_length);
  const GrammarEnumerator enumerator(g, max_length);
  const RngKey key = RngKey{7}.of(Purpose::kGrammar, 0);
  std::map<std::pair<Words, int32_t>, int64_t> count;
  Sentence s;
  for (int64_t i = 0; i < n; ++i) {
    sampler.sample(key, static_cast<uint32_t>(i), s);
    ++count[{s.words, s.hidden}];
  }
  // χ² over everything that can come, with the cells that are never drawn in one: mean = the number of cells − 1.
  double chi = 0, seen = 0;
  std::vector<double> joint;
  for (const auto& [what, times] : count) {
    enumerator.joint(what.first, what.second, joint);
    const double p = joint[what.first[what.second]];
    REQUIRE(p > 0);
    seen += p;
    const double expected = p * static_cast<double>(n);
    chi += std::pow(static_cast<double>(times) - expected, 2) / expected;
  }
  const double freedom = static_cast<double>(count.size()) - 1;
  CHECK(seen > 0.999);
  CHECK(std::abs(chi - freedom) < 5 * std::sqrt(2 * freedom));
}

TEST_CASE("A sentence is a pure function of seed, split and number") {
  const Grammar g = read_grammar(kEnglish);
  const GrammarSampler sampler(g, g.longest);
  Sentence a, b;
  int64_t same = 0;
  for (uint32_t i = 0; i < 200; ++i) {
    sampler.sample(RngKey{1}.of(Purpose::kGrammar, 0), i, a);
    sampler.sample(RngKey{1}.of(Purpose::kGrammar, 1), i, b);
    same += a.words == b.words;
    const Words first = a.words;
    sampler.sample(RngKey{2}.of(Purpose::kGrammar, 0), i, b);
    same += first == b.words;
    sampler.sample(RngKey{1}.of(Purpose::kGrammar, 0), i, b);
    CHECK(first == b.words);
    CHECK(a.hidden == b.hidden);
    CHECK(sampler.form(RngKey{1}.of(Purpose::kGrammar, 0), i) == a.form);
  }
  CHECK(same <= 4);
}

TEST_CASE("The toy corpus says what it should") {
  const Grammar g = read_grammar(kEnglish);
  CHECK(g.words.size() >= 150);
  CHECK(g.words.size() <= 250);
  CHECK(probability(g, "the cat sat on the mat") > 0);
  CHECK(probability(g, "the quick brown fox jumps over the lazy dog") > 0);
  CHECK(probability(g, "the keys that the man near the cabinets holds are old") > 0);
  CHECK(probability(g, "the keys that the man near the cabinets holds is old") == 0);
  CHECK(probability(g, "the key near the doors is old") > 0);
  CHECK(probability(g, "the key near the doors are old") == 0);
  CHECK(probability(g, "the queen said that she will sleep") > 0);
  CHECK(probability(g, "the queen near the king said that he will sleep") == 0);
  CHECK(probability(g, "anna gave bob the book and then bob thanked anna") > 0);
  CHECK(probability(g, "anna gave bob the book and then bob thanked bob") == 0);
  for (const Grammar::WordClass& c : g.classes)
    if (c.name == "NAME") CHECK(c.lists[0].words.size() >= 50);
}

TEST_CASE("Mistakes in a grammar are named with their place") {
  const auto message = [](const std::string& text) { return error_of(ErrorKind::kData, [&] { parse_grammar(text, "g"); }); };
  const std::string head = "feature n: one many\nclass NOUN [n]\n  one: cat\n  many: cats\nclass A\n  any: x\n";
  const std::pair<std::string, std::string> cases[] = {
      {"", "g:0:1: there is no \"sentence\""},
      {"what is this", "g:1:1: expected feature, class, rule, sentence, link or focus, got 'what'"},
      {"feature N: a b", "g:1:9: expected the name of a feature in lower case, got 'N'"},
      {"feature n a b", "g:1:11: expected ':', got 'a'"},
      {"feature n: a", "g:1:13: feature n: expected at least two values"},
      {"feature n: a b a", "g:1:16: value a stands above already"},
      {"feature n: a any", "g:1:14: 'any' cannot be a value"},
      {"feature n: a b\nfeature n: c d", "g:2:9: feature n stands above already"},
      {"class noun", "g:1:7: expected the name of a class in capitals, got 'noun'"},
      {"class NOUN [n]", "g:1:13: there is no feature n above"},
      {"feature n: a b\nclass NOUN [n n]", "g:2:15: feature n is named twice"},
      {"feature n: a b\nclass NOUN [n", "g:2:14: expected a feature in lower case, got the end of the line"},
      {head + "class A", "g:7:7: A stands above already"},
      {head + "class B\n  cat dog", "g:8:3: there is no value cat above"},
      {head + "class B\n  one: cat", "g:8:3: class B has no feature n"},
      {head + "class B\n  any:", "g:8:7: expected words"},
      {head + "class B\n  : x", "g:8:3: expected values, or any, before ':'"},
      {head + "class B\n  any: x y x", "g:8:12: B has the word x already"},
      {head + "class B [n]\n  one: x\n  any: x", "g:9:8: B has the word x already for one"},
      {head + "class B [n]\n  one many: x", "g:8:7: feature n has a value already"},
      {head + "class B\n  any: Cat", "g:8:8: expected a word in lower case, got 'Cat'"},
      {head + "class B\n  any: cAt", "g:8:8: 'cAt': words are written in lower case"},
      {head + "class B\n  any: cat*",
       "g:8:12: expected the weight of a word, a number from 1e-6 to 1e6, got the end of the line"},
      {head + "class B\n  any: cat*-1", "g:8:12: expected the weight of a word, a number from 1e-6 to 1e6, got '-1'"},
      {head + "sentence\n  x: the", "g:8:3: expected the weight of an alternative"},
      {head + "sentence\n  nan: the", "g:8:3: expected the weight of an alternative"},
      {head + "sentence\n  1 the", "g:8:5: expected ':', got 'the'"},
      {head + "sentence\n  1:", "g:8:5: expected words, classes or rules"},
      {head + "sentence\n", "g:7:1: sentence has no alternatives"},
      {head + "sentence\n  1: the VERB", "g:8:10: there is no class or rule VERB above"},
      {head + "rule R\n  1: R\n", "g:8:6: there is no class or rule R above"},
      {head + "sentence\n  1: NOUN", "g:8:6: NOUN takes 1 feature(s), got 0"},
      {head + "sentence\n  1: NOUN[n m]", "g:8:13: NOUN takes 1 feature(s): m is too many"},
      {head + "sentence\n  1: A[n]", "g:8:8: A takes 0 feature(s): n is too many"},
      {head + "feature g: f m\nclass B [g]\n  any: x\nsentence\n  1: NOUN[v] B[v]",
       "g:11:16: variable v stands for a n, here a g"},
      {head + "feature g: f m\nclass B [g]\n  any: x\nsentence\n  1: B[one]", "g:11:8: one is not a value of g"},
      {head + "class B [n]\n  one: x\nsentence\n  1: B[n]", "g:10:6: B has no words for many"},
      {head + "rule R [one]", "g:7:9: one is a value, not a variable"},
      {head + "rule R [v v]", "g:7:11: v is named twice"},
      {head + "rule R [v]\n  1: A\nsentence\n  1: R[one]", "g:7:1: variable v of R is never used"},
      {head + "rule R\n  1: A\nsentence\n  1: R=a", "g:10:7: only the word of a class can return, and R is a rule"},
      {head + "sentence\n  1: A=", "g:8:8: expected a label in lower case"},
      {head + "sentence\n  1: A=a A=b", "g:8:1: 2 labels want as many different words, and A has a list of 1"},
      {head + "sentence\n  1: NOUN[v]=a NOUN[w]=a", "g:8:24: label a stands for a word of another class or other features"},
      {head + "sentence\n  1: the\nsentence", "g:9:1: sentence stands above already"},
      {head + "link number: n of NOUN", "g:7:6: expected the name of a link in quotes, got 'number'"},
      {head + "link \"x: n of NOUN", "g:7:6: this quote is not closed on its line"},
      {head + "link \"x\": m of NOUN", "g:7:11: there is no feature m above"},
      {head + "link \"x\": n of A", "g:7:16: class A has no feature n"},
      {head + "link \"x\": n of", "g:7:15: expected a class in capitals, got the end of the line"},
      {head + "link \"x\": copy of A\nlink \"x\": copy of A", "g:8:6: link \"x\" stands above already"},
      {head + "focus 0", "g:7:7: expected a weight, a number from 1e-6 to 1e6, got '0'"},
      {std::string("class A\n  any: x\x01y"), "g:2:9: a control character (byte 1)"},
      {std::string("class A\n  any: x\0y", 18), "g:2:9: a control character (byte 0)"},
  };
  for (const auto& [text, expected] : cases) {
    const std::string got = message(text);
    INFO(text);
    CHECK(got.substr(0, expected.size()) == expected);
  }
}

TEST_CASE("A grammar that would grow without bound is refused") {
  std::string text = "rule A\n  1: x\n  1: y\n";
  for (char c = 'B'; c <= 'Z'; ++c)
    text += fmt::format("rule {}\n  1: {} {}\n", c, static_cast<char>(c - 1), static_cast<char>(c - 1));
  const std::string got = error_of(ErrorKind::kData, [&] { parse_grammar(text, "g"); });
  CHECK(got.find("forms with this") != std::string::npos);
  std::string longer = "rule A\n  1: x x x x x x x x x x\n";
  for (char c = 'B'; c <= 'Z'; ++c)
    longer += fmt::format("rule {}\n  1: {} {}\n", c, static_cast<char>(c - 1), static_cast<char>(c - 1));
  const std::string words = error_of(ErrorKind::kData, [&] { parse_grammar(longer, "g"); });
  CHECK(words.find("a sentence of more than 100 words") != std::string::npos);
}
