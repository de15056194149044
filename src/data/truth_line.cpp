#include "data/truth_line.h"

#include <nlohmann/json.hpp>

namespace vitrine {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Corpus& corpus, const Link& link) {
  const LinkClass& link_class = corpus.link_classes[static_cast<size_t>(link.link_class)];
  Json instead = Json::array();
  for (const int32_t source : link.sources) instead.push_back(corpus.tokenizer->token(link.pair[static_cast<size_t>(source)]));
  const int32_t answer = link_class.tags[static_cast<size_t>(link.pair_value)][0];
  Json out{{"class", link_class.name},
           {"target", link.target},
           {"sources", link.sources},
           {"pair", {{"tokens", std::move(instead)}, {"target", corpus.tags[static_cast<size_t>(answer)]}}}};
  if (link.attractor) out["attractor"] = true;
  return out;
}

}  // namespace

std::string truth_line(const Corpus& corpus, const Dataset& split, int64_t i) {
  Example example;
  split.read(i, example);
  Json out;
  for (const int32_t token : example.tokens) out["tokens"].push_back(corpus.tokenizer->token(token));
  if (example.label >= 0) out["label"] = corpus.labels[static_cast<size_t>(example.label)];
  for (const int32_t tag : example.tags)
    out["targets"].push_back(tag >= 0 ? Json(corpus.tags[static_cast<size_t>(tag)]) : Json());
  for (const Link& link : split.links(i)) out["links"].push_back(to_json(corpus, link));
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace vitrine
