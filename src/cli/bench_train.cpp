#include "cli/bench_train.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "cli/roofline.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace vitrine {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;
constexpr int64_t kWarmup = 3;        // steps that are not timed
constexpr double kGemmSeconds = 0.2;  // for each limit of the machine

// Of the encoder's N rows, those that the heads read where they are few (Objective::reads): the last block computes no others.
double rows_read(const Session& s, const Batch& batch) {
  const std::vector<ObjectiveSettings>& heads = s.config.objectives;
  if (heads.size() > 1) return static_cast<double>(batch.size());
  if (heads[0].kind == ObjectiveKind::kMaskedLm) return static_cast<double>(batch.targets[0].rows.size());
  return static_cast<double>(prepends_cls(targets_of(s.config)) ? batch.sequence_count() : batch.size());
}

// Operations of the products in one training step: forward, and twice as many backward. L blocks, each with four D×D projections, two
// (gated: three) D×F ones, and 4·T·D a token for scores and their application; a head for M predicted rows.
double flops_of(const Session& s, const Batch& batch) {
  const ModelSettings& m = s.config.model;
  const auto D = static_cast<double>(m.width), F = static_cast<double>(m.hidden), N = static_cast<double>(batch.size());
  const bool gated = m.activation == ActivationKind::kSwiglu || m.activation == ActivationKind::kGeglu;
  double squares = 0;
  for (int64_t b = 0; b < batch.sequence_count(); ++b) squares += static_cast<double>(batch.length(b) * batch.length(b));
  const double behind = 2 * D * D + (gated ? 6 : 4) * D * F;  // the last projection of attention, and what follows it
  const double block = N * (6 * D * D + behind) + 4 * squares * D;
  double head = 0;
  for (size_t k = 0; k < batch.targets.size(); ++k)
    head += 2 * D * static_cast<double>(s.engine.classes[k]) * static_cast<double>(batch.targets[k].classes.size());
  return 3 * (static_cast<double>(m.layers) * block - (N - rows_read(s, batch)) * behind + head);
}

std::vector<GemmShape> gemm_shapes(const Session& s, const EngineSummary& e) {
  const ModelSettings& m = s.config.model;
  const int64_t rows = std::min(e.micro_batch, s.engine.batch_tokens);
  return {{rows, 3 * m.width, m.width}, {rows, m.hidden, m.width}, {rows, m.width, m.hidden}};
}

rusage usage() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  return u;
}

// Of all threads, in user mode and in the kernel; waiting for a core is not in it.
double cpu_seconds() {
  const rusage u = usage();
  return static_cast<double>(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

std::vector<OpProfile> difference(std::vector<OpProfile> after, const std::vector<OpProfile>& before) {
  for (OpProfile& op : after)
    for (const OpProfile& old : before)
      if (old.name == op.name) op.calls -= old.calls, op.seconds -= old.seconds, op.flops -= old.flops, op.bytes -= old.bytes;
  return after;
}

std::string draw(const Json& r) {
  const auto number = [&](const char* name) { return r[name].get<double>(); };
  const auto whole = [&](const char* name) { return r[name].get<int64_t>(); };
  std::string out =
      fmt::format("{}: {} parameters, {} threads, {} lanes of micro-batches of {} tokens\n", r["config"].get<std::string>(),
                  thousands(whole("parameters")), whole("threads"), whole("lanes"), thousands(whole("micro_batch")));
  out += fmt::format("  speed        {} tokens/s; {:.3f} ms a step (median of {}), {:.3f} ms of processor time\n",
                     thousands(std::llround(number("tokens_per_s"))), number("median_ms"), whole("steps"), number("cpu_ms"));
  out += fmt::format("  memory       {:.1f} MiB at the peak, {:.1f} MiB of it planned\n", number("peak_rss_mb"),
                     number("planned_mb"));
  out += fmt::format(
      "  arithmetic   {:.3g} GFLOP a step; {:.1f} of the {:.1f} GFLOP/s that products of its shapes reach: {:.0f} %\n",
      number("flops_per_step") / 1e9, number("flops_per_step") / number("median_ms") / 1e6, number("gemm_gflops"),
      100 * number("utilisation"));
  return out;
}

}  // namespace

int bench_train(const BenchTrain& what) {
  Session session = make_session(load_config(what.config, what.sets));
  session.engine.profile = what.profile;
  const std::unique_ptr<Engine> engine = session.make_engine();
  const std::unique_ptr<Loader> loader = session.make_loader();
  std::vector<double> times;
  std::vector<OpProfile> warm;
  double tokens = 0, flops = 0, total = 0, cpu = 0;
  Batch batch;
  for (int64_t step = 1; step <= kWarmup || total < what.seconds; ++step) {
    if (step == kWarmup + 1) warm = engine->profile(), cpu = cpu_seconds();
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
  cpu = cpu_seconds() - cpu;
  const double peak = static_cast<double>(usage().ru_maxrss) / 1024;  // MiB; before the products below take memory of their own
  const auto steps = static_cast<double>(times.size());
  std::nth_element(times.begin(), times.begin() + std::ssize(times) / 2, times.end());
  const double median = times[times.size() / 2];
  const EngineSummary& e = engine->summary();
  const auto threads = static_cast<int>(e.threads);
  const MachineLimits limits = measure_limits(engine->precision(), gemm_shapes(session, e), threads, kGemmSeconds);
  const double gemm = limits.flops * threads;
  Json out{{"config", session.config.run.name},
           {"tokens_per_s", std::round(tokens / steps / median)},
           {"median_ms", median * 1e3},
           {"cpu_ms", cpu / steps * 1e3},
           {"steps", times.size()},
           {"parameters", e.parameters},
           {"threads", e.threads},
           {"lanes", e.lanes},
           {"micro_batch", e.micro_batch},
           {"peak_rss_mb", peak},
           {"planned_mb", static_cast<double>(e.bytes()) / (1024 * 1024)},
           {"flops_per_step", std::round(flops / steps)},
           {"gemm_gflops", gemm / 1e9},
           {"utilisation", flops / steps / median / gemm}};
  std::string text = draw(out);
  if (what.profile) {
    out["ops"] = roofline(difference(engine->profile(), warm), std::ssize(times), limits);
    text += draw_roofline(out["ops"], limits, terminal_of(STDOUT_FILENO).style);
  }
  print(what.json ? out.dump() + "\n" : text);
  return 0;
}

}  // namespace vitrine
