#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/error.h"
#include "config/config.h"
#include "config/reader.h"
#include "config/suggest.h"

namespace vitrine {
namespace {

// A registry over a config that already holds values. Defaults are those of `Config()`; the registry learns them first.
struct BoundConfig {
  explicit BoundConfig(const Config& values) : config(with_as_many_heads(values)), root(describe(config)) {
    const ObjectiveSettings* bound = config.objectives.data();
    config = values;
    check(config.objectives.data() == bound, "as many objectives are assigned in place");
  }
  static Config with_as_many_heads(const Config& values) {
    Config defaults;
    defaults.objectives.resize(values.objectives.size());
    return defaults;
  }
  Config config;
  std::unique_ptr<Key> root;
};

// Every key below `section` that has a meaning and a value, as block YAML; `note(key)` goes behind it.
template <class F>
std::string write_keys(const Key& root, const Key& section, const WriteContext& context, size_t indent, const F& note) {
  std::string out;
  for (const auto& key : section.children) {
    if (unmet_condition(root, *key)) continue;
    const std::string margin(indent, ' ');
    if (section.is_list) {
      std::string element = write_keys(root, *key, context, indent + 2, note);
      element[indent] = '-';  // the first line of its map begins "- "
      out += element;
    } else if (!key->value) {
      out += fmt::format("{}{}:\n", margin, key->name) + write_keys(root, *key, context, indent + 2, note);
    } else if (const std::string text = key->value->write(context); !text.empty()) {
      const std::string line = fmt::format("{}{}: {}", margin, key->name, text), comment = note(*key);
      out += comment.empty() ? line + "\n" : fmt::format("{:<48} # {}\n", line, comment);
    }
  }
  return out;
}

// objective.1.kind → objective.kind
std::string without_numbers(const std::string& path) {
  std::string out;
  for (size_t begin = 0, end; begin <= path.size(); begin = end + 1) {
    end = std::min(path.find('.', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    const bool number = !part.empty() && part.find_first_not_of("0123456789") == std::string::npos;
    if (!number) out += (out.empty() ? "" : ".") + part;
  }
  return out;
}

}  // namespace

std::string show(const LoadedConfig& loaded, bool origin) {
  const BoundConfig bound(loaded.config);
  return write_keys(*bound.root, *bound.root, {}, 0, [&](const Key& key) -> std::string {
    if (!origin) return {};
    const auto found = loaded.origins.find(key.path);
    return found == loaded.origins.end() ? "default" : found->second;
  });
}

std::map<std::string, std::string> values_of(const Config& config, const std::string& directory) {
  const BoundConfig bound(config);
  std::map<std::string, std::string> values;
  for_each_key(*bound.root, [&](const Key& key) {
    if (!key.value || unmet_condition(*bound.root, key)) return;
    if (std::string text = key.value->write({directory}); !text.empty()) values[key.path] = std::move(text);
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

std::string explain(const std::string& name) {
  Config defaults;
  const std::unique_ptr<Key> root = describe(defaults);
  const Key* key = name.empty() ? root.get() : root->find(without_numbers(name));
  if (!key) {
    const size_t dot = name.rfind('.');
    const Key* section = dot == std::string::npos ? root.get() : root->find(name.substr(0, dot));
    fail(
        ErrorKind::kConfig, "{}: unknown key\nhelp: {}", name,
        suggestion(*root, section && !section->value ? *section : *root, dot == std::string::npos ? name : name.substr(dot + 1)));
  }
  std::string out = fmt::format("{}: {}.\n", key->path.empty() ? "configuration" : key->path, key->summary);
  if (key->value) {
    out += fmt::format("  value: {}{}\n", key->value->expected(),
                       key->value->word.text.empty() ? "" : ", or " + key->value->word.text);
    const std::string value = key->default_note.empty() ? key->value->write({}) : key->default_note;
    if (!key->needed && !value.empty()) out += fmt::format("  default: {}\n", value);
    if (key->needed) out += "  must be given\n";
  }
  for (const Condition& condition : key->conditions)
    out += fmt::format("  only with {}: {}\n", condition.key, list_text(condition.values, "or"));
  for (const auto& child : key->children) out += fmt::format("  {:<22} {}\n", child->name, child->summary);
  return out;
}

}  // namespace vitrine
