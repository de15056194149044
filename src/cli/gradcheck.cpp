#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <regex>

#include "base/error.h"
#include "base/rng.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace vitrine {
namespace {

constexpr double kRelative = 1e-7,
                 kAbsolute = 1e-9;  // |a − n| ≤ 1e-7 max(|a|,|n|) + 1e-9 G, G the largest entry of all gradients
constexpr double kNoise = 0.05;     // added to every parameter, so that none is 0 or 1
constexpr int64_t kSequences = 4;   // of the batch

// ∂loss/∂w by differences of fourth order: (8 (f(h) − f(−h)) − (f(2h) − f(−2h)))/12h.
double difference(Engine& engine, const Batch& batch, const std::string& name, int64_t index, double h) {
  const double w = engine.get(name, index);
  const auto loss = [&](double step) {
    engine.set(name, index, w + step);
    return engine.loss_of(batch);
  };
  const double slope = (8 * (loss(h) - loss(-h)) - (loss(2 * h) - loss(-2 * h))) / (12 * h);
  engine.set(name, index, w);
  return slope;
}

struct Row {
  std::string name, shape;
  int64_t checked = 0;
  double largest = 0, worst = 0;  // gradient entry; error as a multiple of what is allowed
  int64_t worst_index = 0;
  double worst_backward = 0, worst_difference = 0;
};

class GradcheckVerb : public Verb {
 public:
  CLI::App* declare(CLI::App& program) override {
    CLI::App* verb = program.add_subcommand("gradcheck", "compares every gradient with finite differences, in double");
    add_config_argument(*verb, config_, sets_);
    verb->add_option("--parameter", pattern_, "only parameters whose name matches")->type_name("REGEX");
    verb->add_option("--samples", samples_, "entries of each parameter: the largest gradients, then random ones (default 6)")
        ->type_name("N")
        ->check(whole_number(1));
    verb->footer("Example:\n  vitrine gradcheck configs/quickstart.yaml --parameter 'attention'");
    return verb;
  }

  int run() override {
    std::vector<std::string> sets = sets_;
    sets.push_back("run.precision=float64");
    Session session = make_session(load_config(config_, sets));
    const std::unique_ptr<Engine> engine = session.make_engine();
    move_away(*engine, session.engine.seed);
    const Batch batch = first_batch(session);
    engine->gradients_of(batch);
    const std::vector<NamedTensor> gradients = engine->gradients();
    double G = 0;
    for (const NamedTensor& g : gradients)
      for (double x : g.as_double()) G = std::max(G, std::abs(x));
    std::vector<Row> rows;
    const std::regex pattern = read_pattern();
    for (const NamedTensor& g : gradients)
      if (std::regex_search(g.name, pattern)) rows.push_back(check(*engine, batch, g, G, session.engine.seed));
    if (rows.empty()) fail(ErrorKind::kConfig, "--parameter: no parameter's name matches '{}'", pattern_);
    const bool all_right = std::all_of(rows.begin(), rows.end(), [](const Row& r) { return r.worst <= 1; });
    print(table(rows, G, batch));
    return all_right ? 0 : 1;
  }

 private:
  std::regex read_pattern() const try { return std::regex(pattern_); } catch (const std::regex_error&) {
    fail(ErrorKind::kConfig, "--parameter: '{}' is not a regular expression", pattern_);
  }

  static void move_away(Engine& engine, uint64_t seed) {
    SafeTensors moved{engine.parameters(), {}};
    for (NamedTensor& t : moved.tensors) {
      std::vector<double> values = t.as_double();
      const RngKey key{seed, RngKey::make_stream(Purpose::kBootstrap), hash_name(t.name)};
      for (size_t i = 0; i < values.size(); ++i) values[i] += kNoise * key.normal(0, static_cast<uint32_t>(i));
      t = NamedTensor::of(t.name, t.shape, std::span<const double>(values));
    }
    engine.set_parameters(moved);
  }

  static Batch first_batch(const Session& s) {
    Batch batch;
    Example example;
    for (int64_t i = 0; i < std::min(kSequences, s.corpus.train->size()); ++i) {
      s.corpus.train->read(i, example);
      s.collator->append(batch, example, i, 0);
    }
    s.collator->finish(batch);
    return batch;
  }

  Row check(Engine& engine, const Batch& batch, const NamedTensor& gradient, double G, uint64_t seed) const {
    const std::vector<double> g = gradient.as_double();
    Row row;
    row.name = gradient.name;
    row.shape = fmt::format("{}", fmt::join(gradient.shape, "×"));
    std::vector<size_t> order(g.size());
    std::iota(order.begin(), order.end(), size_t{0});
    const size_t n = std::min(g.size(), static_cast<size_t>(samples_)), large = (n + 1) / 2;
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(large), order.end(),
                      [&](size_t a, size_t b) { return std::abs(g[a]) > std::abs(g[b]); });
    const RngKey key{seed, RngKey::make_stream(Purpose::kBootstrap, 1), hash_name(gradient.name)};
    for (size_t k = 0; k < n; ++k) {
      const size_t rest = g.size() - k;
      if (k >= large) std::swap(order[k], order[k + key.below(static_cast<uint32_t>(rest), 0, static_cast<uint32_t>(k))]);
      const size_t i = order[k];
      double error = 1e300, slope = 0;
      for (double h : {2e-4, 2e-5, 2e-3}) {  // a kink (relu) within one h is outside another
        const double d = difference(engine, batch, gradient.name, static_cast<int64_t>(i), h);
        const double e = std::abs(d - g[i]) / (kRelative * std::max(std::abs(d), std::abs(g[i])) + kAbsolute * G);
        if (std::isfinite(e) && e < error) error = e, slope = d;
        if (error <= 1) break;
      }
      row.largest = std::max(row.largest, std::abs(g[i]));
      ++row.checked;
      if (error < row.worst) continue;
      row.worst = error;
      row.worst_index = static_cast<int64_t>(i);
      row.worst_backward = g[i];
      row.worst_difference = slope;
    }
    return row;
  }

  static std::string table(const std::vector<Row>& rows, double G, const Batch& batch) {
    const TerminalStyle style = terminal_of(STDOUT_FILENO).style;
    std::string out = fmt::format("{:<44} {:>12} {:>7}  {:>9}  {:>7}\n", "parameter", "shape", "checked", "largest", "error");
    size_t wrong = 0;
    for (const Row& r : rows) {
      const bool right = r.worst <= 1;
      wrong += !right;
      out += fmt::format("{:<44} {} {:>7}  {:>9.2e}  {:>7.2g}  {}\n", r.name, fit(r.shape, 12, true), r.checked, r.largest,
                         r.worst, toned(right ? "ok" : "WRONG", right ? Tone::kGood : Tone::kBad, style));
      if (!right)
        out += fmt::format("    entry {}: backward {:.10e}, differences {:.10e}\n", r.worst_index, r.worst_backward,
                           r.worst_difference);
    }
    out += fmt::format(
        "error: |a − n| as a share of what is allowed, 1e-7 max(|a|, |n|) + 1e-9 G; G = {:.2e}, the largest entry of all\n"
        "gradients; {} tokens in {} sequences, parameters moved off their initial values, dropout off\n",
        G, batch.size(), batch.sequence_count());
    out += wrong == 0 ? fmt::format("All {} parameters are right.\n", rows.size())
                      : fmt::format("{} of {} parameters are WRONG.\n", wrong, rows.size());
    return out;
  }

  std::string config_, pattern_ = ".";
  std::vector<std::string> sets_;
  int64_t samples_ = 6;
};

}  // namespace

std::unique_ptr<Verb> make_gradcheck_verb() { return std::make_unique<GradcheckVerb>(); }

}  // namespace vitrine
