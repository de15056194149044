#include <CLI/CLI.hpp>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/npy.h"
#include "cli/embeddings.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace vitrine {
namespace {

NamedTensor tensor_of(const char* name, int64_t width, const std::vector<double>& values, bool wide) {
  const std::vector<int64_t> shape{std::ssize(values) / width, width};
  if (wide) return NamedTensor::of(name, shape, std::span<const double>(values));
  const std::vector<float> narrow(values.begin(), values.end());
  return NamedTensor::of(name, shape, std::span<const float>(narrow));
}

NamedTensor tensor_of(const char* name, const std::vector<int64_t>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {name, Dtype::kI64, {std::ssize(values)}, {bytes.begin(), bytes.end()}};
}

class EmbedVerb : public Verb {
 public:
  CLI::App* declare(CLI::App& program) override {
    CLI::App* verb = program.add_subcommand("embed", "the vectors that the encoder makes of any lines of text, in a file");
    add_run_argument(*verb, run_, sets_);
    verb->add_option("FILE", file_, "one text a line; - is standard input (default: -)");
    verb->add_option(
            "--out", out_,
            "F.npy: one vector a line [lines, D], pooled as the run's head pools it, else their mean; F.safetensors: the "
            "same as `pooled`, the vectors of the tokens as `tokens`, and `offsets` of the lines in them")
        ->required()
        ->type_name("F");
    verb->footer("Example:\n  vitrine embed runs/trec questions.txt --out questions.npy");
    return verb;
  }

  int run() override {
    const bool npy = out_.ends_with(".npy");
    if (!npy && !out_.ends_with(".safetensors"))
      fail(ErrorKind::kConfig, "--out '{}': the name says the format, and ends in .npy or .safetensors", out_);
    const std::string folder = std::filesystem::path(out_).parent_path().string();
    if (!folder.empty() && !std::filesystem::is_directory(folder))
      fail(ErrorKind::kConfig, "--out '{}': there is no folder '{}'", out_, folder);
    const Run run = open_run(run_, sets_);
    TextModel model(run, TextBatches::kTokens);
    TextBatches batches(model, file_, EmptyLines::kRefused);
    Embeddings all;
    all.width = run.config.model.width;
    while (batches.next()) append_embeddings(all, model, batches.batch(), !npy);
    if (all.pooled.empty()) fail(ErrorKind::kData, "{}: no text", batches.name());
    const bool wide = model.engine().precision() == Precision::kFloat64;
    const NamedTensor pooled = tensor_of("pooled", all.width, all.pooled, wide);
    const int64_t lines = pooled.shape[0];
    if (npy)
      write_file_atomically(out_, encode_npy(pooled));
    else
      write_safetensors(out_,
                        {{pooled, tensor_of("tokens", all.width, all.tokens, wide), tensor_of("offsets", all.offsets)}, {}});
    print(fmt::format("{}: {} lines, {} tokens, width {}\n", out_, thousands(lines), thousands(all.offsets.back()), all.width));
    return 0;
  }

 private:
  std::string run_, file_ = "-", out_;
  std::vector<std::string> sets_;
};

}  // namespace

std::unique_ptr<Verb> make_embed_verb() { return std::make_unique<EmbedVerb>(); }

}  // namespace vitrine
