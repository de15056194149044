#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <new>

#include "base/error.h"
#include "cli/verbs.h"

namespace vitrine {
namespace {

// A usage mistake has the code of a configuration mistake.
constexpr int kUsage = static_cast<int>(ErrorKind::kConfig);
constexpr int kInternal = static_cast<int>(ErrorKind::kInternal);
constexpr int kReaderGone = 141;  // 128 + SIGPIPE, as a shell shows it

int run(int argc, char** argv) {
  CLI::App program{"Trains tiny transformer encoders and shows what their attention does.", "vitrine"};
  program.require_subcommand(1);
  program.set_version_flag("--version", VITRINE_VERSION);
  program.footer(
      "Begin with:  vitrine train configs/quickstart.yaml\n`vitrine VERB --help` shows a verb's options and an example.");
  std::vector<std::unique_ptr<Verb>> verbs;
  std::vector<CLI::App*> commands;
  for (auto make :
       {make_train_verb, make_evaluate_verb, make_predict_verb, make_embed_verb, make_generate_verb, make_attention_verb,
        make_gradcheck_verb, make_gradients_verb, make_bench_verb, make_config_verb, make_data_verb, make_doctor_verb,
        make_verify_verb, make_sweep_verb, make_plot_verb, make_inspect_verb, make_patch_verb, make_lab_verb}) {
    verbs.push_back(make());
    commands.push_back(verbs.back()->declare(program));
  }
  try {
    program.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    std::ostringstream out;
    program.exit(success, out, out);
    print(out.str());
    return 0;
  } catch (const CLI::ParseError& error) {
    const auto named = [&](const CLI::App* verb) { return verb->get_name() == argv[1]; };
    const auto all = program.get_subcommands([](const CLI::App*) { return true; });
    if (argc > 1 && argv[1][0] != '-' && std::none_of(all.begin(), all.end(), named)) {
      std::fprintf(stderr, "error: there is no verb '%s'\nhelp: vitrine --help lists them\n", argv[1]);
      return kUsage;
    }
    const std::string verb = argc > 1 && argv[1][0] != '-' ? std::string(argv[1]) + " " : "";
    std::fprintf(stderr, "error: %s\nhelp: vitrine %s--help shows what can stand here, and an example\n", error.what(),
                 verb.c_str());
    return kUsage;
  }
  for (size_t i = 0; i < verbs.size(); ++i)
    if (commands[i]->parsed()) return verbs[i]->run();
  return kUsage;
}

}  // namespace
}  // namespace vitrine

int main(int argc, char** argv) {
  using namespace vitrine;
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of a write, not the end of a training
  try {
    return run(argc, argv);
  } catch (const Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return static_cast<int>(error.kind());
  } catch (const ReaderGone&) {
    return kReaderGone;
  } catch (const std::bad_alloc&) {
    std::fprintf(
        stderr,
        "error: out of memory\nhelp: a smaller training.micro_batch, training.lanes, model.width or vocabulary needs less\n");
    return kInternal;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: internal: %s\n", error.what());
    return kInternal;
  }
}
