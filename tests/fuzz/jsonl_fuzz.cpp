#include <algorithm>

#include "data/jsonl_file.h"
#include "fuzz/fuzz.h"

using namespace vitrine;

// Lines with a truth of their own: every place that a link names is one of the tokens.
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::accepts([&] {
    const TextFile file("lines.jsonl", std::string(reinterpret_cast<const char*>(data), size), Encoding::kUtf8);
    const std::string_view text = file.text();
    for (size_t at = 0, end; at < text.size(); at = end + 1) {
      end = std::min(text.find('\n', at), text.size());
      const JsonlLine line = read_jsonl_line(file, at, text.substr(at, end - at));
      const auto n = static_cast<int32_t>(line.tokens.size());
      fuzz::require(!line.has_targets || line.targets.size() == line.tokens.size(), "a target for each token");
      for (const JsonlLink& link : line.links) {
        fuzz::require(link.target >= 0 && link.target < n && !line.targets[link.target].empty(), "a link has an answer");
        fuzz::require(!link.sources.empty() && std::is_sorted(link.sources.begin(), link.sources.end()), "sources ascend");
        fuzz::require(link.sources.front() >= 0 && link.sources.back() < n, "sources are places");
        fuzz::require(link.pair_tokens.size() == link.sources.size(), "a token of the pair for each source");
      }
    }
  });
  return 0;
}
