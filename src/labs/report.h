#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "inspect/terminal_text.h"
#include "labs/check.h"

namespace vitrine::labs {

// For people: how far it is right, the first thing that is wrong with its numbers, and which mistake makes them.
std::string draw_report(const Report& report, const TerminalStyle& style);

nlohmann::json to_json(const Report& report);

// "This is what comes out when …", or that no known mistake makes these numbers.
std::string explain(const Lab& lab, const Finding& finding);

}  // namespace vitrine::labs
