#include "labs/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <ctime>
#include <map>

#include "labs/build.h"
#include "labs/cases.h"
#include "labs/matrices.h"

namespace vitrine::labs {
namespace {

constexpr double kTolerance = 1e-8;  // of the largest entry, at least of 1; in double, with sums in any order
constexpr double kLoose = 1e-6;      // where numbers are large
constexpr double kGradient = 1e-5;   // against differences
constexpr double kSlowest = 20;      // times the time of the lab's own loops
constexpr int kTimes = 5;            // the fastest counts

bool near(double a, double b, double tolerance) {
  return (std::isnan(a) && std::isnan(b)) || a == b || std::abs(a - b) <= tolerance;
}

// A case, what the submission made of it, and what is right.
struct Run {
  const Case* c = nullptr;
  std::vector<double> got, want;
  std::string accident;  // instead of an answer
  int64_t allocations = 0;

  double tolerance(size_t m) const {
    double most = 1;
    each(m, [&](size_t at, int64_t, int64_t) { most = std::isfinite(want[at]) ? std::max(most, std::abs(want[at])) : most; });
    return most * (c->kind == Kind::kExtreme ? kLoose : kTolerance);
  }
  template <class F>
  void each(size_t m, F f) const {
    for (int64_t i = 0; i < c->question.views[m].rows; ++i)
      for (int64_t j = 0; j < c->question.views[m].cols; ++j) f(word(*c, m, i, j), i, j);
  }
  bool right(size_t m) const {
    const double t = tolerance(m);
    bool same = true;
    each(m, [&](size_t at, int64_t, int64_t) { same = same && near(got[at], want[at], t); });
    return same;
  }
  bool is_like(size_t m, const std::vector<double>& other) const {
    const double t = tolerance(m);
    bool same = true, right = true, other_right = true;
    each(m, [&](size_t at, int64_t, int64_t) {
      same = same && near(got[at], other[at], t);
      right = right && near(got[at], want[at], t);
      other_right = other_right && near(other[at], want[at], t);
    });
    return same ||
           (c->kind == Kind::kExtreme && !right && !other_right);  // of large numbers only noise may remain, never twice the same
  }
};

class Checker {
 public:
  Checker(const Workbench& workbench, uint64_t seed)
      : workbench_(workbench), lab_(workbench.lab()), seed_(seed), cases_(make_cases(lab_, seed)) {
    report_.lab = &lab_;
  }

  Report check(const std::string& text, const Limits& limits) {
    for (const std::string& name : level_names()) report_.levels.push_back({name, Outcome::kNotReached, ""});
    const WorkFolder folder;
    const Build build = workbench_.build(text, folder.path());
    if (build.program.empty()) {
      settle(level("compiles"), build.message);
      return report_;
    }
    settle(level("compiles"), "");
    Sandbox sandbox(build.program, folder.path(), limits);
    sandbox_ = &sandbox;
    ask_all();
    settle(level("shapes"), shapes(), {Kind::kHand, Kind::kWritten});
    if (report_.empty) return report_;
    const bool whole = level("shapes").outcome == Outcome::kPassed;  // what is never written is neither finite nor a gradient
    if (whole) settle(level("finite"), finite(), {Kind::kHand, Kind::kExtreme});
    settle(level("values"), wrong_outputs({Kind::kHand}), {Kind::kHand});
    settle(level("odd sizes"), wrong_outputs({Kind::kShape, Kind::kExtreme}), {Kind::kShape, Kind::kExtreme});
    if (whole && lab_.about.functions.size() > 1) settle(level("gradient"), gradient());
    if (whole)
      settle(level("contract"), contract(), {Kind::kHand, Kind::kWritten, Kind::kExtreme, Kind::kShape, Kind::kContract});
    diagnose();
    if (!report_.first_failed()) settle(level("cost"), cost());
    report_.printed = sandbox.printed();
    report_.shut_in = sandbox.shut_in();
    if (lab_.about.functions.size() == 1) std::erase_if(report_.levels, [](const Level& l) { return l.name == "gradient"; });
    return report_;
  }

 private:
  Level& level(const std::string& name) {
    return *std::find_if(report_.levels.begin(), report_.levels.end(), [&](const Level& l) { return l.name == name; });
  }
  // Without a word against it a level is passed if all cases of these kinds were answered.
  void settle(Level& l, const std::string& says, const std::vector<Kind>& kinds = {}) const {
    const auto unanswered = [&](const Case& c) {
      return std::find(kinds.begin(), kinds.end(), c.kind) != kinds.end() &&
             std::none_of(runs_.begin(), runs_.end(), [&](const Run& r) { return r.c == &c && r.accident.empty(); });
    };
    const bool open = std::any_of(cases_.begin(), cases_.end(), unanswered);
    l.outcome = !says.empty() ? Outcome::kFailed : open ? Outcome::kNotReached : Outcome::kPassed;
    l.says = says;
  }
  const std::string& name_of(const Case& c) const { return lab_.about.functions[c.function].name; }

  // Behind an accident a function is not called again.
  void ask_all() {
    std::vector<bool> dead(lab_.about.functions.size());
    for (const Case& c : cases_) {
      if (c.kind == Kind::kCost) continue;
      Run run;
      run.c = &c;
      run.want = run_variant(lab_, 0, c);
      if (dead[c.function]) continue;
      Answer answer;
      run.accident = sandbox_->ask(c.question, answer);
      run.got = std::move(answer.memory), run.allocations = answer.allocations;
      dead[c.function] = !run.accident.empty();
      runs_.push_back(std::move(run));
    }
  }

  std::string accident(const Run& run) const {
    return run.accident.empty() ? "" : fmt::format("{} at {}: your code {}.\n", name_of(*run.c), run.c->sizes, run.accident);
  }

  std::string shapes() {
    std::string says;
    size_t untouched = 0, outputs = 0;
    for (const Run& run : runs_) {
      if (run.c->kind == Kind::kHand) says += accident(run);
      if (run.c->kind != Kind::kWritten) continue;
      if (const std::string what = accident(run); !what.empty()) {
        says += what;
        continue;
      }
      for (size_t m = 0; m < run.c->matrices.size(); ++m) {
        if (!run.c->matrices[m]->is_output()) continue;
        int64_t missing = 0, all = 0, row = -1, column = -1;
        run.each(m, [&](size_t at, int64_t i, int64_t j) {
          ++all;
          const bool is_missing = run.c->matrices[m]->use == Use::kSet
                                      ? is_unwritten(run.got[at])
                                      : run.got[at] == run.c->question.memory[at] && !near(run.want[at], run.got[at], 1e-9);
          if (!is_missing) return;
          if (missing++ == 0) row = i, column = j;
        });
        ++outputs, untouched += missing == all;
        if (missing > 0 && fits(run.c->function, m).empty())
          says +=
              fmt::format("{} at {}: {} of the {} numbers of {} are never written, the first is {}[{},{}].\n", name_of(*run.c),
                          run.c->sizes, missing, all, run.c->matrices[m]->name, run.c->matrices[m]->name, row, column);
      }
    }
    report_.empty = outputs > 0 && untouched == outputs;
    return says;
  }

  std::string finite() const {
    std::string says;
    for (const Run& run : runs_) {
      if (run.c->kind != Kind::kExtreme && run.c->kind != Kind::kHand) continue;
      if (run.c->kind == Kind::kExtreme) says += accident(run);
      for (size_t m = 0; m < run.c->matrices.size() && run.accident.empty(); ++m) {
        bool bad = false;
        run.each(m, [&](size_t at, int64_t i, int64_t j) {
          if (bad || !run.c->matrices[m]->is_output() || std::isfinite(run.got[at]) || !std::isfinite(run.want[at])) return;
          bad = true;
          says += fmt::format("{} at {}{}: {}[{},{}] is {}, where {:.6g} is right.\n", name_of(*run.c), run.c->sizes,
                              run.c->kind == Kind::kExtreme ? ", with large numbers" : "", run.c->matrices[m]->name, i, j,
                              std::isnan(run.got[at]) ? "not a number" : "infinite", run.want[at]);
        });
      }
    }
    return says;
  }

  std::string wrong_outputs(const std::vector<Kind>& kinds) const {
    std::string says;
    for (const Run& run : runs_) {
      if (std::find(kinds.begin(), kinds.end(), run.c->kind) == kinds.end()) continue;
      if (const std::string what = accident(run); !what.empty()) {
        says += what;
        continue;
      }
      for (size_t m = 0; m < run.c->matrices.size(); ++m) {
        if (!run.c->matrices[m]->is_output() || run.right(m)) continue;
        if (says.empty()) says += run.c->kind == Kind::kHand ? inputs_beside(run.c) : "";
        says += beside(run, m);
      }
      if (!says.empty() && run.c->kind != Kind::kHand) break;  // one size is enough to look at
    }
    return says;
  }

  std::string inputs_beside(const Case* c) const {
    std::string out = fmt::format("{} at {}\n", name_of(*c), c->sizes);
    for (size_t m = 0; m < c->matrices.size(); ++m)
      if (!c->matrices[m]->is_output()) out += matrix(c->matrices[m]->name, *c, m, c->question.memory);
    return out;
  }

  std::string beside(const Run& run, size_t m) const {
    const double t = run.tolerance(m);
    std::string out;
    run.each(m, [&](size_t at, int64_t i, int64_t j) {
      if (!out.empty() || near(run.got[at], run.want[at], t)) return;
      out = fmt::format("{}[{},{}] is {:.8g}, and should be {:.8g}\n", run.c->matrices[m]->name, i, j, run.got[at], run.want[at]);
    });
    if (run.c->kind != Kind::kHand) return fmt::format("{} at {}: {}", name_of(*run.c), run.c->sizes, out);
    return two_matrices(run.c->matrices[m]->name, *run.c, m, run.want, run.got, t) + "  first difference: " + out;
  }

  // ∂⟨outputs, d outputs⟩/∂input of the submission's own forward by central differences, beside its own backward.
  std::string gradient() {
    for (const Run& run : runs_)
      if (!run.accident.empty()) return accident(run);
    const Case forward = make_case(lab_, 0, Kind::kHand, {3, 4, 2, 5}, seed_, 100);
    Case backward = make_case(lab_, 1, Kind::kHand, {3, 4, 2, 5}, seed_, 100);
    Answer at_rest, answer;
    if (const std::string what = sandbox_->ask(forward.question, at_rest); !what.empty()) return what;
    std::map<std::string, size_t> place;
    for (size_t m = 0; m < forward.matrices.size(); ++m) place[forward.matrices[m]->name] = m;
    const auto each = [](const Case& c, size_t m, auto f) {
      for (int64_t i = 0; i < c.question.views[m].rows; ++i)
        for (int64_t j = 0; j < c.question.views[m].cols; ++j) f(i, j);
    };
    for (size_t m = 0; m < backward.matrices.size(); ++m)
      if (const auto from = place.find(backward.matrices[m]->name); from != place.end())
        each(backward, m, [&](int64_t i, int64_t j) {
          backward.question.memory[word(backward, m, i, j)] = at_rest.memory[word(forward, from->second, i, j)];
        });
    if (const std::string what = sandbox_->ask(backward.question, answer); !what.empty()) return what;
    const auto loss = [&](const std::vector<double>& memory) {
      double sum = 0;
      for (size_t m = 0; m < backward.matrices.size(); ++m) {
        const std::string& name = backward.matrices[m]->name;
        const auto of = name[0] == 'd' ? place.find(name.substr(1)) : place.end();
        if (backward.matrices[m]->is_output() || of == place.end()) continue;
        each(backward, m, [&](int64_t i, int64_t j) {
          sum += backward.question.memory[word(backward, m, i, j)] * memory[word(forward, of->second, i, j)];
        });
      }
      return sum;
    };
    std::string says;
    double steepest = 0;
    for (size_t m = 0; m < backward.matrices.size(); ++m) {
      const auto of = place.find(backward.matrices[m]->name.substr(1));
      if (!backward.matrices[m]->is_output() || of == place.end()) continue;
      bool bad = false;
      each(backward, m, [&](int64_t i, int64_t j) {
        if (bad) return;
        constexpr double h = 1e-5;
        double sides[2];
        for (int side = 0; side < 2; ++side) {
          Question q = forward.question;
          q.memory[word(forward, of->second, i, j)] += side == 0 ? h : -h;
          Answer moved;
          if (!sandbox_->ask(q, moved).empty()) return;
          sides[side] = loss(moved.memory);
        }
        const double slope = (sides[0] - sides[1]) / (2 * h), got = answer.memory[word(backward, m, i, j)];
        steepest = std::max(steepest, std::abs(slope));
        if (near(slope, got, kGradient * std::max(1.0, std::abs(slope)))) return;
        bad = true;
        says +=
            fmt::format("{} is not the gradient of your own {}: {}[{},{}] is {:.8g}, and differences say {:.8g}\n",
                        backward.matrices[m]->name, lab_.about.functions[0].name, backward.matrices[m]->name, i, j, got, slope);
      });
    }
    if (says.empty() && steepest == 0) return fmt::format("{} does not depend on its inputs.\n", lab_.about.functions[0].name);
    return says;
  }

  std::string contract() const {
    std::string says;
    std::vector<std::string> said;
    const auto once = [&](const std::string& sentence) {
      if (std::find(said.begin(), said.end(), sentence) != said.end()) return;
      said.push_back(sentence);
      says += sentence;
    };
    for (const Run& run : runs_) {
      if (!run.accident.empty()) {
        if (run.c->kind == Kind::kContract) says += accident(run);
        continue;
      }
      std::vector<int> owner(run.got.size(), -1);
      for (size_t m = 0; m < run.c->matrices.size(); ++m)
        run.each(m, [&](size_t at, int64_t, int64_t) { owner[at] = static_cast<int>(m); });
      for (size_t at = 0; at < run.got.size(); ++at) {
        const bool same = std::memcmp(&run.got[at], &run.c->question.memory[at], sizeof(double)) == 0;
        if (same || (owner[at] >= 0 && run.c->matrices[static_cast<size_t>(owner[at])]->is_output())) continue;
        once(owner[at] >= 0 ? fmt::format("{} changes its input {}.\n", name_of(*run.c),
                                          run.c->matrices[static_cast<size_t>(owner[at])]->name)
                            : fmt::format("{} writes outside of its matrices: rows lie `stride` apart, and only `cols` numbers "
                                          "of each are its own.\n",
                                          name_of(*run.c)));
      }
      if (run.allocations > 0)
        once(fmt::format("{} takes memory from the heap (new, std::vector …) when it is called; a step of training may not.\n",
                         name_of(*run.c)));
    }
    for (const Run& run : runs_) {
      if (run.c->kind != Kind::kContract || !run.accident.empty()) continue;
      for (size_t m = 0; m < run.c->matrices.size(); ++m) {
        const Argument& a = *run.c->matrices[m];
        if (!a.is_output() || run.right(m)) continue;
        const bool right_elsewhere = std::all_of(runs_.begin(), runs_.end(), [&](const Run& r) {
          return r.c->function != run.c->function || (r.c->kind != Kind::kHand && r.c->kind != Kind::kShape) ||
                 (r.accident.empty() && r.right(m));
        });
        if (!right_elsewhere) continue;  // said above
        once(fmt::format("{}: {} must be {}, whatever it holds before.\n", name_of(*run.c), a.name,
                         a.use == Use::kAdd ? "added to what is there" : "set"));
      }
    }
    return says;
  }

  std::string cost() {
    std::string says;
    for (const Case& c : cases_) {
      if (c.kind != Kind::kCost) continue;
      double own = 1e300, other = 1e300;
      for (int n = 0; n < kTimes; ++n) {
        Answer answer;
        if (const std::string what = sandbox_->ask(c.question, answer); !what.empty())
          return fmt::format("{} at {}: your code {}.\n", name_of(c), c.sizes, what);
        other = std::min(other, static_cast<double>(answer.nanoseconds) * 1e-9);
        const std::clock_t start = std::clock();
        int repeats = 0;
        do run_variant(lab_, 0, c), ++repeats;
        while (std::clock() - start < CLOCKS_PER_SEC / 500);
        own = std::min(own, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC / repeats);
      }
      if (other > kSlowest * own + 1e-5)
        says += fmt::format(
            "{} at {}: your code takes {:.1f} times the time of plain loops ({:.3g} ms); more than {:g} times means more work "
            "than the formula needs.\n",
            name_of(c), c.sizes, other / own, 1000 * own, kSlowest);
    }
    return says;
  }

  // The mistakes whose numbers are those of output m of function f in every case, and are not the right ones; of these, if there are any, the
  // ones that leave right what is right here, too.
  std::vector<size_t> fits(size_t f, size_t m) const {
    std::vector<size_t> all, close;
    for (size_t v = 0; v < lab_.about.mistakes.size(); ++v) {
      bool like = true, differs = false, others = true;
      for (const Run& run : runs_) {
        if (run.c->function != f || !run.accident.empty() || !like) continue;
        const std::vector<double> other = run_variant(lab_, v + 1, *run.c);
        like = run.is_like(m, other);
        const auto is_right = [&](size_t output) {
          const double t = run.tolerance(output);
          bool right = true;
          run.each(output, [&](size_t at, int64_t, int64_t) { right = right && near(other[at], run.want[at], t); });
          return right;
        };
        differs = differs || !is_right(m);
        for (size_t output = 0; output < run.c->matrices.size(); ++output)
          others = others && (!run.c->matrices[output]->is_output() || !run.right(output) || is_right(output));
      }
      if (like && differs) all.push_back(v);
      if (like && differs && others) close.push_back(v);
    }
    return close.empty() ? all : close;
  }

  // One finding for all outputs that a mistake explains together, or else one for each.
  void diagnose() {
    for (size_t f = 0; f < lab_.about.functions.size(); ++f) {
      std::vector<Finding> own;
      std::vector<size_t> common;
      for (size_t m = 0, n = 0; m < (runs_.empty() ? 0 : 64); ++m) {
        const auto first = std::find_if(runs_.begin(), runs_.end(), [&](const Run& r) { return r.c->function == f; });
        if (first == runs_.end() || m >= first->c->matrices.size()) break;
        const Argument& a = *first->c->matrices[m];
        const bool wrong = std::any_of(runs_.begin(), runs_.end(),
                                       [&](const Run& r) { return r.c->function == f && r.accident.empty() && !r.right(m); });
        if (!a.is_output() || !wrong) continue;
        own.push_back({lab_.about.functions[f].name, a.name, fits(f, m)});
        std::vector<size_t> both;
        std::set_intersection(common.begin(), common.end(), own.back().mistakes.begin(), own.back().mistakes.end(),
                              std::back_inserter(both));
        common = n++ == 0 ? own.back().mistakes : both;
      }
      if (own.size() > 1 && !common.empty()) {
        for (size_t k = 1; k < own.size(); ++k) own[0].output += ", " + own[k].output;
        own.resize(1);
        own[0].mistakes = common;
      }
      report_.findings.insert(report_.findings.end(), own.begin(), own.end());
    }
  }

  const Workbench& workbench_;
  const Lab& lab_;
  uint64_t seed_;
  std::vector<Case> cases_;
  std::vector<Run> runs_;
  Sandbox* sandbox_ = nullptr;
  Report report_;
};

}  // namespace

bool Report::passed() const {
  return std::all_of(levels.begin(), levels.end(), [](const Level& l) { return l.outcome == Outcome::kPassed; });
}

const Level* Report::first_failed() const {
  const auto at = std::find_if(levels.begin(), levels.end(), [](const Level& l) { return l.outcome == Outcome::kFailed; });
  return at == levels.end() ? nullptr : &*at;
}

const std::vector<std::string>& level_names() {
  static const std::vector<std::string> names{"compiles",  "shapes",   "finite",   "values",
                                              "odd sizes", "gradient", "contract", "cost"};
  return names;
}

Report check_submission(const Workbench& workbench, const std::string& text, uint64_t seed, const Limits& limits) {
  return Checker(workbench, seed).check(text, limits);
}

}  // namespace vitrine::labs
