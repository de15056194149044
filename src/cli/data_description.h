#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "config/config.h"
#include "data/summary.h"
#include "inspect/terminal_text.h"

namespace vitrine {

// What `vitrine data describe` says of the corpus of a configuration.
std::string draw_description(const Config& config, const Corpus& corpus, const CorpusSummary& summary,
                             const TerminalStyle& style);
nlohmann::ordered_json to_json(const Config& config, const Corpus& corpus, const CorpusSummary& summary);

// What is wrong with it, one sentence each: leaks, contradictions, what training does not know.
std::vector<std::string> warnings_of(const CorpusSummary& summary);

}  // namespace vitrine
