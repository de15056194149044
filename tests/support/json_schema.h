#pragma once
#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>
#include <stdexcept>
#include <string>

namespace vitrine {

// Whether `value` is what `schema` wants: the keywords of JSON Schema 2020-12 that ours uses, by its validation vocabulary. A keyword
// that stands not here is an error of the test.
inline bool conforms(const nlohmann::ordered_json& value, const nlohmann::ordered_json& schema,
                     const nlohmann::ordered_json* whole = nullptr) {
  using Json = nlohmann::ordered_json;
  const Json& root = whole ? *whole : schema;
  if (schema.is_boolean()) return schema.get<bool>();
  const auto is = [&](const std::string& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "number") return value.is_number();
    if (type == "integer") return value.is_number_integer();
    throw std::logic_error("type " + type);
  };
  const auto any = [&](const Json& list, const auto& f) { return std::any_of(list.begin(), list.end(), f); };
  const auto all = [&](const Json& list, const auto& f) { return std::all_of(list.begin(), list.end(), f); };
  const auto fits = [&](const Json& s) { return conforms(value, s, &root); };
  const auto number = [&](const auto& f) { return !value.is_number() || f(value.get<double>()); };
  for (const auto& [keyword, rule] : schema.items()) {
    const Json& r = rule;
    bool good = true;
    if (keyword == "type") {
      good = r.is_string() ? is(r) : any(r, [&](const Json& type) { return is(type); });
    } else if (keyword == "enum") {
      good = any(r, [&](const Json& one) { return one == value; });
    } else if (keyword == "const") {
      good = r == value;
    } else if (keyword == "minimum") {
      good = number([&](double x) { return x >= r.get<double>(); });
    } else if (keyword == "maximum") {
      good = number([&](double x) { return x <= r.get<double>(); });
    } else if (keyword == "exclusiveMinimum") {
      good = number([&](double x) { return x > r.get<double>(); });
    } else if (keyword == "exclusiveMaximum") {
      good = number([&](double x) { return x < r.get<double>(); });
    } else if (keyword == "minLength") {
      good = !value.is_string() || value.get<std::string>().size() >= r.get<size_t>();
    } else if (keyword == "pattern") {
      good = !value.is_string() || std::regex_search(value.get<std::string>(), std::regex(r.get<std::string>()));
    } else if (keyword == "minItems") {
      good = !value.is_array() || value.size() >= r.get<size_t>();
    } else if (keyword == "maxItems") {
      good = !value.is_array() || value.size() <= r.get<size_t>();
    } else if (keyword == "items") {
      good = !value.is_array() || all(value, [&](const Json& item) { return conforms(item, r, &root); });
    } else if (keyword == "contains") {
      good = !value.is_array() || any(value, [&](const Json& item) { return conforms(item, r, &root); });
    } else if (keyword == "required") {
      good = !value.is_object() || all(r, [&](const Json& name) { return value.contains(name.get<std::string>()); });
    } else if (keyword == "properties" || keyword == "additionalProperties") {
      const Json& named = schema.contains("properties") ? schema["properties"] : Json::object();
      for (const auto& [name, item] : value.items()) {
        if (value.is_object() && named.contains(name) == (keyword == "properties"))
          good = good && conforms(item, keyword == "properties" ? named[name] : r, &root);
      }
    } else if (keyword == "allOf") {
      good = all(r, fits);
    } else if (keyword == "anyOf") {
      good = any(r, fits);
    } else if (keyword == "$ref") {
      good = fits(root.at(Json::json_pointer(r.get<std::string>().substr(1))));
    } else if (keyword == "not") {
      good = !fits(r);
    } else if (keyword == "if") {
      const char* branch = fits(r) ? "then" : "else";
      good = !schema.contains(branch) || fits(schema[branch]);
    } else if (keyword != "then" && keyword != "else" && keyword != "description" && keyword != "default" && keyword != "title" &&
               keyword != "$schema" && keyword != "$defs") {
      throw std::logic_error("keyword " + keyword);
    }
    if (!good) return false;
  }
  return true;
}

}  // namespace vitrine
