#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/config.h"
#include "config/registry.h"

namespace vitrine {
namespace {

using Json = nlohmann::ordered_json;

std::string parent_of(const std::string& path) { return path.substr(0, path.find_last_of('.') + 1); }

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  for (size_t begin = 0, end; begin <= path.size(); begin = end + 1) {
    end = std::min(path.find('.', begin), path.size());
    parts.push_back(path.substr(begin, end - begin));
  }
  return parts;
}

bool is_in(const std::string& word, const std::vector<std::string>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// The registry as a schema. A section's own conditions (`betas` only with some `kind` beside it) stand in the section; those that
// look at another section stand at the root.
class SchemaWriter {
 public:
  explicit SchemaWriter(const Key& root) : root_(root) {}

  Json write() {
    Json schema = section(root_);
    schema["properties"]["provenance"] = {{"description", "Of config.resolved.yaml: version, build and hashes. Ignored."}};
    if (!at_root_.empty()) schema["allOf"] = std::move(at_root_);
    Json out{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
             {"title", "A run of Vitrine"},
             {"description",
              "Keys, types, ranges, words, and which keys belong together. How numbers have to fit one another (heads and width, "
              "warm-up and steps, lengths) only `vitrine config check` knows."}};
    out.update(schema);
    if (!definitions_.empty()) out["$defs"] = std::move(definitions_);
    return out;
  }

 private:
  Json described(Json schema, const Key& key) const {
    Json out{{"description", key.summary + "."}};
    out.update(schema);
    return out;
  }

  Json section(const Key& key) {
    Json properties = Json::object(), required = Json::array(), rules = Json::array();
    for (const auto& child : key.children) {
      properties[child->name] = child->value ? value(*child) : described(section(*child), *child);
      const std::vector<Condition> own = conditions(*child, true), foreign = conditions(*child, false);
      for (const Condition& c : own) refuse_unless(holds(c, own_parts(c)), absent(child->name), rules);
      for (const Condition& c : foreign) refuse_unless(holds(c, parts_of(c.key)), at(key, absent(child->name)), at_root_);
      if (needed(*child)) require(key, *child, own, foreign, required, rules);
      pair(*child, rules);
      for (const Implication& implied : child->implications) rules.push_back(implication(*child, implied));
    }
    Json schema{{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
    if (!required.empty()) schema["required"] = std::move(required);
    if (!rules.empty()) schema["allOf"] = std::move(rules);
    if (key.make_list) return map_or_list(key, std::move(schema));
    if (key.shorthand.empty()) return schema;
    return {{"anyOf", {key.find(key.shorthand[0])->value->schema(), std::move(schema)}}};
  }

  Json map_or_list(const Key& key, Json schema) {
    definitions_[key.name] = std::move(schema);
    Json forms = Json::array();
    if (!key.shorthand.empty()) forms.push_back(key.find(key.shorthand[0])->value->schema());
    forms.push_back({{"$ref", "#/$defs/" + key.name}});
    const Json one = forms.size() == 1 ? forms[0] : Json{{"anyOf", forms}};
    forms.push_back({{"type", "array"}, {"items", one}, {"minItems", 1}});
    return {{"anyOf", std::move(forms)}};
  }

  Json value(const Key& key) const {
    Json schema = described(key.value->schema(), key);
    const std::string text = key.value->write({});
    if (key.default_note.empty() && !key.needed && !text.empty()) schema["default"] = default_of(text);
    return schema;
  }

  static Json default_of(const std::string& text) {
    const Json parsed = Json::parse(text, nullptr, false);
    return parsed.is_discarded() ? Json(text) : parsed;
  }

  // Those on a sibling, or those on other sections; what holds for the section around it need not be said twice.
  std::vector<Condition> conditions(const Key& key, bool own) const {
    const std::string around = parent_of(key.path);
    const Key* section = around.empty() ? nullptr : root_.find(around.substr(0, around.size() - 1));
    std::vector<Condition> out;
    for (const Condition& c : key.conditions) {
      const auto same = [&](const Condition& other) { return other.key == c.key && other.values == c.values; };
      const bool inherited = section && std::any_of(section->conditions.begin(), section->conditions.end(), same);
      if (!inherited && own == (parent_of(c.key) == around)) out.push_back(c);
    }
    return out;
  }

  static std::vector<std::string> own_parts(const Condition& c) { return {c.key.substr(parent_of(c.key).size())}; }

  bool holds_by_default(const Condition& c) const {
    const Key& key = *root_.find(c.key);
    return !key.needed && is_in(key.value->write({}), c.values);
  }

  // True where the key that `parts` lead to has one of the values, or lacks and has one by default.
  Json holds(const Condition& c, const std::vector<std::string>& parts) const {
    Json schema{{"enum", c.values}};
    for (size_t i = parts.size(); i-- > 0;) {
      const Json value = schema;
      schema = {{"properties", {{parts[i], value}}}};
      if (!holds_by_default(c)) schema["required"] = {parts[i]};
      const std::string path = parent_of(c.key);
      const Key* section = i + 1 == parts.size() && i > 0 ? root_.find(path.substr(0, path.size() - 1)) : nullptr;
      if (section && !section->shorthand.empty()) schema = in_any_form(*section, value, std::move(schema));
    }
    return schema;
  }

  // A section may be a bare word; a list has what one element has.
  static Json in_any_form(const Key& section, const Json& word, Json map) {
    map["type"] = "object";
    const Json one{{"anyOf", {word, std::move(map)}}};
    return section.make_list ? Json{{"anyOf", {one, Json{{"type", "array"}, {"contains", one}}}}} : one;
  }

  static void refuse_unless(const Json& condition, const Json& absent, Json& rules) {
    for (Json& rule : rules)
      if (rule.contains("else") && rule["if"] == condition) return rule["else"].merge_patch(absent);
    rules.push_back({{"if", condition}, {"else", absent}});
  }

  static Json absent(const std::string& name) { return {{"properties", {{name, false}}}}; }

  // `schema` for the section `key`, or for each map of its list, seen from the root.
  static Json at(const Key& key, Json schema) {
    if (key.path.empty()) return schema;
    if (key.make_list) schema["items"] = Json(schema);
    const std::vector<std::string> parts = parts_of(key.path);
    for (size_t i = parts.size(); i-- > 0;) schema = {{"properties", {{parts[i], std::move(schema)}}}};
    return schema;
  }

  // A key that must be given, or a section that has one.
  bool needed(const Key& key) const {
    if (key.value) return key.needed;
    const auto must = [&](const auto& child) {
      const std::vector<Condition> own = conditions(*child, true);
      return (child->one_needed || needed(*child)) &&
             std::all_of(own.begin(), own.end(), [&](const Condition& c) { return holds_by_default(c); });
    };
    return std::any_of(key.children.begin(), key.children.end(), must);
  }

  void require(const Key& around, const Key& key, const std::vector<Condition>& own, const std::vector<Condition>& foreign,
               Json& required, Json& rules) {
    Json schema{{"required", {key.name}}};
    if (own.empty() && foreign.empty()) return required.push_back(key.name);
    if (!own.empty()) schema = {{"if", all(own, true)}, {"then", std::move(schema)}};
    if (foreign.empty()) return rules.push_back(std::move(schema));
    at_root_.push_back({{"if", all(foreign, false)}, {"then", at(around, std::move(schema))}});
  }

  Json all(const std::vector<Condition>& conditions, bool own) const {
    if (conditions.size() == 1) return holds(conditions[0], own ? own_parts(conditions[0]) : parts_of(conditions[0].key));
    Json list = Json::array();
    for (const Condition& c : conditions) list.push_back(holds(c, own ? own_parts(c) : parts_of(c.key)));
    return {{"allOf", std::move(list)}};
  }

  static void pair(const Key& key, Json& rules) {
    if (key.rival.empty()) return;
    rules.push_back({{"not", {{"required", {key.name, key.rival}}}}});
    if (key.one_needed) rules.push_back({{"anyOf", {Json{{"required", {key.name}}}, Json{{"required", {key.rival}}}}}});
  }

  // `kind: causal` says causal: true, and nothing else may stand there.
  static Json implication(const Key& key, const Implication& implied) {
    return {{"if", {{"properties", {{key.name, {{"const", implied.word}}}}}, {"required", {key.name}}}},
            {"then", {{"properties", {{parts_of(implied.key).back(), {{"const", default_of(implied.value)}}}}}}}};
  }

  const Key& root_;
  Json at_root_ = Json::array(), definitions_;
};

}  // namespace

std::string json_schema() {
  Config defaults;
  const std::unique_ptr<Key> root = describe(defaults);
  return SchemaWriter(*root).write().dump(2) + "\n";
}

}  // namespace vitrine
