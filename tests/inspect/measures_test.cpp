#include "inspect/measures.h"

#include <cmath>
#include <functional>

#include "data/tokenizer.h"
#include "inspect/flow.h"
#include "inspect/statistics.h"
#include "support/catch.h"
#include "support/golden.h"

using namespace vitrine;

namespace {

constexpr double kTolerance = 1e-12;

AttentionMaps one_map(int64_t n, const std::function<double(int64_t, int64_t)>& weight) {
  AttentionMaps m(1, 1, n);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) m.weights[m.index(0, 0, i, j)] = weight(i, j);
  return m;
}
AttentionMaps identity(int64_t n) {
  return one_map(n, [](int64_t i, int64_t j) { return i == j ? 1.0 : 0.0; });
}
AttentionMaps uniform(int64_t n) {
  return one_map(n, [n](int64_t, int64_t) { return 1 / static_cast<double>(n); });
}
AttentionMaps uniform_causal(int64_t n) {
  return one_map(n, [](int64_t i, int64_t j) { return j <= i ? 1 / static_cast<double>(i + 1) : 0; });
}
AttentionMaps shifted(int64_t n) {  // each to the token before it, the first to itself
  return one_map(n, [](int64_t i, int64_t j) { return j == std::max<int64_t>(i - 1, 0) ? 1.0 : 0.0; });
}
AttentionMaps column(int64_t n, int64_t sink) {
  return one_map(n, [sink](int64_t, int64_t j) { return j == sink ? 1.0 : 0.0; });
}
HeadMap of(const AttentionMaps& maps) { return head_map(maps, 0, 0); }

// [CLS] a b a . [SEP]
const std::vector<int32_t> kTokens{Tokenizer::kCls, 10, 11, 10, 12, Tokenizer::kSep};
const std::vector<bool> kPunctuation{false, false, false, false, true, false};
double share(const AttentionMaps& maps, AttentionPattern pattern, VisibleKeys visible = {}) {
  const PatternMass m = pattern_mass(of(maps), visible, pattern, kTokens, kPunctuation);
  return m.mass / m.total;
}
double chance(const AttentionMaps& maps, AttentionPattern pattern, VisibleKeys visible = {}) {
  const PatternMass m = pattern_mass(of(maps), visible, pattern, kTokens, kPunctuation);
  return m.chance / m.total;
}

AttentionMaps maps_of(const Golden& golden, const std::string& name) {
  const std::vector<int64_t>& shape = golden.file.at(name).shape;
  AttentionMaps maps(shape[0], shape[1], shape[2]);
  maps.weights = golden.numbers(name);
  return maps;
}

}  // namespace

TEST_CASE("A head that looks at itself, one that looks everywhere, one token: entropy, distance and confidence known by hand") {
  const int64_t n = 6;
  const AttentionMaps self = identity(n), all = uniform(n), before = uniform_causal(n), one = identity(1);
  CHECK(entropy(of(self), {}) == 0);
  CHECK(entropy(of(all), {}) == Approx(1));
  CHECK(entropy(of(before), {.causal = true}) == Approx(1));
  CHECK(entropy(of(before), {}) < 1);  // it could see more
  CHECK(std::isnan(entropy(of(one), {})));
  CHECK(distance(of(self)) == 0);
  CHECK(distance(of(all)) == Approx((n * n - 1.0) / (3.0 * n)));
  CHECK(distance(of(all)) == Approx(uniform_distance(of(all), {})));
  CHECK(distance(of(before)) == Approx((n - 1.0) / 4));
  CHECK(uniform_distance(of(before), {.causal = true}) == Approx((n - 1.0) / 4));
  CHECK(uniform_distance(of(all), {.window = 1}) == Approx((4.0 * 2 / 3 + 2 * 0.5) / n));
  CHECK(distance(of(shifted(n))) == Approx(5.0 / 6));
  CHECK(distance(of(one)) == 0);
  CHECK(confidence(of(self)) == 1);
  CHECK(confidence(of(all)) == Approx(1.0 / 6));
  CHECK(confidence(of(column(n, 5)), 5) == 0);  // all of it lies on the end token
  CHECK(confidence(of(self), 5) == 1);          // whose own row does not count
  CHECK(std::isnan(confidence(of(one), 0)));
}

TEST_CASE("Patterns are ratios over the rows that have such a key, each with its own chance level") {
  const AttentionMaps all = uniform(6), back = shifted(6), self = identity(6);
  CHECK(share(self, AttentionPattern::kSelf) == 1);
  CHECK(share(back, AttentionPattern::kPrevious) == 1);  // the first row has no token before it
  CHECK(share(back, AttentionPattern::kNext) == 0);
  CHECK(share(one_map(6, [](int64_t i, int64_t j) { return j == std::min<int64_t>(i + 1, 5) ? 1.0 : 0.0; }),
              AttentionPattern::kNext) == 1);
  CHECK(share(column(6, 0), AttentionPattern::kCls) == 1);
  CHECK(share(column(6, 5), AttentionPattern::kSep) == 1);
  CHECK(share(column(6, 4), AttentionPattern::kPunctuation) == 1);
  for (int k = 0; k < kPatternCount; ++k) {
    INFO(name_of(static_cast<AttentionPattern>(k)));
    CHECK(chance(all, static_cast<AttentionPattern>(k)) == Approx(1.0 / 6));
    CHECK(share(all, static_cast<AttentionPattern>(k)) == Approx(1.0 / 6));
  }
  // a at 1 and 3: two rows have another place with their token; [CLS] and [SEP] never count.
  const AttentionMaps same = one_map(6, [](int64_t i, int64_t j) {
    return i == 1 ? j == 3 : i == 3 ? (j == 1 ? 0.5 : j == 0 ? 0.5 : 0) : j == 0;
  });
  CHECK(pattern_mass(of(same), {}, AttentionPattern::kSameToken, kTokens, kPunctuation).total == Approx(2));
  CHECK(share(same, AttentionPattern::kSameToken) == Approx(0.75));
  const VisibleKeys causal{.causal = true};
  CHECK(std::isnan(share(uniform_causal(6), AttentionPattern::kNext, causal)));
  CHECK(chance(uniform_causal(6), AttentionPattern::kSelf, causal) ==
        Approx((1 + 1 / 2.0 + 1 / 3.0 + 1 / 4.0 + 1 / 5.0 + 1 / 6.0) / 6));
  CHECK(chance(uniform_causal(6), AttentionPattern::kPrevious, causal) ==
        Approx((1 / 2.0 + 1 / 3.0 + 1 / 4.0 + 1 / 5.0 + 1 / 6.0) / 5));
}

TEST_CASE("Punctuation is what consists of nothing else") {
  for (const char* token : {".", ",", "...", "—", "«", "?!", "$"}) CHECK(is_punctuation(token));
  for (const char* token : {"", "a", "a.", "'s", " ", "7", "é", "\xff"}) CHECK(!is_punctuation(token));
}

TEST_CASE("Copying is seen in tokens that stand twice, also when one of them is hidden") {
  const int64_t T = 4, first = 1, n = first + 2 * T;
  const auto look = [&](int64_t back) {
    return one_map(n, [&](int64_t i, int64_t j) { return j == std::max<int64_t>(i - back, 0) ? 1.0 : 0.0; });
  };
  CHECK(duplicate_mass(of(look(T)), T, first) == 1);
  CHECK(induction_mass(of(look(T)), T, first) == 0);
  CHECK(induction_mass(of(look(T - 1)), T, first) == 1);
  CHECK(duplicate_mass(of(look(T - 1)), T, first) == 0);
  CHECK(duplicate_mass(of(uniform(n)), T, first) == Approx(1.0 / n));
  CHECK(masked_copy(of(look(T)), T, first + T + 2, first) == 1);
  CHECK(masked_copy(of(look(-T)), T, first + 2, first) == 1);  // from the first copy to the second
  CHECK(masked_copy(of(look(T)), T, first + 2, first) == 0);
}

TEST_CASE("A sink is a key that most of a head's weight lies on, over the rows that may see it") {
  CHECK(sink_threshold(4) == 0.75);
  CHECK(sink_threshold(100) == 0.3);
  const AttentionMaps sink = column(6, 0);
  CHECK(key_mass(of(sink), {}, 0) == 1);
  CHECK(share_of_sinks(sink, {}, 0) == 1);
  CHECK(share_of_sinks(sink, {}, 1) == 0);
  CHECK(share_of_sinks(uniform(6), {}, 0) == 0);
  CHECK(std::isnan(share_of_sinks(column(3, 0), {}, 0)));
  CHECK(key_mass(of(uniform_causal(4)), {.causal = true}, 2) == Approx((1 / 3.0 + 1 / 4.0) / 2));
}

TEST_CASE("The content share is 0 for weights that never change and grows to 1 as sentences share less") {
  const AttentionMaps a = identity(4), b = column(4, 0), c = column(4, 1), d = column(4, 2);
  const auto share_of = [](std::vector<HeadMap> maps) { return content_share(maps); };
  CHECK(share_of({of(a), of(a)}) == 0);
  CHECK(share_of({of(b), of(c)}) == Approx(0.5));
  CHECK(share_of({of(b), of(c), of(d)}) == Approx(2.0 / 3));
  CHECK(std::isnan(share_of({})));
  AttentionMaps late = uniform(12), other = uniform(12);  // only the first ten queries count
  for (int64_t j = 0; j < 12; ++j) other.weights[other.index(0, 0, 11, j)] = j == 0 ? 1 : 0;
  CHECK(share_of({of(late), of(other)}) == 0);
}

TEST_CASE("Divergence of heads is 0 for one head and ln 2 for two that share no key; the assignment finds a permutation") {
  CHECK(jensen_shannon(of(uniform(5)), of(uniform(5))) == 0);
  CHECK(jensen_shannon(of(column(5, 0)), of(column(5, 1))) == Approx(std::log(2.0)));
  const std::vector<AttentionMaps> run{identity(5), column(5, 0), uniform(5), shifted(5)};
  const std::vector<size_t> order{2, 0, 3, 1};
  std::vector<double> cost;
  for (const AttentionMaps& head : run)
    for (const size_t k : order) cost.push_back(jensen_shannon(of(head), of(run[k])));
  CHECK(best_assignment(cost, 4, 4) == std::vector<int64_t>{1, 3, 0, 2});
  CHECK(best_assignment(std::vector<double>{1, 2, 2, 4}, 2, 2) == std::vector<int64_t>{1, 0});  // not what each would take alone
  CHECK(best_assignment({}, 0, 0).empty());
}

TEST_CASE("Rollout multiplies layers and keeps rows that sum to 1; words take the sum of their pieces") {
  AttentionMaps two(2, 1, 3);
  const AttentionMaps back = shifted(3);
  std::copy(back.weights.begin(), back.weights.end(), two.weights.begin());
  std::copy(back.weights.begin(), back.weights.end(), two.weights.begin() + 9);
  const AttentionMaps R = rollout(two);
  CHECK(R.layers == 2);
  CHECK(R.heads == 1);
  CHECK(R.at(0, 0, 2, 1) == 0.5);
  CHECK(R.at(1, 0, 2, 0) == 0.25);  // through token 1
  CHECK(R.at(1, 0, 2, 1) == 0.5);
  CHECK(R.at(1, 0, 0, 0) == 1);
  CHECK(R.largest_row_error() == 0);
  CHECK(rollout(one_map(2, [](int64_t, int64_t) { return 0.0; })).at(0, 0, 1, 1) == 1);  // rows without a key

  const std::vector<int64_t> word_of{0, 1, 1, 2};
  const AttentionMaps words = words_from_pieces(shifted(4), word_of);
  CHECK(words.length == 3);
  CHECK(words.at(0, 0, 1, 0) == 0.5);
  CHECK(words.at(0, 0, 1, 1) == 0.5);
  CHECK(words.at(0, 0, 2, 1) == 1);
  CHECK(words.largest_row_error() == 0);
}

TEST_CASE("Value-weighted norms are those of what moves, not of the weight") {
  const AttentionMaps all = uniform(2);
  const std::vector<double> V{3, 4, 0, 0}, W_O{1, 0, 0, 2};
  const std::vector<double> norms = value_weighted(all, 0, V, W_O);
  CHECK(norms[0] == Approx(0.5 * std::sqrt(9 + 64)));  // half the weight
  CHECK(norms[1] == 0);                                // the other half moves nothing
  CHECK(cosine_distance(std::vector<double>{1, 0}, std::vector<double>{0, 2}) == 1);
  CHECK(cosine_distance(std::vector<double>{1, 1}, std::vector<double>{3, 3}) == Approx(0).margin(1e-15));
}

TEST_CASE("Rank correlation is 1 for one order, −1 for its reverse, and has the band that its length deserves") {
  const std::vector<double> up{1, 2, 3, 4}, down{9, 7, 5, 1}, flat{1, 1, 1, 1};
  CHECK(kendall_tau(up, up) == 1);
  CHECK(kendall_tau(up, down) == -1);
  CHECK(std::isnan(kendall_tau(up, flat)));
  CHECK(kendall_null_deviation(6) == Approx(0.355).epsilon(0.001));
}

TEST_CASE("A ratio over sentences weighs each by what it has; of means the interval is that of Student's formula at 1.96") {
  RatioEstimate mean, ratio;
  for (const double y : {1.0, 2.0, 3.0, 6.0}) mean.add(y);
  mean.add(std::nan("")), ratio.add(5, 0);
  CHECK(mean.count() == 4);
  CHECK(mean.value() == 3);
  CHECK(mean.half_width() == Approx(1.96 * std::sqrt(14.0 / 3 / 4)));
  CHECK(std::isnan(ratio.value()));
  ratio.add(1, 4), ratio.add(3, 4);
  CHECK(ratio.value() == 0.5);
}

TEST_CASE("Every measure equals what NumPy makes of the formulas") {
  const Golden golden = read_golden("measures.safetensors");
  const auto near = [&](const std::vector<double>& actual, const std::string& name) {
    INFO(name);
    const std::vector<double> expected = golden.numbers(name);
    REQUIRE(actual.size() == expected.size());
    for (size_t i = 0; i < actual.size(); ++i) {
      if (std::isnan(expected[i]))
        CHECK(std::isnan(actual[i]));
      else
        CHECK(actual[i] == Approx(expected[i]).margin(kTolerance).epsilon(kTolerance));
    }
  };
  const std::vector<std::pair<std::string, VisibleKeys>> kinds{
      {"full", {}}, {"causal", {.causal = true}}, {"local", {.window = 2}}};
  for (const auto& [kind, visible] : kinds) {
    const std::string at = kind + ".";
    const AttentionMaps maps = maps_of(golden, at + "maps");
    const int64_t n = maps.length;
    const std::vector<int32_t> tokens = golden.whole(at + "tokens");
    std::vector<bool> punctuation;
    for (const int32_t p : golden.whole(at + "punctuation")) punctuation.push_back(p != 0);
    std::vector<HeadMap> heads;
    for (int64_t l = 0; l < maps.layers; ++l)
      for (int64_t h = 0; h < maps.heads; ++h) heads.push_back(head_map(maps, l, h));
    const auto each = [&](auto f) {
      std::vector<double> out;
      for (const HeadMap& head : heads) out.push_back(f(head));
      return out;
    };
    near(each([&](HeadMap m) { return entropy(m, visible); }), at + "entropy");
    near(each([&](HeadMap m) { return distance(m); }), at + "distance");
    near({uniform_distance(heads[0], visible)}, at + "uniform_distance");
    for (int k = 0; k < kPatternCount; ++k) {
      const auto mass = [&](HeadMap m) {
        return pattern_mass(m, visible, static_cast<AttentionPattern>(k), tokens, punctuation);
      };
      near(each([&](HeadMap m) { return mass(m).mass / mass(m).total; }), at + "pattern." + std::to_string(k));
      near({mass(heads[0]).chance / mass(heads[0]).total}, at + "chance." + std::to_string(k));
    }
    std::vector<double> keys, sinks, divergence;
    for (const HeadMap& m : heads)
      for (int64_t k = 0; k < n; ++k) keys.push_back(key_mass(m, visible, k));
    for (int64_t k = 0; k < n; ++k) sinks.push_back(share_of_sinks(maps, visible, k));
    for (const HeadMap& a : heads)
      for (const HeadMap& b : heads) divergence.push_back(jensen_shannon(a, b));
    near(keys, at + "key_mass"), near(sinks, at + "share_of_sinks"), near(divergence, at + "divergence");
    near(each([&](HeadMap m) { return confidence(m, n - 1); }), at + "confidence");
    near(rollout(maps).weights, at + "rollout");
    const std::vector<double> V = golden.numbers(at + "V"), dO = golden.numbers(at + "dO"), W_O = golden.numbers(at + "W_O");
    AttentionMaps da(maps.layers, maps.heads, n);
    for (int64_t l = 0; l < maps.layers; ++l) weight_gradients(da, l, dO, V);
    near(da.weights, at + "weight_gradients");
    near(score_gradients(maps, da).weights, at + "score_gradients");
    near(relevance(maps, da), at + "relevance");
    near(value_weighted(maps, 1, V, W_O), at + "value_weighted");
    near(value_weighted(maps, 1, V, W_O, 2), at + "value_weighted_of_head_2");
    const std::vector<int32_t> word_of = golden.whole(at + "word_of");
    near(words_from_pieces(maps, std::vector<int64_t>(word_of.begin(), word_of.end())).weights, at + "words");
  }
  AttentionMaps twice(1, 1, 9);
  twice.weights = golden.numbers("twice.map");
  near({duplicate_mass(of(twice), 4, 1), induction_mass(of(twice), 4, 1), masked_copy(of(twice), 4, 2, 1),
        masked_copy(of(twice), 4, 7, 1)},
       "twice.scores");
  const std::vector<double> content = golden.numbers("content.maps");
  std::vector<HeadMap> sentences;
  for (size_t s = 0; s < 5; ++s) sentences.push_back({content.data() + s * 144, 12});
  near({content_share(sentences)}, "content.share");
  near({kendall_tau(golden.numbers("kendall.x"), golden.numbers("kendall.y"))}, "kendall.tau");
  near({kendall_null_deviation(6)}, "kendall.null");
  const std::vector<int32_t> columns = golden.whole("assignment.columns");
  CHECK(best_assignment(golden.numbers("assignment.cost"), 5, 7) == std::vector<int64_t>(columns.begin(), columns.end()));
  RatioEstimate ratio;
  const std::vector<double> y = golden.numbers("ratio.y"), x = golden.numbers("ratio.x");
  for (size_t i = 0; i < y.size(); ++i) ratio.add(y[i], x[i]);
  near({ratio.value(), ratio.half_width()}, "ratio.value");
}
