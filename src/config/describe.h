#pragma once
#include "config/registry.h"

// The sections of a configuration, one function each: name, member, range, meaning; then when a key applies.
namespace vitrine {

struct DataSettings;
struct TokenizerSettings;
struct ModelSettings;
struct ObjectiveSettings;

void describe_data(Key& section, DataSettings& data);
void describe_tokenizer(Key& section, TokenizerSettings& tokenizer);
void describe_model(Key& section, ModelSettings& model);
void describe_objectives(Key& section, std::vector<ObjectiveSettings>& objectives);  // a map, or a list of several

constexpr Range kCount = between(1, 1e9);

}  // namespace vitrine
