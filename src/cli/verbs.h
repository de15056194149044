#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
class Validator;
}

namespace vitrine {

// One word of the command line, with its options. `run` returns the exit code; what a person can mend it throws as Error.
class Verb {
 public:
  virtual ~Verb() = default;
  virtual CLI::App* declare(CLI::App& program) = 0;  // its subcommand, whose options set members of this object
  virtual int run() = 0;
};

std::unique_ptr<Verb> make_train_verb();
std::unique_ptr<Verb> make_evaluate_verb();
std::unique_ptr<Verb> make_predict_verb();
std::unique_ptr<Verb> make_embed_verb();
std::unique_ptr<Verb> make_generate_verb();
std::unique_ptr<Verb> make_attention_verb();
std::unique_ptr<Verb> make_gradcheck_verb();
std::unique_ptr<Verb> make_gradients_verb();
std::unique_ptr<Verb> make_bench_verb();
std::unique_ptr<Verb> make_config_verb();
std::unique_ptr<Verb> make_data_verb();
std::unique_ptr<Verb> make_doctor_verb();
std::unique_ptr<Verb> make_verify_verb();
std::unique_ptr<Verb> make_sweep_verb();
std::unique_ptr<Verb> make_plot_verb();
std::unique_ptr<Verb> make_inspect_verb();
std::unique_ptr<Verb> make_patch_verb();
std::unique_ptr<Verb> make_lab_verb();

// Results go to stdout through this. Error{kInternal} when they cannot be written; ReaderGone when whoever read them went away
// (`| head`), which ends the program quietly.
struct ReaderGone {};
void print(const std::string& text);

// Options that several verbs have.
void add_config_argument(CLI::App& verb, std::string& path, std::vector<std::string>& sets);
void add_run_argument(CLI::App& verb, std::string& path, std::vector<std::string>& sets);
CLI::Validator whole_number(int64_t least);

}  // namespace vitrine
