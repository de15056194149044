#include <cmath>
#include <nlohmann/json.hpp>

#include "config/value.h"

// What each kind of value may be, as JSON Schema 2020-12. A text may be written without quotes, so a reader of YAML may take it for a
// number or a boolean.
namespace vitrine {
namespace {

using Json = nlohmann::ordered_json;

Json text_schema() { return {{"type", {"string", "number", "boolean"}}}; }

Json limit(double x) { return x == std::floor(x) && std::abs(x) < 1e16 ? Json(static_cast<int64_t>(x)) : Json(x); }

Json range_schema(const Range& range, bool whole) {
  Json schema{{"type", whole ? "integer" : "number"}};
  if (std::isfinite(range.low)) schema[range.low_open ? "exclusiveMinimum" : "minimum"] = limit(range.low);
  if (std::isfinite(range.high)) schema[range.high_open ? "exclusiveMaximum" : "maximum"] = limit(range.high);
  return schema;
}

Json or_word(Json schema, const Word& word) {
  if (word.text.empty()) return schema;
  return {{"anyOf", {std::move(schema), Json{{"const", word.text}}}}};
}

}  // namespace

Json Value::schema() const { return {{"enum", words()}}; }

Json IntegerValue::schema() const { return or_word(range_schema(range_, true), word); }

Json IntegersValue::schema() const {
  const Json one = range_schema(range_, true);
  return {{"anyOf", {one, Json{{"type", "array"}, {"items", one}, {"minItems", 1}}}}};
}

Json NumberValue::schema() const { return or_word(range_schema(range_, false), word); }

Json NumberPairValue::schema() const {
  return {{"type", "array"}, {"items", NumberValue::schema()}, {"minItems", 2}, {"maxItems", 2}};
}

Json BooleanValue::schema() const { return {{"type", "boolean"}}; }

Json TextValue::schema() const {
  Json schema = text_schema();
  if (form_ != Form::kText) schema["minLength"] = 1;
  if (form_ == Form::kName) schema["pattern"] = "^(?!\\.{1,2}$)[^/\\n]+$";
  return schema;
}

Json TextListValue::schema() const { return {{"type", "array"}, {"items", text_schema()}}; }

Json ColumnsValue::schema() const {
  Json name = text_schema();
  name["minLength"] = 1;
  return {{"anyOf", {name, Json{{"type", "array"}, {"items", name}, {"minItems", 2}, {"maxItems", 2}}}}};
}

namespace {

Json parallel_schema() {
  Json path = text_schema();
  path["minLength"] = 1;
  return {{"type", "object"},
          {"properties", {{"tokens", path}, {"tags", path}, {"labels", path}}},
          {"additionalProperties", false},
          {"required", {"tokens", "tags"}}};
}

}  // namespace

Json FilesValue::schema() const { return {{"anyOf", {TextValue::schema(), parallel_schema()}}}; }

Json SplitValue::schema() const {
  return {
      {"anyOf", {range_schema(kOpenShare, false), Json{{"type", {"string", "boolean"}}, {"minLength", 1}}, parallel_schema()}}};
}

Json WeightsValue::schema() const { return {{"type", "object"}, {"additionalProperties", range_schema(kPositive, false)}}; }

}  // namespace vitrine
