#include "labs/report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace vitrine::labs {

std::string explain(const Lab& lab, const Finding& f) {
  if (f.mistakes.empty())
    return fmt::format("{}: {} is wrong, and none of the mistakes that this lab knows makes these numbers.\n", f.function,
                       f.output);
  std::string out = fmt::format("{}: {} {} exactly what comes out when\n", f.function, f.output,
                                f.output.find(',') == f.output.npos ? "is" : "are");
  for (size_t k = 0; k < f.mistakes.size(); ++k)
    out += fmt::format("  {}{}\n", k == 0 ? "" : "or ", lab.about.mistakes[f.mistakes[k]].what);
  const std::string& read = lab.about.mistakes[f.mistakes[0]].read;
  return out + fmt::format("Read this line of the derivation again:\n  {}\n", read);
}

std::string draw_report(const Report& r, const TerminalStyle& style) {
  std::string out = fmt::format("{}\n", r.lab->about.title);
  for (const Level& l : r.levels) {
    const bool passed = l.outcome == Outcome::kPassed, failed = l.outcome == Outcome::kFailed;
    out += fmt::format("  {} {}\n",
                       passed   ? toned("✓", Tone::kGood, style)
                       : failed ? toned("✗", Tone::kBad, style)
                                : "·",
                       l.name);
  }
  out += "\n";
  if (r.empty) {
    out += fmt::format(
        "It builds, and nothing is written yet: a good place to begin. Open {}.cpp and handout.md, and start with {}.\n",
        r.lab->about.name, r.lab->functions[0].name);
  } else if (const Level* failed = r.first_failed()) {
    out += failed->says;
    if (!r.findings.empty()) out += "\n";
    for (const Finding& f : r.findings)
      if (!f.mistakes.empty() || failed->name != "shapes") out += explain(*r.lab, f);
  } else {
    out += "All is right.\n";
  }
  if (!r.printed.empty()) out += "\nYour code printed (which counts for nothing):\n" + r.printed;
  if (!r.shut_in)
    out += "\nNote: this kernel has no filter of system calls; only limits on time, memory and output were in force.\n";
  return out;
}

nlohmann::json to_json(const Report& r) {
  nlohmann::json out{
      {"lab", r.lab->about.name}, {"passed", r.passed()}, {"empty", r.empty}, {"shut_in", r.shut_in}, {"printed", r.printed}};
  for (const Level& l : r.levels) {
    nlohmann::json level{
        {"name", l.name}, {"passed", l.outcome == Outcome::kPassed}, {"reached", l.outcome != Outcome::kNotReached}};
    if (!l.says.empty()) level["says"] = l.says;
    out["levels"].push_back(level);
  }
  out["findings"] = nlohmann::json::array();
  for (const Finding& f : r.findings) {
    nlohmann::json mistakes = nlohmann::json::array();
    for (size_t m : f.mistakes)
      mistakes.push_back({{"what", r.lab->about.mistakes[m].what}, {"read", r.lab->about.mistakes[m].read}});
    out["findings"].push_back({{"function", f.function}, {"output", f.output}, {"mistakes", mistakes}});
  }
  return out;
}

}  // namespace vitrine::labs
