#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "cli/session.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "train/gemm_rate.h"
#include "train/schedule.h"

namespace vitrine {
namespace {

constexpr int64_t kWarmup = 3;        // steps that are not timed
constexpr double kGemmSeconds = 0.2;  // for each shape

// Operations of the products in one training step: forward, and twice as many backward. L blocks, each with four D×D projections, two
// (gated: three) D×F ones, and 4·T·D a token for scores and their application; the head for M predicted rows.
double flops_of(const Session& s, const Batch& batch) {
  const ModelSettings& m = s.config.model;
  const auto D = static_cast<double>(m.width), F = static_cast<double>(m.hidden), N = static_cast<double>(batch.size());
  const bool gated = m.activation == ActivationKind::kSwiglu || m.activation == ActivationKind::kGeglu;
  double squares = 0;
  for (int64_t b = 0; b < batch.sequence_count(); ++b) squares += static_cast<double>(batch.length(b) * batch.length(b));
  const double block = N * (8 * D * D + (gated ? 6 : 4) * D * F) + 4 * squares * D;
  double head = 0;
  for (size_t k = 0; k < s.engine.classes.size(); ++k)
    head += 2 * D * static_cast<double>(s.engine.classes[k]) * static_cast<double>(batch.targets[k].classes.size());
  return 3 * (static_cast<double>(m.layers) * block + head);
}

struct Shape {
  int64_t m, n, k;
};
std::vector<Shape> gemm_shapes(const Session& s, const EngineSummary& e) {
  const ModelSettings& m = s.config.model;
  const int64_t rows = std::min(e.micro_batch, s.engine.batch_tokens);
  return {{rows, 3 * m.width, m.width}, {rows, m.hidden, m.width}, {rows, m.width, m.hidden}};
}

class BenchVerb : public Verb {
 public:
  CLI::App* declare(CLI::App& program) override {
    CLI::App* verb = program.add_subcommand("bench", "measures speed");
    verb->require_subcommand(1);
    CLI::App* train = verb->add_subcommand("train", "time and memory of training steps");
    add_config_argument(*train, config_, sets_);
    train->add_option("--seconds", seconds_, "how long to measure (default 5)")->check(CLI::Range(0.01, 3600.0))->type_name("S");
    train->add_flag("--json", json_, "one JSON object on stdout");
    train->footer("Example:\n  vitrine bench train configs/bench/tiny.yaml --seconds 8 --json");
    verb->footer("Example:\n  vitrine bench train configs/bench/nano.yaml");
    return verb;
  }

  int run() override {
    using Clock = std::chrono::steady_clock;
    const Session session = make_session(load_config(config_, sets_));
    const std::unique_ptr<Engine> engine = session.make_engine();
    const std::unique_ptr<Loader> loader = session.make_loader();
    std::vector<double> times;
    double tokens = 0, flops = 0, total = 0;
    Batch batch;
    for (int64_t step = 1; step <= kWarmup || total < seconds_; ++step) {
      const auto begin = Clock::now();
      loader->next(batch);
      engine->train_step(batch, step, session.config.optimizer.learning_rate);
      const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
      if (step <= kWarmup) continue;
      times.push_back(seconds);
      total += seconds;
      tokens += static_cast<double>(batch.size());
      flops += flops_of(session, batch);
    }
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);  // before the products below take memory of their own
    const auto steps = static_cast<double>(times.size());
    std::nth_element(times.begin(), times.begin() + std::ssize(times) / 2, times.end());
    const double median = times[times.size() / 2];
    const EngineSummary& e = engine->summary();
    double gemm = 0;
    for (const Shape& shape : gemm_shapes(session, e))
      gemm =
          std::max(gemm, measure_gemm(engine->precision(), shape.m, shape.n, shape.k, static_cast<int>(e.threads), kGemmSeconds));
    nlohmann::ordered_json out{{"config", session.config.run.name},
                               {"tokens_per_s", std::round(tokens / steps / median)},
                               {"median_ms", median * 1e3},
                               {"steps", times.size()},
                               {"parameters", e.parameters},
                               {"threads", e.threads},
                               {"lanes", e.lanes},
                               {"micro_batch", e.micro_batch},
                               {"peak_rss_mb", static_cast<double>(usage.ru_maxrss) / 1024},  // MiB, as the kernel counts
                               {"planned_mb", static_cast<double>(e.bytes()) / (1024 * 1024)},
                               {"flops_per_step", std::round(flops / steps)},
                               {"gemm_gflops", gemm / 1e9},
                               {"utilisation", flops / steps / median / gemm}};
    print(json_ ? out.dump() + "\n" : draw(out));
    return 0;
  }

 private:
  static std::string draw(const nlohmann::ordered_json& r) {
    const auto number = [&](const char* name) { return r[name].get<double>(); };
    std::string out =
        fmt::format("{}: {} parameters, {} threads, {} lanes of micro-batches of {} tokens\n", r["config"].get<std::string>(),
                    thousands(r["parameters"].get<int64_t>()), r["threads"].get<int64_t>(), r["lanes"].get<int64_t>(),
                    thousands(r["micro_batch"].get<int64_t>()));
    out += fmt::format("  speed        {} tokens/s; {:.3f} ms a step (median of {})\n",
                       thousands(std::llround(number("tokens_per_s"))), number("median_ms"), r["steps"].get<int64_t>());
    out += fmt::format("  memory       {:.1f} MiB at the peak, {:.1f} MiB of it planned\n", number("peak_rss_mb"),
                       number("planned_mb"));
    out += fmt::format(
        "  arithmetic   {:.3g} GFLOP a step; {:.1f} of the {:.1f} GFLOP/s that products of its shapes reach: {:.0f} %\n",
        number("flops_per_step") / 1e9, number("flops_per_step") / number("median_ms") / 1e6, number("gemm_gflops"),
        100 * number("utilisation"));
    return out;
  }

  std::string config_;
  std::vector<std::string> sets_;
  double seconds_ = 5;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_bench_verb() { return std::make_unique<BenchVerb>(); }

}  // namespace vitrine
