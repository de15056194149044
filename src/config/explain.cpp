#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "config/config.h"
#include "config/reader.h"
#include "config/suggest.h"
#include "layers/attention/pairs.h"

namespace vitrine {
namespace {

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

std::string value_of(const Key& key) {
  return key.value->expected() + (key.value->word.text.empty() ? "" : ", or " + key.value->word.text);
}

std::string default_of(const Key& key) { return key.default_note.empty() ? key.value->write({}) : key.default_note; }

// A bar would end a cell of a table.
std::string cell(std::string text) {
  for (size_t i = 0; (i = text.find('|', i)) != std::string::npos; i += 2) text.insert(i, "\\");
  return text;
}

// As the sites that show Markdown make it of a heading: lower case, without dots.
std::string anchor(std::string heading) {
  std::erase(heading, '.');
  return heading;
}

void write_page(const Key& section, std::string& out) {
  out += fmt::format("\n## {}\n\n{}.\n", section.path, cell(section.summary));
  for (const Condition& c : section.conditions) out += fmt::format("Only with `{}:` {}.\n", c.key, list_text(c.values, "or"));
  out += "\n| key | value | default | meaning |\n|---|---|---|---|\n";
  for (const auto& key : section.children) {
    if (!key->value) {
      out += fmt::format("| `{0}` | [a map](#{1}) | | {2} |\n", key->name, anchor(key->path), cell(key->summary));
      continue;
    }
    std::string meaning = key->summary;
    for (const Condition& c : key->conditions)
      if (std::none_of(section.conditions.begin(), section.conditions.end(),
                       [&](const Condition& s) { return s.key == c.key && s.values == c.values; }))
        meaning += fmt::format("; only with `{}:` {}", c.key, list_text(c.values, "or"));
    out += fmt::format("| `{}` | {} | {} | {} |\n", key->name, cell(value_of(*key)),
                       key->needed ? "must be given" : cell(default_of(*key)), cell(meaning));
  }
  for (const auto& key : section.children)
    if (!key->value) write_page(*key, out);
}

}  // namespace

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
    out += fmt::format("  value: {}\n", value_of(*key));
    if (!key->needed && !default_of(*key).empty()) out += fmt::format("  default: {}\n", default_of(*key));
    if (key->needed) out += "  must be given\n";
  }
  for (const Condition& condition : key->conditions)
    out += fmt::format("  only with {}: {}\n", condition.key, list_text(condition.values, "or"));
  for (const Meaning& m : key->meanings) out += fmt::format("  {:<14} {}\n  {:<14}   {}\n", m.word, m.formula, "", m.source);
  for (const auto& child : key->children) out += fmt::format("  {:<22} {}\n", child->name, child->summary);
  return out;
}

std::string reference_page() {
  Config defaults;
  const std::unique_ptr<Key> root = describe(defaults);
  std::string out =
      "# Every key of a configuration\n\n"
      "Made by `vitrine config explain --markdown`. `vitrine config explain KEY` says the same of one key; "
      "[README.md](README.md) shows whole\n"
      "configurations.\n";
  for (const auto& section : root->children) write_page(*section, out);
  out +=
      "\n## Attention and positions\n\nWhich `model.attention.kind` goes with which `model.position`; what does not is "
      "refused.\n\n";
  out += pairs_table();
  for (const char* kind : {"model.attention.kind", "model.position.kind"}) {
    out += fmt::format("\n| `{}` | formula of one head, S = Q Kᵀ/√d | source |\n|---|---|---|\n", kind);
    for (const Meaning& m : root->find(kind)->meanings)
      out += fmt::format("| `{}` | {} | {} |\n", m.word, cell(m.formula), cell(m.source));
  }
  return out;
}

}  // namespace vitrine
