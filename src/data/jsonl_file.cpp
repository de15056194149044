#include "data/jsonl_file.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/closest.h"
#include "base/error.h"

namespace vitrine {
namespace {

using Json = nlohmann::json;

class LineReader {
 public:
  LineReader(const TextFile& file, size_t at) : file_(file), at_(at) {}

  JsonlLine read(std::string_view text) {
    const Json json = parse(text);
    if (!json.is_object()) refuse("this line is not a JSON object, such as {{\"tokens\": […], \"targets\": […]}}");
    check_names(json, "", {"tokens", "targets", "label", "links"});
    JsonlLine line;
    line.tokens = texts(need(json, "", "tokens"), "tokens");
    if (line.tokens.empty()) refuse("`tokens` is empty; a sequence has one at least");
    line.has_targets = json.contains("targets");
    if (line.has_targets) read_targets(json["targets"], line);
    line.has_label = json.contains("label");
    if (line.has_label) line.label = text_of(json["label"], "label");
    if (!json.contains("links")) return line;
    if (!json["links"].is_array()) refuse("`links` is not a list");
    if (!line.has_targets && !json["links"].empty()) refuse("`links` need `targets`: a link says what one of them depends on");
    for (const Json& link : json["links"]) line.links.push_back(read_link(link, line));
    return line;
  }

 private:
  template <class... A>
  [[noreturn]] void refuse(fmt::format_string<A...> format, A&&... arguments) const {
    fail(ErrorKind::kData, "{}:{}: {}", file_.path(), file_.line_of(at_), fmt::format(format, std::forward<A>(arguments)...));
  }

  // A name that stands twice in an object would lose what the first one says.
  Json parse(std::string_view text) const {
    std::map<int, std::set<std::string>> names;  // of the open objects, by depth
    const auto look = [&](int depth, Json::parse_event_t event, Json& parsed) {
      if (event == Json::parse_event_t::object_start) names[depth + 1].clear();
      if (event == Json::parse_event_t::key && !names[depth].insert(parsed.get<std::string>()).second)
        refuse("`{}` stands twice in one object", parsed.get<std::string>());
      return true;
    };
    return Json::parse(text, look, false);
  }

  void check_names(const Json& object, const std::string& in, const std::vector<std::string>& known) const {
    for (const auto& [name, value] : object.items()) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      const std::string near = closest(name, known);
      refuse("`{}{}` is no field of this form\nhelp: {}", in, name,
             near.empty() ? fmt::format("there is `{}`", fmt::join(known, "`, `")) : fmt::format("did you mean `{}`?", near));
    }
  }
  const Json& need(const Json& object, const std::string& in, const char* name) const {
    const auto found = object.find(name);
    if (found == object.end()) refuse("`{}{}` is missing", in, name);
    return *found;
  }
  std::string text_of(const Json& value, const std::string& name) const {
    if (!value.is_string() || value.get_ref<const std::string&>().empty())
      refuse("`{}` is {}; expected a text", name, value.dump());
    return value.get<std::string>();
  }
  std::vector<std::string> texts(const Json& list, const std::string& name) const {
    if (!list.is_array()) refuse("`{}` is not a list of texts", name);
    std::vector<std::string> out;
    for (size_t i = 0; i < list.size(); ++i) out.push_back(text_of(list[i], fmt::format("{}[{}]", name, i)));
    return out;
  }

  void read_targets(const Json& list, JsonlLine& line) const {
    if (!list.is_array()) refuse("`targets` is not a list");
    if (list.size() != line.tokens.size()) refuse("there are {} `targets` for {} `tokens`", list.size(), line.tokens.size());
    for (size_t i = 0; i < list.size(); ++i)
      line.targets.push_back(list[i].is_null() ? "" : text_of(list[i], fmt::format("targets[{}]", i)));
  }

  int32_t position(const Json& value, const std::string& name, const JsonlLine& line) const {
    if (!value.is_number_unsigned() || value.get<uint64_t>() >= line.tokens.size())
      refuse("`{}` is {}; the positions of this line are 0 to {}", name, value.dump(), line.tokens.size() - 1);
    return value.get<int32_t>();
  }

  JsonlLink read_link(const Json& json, const JsonlLine& line) const {
    if (!json.is_object()) refuse("`links` holds {}, which is no link", json.dump());
    check_names(json, "links.", {"class", "target", "sources", "pair", "attractor"});
    JsonlLink link;
    link.name = text_of(need(json, "links.", "class"), "links.class");
    link.target = position(need(json, "links.", "target"), "links.target", line);
    const std::string& answer = line.targets[static_cast<size_t>(link.target)];
    if (answer.empty()) refuse("`links.target` is {}, where `targets` asks nothing", link.target);
    const Json& sources = need(json, "links.", "sources");
    if (!sources.is_array() || sources.empty()) refuse("`links.sources` is {}; expected a list of positions", sources.dump());
    for (const Json& source : sources) {
      link.sources.push_back(position(source, "links.sources", line));
      if (link.sources.back() == link.target) refuse("`links.sources` holds the target, {}", link.target);
      if (link.sources.size() > 1 && link.sources.end()[-2] >= link.sources.back())
        refuse("`links.sources` is {}; positions stand in ascending order", sources.dump());
    }
    const Json& pair = need(json, "links.", "pair");
    if (!pair.is_object()) refuse("`links.pair` is {}; expected {{\"tokens\": […], \"target\": …}}", pair.dump());
    check_names(pair, "links.pair.", {"tokens", "target"});
    link.pair_tokens = texts(need(pair, "links.pair.", "tokens"), "links.pair.tokens");
    link.pair_target = text_of(need(pair, "links.pair.", "target"), "links.pair.target");
    if (link.pair_tokens.size() != link.sources.size())
      refuse("there are {} `links.pair.tokens` for {} `links.sources`", link.pair_tokens.size(), link.sources.size());
    if (link.pair_target == answer) refuse("`links.pair.target` is \"{}\", the answer that the pair should change", answer);
    if (const auto attractor = json.find("attractor"); attractor != json.end()) {
      if (!attractor->is_boolean()) refuse("`links.attractor` is {}; expected true or false", attractor->dump());
      link.attractor = attractor->get<bool>();
    }
    return link;
  }

  const TextFile& file_;
  size_t at_;
};

}  // namespace

JsonlLine read_jsonl_line(const TextFile& file, size_t at, std::string_view line) { return LineReader(file, at).read(line); }

}  // namespace vitrine
