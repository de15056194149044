#pragma once
#include <string_view>

namespace vitrine {

// The page without its data, from the files in page/: what stands before and behind them. cmake/embed_page.cmake writes the source.
extern const std::string_view kPageBefore, kPageAfter;

}  // namespace vitrine
