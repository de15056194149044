#include "inspect/page.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/base64.h"
#include "base/check.h"
#include "base/error.h"
#include "inspect/page_source.h"
#include "inspect/statistics.h"
#include "inspect/terminal_text.h"

namespace vitrine {
namespace {

using Json = nlohmann::ordered_json;

std::string deflated(std::string_view bytes) {
  uLongf size = compressBound(bytes.size());
  std::string out(size, '\0');
  const int result = compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
                               bytes.size(), Z_BEST_COMPRESSION);
  check(result == Z_OK, "what is compressed fits into its bound");
  out.resize(size);
  return out;
}

std::string float_bytes(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

// √α in 255 steps: |α − (q/255)²| ≤ 1/255.
std::string quantised(const AttentionMaps& maps) {
  std::string out;
  out.reserve(maps.weights.size());
  for (const double a : maps.weights)
    out += static_cast<char>(static_cast<uint8_t>(std::lround(255 * std::sqrt(std::clamp(a, 0.0, 1.0)))));
  return out;
}

// What is said of each head, in the order of `measures_of`.
struct Measure {
  const char *key, *title, *formula;
};
constexpr std::array kMeasures{
    Measure{"entropy", "entropy", "−Σ α ln α / ln(visible keys), mean over queries: 0 one key, 1 all alike (Clark et al. 2019)"},
    Measure{"distance", "distance", "Σ α |i − j|, mean over queries, in tokens (Vig & Belinkov 2019)"},
    Measure{"self", "itself", "share of the weight on j = i"},
    Measure{"previous", "prev.", "share of the weight on j = i − 1, of queries that have such a key"},
    Measure{"next", "next", "share of the weight on j = i + 1, of queries that have such a key"},
    Measure{"confidence", "sharp", "largest α of a row, mean over queries (Voita et al. 2019)"},
    Measure{"first", "first", "weight on the first token, mean over the queries that may see it: a sink (Gu et al. 2024)"},
};

std::array<double, kMeasures.size()> measures_of(HeadMap map, VisibleKeys visible) {
  const std::vector<int32_t> any(static_cast<size_t>(map.length));  // none of these patterns asks which tokens they are
  const auto mass = [&](AttentionPattern p) {
    const PatternMass m = pattern_mass(map, visible, p, any, std::vector<bool>(any.size()));
    return m.mass / m.total;
  };
  return {entropy(map, visible),         distance(map),   mass(AttentionPattern::kSelf), mass(AttentionPattern::kPrevious),
          mass(AttentionPattern::kNext), confidence(map), key_mass(map, visible, 0)};
}

// One sentence at one step.
struct Encoded {
  std::string map;              // base64 of deflated bytes [L][H][n][n]
  std::vector<float> measures;  // [L·H][measures]
  std::vector<float> looks;     // [L·H] attention on the sources; empty where there are none
  std::vector<float> moves;     // pair, then [L·H]; empty without a link
  double row_error = 0;
  int64_t empty_rows = 0;
};
Encoded encode(const SentenceRecord& r, const ShownSentence& shown, const std::vector<VisibleKeys>& visible) {
  Encoded out{base64(deflated(quantised(r.maps))), {}, {}, {}, r.maps.largest_row_error(), r.maps.rows_without_keys()};
  for (int64_t l = 0; l < r.maps.layers; ++l)
    for (int64_t h = 0; h < r.maps.heads; ++h) {
      for (const double m : measures_of(head_map(r.maps, l, h), visible[static_cast<size_t>(l * r.maps.heads + h)]))
        out.measures.push_back(static_cast<float>(m));
      if (!shown.sources.empty()) out.looks.push_back(static_cast<float>(weight_on_sources(r.maps, l, h, shown)));
    }
  if (!r.move) return out;
  out.moves.push_back(static_cast<float>(r.move->pair));
  out.moves.insert(out.moves.end(), r.move->heads.begin(), r.move->heads.end());
  return out;
}

struct EncodedStep {
  int64_t step = 0;
  std::vector<Encoded> sentences;
  int64_t bytes = 0;
};

std::vector<EncodedStep> encode_steps(const PageRun& run, std::vector<std::string>& notes) {
  std::vector<EncodedStep> out;
  std::vector<int64_t> damaged;
  std::string why;  // of the first
  for (const int64_t step : run.steps) {
    EncodedStep e{step, {}, 0};
    try {
      for (const SentenceRecord& r : run.read(step))
        e.sentences.push_back(encode(r, run.sentences[e.sentences.size()].shown, run.visible));
    } catch (const Error& error) {
      if (damaged.empty()) why = error.what();
      damaged.push_back(step);
      continue;
    }
    for (const Encoded& s : e.sentences)
      e.bytes += std::ssize(s.map) + 6 * std::ssize(s.measures) + 6 * std::ssize(s.looks) + 6 * std::ssize(s.moves) + 40;
    out.push_back(std::move(e));
  }
  if (out.empty())
    fail(ErrorKind::kCheckpoint, "none of the {} steps of run '{}' can be read: {}", damaged.size(), run.name, why);
  if (damaged.size() == 1) notes.push_back(fmt::format("Step {} of {} is left out: {}", damaged[0], run.name, why));
  if (damaged.size() > 1)
    notes.push_back(fmt::format("Steps {} of {} are left out; the first one: {}", fmt::join(damaged, ", "), run.name, why));
  return out;
}

// `count` of them, evenly, the last among them.
std::vector<EncodedStep> thinned(std::vector<EncodedStep>& all, size_t count) {
  std::vector<EncodedStep> out;
  for (size_t k = 0; k < count; ++k)
    out.push_back(std::move(all[count == 1 ? all.size() - 1 : k * (all.size() - 1) / (count - 1)]));
  return out;
}

void thin(std::vector<EncodedStep>& steps, const PageRun& run, int64_t room, std::vector<std::string>& notes) {
  int64_t total = 0, largest = 0;
  for (const EncodedStep& s : steps) total += s.bytes, largest = std::max(largest, s.bytes);
  if (total <= room) return;
  const auto count = static_cast<size_t>(room / largest);
  if (count == 0)
    fail(ErrorKind::kConfig, "--max-mb: one step of {} sentences needs {:.1f} MB; a larger page, or fewer or shorter sentences",
         run.sentences.size(), static_cast<double>(largest) / 1e6 + 0.1);
  notes.push_back(fmt::format("{} of the {} recorded steps of {} are shown, so that the page stays small (--max-mb).", count,
                              steps.size(), run.name));
  steps = thinned(steps, count);
}

Json to_json(const PageRun& run, const std::vector<EncodedStep>& steps) {
  Json out{{"name", run.name},          {"model", run.model},         {"formula", run.formula},    {"config", run.config},
           {"seed", run.seed},          {"precision", run.precision}, {"version", run.version},    {"layers", run.layers},
           {"heads", run.heads},        {"steps", Json::array()},     {"curves", Json::array()},   {"floors", run.floors},
           {"findings", Json::array()}, {"measured", run.measured},   {"sentences", Json::array()}};
  for (const EncodedStep& s : steps) out["steps"].push_back(s.step);
  for (const PageRun::Curve& c : run.curves) out["curves"].push_back({{"name", c.name}, {"points", c.points}});
  for (const Finding& f : run.findings) {
    Json heads = Json::array();
    for (const HeadName& h : f.heads) heads.push_back({h.layer, h.head});
    out["findings"].push_back({{"kind", f.kind}, {"heads", std::move(heads)}, {"sentence", f.sentence}});
  }
  for (size_t k = 0; k < run.sentences.size(); ++k) {
    const RecordedSentence& s = run.sentences[k];
    Json j{{"tokens", s.shown.tokens}, {"kinds", s.kinds}, {"words", s.words}, {"target", s.shown.target}};
    j["sources"] = s.shown.sources, j["note"] = s.note;
    if (s.link)
      j["link"] = {{"name", s.link->name},
                   {"value", s.link->value},
                   {"pair_value", s.link->pair_value},
                   {"pair", s.link->pair},
                   {"chance", s.link->chance}};
    std::vector<float> measures, looks, moves;
    double row_error = 0;
    int64_t empty_rows = 0;
    j["maps"] = Json::array();
    for (const EncodedStep& step : steps) {
      const Encoded& e = step.sentences[k];
      j["maps"].push_back(e.map);
      measures.insert(measures.end(), e.measures.begin(), e.measures.end());
      looks.insert(looks.end(), e.looks.begin(), e.looks.end());
      moves.insert(moves.end(), e.moves.begin(), e.moves.end());
      row_error = std::max(row_error, e.row_error), empty_rows += e.empty_rows;
    }
    j["measures"] = base64(float_bytes(measures)), j["row_error"] = row_error, j["empty_rows"] = empty_rows;
    if (!looks.empty()) j["looks"] = base64(float_bytes(looks));
    if (!moves.empty()) j["moves"] = base64(float_bytes(moves));
    out["sentences"].push_back(std::move(j));
  }
  return out;
}

// The heads of the second run that stand for those of the first: the assignment of least mean Jensen–Shannon divergence over the sentences that
// both have, after the last step of each. For each head of the first run [head, divergence]; head −1: the other run has fewer. Null: no common
// sentence.
Json match_heads(const PageRun& a, int64_t step_a, const PageRun& b, int64_t step_b) {
  const std::vector<SentenceRecord> ours = a.read(step_a), theirs = b.read(step_b);
  const int64_t A = a.layers * a.heads, B = b.layers * b.heads;
  std::vector<double> cost(static_cast<size_t>(A * B));
  int64_t common = 0;
  for (size_t k = 0; k < ours.size(); ++k)
    for (size_t m = 0; m < theirs.size(); ++m) {
      if (a.sentences[k].shown.tokens != b.sentences[m].shown.tokens) continue;
      ++common;
      for (int64_t x = 0; x < A; ++x)
        for (int64_t y = 0; y < B; ++y)
          cost[static_cast<size_t>(x * B + y)] += jensen_shannon(head_map(ours[k].maps, x / a.heads, x % a.heads),
                                                                 head_map(theirs[m].maps, y / b.heads, y % b.heads));
      break;
    }
  if (common == 0) return nullptr;
  for (double& c : cost) c /= static_cast<double>(common);
  std::vector<int64_t> taken(static_cast<size_t>(A), -1);
  if (A <= B) {
    taken = best_assignment(cost, A, B);
  } else {
    std::vector<double> turned(cost.size());
    for (int64_t x = 0; x < A; ++x)
      for (int64_t y = 0; y < B; ++y) turned[static_cast<size_t>(y * A + x)] = cost[static_cast<size_t>(x * B + y)];
    const std::vector<int64_t> back = best_assignment(turned, B, A);
    for (int64_t y = 0; y < B; ++y) taken[static_cast<size_t>(back[static_cast<size_t>(y)])] = y;
  }
  Json out = Json::array();
  for (int64_t x = 0; x < A; ++x) {
    const int64_t y = taken[static_cast<size_t>(x)];
    out.push_back(y < 0 ? Json{-1, 0} : Json{y, cost[static_cast<size_t>(x * B + y)]});
  }
  return out;
}

}  // namespace

std::string draw_page(const PageContents& contents, int64_t most_bytes) {
  static_assert(std::endian::native == std::endian::little, "the page reads float32 as little-endian");
  Json out{{"format", 1}, {"precision", kPagePrecision}, {"measures", Json::array()}, {"colours", Json::array()}};
  for (const Measure& m : kMeasures) out["measures"].push_back({{"key", m.key}, {"title", m.title}, {"formula", m.formula}});
  for (int i = 0; i < 256; ++i) {
    const Rgb c = cividis(i / 255.0);
    out["colours"].push_back({c.r, c.g, c.b});
  }
  std::vector<std::string> notes = contents.notes;
  std::vector<std::vector<EncodedStep>> steps;
  for (const PageRun& run : contents.runs) steps.push_back(encode_steps(run, notes));
  const auto fixed = static_cast<int64_t>(kPageBefore.size() + kPageAfter.size()) + 100'000;  // and curves, sentences, colours
  const int64_t room = std::max<int64_t>(0, most_bytes - fixed - std::ssize(contents.live)) / std::ssize(contents.runs);
  for (size_t r = 0; r < steps.size(); ++r) thin(steps[r], contents.runs[r], room, notes);
  out["runs"] = Json::array();
  for (size_t r = 0; r < steps.size(); ++r) out["runs"].push_back(to_json(contents.runs[r], steps[r]));
  if (contents.runs.size() > 1) {
    out["matching"] = match_heads(contents.runs[0], steps[0].back().step, contents.runs[1], steps[1].back().step);
    if (out["matching"].is_null())
      notes.push_back(
          "The two runs have no sentence of the same tokens, so their heads are not matched: a text or --sample N gives both "
          "one.");
  }
  out["notes"] = notes;
  if (!contents.live.empty()) out["live"] = Json::parse(contents.live);
  // Only ASCII, and no '<': nothing in it can end the element that it stands in.
  std::string json = out.dump(-1, ' ', true, Json::error_handler_t::replace), text;
  text.reserve(json.size());
  for (const char c : json) c == '<' ? text += "\\u003c" : text += c;
  return std::string(kPageBefore) + text + std::string(kPageAfter);
}

}  // namespace vitrine
