#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "config/config.h"
#include "config/reader.h"
#include "config/suggest.h"

namespace vitrine {
namespace {

// A registry over a config that already holds values. Defaults are those of `Config()`; the registry learns them first.
struct BoundConfig {
  explicit BoundConfig(const Config& values) : root(describe(config)) { config = values; }
  Config config;
  std::unique_ptr<Key> root;
};

// Every key that has a meaning and a value, as block YAML; `note(key)` goes behind it.
template <class F>
std::string write_keys(const Key& root, const WriteContext& context, const F& note) {
  std::string out;
  for_each_key(const_cast<Key&>(root), [&](const Key& key) {
    if (unmet_condition(root, key)) return;
    const size_t depth = static_cast<size_t>(std::count(key.path.begin(), key.path.end(), '.'));
    const std::string indent(2 * depth, ' ');
    if (!key.value) {
      out += fmt::format("{}{}:\n", indent, key.name);
    } else if (const std::string text = key.value->write(context); !text.empty()) {
      const std::string line = fmt::format("{}{}: {}", indent, key.name, text), comment = note(key);
      out += comment.empty() ? line + "\n" : fmt::format("{:<48} # {}\n", line, comment);
    }
  });
  return out;
}

}  // namespace

std::string show(const LoadedConfig& loaded, bool origin) {
  const BoundConfig bound(loaded.config);
  return write_keys(*bound.root, {}, [&](const Key& key) -> std::string {
    if (!origin) return {};
    const auto found = loaded.origins.find(key.path);
    return found == loaded.origins.end() ? "default" : found->second;
  });
}

std::string resolved_yaml(const Config& config, const std::map<std::string, std::string>& provenance,
                          const std::string& run_dir) {
  const BoundConfig bound(config);
  std::string out = "# Every value of this run. It can be trained again from here: the same bits come out.\n";
  out += write_keys(*bound.root, {run_dir}, [](const Key&) { return std::string(); });
  out += provenance.empty() ? "provenance: {}\n" : "provenance:\n";
  for (const auto& [name, value] : provenance) out += fmt::format("  {}: {}\n", write_text(name), write_text(value));
  return out;
}

std::string explain(const std::string& name) {
  Config defaults;
  const std::unique_ptr<Key> root = describe(defaults);
  const Key* key = name.empty() ? root.get() : root->find(name);
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
