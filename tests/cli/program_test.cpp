// Runs the built program as a person does: files in, exit code, stdout and stderr out.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "base/file.h"
#include "base/safetensors.h"
#include "inspect/terminal_text.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace fs = std::filesystem;
using nlohmann::json;
using namespace vitrine;

namespace {

struct Outcome {
  int code;
  std::string out, err;
};

class Program {
 public:
  // `arguments` as a shell reads them, in the temporary folder.
  Outcome run(const std::string& arguments, const std::string& prefix = "") const {
    const std::string command = "cd '" + folder_ + "' && " + prefix + " '" VITRINE_PROGRAM "' " + arguments + " >out 2>err";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read("out"), read("err")};
  }
  // Started, and ended by a signal as soon as metrics.jsonl in `run_dir` has a line.
  int run_and_signal(const std::vector<std::string>& arguments, const std::string& run_dir, int signal) const {
    const pid_t child = fork();
    if (child == 0) {
      if (chdir(folder_.c_str()) != 0) _exit(99);
      if (std::freopen("out", "w", stdout) == nullptr || std::freopen("err", "w", stderr) == nullptr) _exit(99);
      std::vector<char*> argv{const_cast<char*>(VITRINE_PROGRAM)};
      for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
      argv.push_back(nullptr);
      execv(VITRINE_PROGRAM, argv.data());
      _exit(99);
    }
    for (int i = 0; i < 2000 && !fs::exists(path(run_dir + "/metrics.jsonl")); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    kill(child, signal);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string read(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << text;
  }

  // Two classes told apart by one word; the colours of the lines are random.
  void write_classification() const {
    std::string text;
    for (int i = 0; i < 200; ++i)
      text += std::string(i % 2 == 0 ? "warm" : "cold") + " the " + (i % 3 == 0 ? "big " : "") + (i % 2 == 0 ? "sun" : "snow") +
              " of day " + std::to_string(i % 7) + "\n";
    write("lines.txt", text);
    write("classify.yaml", R"(
run:        {name: weather, seed: 3}
data:       {kind: labelled_lines, train: lines.txt, validation: 0.2, test: 0.2, max_length: 16}
tokenizer:  {kind: word}
model:      {width: 16, layers: 2, heads: 2, hidden: 32, dropout: 0.1}
objective:  {kind: sequence_classification, pooling: cls}
optimizer:  {kind: adamw, learning_rate: 5.0e-03}
training:   {steps: 60, batch_size: 16, clip: 1.0}
evaluation: {every: 20}
log:        {interval: 10}
)");
  }
  void write_grammar() const {
    write("grammar.yaml",
          "run: {name: toy, seed: 1}\ndata: {kind: grammar, grammar: " VITRINE_SOURCE_DIR
          "/data/english.grammar, max_length: 32, train_sentences: 2000, validation_sentences: 100, test_sentences: 100}\n"
          "model: {width: 16, layers: 2, heads: 2, hidden: 32, dropout: 0.0}\n"
          "objective: {kind: masked_lm}\noptimizer: {learning_rate: 1.0e-02}\n"
          "training: {steps: 150, batch_size: 32}\nevaluation: {every: 50}\n");
  }

 private:
  TemporaryFolder temporary_;
  const std::string& folder_ = temporary_.path();
};

std::string last_line(const std::string& text) {
  const size_t end = text.find_last_not_of('\n');
  const size_t begin = text.find_last_of('\n', end);
  return text.substr(begin + 1, end - begin);
}

int widest(const std::string& text) {
  std::istringstream lines(text);
  int widest = 0;
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, display_width(line));
  return widest;
}

}  // namespace

TEST_CASE("a classifier: trained, evaluated, looked at") {
  const Program p;
  p.write_classification();
  const Outcome train = p.run("train classify.yaml");
  INFO(train.err);
  REQUIRE(train.code == 0);
  CHECK(last_line(train.out) == "Run directory: runs/weather");
  CHECK(train.err.find("parameters") != std::string::npos);
  CHECK(train.err.find("memory") != std::string::npos);
  CHECK(train.err.find("step 20  validation") != std::string::npos);
  CHECK(train.err.find('\r') == std::string::npos);
  CHECK((train.out + train.err).find('\x1b') == std::string::npos);
  for (const char* file :
       {"config.resolved.yaml", "tokenizer.json", "labels.json", "metrics.jsonl", "train.log", "best", "latest"})
    CHECK(fs::exists(p.path(std::string("runs/weather/") + file)));

  const Outcome evaluate = p.run("evaluate runs/weather --json");
  REQUIRE(evaluate.code == 0);
  const json result = json::parse(evaluate.out);
  CHECK(result["split"] == "test");
  CHECK(result["accuracy"].get<double>() > 0.95);
  CHECK(result["floors"]["majority"].get<double>() < 0.7);
  CHECK(result["floors"]["uniform"].get<double>() == Approx(std::log(2)));
  CHECK(result["labels"] == json{"cold", "warm"});
  CHECK(result["confusion"].size() == 2);
  CHECK(p.run("evaluate runs/weather --split validation").out.starts_with("validation: "));

  const Outcome attention = p.run("attention runs/weather 'the big snow' --json");
  REQUIRE(attention.code == 0);
  const json view = json::parse(attention.out);
  CHECK(view["tokens"] == json{"[CLS]", "the", "big", "snow"});
  CHECK(view["weights"].size() == 2);
  CHECK(view["weights"][0].size() == 2);
  for (const json& row : view["weights"][1][1]) {
    double sum = 0;
    for (const json& a : row) sum += a.get<double>();
    CHECK(sum == Approx(1));
  }
  CHECK(view["predictions"][0]["best"][0]["answer"] == "cold");
  CHECK(p.run("attention runs/weather --sample 1 --layer 1 --head 0").out.find("block 1, head 0") != std::string::npos);
}

TEST_CASE("the toy grammar: links in the report and in the picture, which fits the window") {
  const Program p;
  p.write_grammar();
  const Outcome train = p.run("train grammar.yaml --json");
  INFO(train.err);
  REQUIRE(train.code == 0);
  const json result = json::parse(train.out);
  CHECK(result["test"]["floors"]["entropy"].get<double>() < result["test"]["loss"].get<double>());
  CHECK(result["test"]["loss"].get<double>() < result["test"]["floors"]["unigram"].get<double>());
  REQUIRE(result["test"]["links"].size() >= 1);
  for (const json& link : result["test"]["links"]) {
    CHECK(link["effect_of_all"].get<double>() == Approx(1));
    CHECK(link["untrained"].get<double>() < 0.5);
  }
  bool linked = false;
  for (int i = 1; i <= 30 && !linked; ++i) {
    const Outcome picture = p.run("attention runs/toy --sample " + std::to_string(i), "COLUMNS=60");
    REQUIRE(picture.code == 0);
    CHECK(picture.out.find("Every row sums to 1") != std::string::npos);
    linked = picture.out.find("looks most") != std::string::npos;
    if (!linked) continue;
    CHECK(picture.out.find("«") != std::string::npos);
    CHECK(widest(picture.out.substr(0, picture.out.find("Every row"))) <= 60);
  }
  CHECK(linked);
}

TEST_CASE("a run stopped by a signal and resumed has the bits of one that ran through, on any number of threads") {
  const Program p;
  p.write_classification();
  const std::string longer = "train classify.yaml --set training.steps=900 --set evaluation.every=100 --set log.interval=5 ";
  const int signal = GENERATE(SIGINT, SIGTERM);
  REQUIRE(p.run(longer + "--run-dir whole --set run.threads=1").code == 0);
  const int code = p.run_and_signal({"train", "classify.yaml", "--set", "training.steps=900", "--set", "evaluation.every=100",
                                     "--set", "log.interval=5", "--run-dir", "parts"},
                                    "parts", signal);
  INFO(p.read("err"));
  REQUIRE(code == 128 + signal);
  CHECK(p.read("err").find("--resume") != std::string::npos);
  CHECK_FALSE(fs::exists(p.path("parts/checkpoints/step-00000900")));
  CHECK(p.run(longer + "--run-dir parts").code == 2);
  const Outcome resumed = p.run(longer + "--run-dir parts --resume --set run.threads=2");
  INFO(resumed.err);
  REQUIRE(resumed.code == 0);
  for (const char* file : {"model.safetensors", "optimizer.safetensors"}) {
    const std::string name = std::string("/checkpoints/step-00000900/") + file;
    const std::string whole = p.read("whole" + name);
    CHECK(whole.size() > 1000);
    CHECK(p.read("parts" + name) == whole);
  }
  CHECK(p.run(longer + "--run-dir parts --resume --set model.width=32").code == 2);
}

TEST_CASE("several seeds: a run each, their mean and standard deviation") {
  const Program p;
  p.write_classification();
  const Outcome seeds = p.run("train classify.yaml --set training.steps=20 --seeds 1,2,3 --json");
  INFO(seeds.err);
  REQUIRE(seeds.code == 0);
  const json result = json::parse(seeds.out);
  REQUIRE(result["seeds"].size() == 3);
  double mean = 0, squares = 0;
  for (const json& run : result["seeds"]) mean += run["test"]["loss"].get<double>() / 3;
  for (const json& run : result["seeds"]) squares += std::pow(run["test"]["loss"].get<double>() - mean, 2);
  CHECK(result["mean"]["loss"].get<double>() == Approx(mean));
  CHECK(result["deviation"]["loss"].get<double>() == Approx(std::sqrt(squares / 2)));
  CHECK(fs::exists(p.path("runs/weather-seed2/config.resolved.yaml")));
}

TEST_CASE("a resolved configuration trains the same bits again") {
  const Program p;
  p.write_classification();
  REQUIRE(p.run("train classify.yaml --run-dir a").code == 0);
  REQUIRE(p.run("train a/config.resolved.yaml --run-dir b").code == 0);
  CHECK(p.read("a/checkpoints/step-00000060/model.safetensors") == p.read("b/checkpoints/step-00000060/model.safetensors"));
}

TEST_CASE("a pre-trained encoder goes on with another objective and its own tokenizer") {
  const Program p;
  p.write_classification();
  std::string text;
  for (int i = 0; i < 100; ++i) text += "snow and sun of the big day " + std::to_string(i % 5) + "\n";
  p.write("plain.txt", text);
  p.write(
      "pretrain.yaml",
      "data: {kind: lines, train: plain.txt, max_length: 16}\ntokenizer: {kind: word}\n"
      "model: {width: 16, layers: 2, heads: 2, hidden: 32}\nobjective: {kind: masked_lm}\ntraining: {steps: 5, batch_size: 8}\n");
  REQUIRE(p.run("train pretrain.yaml --run-dir base").code == 0);
  const Outcome tuned = p.run("train classify.yaml --set training.steps=0 --set model.initialize_from=base --run-dir tuned");
  INFO(tuned.err);
  REQUIRE(tuned.code == 0);
  CHECK(tuned.err.find("start from") != std::string::npos);
  CHECK(tuned.err.find("classifier.weight") != std::string::npos);
  CHECK(p.read("tuned/tokenizer.json") == p.read("base/tokenizer.json"));
}

TEST_CASE("every kind of mistake has its exit code and one clear message") {
  const Program p;
  p.write_classification();
  const auto refuses = [&](int code, const std::string& arguments, const std::string& words) {
    CAPTURE(arguments);
    const Outcome o = p.run(arguments);
    CAPTURE(o.err);
    CHECK(o.code == code);
    CHECK(o.err.find(words) != std::string::npos);
    CHECK(o.out.empty());
  };
  refuses(2, "", "subcommand");
  refuses(2, "fly", "no verb 'fly'");
  refuses(2, "train", "CONFIG");
  refuses(2, "train none.yaml", "none.yaml");
  refuses(2, "train classify.yaml --set training.stepz=1", "stepz");
  refuses(2, "train classify.yaml --resume", "no run directory");
  refuses(2, "train classify.yaml --set data.max_length=10 --set model.max_length=4", "model.max_length");
  refuses(2, "train classify.yaml --set model.width=65536 --set model.hidden=1048576 --run-dir huge", "this machine has");
  refuses(4, "attention nowhere", "no run directory");
  refuses(3, "train classify.yaml --set data.train=missing.txt", "missing.txt");
  refuses(3, "train classify.yaml --set data.train=none*", "no file matches");
  refuses(4, "evaluate nowhere", "nowhere");
  refuses(4, "evaluate .", "run.json");
  refuses(
      6,
      "train classify.yaml --set optimizer.learning_rate=1e38 --set training.clip=none --set evaluation.every=0 --run-dir wild",
      "step");
  CHECK_FALSE(fs::exists(p.path("wild/latest")));

  p.write("empty.txt", "");
  refuses(3, "train classify.yaml --set data.train=empty.txt", "empty.txt");
  p.write("one.txt", "a b\n");
  refuses(3, "train classify.yaml --set data.train=one.txt", "data.test");
  p.write("nul.txt", std::string("a b\nc \0d\n", 9));
  refuses(3, "train classify.yaml --set data.train=nul.txt", "nul.txt:2");
  p.write("invalid.txt", "a b\nc \xff\n");
  refuses(3, "train classify.yaml --set data.train=invalid.txt", "invalid.txt:2");
}

TEST_CASE("a damaged newest checkpoint is passed over with a warning; all damaged is an error") {
  const Program p;
  p.write_classification();
  REQUIRE(p.run("train classify.yaml --set checkpoint.every=30 --run-dir r").code == 0);
  std::string newest = p.read("r/checkpoints/step-00000060/model.safetensors");
  newest[newest.size() / 2] ^= 1;
  p.write("r/checkpoints/step-00000060/model.safetensors", newest);
  const Outcome resumed = p.run("train classify.yaml --set checkpoint.every=30 --run-dir r --resume");
  INFO(resumed.err);
  CHECK(resumed.code == 0);
  CHECK(resumed.err.find("warning") != std::string::npos);
  for (const fs::directory_entry& step : fs::directory_iterator(p.path("r/checkpoints")))
    fs::resize_file(step.path() / "state.json", 3);
  CHECK(p.run("evaluate r").code == 4);
  fs::remove(p.path("r/run.json"));
  CHECK(p.run("evaluate r").code == 4);
}

TEST_CASE("labels and words that training did not have") {
  const Program p;
  p.write_classification();
  p.write("test.txt", "warm the sun\nmild qqq zzz\ncold snow\n");
  const Outcome train = p.run("train classify.yaml --set data.test=test.txt --run-dir r");
  INFO(train.err);
  REQUIRE(train.code == 0);
  CHECK(train.err.find("warning: 1 labels") != std::string::npos);
  CHECK(json::parse(p.run("evaluate r --json").out)["accuracy"].get<double>() == Approx(2 / 3.0));
  const Outcome attention = p.run("attention r 'qqq zzz'");
  CHECK(attention.code == 0);
  CHECK(attention.err.find("'qqq'") != std::string::npos);
}

TEST_CASE("results that cannot be written are an error; a reader who leaves is not") {
  const Program p;
  p.write_classification();
  const std::string program = "'" VITRINE_PROGRAM "' config show classify.yaml";
  const auto shell = [&](const std::string& command) {
    const int status = std::system(("cd '" + p.path("") + "' && " + command).c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  };
  if (fs::exists("/dev/full")) CHECK(shell(program + " >/dev/full 2>err") == 1);
  CHECK(shell("(" + program + "; echo $? >code) 2>err | true") == 0);
  CHECK(p.read("err").find("terminate") == std::string::npos);
}

TEST_CASE("gradients: the initial ones by default, others with --weights; gradcheck agrees with them") {
  const Program p;
  p.write_classification();
  REQUIRE(p.run("gradients classify.yaml --set run.precision=float64 --out g.safetensors").code == 0);
  const SafeTensors g = read_safetensors(p.path("g.safetensors"));
  CHECK(g.at("loss").dtype == Dtype::kF64);
  const int64_t N = g.at("hidden.1").shape[0];
  CHECK(g.at("hidden.1").shape == std::vector<int64_t>{N, 16});
  CHECK(g.at("logits").shape == std::vector<int64_t>{16, 2});
  CHECK(g.at("gradient.blocks.0.attention.query.weight").shape == std::vector<int64_t>{16, 16});
  const NamedTensor& map = g.at("attention.0.3");
  const int64_t T = map.shape[1];
  CHECK(map.shape == std::vector<int64_t>{2, T, T});
  double sum = 0;
  for (double a : map.as_double()) sum += a;
  CHECK(sum == Approx(2.0 * static_cast<double>(T)));

  // The same batch by hand: two sequences of two and three tokens.
  SafeTensors batch;
  const std::vector<int32_t> tokens{2, 5, 2, 4, 6}, offsets{0, 2, 5}, labels{1, 0};
  batch.tensors = {NamedTensor::of("tokens", {5}, std::span<const int32_t>(tokens)),
                   NamedTensor::of("offsets", {3}, std::span<const int32_t>(offsets)),
                   NamedTensor::of("labels", {2}, std::span<const int32_t>(labels))};
  write_safetensors(p.path("b.safetensors"), batch);
  REQUIRE(p.run("train classify.yaml --set training.steps=0 --set run.precision=float64 --run-dir w").code == 0);
  const std::string common = "gradients classify.yaml --set run.precision=float64 --batch b.safetensors ";
  REQUIRE(p.run(common + "--out 1.safetensors").code == 0);
  REQUIRE(p.run(common + "--weights w/checkpoints/step-00000000/model.safetensors --out 2.safetensors").code == 0);
  CHECK(read_file(p.path("1.safetensors")) == read_file(p.path("2.safetensors")));
  CHECK(read_safetensors(p.path("1.safetensors")).at("hidden.0").shape == std::vector<int64_t>{5, 16});
  batch.tensors[0] = NamedTensor::of("tokens", {5}, std::span<const int32_t>(std::vector<int32_t>{2, 5, 2, 4, 60000}));
  write_safetensors(p.path("b.safetensors"), batch);
  CHECK(p.run(common + "--out 3.safetensors").code == 3);

  const Outcome check = p.run("gradcheck classify.yaml --samples 2");
  CHECK(check.code == 0);
  CHECK(check.out.find("are right") != std::string::npos);
  CHECK(check.out.find("WRONG") == std::string::npos);
}

TEST_CASE("bench train says what it measured") {
  const Program p;
  p.write_classification();
  const Outcome bench = p.run("bench train classify.yaml --seconds 0.2 --json");
  REQUIRE(bench.code == 0);
  const json result = json::parse(bench.out);
  for (const char* name : {"tokens_per_s", "median_ms", "steps", "parameters", "threads", "peak_rss_mb", "planned_mb",
                           "flops_per_step", "gemm_gflops", "utilisation"})
    CHECK(result[name].get<double>() > 0);
  CHECK(result["utilisation"].get<double>() < 1.5);
}

TEST_CASE("every verb explains itself with an example, quickly") {
  const Program p;
  for (const char* verb : {"train", "evaluate", "attention", "gradcheck", "gradients", "bench train", "config show",
                           "config check", "config explain", "doctor"}) {
    CAPTURE(verb);
    const Outcome help = p.run(std::string(verb) + " --help");
    CHECK(help.code == 0);
    CHECK(help.out.find("Example") != std::string::npos);
    CHECK(help.err.empty());
  }
  CHECK(p.run("--version").out.find('.') != std::string::npos);
  CHECK(p.run("doctor").out.find("processor") != std::string::npos);
}
