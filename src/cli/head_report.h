#pragma once
#include <string>

#include "cli/session.h"
#include "inspect/figure.h"
#include "inspect/head_table.h"

namespace vitrine {

// `inspect RUN --table`: what every head of a run does over a split, and what that amounts to.
struct HeadReportOptions {
  std::string split;  // empty: test, or else validation
  int64_t limit = 0;  // sentences, from the front; 0: all
  bool json = false, csv = false;
};
void report_heads(Run run, const HeadReportOptions& options);
// The same as an SVG, with its caption: style.width decides how many columns there are.
std::string figure_of_heads_table(Run run, const HeadReportOptions& options, FigureStyle style);

// What it stands on. limit: sentences, from the front; 0: all.
HeadTable measure_heads(const Session& session, const SafeTensors& parameters, const std::string& split, int64_t limit);

}  // namespace vitrine
