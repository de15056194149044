#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/chart.h"
#include "cli/head_report.h"
#include "cli/live_model.h"
#include "cli/page_run.h"
#include "cli/verbs.h"
#include "inspect/figure.h"

namespace vitrine {
namespace {

// A run, and what of it is alive while the page is drawn.
struct Shown {
  Run run;
  std::optional<Session> session;
  std::optional<SentenceReader> reader;
};

bool share_a_sentence(const std::vector<RecordedSentence>& a, const std::vector<RecordedSentence>& b) {
  return std::any_of(a.begin(), a.end(), [&](const RecordedSentence& x) {
    return std::any_of(b.begin(), b.end(), [&](const RecordedSentence& y) { return x.shown.tokens == y.shown.tokens; });
  });
}

class InspectVerb : public Verb {
 public:
  CLI::App* declare(CLI::App& program) override {
    CLI::App* verb = program.add_subcommand("inspect", "a page about what attention learned, for any browser, without a network");
    add_run_argument(*verb, run_, sets_);
    verb->add_option("TEXT", texts_, "sentences; [MASK] is a word to guess (default: what the run recorded)");
    verb->add_option("--sample", samples_, "sequences N of the corpus, counted from 1, with their links")
        ->type_name("N")
        ->check(whole_number(1));
    verb->add_option("--split", split_,
                     "of --sample, --table and --figure table: train, validation or test (default: test, or else validation)");
    auto* with = verb->add_option("--with", other_, "another run beside it, on the same sentences")->type_name("RUN");
    verb->add_option("--out", out_, "the page (default: page.html in the run directory)")->type_name("F.html");
    verb->add_option(
            "--figure", figure_,
            "instead of the page an SVG for a paper: head, grid, lines, training or table (and `vitrine patch --figure`)")
        ->type_name("VIEW")
        ->excludes(with)
        ->check(CLI::IsMember({"head", "grid", "lines", "training", "table"}));
    verb->add_option("--layer", layer_, "of the figure: block L")->type_name("L")->check(whole_number(0))->capture_default_str();
    verb->add_option("--head", head_, "its head H")->type_name("H")->check(whole_number(0))->capture_default_str();
    verb->add_option("--sentence", sentence_, "of several, sentence K, counted from 1")
        ->type_name("K")
        ->check(whole_number(1))
        ->capture_default_str();
    verb->add_option("--step", step_, "after training step N (default: the last one)")->type_name("N")->check(whole_number(0));
    verb->add_option("--width", width_, "of the figure, such as 84mm (a column) or 174mm")
        ->type_name("MM")
        ->capture_default_str();
    verb->add_option("--maps", maps_, "instead of the page all weights as numbers: F.npz or F.safetensors")
        ->type_name("F")
        ->excludes(with);
    auto* table = verb->add_flag(
        "--table", table_,
        "instead of the page, of every head over a split: what the loss is without it, where it looks, what it carries");
    verb->add_option("--limit", table_of_.limit, "of --table and --figure table: the first N sequences alone")
        ->type_name("N")
        ->check(whole_number(1));
    auto* csv = verb->add_flag("--csv", table_of_.csv, "the table as CSV, a line for each number")->needs(table);
    verb->add_flag("--json", table_of_.json, "the table as one JSON object")->needs(table)->excludes(csv);
    verb->add_option("--max-mb", megabytes_, "its size at most; steps are left out evenly")
        ->type_name("M")
        ->capture_default_str();
    verb->footer(
        "Examples:\n"
        "  vitrine inspect runs/quickstart\n"
        "  vitrine inspect runs/quickstart \"the cat [MASK] on the mat\" --sample 6 --out page.html\n"
        "  vitrine inspect runs/a --with runs/b --sample 1 --out two.html\n"
        "  vitrine inspect runs/quickstart --figure head --layer 0 --head 1 --width 84mm --out head.svg\n"
        "  vitrine inspect runs/quickstart --maps maps.npz\n"
        "  vitrine inspect runs/quickstart --table");
    return verb;
  }

  int run() override {
    table_of_.split = split_;
    if (table_) return report_heads(open_run(run_, sets_), table_of_), 0;
    if (figure_ == "table") {
      FigureStyle style{millimetres(width_), {}};
      return write(out_.empty() ? "table.svg" : out_, figure_of_heads_table(open_run(run_, sets_), table_of_, style));
    }
    if (table_of_.limit > 0) fail(ErrorKind::kConfig, "--limit requires --table or --figure table");
    PageContents contents;
    std::vector<std::unique_ptr<Shown>> shown;
    contents.runs.push_back(page_of(run_, shown, nullptr));
    if (!other_.empty()) contents.runs.push_back(page_of(other_, shown, &contents.runs[0].sentences));
    if (!figure_.empty()) return write(out_.empty() ? figure_ + ".svg" : out_, figure(contents.runs[0]));
    if (!maps_.empty()) return write(maps_, encode_maps(contents.runs[0], maps_));
    const std::string out = out_.empty() ? run_ + "/page.html" : out_;
    Shown& first = *shown.front();
    if (!first.session) {
      try {  // a page can do without its corpus
        first.session.emplace(make_session(first.run.config, read_learned(run_)));
      } catch (const Error& error) {
        contents.notes.push_back(fmt::format("Nothing is said of the heads over a split: {}", error.what()));
      }
    }
    if (first.session) show_findings(contents.runs[0], *first.session, first.run.checkpoint.model);
    const Tokenizer& tokenizer = first.session ? *first.session->corpus.tokenizer : *first.run.learned.tokenizer;
    const Names names = first.session ? first.session->names() : Names{first.run.learned.labels, first.run.learned.tags};
    contents.live = live_model(first.run.config, tokenizer, names, first.run.checkpoint, contents.runs[0].sentences);
    return write(out, draw_page(contents, static_cast<int64_t>(megabytes_ * 1e6)));
  }

 private:
  static int write(const std::string& path, const std::string& bytes) {
    write_file_atomically(path, bytes, ErrorKind::kConfig);
    print(path + "\n");
    return 0;
  }

  std::string figure(const PageRun& page) const {
    const auto one = [](const char* option, int64_t value, int64_t first, int64_t last) {
      if (value < first || value > last) fail(ErrorKind::kConfig, "{} {}: there are {} to {}", option, value, first, last);
    };
    one("--layer", layer_, 0, page.layers - 1);
    one("--head", head_, 0, page.heads - 1);
    one("--sentence", sentence_, 1, std::ssize(page.sentences));
    const int64_t step = step_ < 0 ? page.steps.back() : step_;
    if (!std::binary_search(page.steps.begin(), page.steps.end(), step))
      fail(ErrorKind::kConfig, "--step {}: there are weights of the steps {}", step, fmt::join(page.steps, ", "));
    const auto k = static_cast<size_t>(sentence_ - 1);
    const ShownSentence& shown = page.sentences[k].shown;
    const AttentionMaps maps = std::move(page.read(step)[k].maps);
    FigureStyle style;
    style.width = millimetres(width_);
    if (figure_ == "training") {
      const RecordedSentence& s = page.sentences[k];
      style.caption = fmt::format("{} by training step. {}", page.name, provenance(page));
      if (!s.shown.sources.empty())
        style.caption = fmt::format("{} by training step, and block {}, head {} in “{}”. {}", page.name, layer_, head_,
                                    fmt::join(s.shown.tokens, " "), provenance(page));
      return draw_svg(training_charts(page, k, layer_, head_), style);
    }
    const std::string what = figure_ == "grid" ? "Attention of all heads (rows: blocks)"
                                               : fmt::format("Attention of block {}, head {}", layer_, head_);
    style.caption =
        fmt::format("{} after step {} of {}: {}{}; evaluation mode. {}", what, step, page.name, page.formula,
                    figure_ == "lines" ? ", the largest weights that make up 90 % of each row" : "", provenance(page));
    return figure_ == "grid"    ? figure_of_heads(maps, shown, style)
           : figure_ == "lines" ? figure_of_lines(maps, layer_, head_, shown, style)
                                : figure_of_head(maps, layer_, head_, shown, style);
  }

  // `beside`: the sentences of the run that it is shown with, which are its own, too: samples of its corpus would be others.
  PageRun page_of(const std::string& path, std::vector<std::unique_ptr<Shown>>& shown,
                  const std::vector<RecordedSentence>* beside) const {
    Shown& s = *shown.emplace_back(std::make_unique<Shown>(Shown{open_run(path, sets_), {}, {}}));
    PageRun page = describe_run(path, s.run.config);
    if (texts_.empty() && (samples_.empty() || beside)) {
      const std::optional<Recording> recording = Recording::open(s.run.directory.attention());
      const bool recorded = recording && !recording->steps().empty();
      if (recorded && (!beside || share_a_sentence(recording->sentences(), *beside))) {
        show_recording(page, *recording);
        return page;
      }
      log_info("'{}' recorded {}, so its checkpoints are looked at", path,
               recorded ? "none of these sentences" : "no attention (inspect.every)");
    }
    if (beside && texts_.empty()) {
      const Tokenizer& tokenizer = *s.run.learned.tokenizer;
      s.reader.emplace(s.run.config, tokenizer, Names{s.run.learned.labels, s.run.learned.tags});
      for (const RecordedSentence& sentence : *beside) s.reader->add_tokens(ids_of(sentence, tokenizer));
      show_checkpoints(page, path, *s.reader);
      return page;
    }
    const bool from_corpus = !samples_.empty() || (texts_.empty() && s.run.config.inspect.sentences.empty());
    if (from_corpus) {
      s.session.emplace(make_session(s.run.config, std::move(s.run.learned)));
      s.reader.emplace(*s.session);
    } else {
      s.reader.emplace(s.run.config, *s.run.learned.tokenizer, Names{s.run.learned.labels, s.run.learned.tags});
    }
    for (const std::string& text : texts_) s.reader->add_text(text, true);
    for (const int64_t n : samples_) add_sample(*s.session, *s.reader, n);
    if (texts_.empty() && samples_.empty()) {
      for (const std::string& text : s.run.config.inspect.sentences) s.reader->add_text(text);
      if (from_corpus) s.reader->add_samples(split_of(*s.session), s.run.config.inspect.samples);
    }
    if (s.reader->sentences().empty())
      fail(ErrorKind::kConfig, "inspect needs a TEXT, --sample N, or inspect.sentences in the configuration");
    show_checkpoints(page, path, *s.reader);
    return page;
  }

  std::string split_of(const Session& session) const {
    if (split_.empty()) return session.corpus.test ? "test" : session.corpus.validation ? "validation" : "train";
    if (session.corpus.split(split_) == nullptr) fail(ErrorKind::kConfig, "--split: this corpus has no {} split", split_);
    return split_;
  }

  void add_sample(const Session& session, SentenceReader& reader, int64_t number) const {
    const std::string split = split_of(session);
    const int64_t size = session.corpus.split(split)->size();
    if (number > size) fail(ErrorKind::kConfig, "--sample {}: the {} split has sequences 1 to {}", number, split, size);
    reader.add_sample(split, number - 1);
  }

  std::string run_, other_, split_, out_, figure_, maps_, width_ = "84mm";
  int64_t layer_ = 0, head_ = 0, sentence_ = 1, step_ = -1;
  std::vector<std::string> sets_, texts_;
  std::vector<int64_t> samples_;
  bool table_ = false;
  HeadReportOptions table_of_;
  double megabytes_ = kDefaultPageMegabytes;
};

}  // namespace

std::unique_ptr<Verb> make_inspect_verb() { return std::make_unique<InspectVerb>(); }

}  // namespace vitrine
