#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/sentence.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace vitrine {
namespace {

using Json = nlohmann::ordered_json;
constexpr size_t kAnswers = 5;

Json to_json(const SentenceView& v) {
  Json out{{"tokens", v.shown.tokens}, {"layers", v.maps.layers}, {"heads", v.maps.heads}};
  out["weights"] = Json::array();
  for (int64_t l = 0; l < v.maps.layers; ++l) {
    Json layer = Json::array();
    for (int64_t h = 0; h < v.maps.heads; ++h) {
      Json head = Json::array();
      for (int64_t i = 0; i < v.maps.length; ++i) {
        const auto row = v.maps.weights.begin() + static_cast<std::ptrdiff_t>(v.maps.index(l, h, i, 0));
        head.push_back(std::vector<double>(row, row + v.maps.length));
      }
      layer.push_back(std::move(head));
    }
    out["weights"].push_back(std::move(layer));
  }
  out["predictions"] = Json::array();
  for (const Prediction& p : v.predictions) {
    Json best = Json::array();
    for (const Prediction::Answer& a : p.best) best.push_back({{"answer", a.text}, {"probability", a.probability}});
    out["predictions"].push_back(
        {{"position", p.position}, {"truth", p.truth.empty() ? Json() : Json(p.truth)}, {"best", std::move(best)}});
  }
  if (!v.link) return out;
  const SentenceLink& l = *v.link;
  Json heads = Json::array();
  for (size_t k = 0; k < l.measure.heads.size(); ++k)
    heads.push_back({{"layer", static_cast<int64_t>(k) / v.maps.heads},
                     {"head", static_cast<int64_t>(k) % v.maps.heads},
                     {"attention", l.measure.heads[k].attention},
                     {"chance", l.measure.heads[k].chance},
                     {"effect", l.measure.heads[k].effect},
                     {"untrained", l.untrained.heads[k].attention}});
  out["link"] = {{"name", l.name},
                 {"target", v.shown.target},
                 {"sources", v.shown.sources},
                 {"value", l.value},
                 {"pair", l.pair},
                 {"pair_value", l.pair_value},
                 {"effect_of_all", l.measure.effect_of_all},
                 {"heads", std::move(heads)}};
  return out;
}

std::string name_of_target(const SentenceView& v, const Prediction& p) {
  switch (p.kind) {
    case ObjectiveKind::kSequenceClassification: return "label";
    case ObjectiveKind::kMultiLabelClassification: return "labels";
    case ObjectiveKind::kRegression: return "value";
    case ObjectiveKind::kCausalLm: return "next";
    default: break;
  }
  const bool target = p.position == v.shown.target;
  if (p.kind == ObjectiveKind::kMaskedLm && target) return "› [MASK]";
  return fmt::format("{}{} at {}", target ? "› " : "", printable(v.shown.tokens[static_cast<size_t>(p.position)]), p.position);
}

std::string draw_predictions(const SentenceView& v, const TerminalStyle& style) {
  std::string out;
  for (const Prediction& p : v.predictions) {
    const std::string name = name_of_target(v, p);
    std::string line = "  " + fit(name, std::max(12, display_width(name)));
    bool found = p.truth.empty();
    for (const Prediction::Answer& a : p.best) {
      const bool right = a.text == p.truth;
      found |= right;
      const std::string text = fmt::format("{}{}{}", printable(a.text), right ? " ✓" : "",
                                           p.kind == ObjectiveKind::kRegression ? "" : fmt::format(" {:.2f}", a.probability));
      if (display_width(line) + display_width(text) + 3 > style.width && a.text != p.best.front().text) break;
      line += (a.text == p.best.front().text ? "" : "   ") + text;
    }
    const std::string truth = found ? "" : fmt::format("   (it was {})", printable(p.truth));
    out += fit(line + truth, std::min(style.width, display_width(line + truth))) + "\n";
  }
  return out;
}

// What the picture alone would not say: whether the attention is more than chance, and whether the answer hangs on it.
std::string draw_link(const SentenceView& v) {
  const SentenceLink& l = *v.link;
  const size_t looks = best_head(l.measure, &HeadLink::attention), acts = best_head(l.measure, &HeadLink::effect);
  const auto name = [&](size_t k) {
    return fmt::format("block {}, head {}", static_cast<int64_t>(k) / v.maps.heads, static_cast<int64_t>(k) % v.maps.heads);
  };
  std::string out = fmt::format("  link        {}: {} here, {} in the pair \"{}\"\n", printable(l.name), printable(l.value),
                                printable(l.pair_value), printable(l.pair));
  std::vector<std::string> sources;
  for (const int64_t source : v.shown.sources) sources.push_back(printable(v.shown.tokens[static_cast<size_t>(source)]));
  out += fmt::format("  looks most  {} at «{}»: {:.2f}; chance {:.2f}, before training {:.2f}\n", name(looks),
                     fmt::join(sources, " "), l.measure.heads[looks].attention, l.measure.heads[looks].chance,
                     l.untrained.heads[looks].attention);
  out += fmt::format("  acts most   {}: its output from the pair moves the answer {:.2f} of the way\n", name(acts),
                     l.measure.heads[acts].effect);
  if (acts != looks)
    out += fmt::format("              ({} moves it {:.2f}: looking most is not acting most)\n", name(looks),
                       l.measure.heads[looks].effect);
  return out;
}

class AttentionVerb : public Verb {
 public:
  CLI::App* declare(CLI::App& program) override {
    CLI::App* verb = program.add_subcommand("attention", "the attention weights of one sentence, in the terminal");
    add_run_argument(*verb, run_, sets_);
    auto* text = verb->add_option("TEXT", text_, "a sentence; [MASK] is a word to guess (default: inspect.sentences)");
    verb->add_option("--sample", sample_, "sequence N of the corpus, counted from 1, with its links")
        ->excludes(text)
        ->type_name("N")
        ->check(whole_number(1));
    verb->add_option("--split", split_, "of --sample: train, validation or test (default: test, or else validation)");
    auto* layer = verb->add_option("--layer", layer_, "block L alone, with numbers")->type_name("L")->check(whole_number(0));
    verb->add_option("--head", head_, "its head H alone")->needs(layer)->type_name("H")->check(whole_number(0));
    verb->add_flag("--json", json_, "one JSON object a sentence on stdout");
    verb->footer(
        "Examples:\n"
        "  vitrine attention runs/quickstart --sample 1\n"
        "  vitrine attention runs/quickstart \"the cat [MASK] on the mat .\" --layer 1 --head 2");
    return verb;
  }

  int run() override {
    Run run = open_run(run_, sets_);
    check_range("--layer", layer_, run.config.model.layers);
    check_range("--head", head_, run.config.model.heads);
    if (sample_ > 0) {
      show(sample(run));
    } else {
      std::vector<std::string> texts = run.config.inspect.sentences;
      if (!text_.empty()) texts = {text_};
      if (texts.empty())
        fail(ErrorKind::kConfig, "attention needs a TEXT, --sample N, or inspect.sentences in the configuration");
      for (const std::string& text : texts) show(view_text(run, text, kAnswers));
    }
    return 0;
  }

 private:
  void show(const SentenceView& v) const {
    if (json_) return print(to_json(v).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
    const TerminalStyle style = terminal_of(STDOUT_FILENO).style;
    std::string text = "\n" + pictures(v, style);
    text += draw_legend(v.maps, v.shown, style);
    if (!v.predictions.empty()) text += "\n" + draw_predictions(v, style);
    if (v.link) text += draw_link(v);
    print(text);
  }

  static void check_range(const char* option, int64_t value, int64_t count) {
    if (value >= count) fail(ErrorKind::kConfig, "{} {}: this model has {} to {}", option, value, 0, count - 1);
  }

  SentenceView sample(Run& run) {
    const Session session = make_session(run.config, std::move(run.learned));
    if (split_.empty()) split_ = session.corpus.test ? "test" : session.corpus.validation ? "validation" : "train";
    return view_sample(session, run.checkpoint, split_, sample_, kAnswers);
  }

  std::string pictures(const SentenceView& v, const TerminalStyle& style) const {
    if (layer_ >= 0) {
      std::string out;
      for (int64_t h = 0; h < v.maps.heads; ++h)
        if (head_ < 0 || h == head_) out += draw_head(v.maps, layer_, h, v.shown, style);
      if (head_ >= 0 && v.shown.target >= 0) out += draw_row(v.maps, layer_, head_, v.shown.target, v.shown, style) + "\n";
      return out;
    }
    std::string out = draw_heads(v.maps, v.shown, style);
    if (!v.link) return out;
    const auto k = static_cast<int64_t>(best_head(v.link->measure, &HeadLink::attention));
    const int64_t l = k / v.maps.heads, h = k % v.maps.heads;
    const std::string title = fmt::format("Where › looks in block {}, head {}", l, h);
    out += fit(title, std::min(style.width, display_width(title))) + "\n";
    return out + draw_row(v.maps, l, h, v.shown.target, v.shown, style) + "\n";
  }

  std::string run_, text_, split_;
  std::vector<std::string> sets_;
  int64_t sample_ = -1, layer_ = -1, head_ = -1;
  bool json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_attention_verb() { return std::make_unique<AttentionVerb>(); }

}  // namespace vitrine
