#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/columns.h"
#include "cli/page_run.h"
#include "cli/terminal.h"
#include "cli/text_model.h"
#include "cli/verbs.h"
#include "inspect/attribution.h"
#include "inspect/explanation.h"
#include "inspect/figure.h"
#include "inspect/patching.h"

namespace vitrine {
namespace {

using Json = nlohmann::ordered_json;
constexpr size_t kMostAnswers = 5;
constexpr double kLittle = 0.1;  // nats between the two runs: effects are shares of this

// One of the two sentences.
struct Side {
  std::string text;
  Batch batch;
  std::vector<std::string> tokens;
};

Side read_side(const TextModel& model, const std::string& text) {
  Side side{text, {}, {}};
  std::vector<Piece> pieces;
  bool cut = false;
  if (!model.encode(text, pieces, cut)) fail(ErrorKind::kConfig, "'{}': {}", printable(text), kPairsExpected);
  if (pieces.empty()) fail(ErrorKind::kConfig, "the text '{}' holds no token", printable(text));
  if (cut)
    fail(ErrorKind::kConfig, "the text '{}' has more than the {} tokens that this model takes", printable(text), model.limit());
  for (const Piece& piece : pieces)
    if (piece.id == Tokenizer::kUnknown)
      log_warning("'{}' does not occur in the training text and is read as [UNK]",
                  printable(std::string_view(text).substr(piece.begin, piece.end - piece.begin)));
  model.append(side.batch, text, pieces);
  for (const int32_t id : side.batch.tokens) side.tokens.push_back(printable(model.tokenizer().token(id)));
  return side;
}

// Everything that is measured of a pair.
struct Patched {
  ObjectiveKind kind = ObjectiveKind::kMaskedLm;
  int64_t layers = 0, heads = 0, row = -1;
  std::vector<std::string> names;  // of the classes
  LogOdds odds;
  PatchGrids grids;
  std::vector<std::vector<double>> lens;
  std::optional<DirectAttribution> direct;
  std::string why_not_direct;
  Explanation words;
  // Of one head, where it is asked for.
  std::vector<double> edges;
  std::vector<int32_t> tokens;  // the different ones of the clean sentence
  std::vector<HeadCircuit> circuits;
  std::vector<std::string> vocabulary;
  std::string name(int32_t c) const { return printable(names[static_cast<size_t>(c)]); }
};

class PatchVerb : public Verb {
 public:
  CLI::App* declare(CLI::App& program) override {
    CLI::App* verb =
        program.add_subcommand("patch", "which activations carry an answer: those of another sentence are put in, one by one");
    add_run_argument(*verb, run_, sets_);
    verb->add_option("--clean", clean_, "a sentence; [MASK] is a word to guess")->type_name("TEXT")->required();
    verb->add_option("--pair", pair_, "the same with another answer, as many tokens long")->type_name("TEXT")->required();
    verb->add_option("--answer", answer_, "to the clean sentence (default: the likeliest)")->type_name("WORD");
    verb->add_option("--pair-answer", pair_answer_, "to the pair (default: the likeliest)")->type_name("WORD");
    auto* layer =
        verb->add_option("--layer", layer_, "with --head: every edge of this head, and what it does over the vocabulary")
            ->type_name("L")
            ->check(whole_number(0));
    auto* head = verb->add_option("--head", head_, "its head H")->type_name("H")->check(whole_number(0))->needs(layer);
    layer->needs(head);
    auto* json = verb->add_flag("--json", json_, "one JSON object on stdout");
    auto* csv = verb->add_flag("--csv", csv_, "a line for each effect on stdout")->excludes(json);
    auto* figure = verb->add_option("--figure", figure_, "an SVG for a paper")->type_name("F.svg")->excludes(json)->excludes(csv);
    verb->add_option("--width", width_, "of the figure, such as 84mm (a column) or 174mm")
        ->type_name("MM")
        ->needs(figure)
        ->capture_default_str();
    verb->footer(
        "Example:\n"
        "  vitrine patch runs/quickstart --clean \"the letter from greta to fiona was signed by [MASK]\" \\\n"
        "    --pair \"the letter from jim to fiona was signed by [MASK]\"   # --figure patch.svg, --csv, --json");
    return verb;
  }

  int run() override {
    const Run run = open_run(run_, sets_);
    check_range("--layer", layer_, run.config.model.layers);
    check_range("--head", head_, run.config.model.heads);
    TextModel model(run, run.config.data.max_length);
    const Side clean = read_side(model, clean_), pair = read_side(model, pair_);
    if (clean.batch.size() != pair.batch.size())
      fail(ErrorKind::kConfig, "a pair has the same length: '{}' has {} tokens, '{}' has {}", printable(clean_),
           clean.batch.size(), printable(pair_), pair.batch.size());
    const Patched patched = measure(run, model, clean, pair);
    if (!figure_.empty()) {
      write_file_atomically(figure_, figure(patched, clean, pair, run), ErrorKind::kConfig);
      print(figure_ + "\n");
      return 0;
    }
    print(json_  ? to_json(patched, clean, pair).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"
          : csv_ ? to_csv(patched, clean)
                 : draw(patched, clean, pair));
    return 0;
  }

 private:
  static void check_range(const char* option, int64_t value, int64_t count) {
    if (value >= count) fail(ErrorKind::kConfig, "{} {}: this model has {} to {}", option, value, 0, count - 1);
  }

  Patched measure(const Run& run, TextModel& model, const Side& clean, const Side& pair) const {
    const ModelSettings& settings = run.config.model;
    Patched p;
    p.layers = settings.layers, p.heads = settings.heads;
    find_question(p, run, model, clean, pair);
    Engine& engine = model.engine();
    const PatchQuestion question{clean.batch, pair.batch, p.odds, p.row};
    p.grids = patch(engine, settings, question);
    p.lens = logit_lens(engine, settings, clean.batch, p.odds);
    const ObjectiveSettings& objective = run.config.objectives[p.odds.objective];
    p.why_not_direct = why_no_direct_attribution(settings, objective);
    if (p.why_not_direct.empty()) {
      std::vector<int64_t> rows{std::max<int64_t>(p.row, 0)};
      if (p.row < 0 && objective.pooling == Pooling::kMean) {
        rows.resize(clean.tokens.size());
        std::iota(rows.begin(), rows.end(), 0);
      }
      p.direct = direct_attribution(engine, settings, objective, run.checkpoint.model, clean.batch, p.odds, rows);
    }
    p.words = explain(engine, settings, clean.batch, p.odds, p.row);
    if (layer_ < 0) return p;
    p.edges = patch_edges(engine, settings, question, layer_, head_);
    p.vocabulary = class_names(ObjectiveKind::kMaskedLm, model.tokenizer(), model.names());
    p.tokens = clean.batch.tokens;
    std::sort(p.tokens.begin(), p.tokens.end());
    p.tokens.erase(std::unique(p.tokens.begin(), p.tokens.end()), p.tokens.end());
    for (const int32_t t : p.tokens)
      p.circuits.push_back(head_circuit(settings, objective, run.checkpoint.model, layer_, head_, t));
    return p;
  }

  // The first objective that gives one of several answers; the target that both sentences ask for; and which two answers are compared.
  void find_question(Patched& p, const Run& run, TextModel& model, const Side& clean, const Side& pair) const {
    const auto& objectives = run.config.objectives;
    const auto answers = [](const ObjectiveSettings& o) {
      return o.kind == ObjectiveKind::kMaskedLm || o.kind == ObjectiveKind::kCausalLm ||
             o.kind == ObjectiveKind::kSequenceClassification;
    };
    const auto at = std::find_if(objectives.begin(), objectives.end(), answers);
    if (at == objectives.end())
      fail(ErrorKind::kConfig,
           "patch compares two answers of masked_lm, causal_lm or sequence_classification, and '{}' has none of them",
           run.directory.path());
    p.odds.objective = static_cast<size_t>(at - objectives.begin()), p.kind = at->kind;
    p.names = class_names(p.kind, model.tokenizer(), model.names());
    const std::vector<int32_t>&rows = clean.batch.targets[p.odds.objective].rows,
          &pair_rows = pair.batch.targets[p.odds.objective].rows;
    if (p.kind == ObjectiveKind::kMaskedLm) {
      if (rows.empty()) fail(ErrorKind::kConfig, "'{}' has no [MASK], so nothing is asked", printable(clean.text));
      if (rows != pair_rows)
        fail(ErrorKind::kConfig, "[MASK] does not stand at the same places in '{}' and in '{}'", printable(clean.text),
             printable(pair.text));
    }
    p.odds.target = p.kind == ObjectiveKind::kCausalLm ? rows.size() - 1 : 0;
    if (p.kind != ObjectiveKind::kSequenceClassification)
      p.row = rows[p.odds.target];
    else if (at->pooling == Pooling::kCls)
      p.row = 0;
    const int32_t a = answer_of(p, model, clean, answer_, "--answer"),
                  b = answer_of(p, model, pair, pair_answer_, "--pair-answer");
    if (a == b)
      fail(ErrorKind::kConfig,
           "both sentences are answered by '{}'\nhelp: name the answers to compare with --answer and --pair-answer", p.name(a));
    p.odds.here = {a}, p.odds.there = {b};
  }

  static int32_t answer_of(const Patched& p, TextModel& model, const Side& side, const std::string& given, const char* option) {
    if (!given.empty()) {
      const auto at = std::find(p.names.begin(), p.names.end(), given);
      if (at == p.names.end()) fail(ErrorKind::kConfig, "{}: '{}' is no answer that this model gives", option, printable(given));
      return static_cast<int32_t>(at - p.names.begin());
    }
    ForwardResult result;
    model.engine().forward(side.batch, result, Want::kLogits);
    const std::span<const double> z = p.odds.logits(result);
    return static_cast<int32_t>(std::max_element(z.begin(), z.end()) - z.begin());
  }

  static Json matrix(const std::vector<double>& values, size_t columns) {
    Json out = Json::array();
    for (size_t begin = 0; begin < values.size(); begin += columns)
      out.push_back(std::vector<double>(values.begin() + static_cast<std::ptrdiff_t>(begin),
                                        values.begin() + static_cast<std::ptrdiff_t>(begin + columns)));
    return out;
  }
  static Json best(const std::vector<std::string>& names, const std::vector<double>& values) {
    Json out = Json::array();
    for (const size_t c : largest(values, kMostAnswers)) out.push_back({{"name", names[c]}, {"value", values[c]}});
    return out;
  }

  Json to_json(const Patched& p, const Side& clean, const Side& pair) const {
    const size_t n = clean.tokens.size(), H = static_cast<size_t>(p.heads);
    const PatchGrids& g = p.grids;
    Json out{
        {"clean", {{"tokens", clean.tokens}, {"answer", p.names[static_cast<size_t>(p.odds.here[0])]}, {"log_odds", g.clean}}},
        {"pair", {{"tokens", pair.tokens}, {"answer", p.names[static_cast<size_t>(p.odds.there[0])]}, {"log_odds", g.pair}}},
        {"target", p.row},
        {"layers", p.layers},
        {"heads", p.heads},
        {"effect_of_none", g.none},
        {"effect_of_all", g.all}};
    out["effects"] = {{"residual", matrix(g.residual, n)},  // row 0 is the embedding
                      {"attention", matrix(g.attention, n)}, {"feed_forward", matrix(g.feed_forward, n)},
                      {"heads", matrix(g.heads, H)},         {"heads_at_target", matrix(g.heads_at_target, H)},
                      {"edges_to_target", Json::array()}};
    for (size_t l = 0; l < g.edges.size() / (H * n); ++l)
      out["effects"]["edges_to_target"].push_back(matrix({g.edges.begin() + static_cast<std::ptrdiff_t>(l * H * n),
                                                          g.edges.begin() + static_cast<std::ptrdiff_t>((l + 1) * H * n)},
                                                         n));
    out["logit_lens"] = Json::array();
    for (const std::vector<double>& z : p.lens)
      out["logit_lens"].push_back({{"best", best(p.names, probabilities(z, p.kind))},
                                   {"log_odds", log_sum_exp(z, p.odds.here) - log_sum_exp(z, p.odds.there)}});
    out["direct"] = p.direct ? Json{{"total", p.direct->total},
                                    {"embedding", p.direct->embedding},
                                    {"biases", p.direct->biases},
                                    {"heads", matrix(p.direct->heads, H)},
                                    {"feed_forward", p.direct->feed_forward}}
                             : Json{{"why_not", p.why_not_direct}};
    out["words"] = {{"gradient_input", p.words.gradient_input},
                    {"leave_one_out", p.words.leave_one_out},
                    {"relevance", p.words.relevance},
                    {"rollout", p.words.rollout},
                    {"tau_gradient_input", matrix(p.words.with_gradient, H)},
                    {"tau_leave_one_out", matrix(p.words.with_leaving, H)},
                    {"tau_null_deviation", p.words.null}};
    if (layer_ < 0) return out;
    Json head{{"layer", layer_}, {"head", head_}, {"edges", matrix(p.edges, n)}, {"vocabulary", Json::array()}};
    for (size_t k = 0; k < p.tokens.size(); ++k)
      head["vocabulary"].push_back({{"token", p.vocabulary[static_cast<size_t>(p.tokens[k])]},
                                    {"looks_for", best(p.vocabulary, p.circuits[k].looks)},
                                    {"adds_to", best(p.vocabulary, p.circuits[k].writes)}});
    out["head"] = std::move(head);
    return out;
  }

  std::string figure(const Patched& p, const Side& clean, const Side& pair, const Run& run) const {
    const PageRun page = describe_run(run.directory.path(), run.config);
    const std::string a = p.name(p.odds.here[0]), b = p.name(p.odds.there[0]);
    const FigureStyle style{
        millimetres(width_),
        fmt::format("Effects of single activations of “{}” put into the run on “{}”, after step {} of {}: (LD_patched − "
                    "LD)/(LD_pair − LD), "
                    "LD = ln p({}) − ln p({}), {:.2f} and {:.2f}. Rows: what the embedding and each block leave, all heads of a "
                    "block, its "
                    "feed-forward, at one position; below, one head {}. {}",
                    printable(pair.text), printable(clean.text), run.checkpoint.state.step, page.name, a, b, p.grids.clean,
                    p.grids.pair, p.row >= 0 ? "at ›" : "at every position", provenance(page))};
    return figure_of_patch(p.grids, clean.tokens, pair.tokens, p.row, style);
  }

  // One line for each effect; a cell that a measure does not have is empty.
  static std::string to_csv(const Patched& p, const Side& clean) {
    const size_t n = clean.tokens.size(), H = static_cast<size_t>(p.heads);
    std::string out = "activation,layer,head,position,token,effect\n";
    const auto line = [&](std::string_view what, int64_t layer, std::string_view head, size_t position, double effect) {
      std::string token = position < n ? clean.tokens[position] : "";
      for (size_t at = 0; (at = token.find('"', at)) != token.npos; at += 2) token.insert(at, 1, '"');
      out += fmt::format("{},{},{},{},{},{:.6g}\n", what, layer < 0 ? "" : fmt::format("{}", layer), head,
                         position < n ? fmt::format("{}", position) : "", position < n ? "\"" + token + "\"" : "", effect);
    };
    const auto by_place = [&](std::string_view what, const std::vector<double>& values, int64_t first) {
      for (size_t k = 0; k < values.size(); ++k) line(what, first + static_cast<int64_t>(k / n), "", k % n, values[k]);
    };
    by_place("residual", p.grids.residual, -1);  // no layer: the embedding
    by_place("attention", p.grids.attention, 0), by_place("feed_forward", p.grids.feed_forward, 0);
    const auto by_head = [&](std::string_view what, const std::vector<double>& values) {
      for (size_t k = 0; k < values.size(); ++k) line(what, static_cast<int64_t>(k / H), fmt::format("{}", k % H), n, values[k]);
    };
    by_head("head", p.grids.heads), by_head("head_at_target", p.grids.heads_at_target);
    for (size_t k = 0; k < p.grids.edges.size(); ++k)
      line("edge_to_target", static_cast<int64_t>(k / n / H), fmt::format("{}", k / n % H), k % n, p.grids.edges[k]);
    return out;
  }

  std::string draw(const Patched& p, const Side& clean, const Side& pair) const {
    const TerminalStyle style = terminal_of(STDOUT_FILENO).style;
    const PatchGrids& g = p.grids;
    const std::string a = p.name(p.odds.here[0]), b = p.name(p.odds.there[0]);
    std::string out =
        fmt::format("clean  {}\n       answer {}: ln p({}) − ln p({}) = {:+.2f}\n", printable(clean.text), a, a, b, g.clean);
    out += fmt::format("pair   {}\n       answer {}: {:+.2f}\n", printable(pair.text), b, g.pair);
    out += fmt::format(
        "\nEffects: an activation of the pair's run put into the clean one; 0 nothing moves, 1 the answer becomes the pair's.\n"
        "Patching nothing moves {:g}, all {:g}.{}\n\n",
        g.none, g.all,
        std::abs(g.pair - g.clean) < kLittle
            ? fmt::format("\nThe pair moves the answer by {:.2g} nats only: these are shares of next to nothing.",
                          std::abs(g.pair - g.clean))
            : "");

    std::vector<std::string> words, blocks, after{"embedding"}, heads;
    for (size_t i = 0; i < clean.tokens.size(); ++i) {
      const std::string word = clean.tokens[i] == pair.tokens[i] ? clean.tokens[i] : "«" + clean.tokens[i] + "»";
      words.push_back((static_cast<int64_t>(i) == p.row ? "›" : "") + word);
    }
    for (int64_t l = 0; l < p.layers; ++l) {
      blocks.push_back(fmt::format("block {}", l)), after.push_back(blocks.back());
      for (int64_t h = 0; h < p.heads; ++h) heads.push_back(fmt::format("{}.{}", l, h));
    }
    const auto by_word = [&](const std::string& corner, const std::vector<std::string>& labels,
                             const std::vector<double>& values) {
      std::vector<Column> columns;
      for (size_t i = 0; i < words.size(); ++i) {
        Column& column = columns.emplace_back(Column{fit(words[i], std::min(display_width(words[i]), 9)), {}});
        for (size_t row = 0; row < labels.size(); ++row) column.cells.push_back(effect_cell(values[row * words.size() + i]));
      }
      return draw_columns(corner, labels, columns, style.width) + "\n";
    };
    out += by_word("residual", after, g.residual) + by_word("attention", blocks, g.attention) +
           by_word("feed-forward", blocks, g.feed_forward);

    std::vector<Column> columns{{"everywhere", {}}, {"at ›", {}}, {"direct", {}}};
    for (size_t k = 0; k < heads.size(); ++k) {
      columns[0].cells.push_back(effect_cell(g.heads[k]));
      columns[1].cells.push_back(p.row >= 0 ? effect_cell(g.heads_at_target[k]) : "–");
      columns[2].cells.push_back(p.direct ? fmt::format("{:+.2f}", p.direct->heads[k]) : "–");
    }
    out += draw_columns("head", heads, columns, style.width) + "\n";
    if (p.row >= 0) out += by_word("edges to ›", heads, g.edges);
    std::vector<double> words_matter;
    for (const std::vector<double>* by : {&p.words.leave_one_out, &p.words.gradient_input, &p.words.relevance, &p.words.rollout})
      words_matter.insert(words_matter.end(), by->begin(), by->end());
    out += by_word("what it hangs on", {"without it", "gradient × it", "relevance", "rollout"}, words_matter);
    out += draw_agreement(p, heads) + draw_lens(p) + draw_direct(p);
    if (layer_ >= 0) {
      out += fmt::format("\nHead {}.{}: every edge, from the row's word to the column's\n\n", layer_, head_) +
             by_word("", clean.tokens, p.edges);
      out += draw_circuits(p);
    }
    return out;
  }

  // Whether attention at the target ranks the words as gradients and leaving out do.
  static std::string draw_agreement(const Patched& p, const std::vector<std::string>& heads) {
    const Explanation& e = p.words;
    std::string agree;
    for (size_t k = 0; k < heads.size(); ++k)
      if (std::abs(e.with_leaving[k]) > 2 * e.null) agree += fmt::format(" {} ({:+.2f})", heads[k], e.with_leaving[k]);
    return fmt::format("Heads whose weights rank the words as leaving them out does, beyond chance (|τ| > {:.2f}):{}\n\n",
                       2 * e.null, agree.empty() ? " none" : agree);
  }

  static std::string draw_lens(const Patched& p) {
    std::string out = "if the model stopped there\n";
    for (size_t l = 0; l < p.lens.size(); ++l) {
      std::string line;
      const std::vector<double> chance = probabilities(p.lens[l], p.kind);
      for (const size_t c : largest(chance, 3)) line += fmt::format("   {} {:.2f}", p.name(static_cast<int32_t>(c)), chance[c]);
      out += fmt::format("  {}{}\n", fit(l == 0 ? "embedding" : fmt::format("block {}", l - 1), 10), line);
    }
    return out;
  }

  static std::string draw_direct(const Patched& p) {
    if (!p.direct) return fmt::format("\nNo direct shares: {}.\n", p.why_not_direct);
    const DirectAttribution& d = *p.direct;
    std::string out =
        fmt::format("\ndirect: what a part adds to the clean log-odds by itself: heads as above, embedding {:+.2f}", d.embedding);
    for (size_t l = 0; l < d.feed_forward.size(); ++l) out += fmt::format(", feed-forward {} {:+.2f}", l, d.feed_forward[l]);
    return out + fmt::format(", biases {:+.2f}; their sum {:+.2f} is the log-odds {:+.2f}\n", d.biases, d.sum(), d.total);
  }

  static std::string draw_circuits(const Patched& p) {
    std::string out =
        "Over the vocabulary, a word alone and without its place: what it looks for, and what looking at it makes likelier\n\n";
    for (size_t k = 0; k < p.tokens.size(); ++k) {
      const auto list = [&](const std::vector<double>& values) {
        std::string names;
        for (const size_t t : largest(values, kMostAnswers)) names += " " + printable(p.vocabulary[t]);
        return names.empty() ? " –" : names;
      };
      out += fmt::format("  {}  looks for{}; adds to{}\n", fit(printable(p.vocabulary[static_cast<size_t>(p.tokens[k])]), 12),
                         list(p.circuits[k].looks), list(p.circuits[k].writes));
    }
    return out;
  }

  std::string run_, clean_, pair_, answer_, pair_answer_, figure_, width_ = "84mm";
  std::vector<std::string> sets_;
  int64_t layer_ = -1, head_ = -1;
  bool json_ = false, csv_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_patch_verb() { return std::make_unique<PatchVerb>(); }

}  // namespace vitrine
