#include <unistd.h>

#include <CLI/CLI.hpp>

#include "base/error.h"
#include "cli/bench_attention.h"
#include "cli/bench_train.h"
#include "cli/roofline.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "train/op_rates.h"

namespace vitrine {
namespace {

class BenchVerb : public Verb {
 public:
  CLI::App* declare(CLI::App& program) override {
    CLI::App* verb = program.add_subcommand("bench", "measures speed");
    verb->require_subcommand(1);
    verb->footer("Examples:\n  vitrine bench train configs/bench/nano.yaml\n  vitrine bench ops\n  vitrine bench attention");

    train_ = verb->add_subcommand("train", "time and memory of training steps");
    add_config_argument(*train_, what_.config, what_.sets);
    train_->add_option("--seconds", what_.seconds, "how long to measure (default 5)")
        ->check(CLI::Range(0.01, 3600.0))
        ->type_name("S");
    train_->add_flag("--profile", what_.profile, "the share of each primitive and how near it comes to what the machine can do");
    train_->add_flag("--json", what_.json, "one JSON object on stdout");
    train_->footer("Example:\n  vitrine bench train configs/bench/tiny.yaml --seconds 8 --profile");

    ops_ = verb->add_subcommand("ops", "single primitives, on one thread");
    const auto size = [&](const char* name, int64_t& value, const char* text) {
      ops_->add_option(name, value, fmt::format("{} (default {})", text, value))->check(whole_number(1))->type_name("N");
    };
    size("--tokens", shapes_.N, "tokens");
    size("--length", shapes_.T, "tokens of a sequence");
    size("--width", shapes_.D, "width");
    size("--heads", shapes_.H, "heads");
    size("--hidden", shapes_.F, "hidden width");
    size("--vocabulary", shapes_.V, "classes");
    ops_->add_option("--seconds", seconds_each_, "how long for each (default 0.1)")
        ->check(CLI::Range(0.001, 600.0))
        ->type_name("S");
    ops_->add_flag("--json", what_.json, "one JSON object on stdout");
    ops_->footer("Example:\n  vitrine bench ops --width 256 --hidden 1024");

    attention_ = verb->add_subcommand("attention", "kinds of attention by length: time, planned memory, and how they grow");
    attention_->add_option("--kinds", attend_.kinds, "such as full,full/dense,local (default: all)")
        ->delimiter(',')
        ->type_name("KIND");
    attention_->add_option("--lengths", attend_.lengths, "tokens (default 128 to 16384)")
        ->delimiter(',')
        ->check(whole_number(1))
        ->type_name("T");
    attention_->add_option("--width", attend_.width, "width (default 128)")->check(whole_number(1))->type_name("N");
    attention_->add_option("--heads", attend_.heads, "heads (default 4)")->check(whole_number(1))->type_name("N");
    attention_->add_option("--threads", attend_.threads, "sequences at a time, each on a thread (default 1)")
        ->check(whole_number(1))
        ->type_name("N");
    attention_->add_option("--set", attend_.sets, "a key of the kind: model.attention.window=32")->type_name("KEY=VALUE");
    attention_->add_flag("--causal", attend_.causal, "a token sees only itself and those before it");
    attention_->add_flag("--forward", attend_.forward, "no backward pass");
    attention_->add_option("--seconds", attend_.seconds, "how long for each cell (default 0.2)")
        ->check(CLI::Range(0.001, 600.0))
        ->type_name("S");
    attention_->add_option("--limit", attend_.limit, "a cell that would take longer is left out (default 20)")
        ->check(CLI::Range(0.001, 3600.0))
        ->type_name("S");
    attention_->add_option("--out", attend_.out, "also a picture")->type_name("F.svg");
    attention_->add_flag("--json", attend_.json, "one JSON object on stdout");
    attention_->footer("Example:\n  vitrine bench attention --kinds full,local,linear --lengths 512,1024,2048,4096");
    return verb;
  }

  int run() override {
    if (train_->parsed()) return bench_train(what_);
    if (attention_->parsed()) return bench_attention(attend_);
    if (shapes_.D % shapes_.H != 0) fail(ErrorKind::kConfig, "--heads: {} heads do not divide --width {}", shapes_.H, shapes_.D);
    if (shapes_.N < shapes_.T)
      fail(ErrorKind::kConfig, "--tokens: {} are fewer than one sequence of --length {}", shapes_.N, shapes_.T);
    const std::vector<OpProfile> profile = measure_ops(Precision::kFloat32, shapes_, seconds_each_);
    const MachineLimits limits =
        measure_limits(Precision::kFloat32, {{shapes_.N, shapes_.F, shapes_.D}, {384, 384, 256}}, 1, seconds_each_);
    nlohmann::ordered_json rows = roofline(profile, 1, limits);
    for (auto& row : rows) row["ms"] = row["ms"].get<double>() / row["calls"].get<double>();
    for (auto& row : rows) row.erase("share"), row.erase("calls");
    print(what_.json ? nlohmann::ordered_json{{"gemm_gflops", limits.flops / 1e9},
                                              {"cache_gb_s", limits.cache_bytes / 1e9},
                                              {"memory_gb_s", limits.memory_bytes / 1e9},
                                              {"ops", rows}}
                               .dump() +
                           "\n"
                     : draw_roofline(rows, limits, terminal_of(STDOUT_FILENO).style));
    return 0;
  }

 private:
  CLI::App *train_ = nullptr, *ops_ = nullptr, *attention_ = nullptr;
  BenchTrain what_;
  BenchAttention attend_;
  OpShapes shapes_;
  double seconds_each_ = 0.1;
};

}  // namespace

std::unique_ptr<Verb> make_bench_verb() { return std::make_unique<BenchVerb>(); }

}  // namespace vitrine
