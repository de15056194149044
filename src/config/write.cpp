#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/check.h"
#include "config/config.h"
#include "config/registry.h"

namespace vitrine {
namespace {

// A registry over a config that already holds values. Defaults are those of `Config()`; the registry learns them first.
struct BoundConfig {
  explicit BoundConfig(const Config& values) : config(with_as_many(values)), root(describe(config)) {
    const ObjectiveSettings* objectives = config.objectives.data();
    const AttentionSettings* attention = config.model.attention.data();
    config = values;
    check(config.objectives.data() == objectives && config.model.attention.data() == attention, "as many are assigned in place");
  }
  static Config with_as_many(const Config& values) {
    Config defaults;
    defaults.objectives.resize(values.objectives.size());
    defaults.model.attention.resize(values.model.attention.size());
    return defaults;
  }
  Config config;
  std::unique_ptr<Key> root;
};

// Every key below `section` that has a meaning and a value, as block YAML; `note(key)` goes behind it. With `unset`, the keys without
// a value stand there too, as comments. A section without any key is left out.
template <class F>
std::string write_keys(const Key& root, const Key& section, const WriteContext& context, size_t indent, const F& note,
                       bool unset = false) {
  std::string out;
  for (const auto& key : section.children) {
    if (unmet_condition(root, *key)) continue;
    const auto line = [&](const std::string& text) {
      const std::string start = fmt::format("{:{}}{}:{}{}", "", indent, key->name, text.empty() ? "" : " ", text),
                        comment = note(*key);
      return comment.empty() ? start + "\n" : fmt::format("{:<48} # {}\n", start, comment);
    };
    if (section.is_list) {
      std::string element = write_keys(root, *key, context, indent + 2, note, unset);
      element[indent] = '-';  // the first line of its map begins "- "
      out += element;
    } else if (!key->value) {
      const std::string below = write_keys(root, *key, context, indent + 2, note, unset);
      const bool empty = unset ? write_keys(root, *key, context, indent + 2, note).empty() : below.empty();
      if (!empty) out += line("") + below;
      if (empty && unset) out += fmt::format("{:{}}# {}{}", "", indent, line("").substr(indent), below);
    } else if (const std::string text = key->value->write(context); !text.empty()) {
      out += line(text);
    } else if (unset) {
      out += fmt::format("{:{}}# {}:{}", "", indent, key->name, line("").substr(indent + key->name.size() + 3));
    }
  }
  return out;
}

}  // namespace

std::string show(const LoadedConfig& loaded, bool origin) {
  const BoundConfig bound(loaded.config);
  return write_keys(*bound.root, *bound.root, {}, 0, [&](const Key& key) -> std::string {
    if (!origin || !key.value) return {};
    const auto found = loaded.origins.find(key.path);
    return found == loaded.origins.end() ? "default" : found->second;
  });
}

std::string commented(const Config& config, const std::map<std::string, std::string>& notes) {
  const BoundConfig bound(config);
  const auto note = [&](const Key& key) {
    const auto found = notes.find(key.path);
    if (found != notes.end()) return found->second;
    const std::vector<std::string> words = key.value ? key.value->words() : std::vector<std::string>();
    return words.size() < 2 ? key.summary : fmt::format("{} ({})", key.summary, fmt::join(words, " | "));
  };
  return write_keys(*bound.root, *bound.root, {}, 0, note, true);
}

std::map<std::string, std::string> values_of(const Config& config) {
  const BoundConfig bound(config);
  std::map<std::string, std::string> values;
  for_each_key(*bound.root, [&](const Key& key) {
    if (!key.value || unmet_condition(*bound.root, key)) return;
    if (std::string text = key.value->write({"/"}); !text.empty()) values[key.path] = std::move(text);
  });
  return values;
}

std::string resolved_yaml(const Config& config, const std::map<std::string, std::string>& provenance,
                          const std::string& run_dir) {
  const BoundConfig bound(config);
  std::string out = "# Every value of this run. It can be trained again from here: the same bits come out.\n";
  out += write_keys(*bound.root, *bound.root, {run_dir}, 0, [](const Key&) { return std::string(); });
  out += provenance.empty() ? "provenance: {}\n" : "provenance:\n";
  for (const auto& [name, value] : provenance) out += fmt::format("  {}: {}\n", write_text(name), write_text(value));
  return out;
}

}  // namespace vitrine
