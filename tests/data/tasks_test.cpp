#include "data/tasks/task.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/error.h"
#include "data/dataset.h"
#include "data/floors.h"
#include "data/truth_line.h"
#include "support/catch.h"
#include "support/error_of.h"

using namespace vitrine;

namespace {

using Words = std::vector<std::string>;
const std::set<std::string> kNoise = {",", ".", ":", ";"};

DataSettings settings(TaskKind task, int64_t symbols, int64_t shortest, int64_t longest, int64_t distractors = 0) {
  DataSettings data;
  data.kind = DataKind::kTask;
  data.task = task;
  data.vocabulary_size = symbols, data.min_length = shortest, data.length = longest, data.distractors = distractors;
  data.train_sentences = 300, data.validation_sentences = 200, data.test_sentences = 0;
  return data;
}

Corpus load(const DataSettings& data, uint64_t seed = 7) {
  const TargetKind kind = data.task == TaskKind::kMajority ? TargetKind::kLabel : TargetKind::kTags;
  return load_corpus(data, {}, {{kind, 0, false}}, seed);
}

Words words_of(const Corpus& corpus, const std::vector<int32_t>& tokens) {
  Words out;
  for (const int32_t token : tokens) out.emplace_back(corpus.tokenizer->token(token));
  return out;
}

// The truth, told a second time and in words: the answer at each token, "" where nothing is asked.
Words truth(TaskKind task, const Words& all, int64_t queries) {
  Words x, answers;
  for (const std::string& w : all)
    if (kNoise.count(w) == 0) x.push_back(w);
  const size_t T = x.size();
  answers.assign(T, "");
  const auto earlier = [&](size_t t) { return std::count(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(t), x[t]); };
  std::multiset<std::string> sorted(x.begin(), x.end());
  for (size_t t = 0; t < T; ++t) switch (task) {
      case TaskKind::kCopy:
        if (x[t] == "_") answers[t] = x[t - T / 2 - 1];
        break;
      case TaskKind::kReverse: answers[t] = x[T - 1 - t]; break;
      case TaskKind::kSort: answers[t] = *std::next(sorted.begin(), static_cast<std::ptrdiff_t>(t)); break;
      case TaskKind::kFirstOccurrence: answers[t] = earlier(t) > 0 ? "again" : "first"; break;
      case TaskKind::kRecall:
        if (t + static_cast<size_t>(queries) >= T)
          for (size_t s = 0; x[s] != "|"; s += 2)
            if (x[s] == x[t]) answers[t] = x[s + 1];
        break;
      case TaskKind::kInduction:
        for (size_t s = 0; s < t && t >= T / 2 && t + 1 < T; ++s)
          if (x[s] == x[t]) answers[t] = x[s + 1];
        break;
      case TaskKind::kBrackets: {
        if (x[t] != ")") break;
        size_t s = t;  // the shortest part before it that is balanced but for one bracket
        for (int open = -1; open < 0;) open += x[--s] == ")" ? -1 : 1;
        answers[t] = x[s];
        break;
      }
      case TaskKind::kMajority: break;
    }
  Words out;
  for (size_t i = 0, t = 0; i < all.size(); ++i) out.push_back(kNoise.count(all[i]) > 0 ? "" : answers[t++]);
  return out;
}

struct Case {
  const char* name;
  TaskKind task;
  int64_t symbols;
};
const std::vector<Case> kTagged = {{"copy", TaskKind::kCopy, 5},        {"reverse", TaskKind::kReverse, 5},
                                   {"sort", TaskKind::kSort, 12},       {"first_occurrence", TaskKind::kFirstOccurrence, 6},
                                   {"recall", TaskKind::kRecall, 30},   {"induction", TaskKind::kInduction, 9},
                                   {"brackets", TaskKind::kBrackets, 3}};

// Tokens of a sequence of `n` symbols or pairs.
int64_t tokens_of(TaskKind task, int64_t n, int64_t queries) {
  switch (task) {
    case TaskKind::kCopy: return 2 * n + 1;
    case TaskKind::kRecall: return 2 * n + 1 + queries;
    case TaskKind::kInduction:
    case TaskKind::kBrackets: return 2 * n;
    default: return n;
  }
}

}  // namespace

TEST_CASE("Every answer of every task, by brute force, with and without distractors") {
  for (const Case& c : kTagged)
    for (const int64_t distractors : {0, 3}) {
      INFO(c.name << " with " << distractors << " distractors");
      DataSettings data = settings(c.task, c.symbols, 3, 8, distractors);
      data.queries = 3;
      const Corpus corpus = load(data);
      CHECK(std::is_sorted(corpus.tags.begin(), corpus.tags.end()));
      CHECK(!corpus.test);
      CHECK(corpus.longest == tokens_of(c.task, 8, 3) + distractors);
      CHECK(corpus.shortest == tokens_of(c.task, 3, 3) + distractors);
      CHECK(longest_of_task(data) == corpus.longest);
      std::set<size_t> lengths;
      std::set<std::string> words, answers;
      Example e;
      for (int64_t i = 0; i < corpus.train->size(); ++i) {
        corpus.train->read(i, e);
        REQUIRE(std::ssize(e.tokens) == corpus.train->length(i));
        const Words x = words_of(corpus, e.tokens), expected = truth(c.task, x, data.queries);
        lengths.insert(x.size());
        words.insert(x.begin(), x.end());
        CHECK(std::count_if(x.begin(), x.end(), [](const std::string& w) { return kNoise.count(w) > 0; }) == distractors);
        REQUIRE(e.tags.size() == x.size());
        for (size_t t = 0; t < x.size(); ++t) {
          if (expected[t].empty()) {
            REQUIRE(e.tags[t] == kNoTag);
          } else {
            REQUIRE(corpus.tags.at(static_cast<size_t>(e.tags[t])) == expected[t]);
            answers.insert(expected[t]);
          }
        }
        CHECK(corpus.train->entropy(i) == 0);
      }
      CHECK(lengths.size() == 6);
      CHECK(answers.size() == corpus.tags.size());                                                      // every answer occurs
      CHECK(words.size() + Tokenizer::kSpecialCount == static_cast<size_t>(corpus.tokenizer->size()));  // and every word
    }
}

TEST_CASE("A link's sources decide its answer, and the other tokens do not") {
  for (const Case& c : kTagged)
    for (const int64_t distractors : {0, 2}) {
      INFO(c.name << " with " << distractors << " distractors");
      DataSettings data = settings(c.task, c.symbols, 3, 7, distractors);
      data.queries = 2;
      const Corpus corpus = load(data);
      REQUIRE(corpus.link_classes.size() == 1);
      const LinkClass& link_class = corpus.link_classes[0];
      Example e;
      int64_t attractors = 0, count = 0;
      for (int64_t i = 0; i < 150; ++i) {
        corpus.train->read(i, e);
        const Words x = words_of(corpus, e.tokens), answers = truth(c.task, x, data.queries);
        const std::vector<Link> links = corpus.train->links(i);
        std::set<int32_t> targets;
        for (const Link& link : links) {
          ++count, attractors += link.attractor;
          targets.insert(link.target);
          const auto at = static_cast<size_t>(link.target);
          const std::string value = link_class.values.at(static_cast<size_t>(link.value)),
                            other = link_class.values.at(static_cast<size_t>(link.pair_value));
          REQUIRE(answers[at] == value);
          REQUIRE(value != other);
          // The pair: one other word at all sources and nowhere else.
          const Words pair = words_of(corpus, link.pair);
          REQUIRE(pair.size() == x.size());
          REQUIRE(std::is_sorted(link.sources.begin(), link.sources.end()));
          std::set<std::string> put;
          for (size_t t = 0; t < x.size(); ++t) {
            const bool source = std::count(link.sources.begin(), link.sources.end(), static_cast<int32_t>(t)) > 0;
            REQUIRE((x[t] != pair[t]) == source);
            if (source) put.insert(pair[t]);
            REQUIRE(!(source && t == at));
          }
          CHECK(put.size() == 1);
          CHECK(truth(c.task, pair, data.queries)[at] == other);
          // Another word anywhere else leaves the answer. What must stay is said for each task.
          for (size_t t = 0; t < x.size(); ++t)
            for (const std::string& word : corpus.tags) {
              if (x[t] != pair[t] || t == at || x[t] == word || kNoise.count(x[t]) > 0) continue;
              std::string put_here = word;
              if (c.task == TaskKind::kFirstOccurrence) put_here = x[t] == "a" ? "b" : "a";
              if ((c.task == TaskKind::kCopy && (x[t] == "_" || x[t] == "|")) || (c.task == TaskKind::kBrackets && x[t] == ")"))
                continue;
              if (c.task == TaskKind::kRecall && x[t][0] != 'v') continue;                       // keys
              if (c.task == TaskKind::kInduction && (x[t] == x[at] || word == x[at])) continue;  // the symbol that is looked for
              if (c.task == TaskKind::kSort && ((x[t] < value) != (word < value) || x[t] == value || word == value)) continue;
              Words changed = x;
              changed[t] = put_here;
              REQUIRE(truth(c.task, changed, data.queries)[at] == value);
            }
        }
        // Which answers have a link.
        for (size_t t = 0; t < x.size(); ++t) {
          bool linked = !answers[t].empty();
          if (c.task == TaskKind::kReverse) {
            int64_t before = 0, after = 0;
            for (size_t s = 0; s < x.size(); ++s)
              if (kNoise.count(x[s]) == 0) (s < t ? before : after) += s != t;
            linked = linked && before != after;
          }
          if (c.task == TaskKind::kFirstOccurrence) linked = answers[t] == "again";
          if (c.task == TaskKind::kSort) {
            if (answers[t].empty()) continue;
            // Between the neighbours in the order there must be room for another symbol.
            char low = 'a' - 1, high = 'a' + 12;
            for (const std::string& w : x) {
              if (kNoise.count(w) > 0) continue;
              if (w < answers[t]) low = std::max(low, w[0]);
              if (w > answers[t]) high = std::min(high, w[0]);
            }
            linked = x[t] != answers[t] && high - low > 2;
          }
          CHECK((targets.count(static_cast<int32_t>(t)) > 0) == linked);
        }
      }
      CHECK(count > 100);
      if (c.task == TaskKind::kFirstOccurrence)
        CHECK(attractors == 0);  // no word says "first"
      else
        CHECK(
            (attractors > 0 && (attractors < count) == (c.task != TaskKind::kInduction)));  // there the neighbour always misleads
      for (size_t v = 0; v < link_class.values.size(); ++v) {
        CHECK(corpus.tags.at(static_cast<size_t>(link_class.tags.at(v).at(0))) == link_class.values[v]);
        if (c.task != TaskKind::kFirstOccurrence)
          CHECK(corpus.tokenizer->token(link_class.tokens.at(v).at(0)) == link_class.values[v]);
      }
    }
}

TEST_CASE("The sources of a sorted or repeated symbol are all its places") {
  const Corpus corpus = load(settings(TaskKind::kFirstOccurrence, 2, 12, 12));
  Example e;
  size_t most = 0;
  for (int64_t i = 0; i < 50; ++i) {
    corpus.train->read(i, e);
    for (const Link& link : corpus.train->links(i)) {
      std::vector<int32_t> expected;
      for (int32_t t = 0; t < link.target; ++t)
        if (e.tokens[static_cast<size_t>(t)] == e.tokens[static_cast<size_t>(link.target)]) expected.push_back(t);
      CHECK(link.sources == expected);
      most = std::max(most, expected.size());
    }
  }
  CHECK(most >= 7);
  const Corpus sorted = load(settings(TaskKind::kSort, 6, 12, 12));
  for (int64_t i = 0; i < 50; ++i) {
    sorted.train->read(i, e);
    for (const Link& link : sorted.train->links(i)) {
      const int32_t token = sorted.link_classes[0].tokens[static_cast<size_t>(link.value)][0];
      CHECK(std::count(e.tokens.begin(), e.tokens.end(), token) == std::ssize(link.sources));
    }
  }
}

TEST_CASE("The label of a majority is the most frequent symbol, of several the first") {
  const Corpus corpus = load(settings(TaskKind::kMajority, 3, 1, 9, 2));
  CHECK(corpus.labels == Words{"a", "b", "c"});
  CHECK(corpus.tags.empty());
  CHECK(corpus.link_classes.empty());
  Example e;
  int64_t ties = 0;
  for (int64_t i = 0; i < corpus.train->size(); ++i) {
    corpus.train->read(i, e);
    std::map<std::string, int64_t> count;
    for (const std::string& w : words_of(corpus, e.tokens))
      if (kNoise.count(w) == 0) ++count[w];
    std::string best;
    int64_t winners = 0;
    for (const auto& [word, n] : count) {
      if (best.empty() || n > count[best]) best = word, winners = 0;
      winners += n == count[best];
    }
    ties += winners > 1;
    CHECK(corpus.labels[static_cast<size_t>(e.label)] == best);
    CHECK(e.tags.empty());
    CHECK(corpus.train->links(i).empty());
  }
  CHECK(ties > 20);
}

TEST_CASE("A sequence is a function of seed, split and number") {
  DataSettings data = settings(TaskKind::kSort, 26, 4, 9, 1);
  const Corpus one = load(data), again = load(data), other = load(data, 8);
  data.train_sentences = 3000;
  const Corpus longer = load(data);
  Example a, b;
  int64_t same_split = 0, same_seed = 0;
  for (int64_t i = 0; i < 200; ++i) {
    one.train->read(i, a), again.train->read(i, b);
    CHECK(a.tokens == b.tokens);
    CHECK(a.tags == b.tags);
    longer.train->read(i, b);
    CHECK(words_of(one, a.tokens) == words_of(longer, b.tokens));
    one.validation->read(i, b);
    same_split += words_of(one, a.tokens) == words_of(one, b.tokens);
    other.train->read(i, b);
    same_seed += words_of(one, a.tokens) == words_of(other, b.tokens);
  }
  CHECK(same_split < 3);
  CHECK(same_seed < 3);
}

TEST_CASE("Lengths, symbols, places of distractors and nestings are drawn evenly") {
  DataSettings data = settings(TaskKind::kReverse, 4, 2, 5, 1);
  data.train_sentences = 40000;
  const Corpus corpus = load(data);
  std::map<size_t, double> lengths;
  std::map<std::string, double> words;
  std::vector<double> noise(6);  // place of the distractor in sequences of 5 symbols
  Example e;
  for (int64_t i = 0; i < data.train_sentences; ++i) {
    corpus.train->read(i, e);
    ++lengths[e.tokens.size()];
    const Words x = words_of(corpus, e.tokens);
    for (size_t t = 0; t < x.size(); ++t) {
      ++words[x[t]];
      if (x.size() == 6 && kNoise.count(x[t]) > 0) ++noise[t];
    }
  }
  REQUIRE(lengths.size() == 4);
  for (const auto& [length, n] : lengths) CHECK(n == Approx(10000).epsilon(0.04));
  for (const auto& [word, n] : words) CHECK(n == Approx(kNoise.count(word) > 0 ? 10000 : 35000).epsilon(0.04));
  for (const double n : noise) CHECK(n == Approx(10000.0 / 6).epsilon(0.1));

  data = settings(TaskKind::kBrackets, 2, 4, 4);
  data.train_sentences = 28000;
  const Corpus brackets = load(data);
  std::map<std::string, double> forms;  // 14 nestings of 4 pairs
  for (int64_t i = 0; i < data.train_sentences; ++i) {
    brackets.train->read(i, e);
    std::string form;
    for (const std::string& w : words_of(brackets, e.tokens)) form += w == ")" ? ')' : '(';
    ++forms[form];
  }
  CHECK(forms.size() == 14);
  for (const auto& [form, n] : forms) CHECK(n == Approx(2000).epsilon(0.1));
}

TEST_CASE("What a task cannot be asked for is said") {
  const auto message = [](const DataSettings& data) { return error_of(ErrorKind::kConfig, [&] { load(data); }); };
  CHECK(message(settings(TaskKind::kSort, 1, 4, 9)) == "data.vocabulary_size: expected at least 2, got 1");
  CHECK(message(settings(TaskKind::kSort, 4, 10, 9)) == "data.min_length: 10 symbols are more than data.length");
  CHECK(
      message(settings(TaskKind::kInduction, 9, 4, 9)) ==
      "data.vocabulary_size: the symbols of a sequence differ, and a minimal pair needs one more; it must be above data.length");
  CHECK(message(settings(TaskKind::kRecall, 8, 4, 9)) ==
        "data.vocabulary_size: the keys of a sequence differ, one for each pair; it must not be below data.length");
  DataSettings data = settings(TaskKind::kRecall, 9, 4, 9);
  data.queries = 5;
  CHECK(message(data) == "data.queries: 5 different keys cannot be asked for among as few pairs as data.min_length");
  data.queries = 4, data.max_length = 22;
  CHECK(message(data) == "data.max_length: sequences of this task have up to 23 tokens and cannot be cut");
  data.max_length = 23;
  CHECK(load(data).longest == 23);
}

TEST_CASE("Nothing stands below the loss of a task, and its tags have a unigram") {
  const DataSettings data = settings(TaskKind::kReverse, 4, 6, 6);
  const Corpus corpus = load(data);
  const std::vector<TargetSettings> targets{{TargetKind::kTags, 0, false}};
  const Collator collator(targets, corpus.tokenizer->size(), 1, {{}});
  const SplitFloors f = measure_floors(corpus, targets, 0, *corpus.validation, collator, 0, 200);
  CHECK(*f.all.entropy == 0);
  CHECK(*f.all.uniform == Approx(std::log(4)));
  CHECK(*f.all.unigram == Approx(std::log(4)).epsilon(0.01));
  CHECK(!f.all.bigram);

  const DataSettings votes = settings(TaskKind::kMajority, 3, 6, 6);
  const Corpus labels = load(votes);
  const std::vector<TargetSettings> label{{TargetKind::kLabel, 0, false}};
  const Collator with_labels(label, labels.tokenizer->size(), 1, {{}}, 3);
  CHECK(*measure_floors(labels, label, 0, *labels.validation, with_labels, 0, 200).all.entropy == 0);
  // The next symbol is not what is asked.
  const std::vector<TargetSettings> next{{TargetKind::kNext, 0, false}};
  const Collator with_next(next, corpus.tokenizer->size(), 1, {{}});
  CHECK(!measure_floors(corpus, next, 0, *corpus.validation, with_next, 0, 200).all.entropy);
}

TEST_CASE("A person can type the words of every task") {
  const auto check = [](const DataSettings& data) {
    const Corpus corpus = load(data);
    for (int32_t id = Tokenizer::kSpecialCount; id < corpus.tokenizer->size(); ++id) {
      std::vector<Piece> pieces;
      const std::string word(corpus.tokenizer->token(id));
      corpus.tokenizer->encode("a " + word + " " + word, pieces);
      INFO(word);
      REQUIRE(pieces.size() == 3);
      CHECK((pieces[1].id == id && pieces[2].id == id));
    }
  };
  for (const Case& c : kTagged)
    for (const int64_t symbols : {c.symbols, int64_t{120}}) check(settings(c.task, symbols, 3, 8, 2));
}

TEST_CASE("A line of truth says all that is known of a sequence") {
  DataSettings data = settings(TaskKind::kFirstOccurrence, 3, 6, 6, 1);
  const Corpus corpus = load(data);
  for (int64_t i = 0; i < 100; ++i) {
    Example e;
    corpus.train->read(i, e);
    const Words x = words_of(corpus, e.tokens), answers = truth(data.task, x, 1);
    const auto list = [](const Words& words) {
      std::string out;
      for (const std::string& w : words) out += (out.empty() ? "" : ",") + (w.empty() ? "null" : "\"" + w + "\"");
      return "[" + out + "]";
    };
    std::string links;
    for (const Link& link : corpus.train->links(i)) {
      Words instead;
      std::string sources;
      for (const int32_t s : link.sources) {
        instead.emplace_back(corpus.tokenizer->token(link.pair.at(static_cast<size_t>(s))));
        CHECK(instead.back() != x.at(static_cast<size_t>(s)));
        sources += (sources.empty() ? "" : ",") + std::to_string(s);
      }
      links += (links.empty() ? "" : ",") + (R"({"class":"earlier occurrence","target":)" + std::to_string(link.target)) +
               R"(,"sources":[)" + sources + R"(],"pair":{"tokens":)" + list(instead) + R"(,"target":"first"}})";
    }
    CHECK(truth_line(corpus, *corpus.train, i) == R"({"tokens":)" + list(x) + R"(,"targets":)" + list(answers) +
                                                      (links.empty() ? "" : R"(,"links":[)" + links + "]") + "}");
  }
  const Corpus votes = load(settings(TaskKind::kMajority, 3, 1, 1));
  Example e;
  votes.train->read(0, e);
  const std::string word(votes.tokenizer->token(e.tokens[0]));
  CHECK(truth_line(votes, *votes.train, 0) == R"({"tokens":[")" + word + R"("],"label":")" + word + R"("})");
}
