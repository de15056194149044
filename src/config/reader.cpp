#include "config/reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/suggest.h"

namespace vitrine {
namespace {

std::string parent(const std::string& path) {
  const size_t dot = path.rfind('.');
  return dot == std::string::npos ? std::string() : path.substr(0, dot);
}

}  // namespace

Mark Reader::place(const std::string& path) const {
  for (std::string at = path; !at.empty(); at = parent(at))
    if (given_.contains(at)) return given_.at(at);
  return {0, 0, 0};
}

bool Reader::bad(const std::string& path) const {
  for (std::string at = path; !at.empty(); at = parent(at))
    if (bad_.contains(at)) return true;
  return false;
}

std::string Reader::setting(const std::string& path) const {
  const std::string value = bad(path) ? std::string() : root_.find(path)->value->write({});
  return fmt::format("`{}{}{}` ({})", path, value.empty() ? "" : ": ", value,
                     given(path) ? diagnostics_.brief(given_.at(path)) : "the default");
}

void Reader::forget(const std::string& path) {
  given_.erase(path);
  if (Key* key = root_.find(path); key->value) key->value->reset();
}

void Reader::read(Key& key, const Node& node, Mark at) {
  if (key.value) {
    read_value(key, node, at, key.path);
    return;
  }
  if (!key.path.empty()) given_[key.path] = at;
  if (node.kind == Node::Kind::kList && key.make_list && !node.items.empty()) return read_list(key, node);
  if (node.kind == Node::Kind::kScalar && !key.shorthand.empty()) {
    if (key.is_list) start_over(key, 1);
    for (const std::string& name : key.shorthand)
      if (!read_value(*key.find(name), node, at, key.path)) return;  // said once
    return;
  }
  if (node.kind != Node::Kind::kMap) {
    bad_.insert(key.path);
    const std::string expected =
        key.path.empty()        ? "sections such as `model:`"
        : key.make_list         ? fmt::format("{}a map of keys, or a list of such {}", key.shorthand.empty() ? "" : "a word, ",
                                      key.shorthand.empty() ? "maps" : "entries")
        : key.shorthand.empty() ? "a map of keys"
                                : "a map of keys, or " + key.find(key.shorthand[0])->value->expected();
    return refuse(key.path, node, at, expected,
                  node.kind == Node::Kind::kNull ? "leave it out, or give it keys (indented by two spaces)" : "");
  }
  for (size_t i = 0; i < node.items.size(); ++i) {
    const Node& name = node.keys[i];
    if (key.path.empty() && name.text == "provenance" && name.place.source == 0) continue;  // of config.resolved.yaml; for people
    if (name.text.find('.') == std::string::npos && key.find(name.text))
      read(*key.find(name.text), node.items[i], name.place);
    else
      unknown(key, name);
  }
}

// A list of one is its element.
void Reader::read_list(Key& key, const Node& node) {
  start_over(key, node.items.size());
  items_[key.path] = node.items.size();
  if (node.items.size() == 1) {
    if (node.items[0].kind != Node::Kind::kList) return read(key, node.items[0], node.items[0].place);
    bad_.insert(key.path);
    return refuse(key.path, node.items[0], node.items[0].place, "a map of keys", "");
  }
  for (size_t k = 0; k < node.items.size(); ++k) read(*key.children[k], node.items[k], node.items[k].place);
}

// What stood there is replaced, whatever its form.
void Reader::start_over(Key& list, size_t n) {
  for_each_key(list, [&](const Key& below) { given_.erase(below.path); });
  items_.erase(list.path);
  list.make_list(list, n);
}

bool Reader::read_value(Key& key, const Node& node, Mark at, const std::string& called) {
  std::string help;
  const bool again = given(key.path) && given_.at(key.path).source == at.source;  // by an implication
  const std::string before = again ? setting(key.path) : "", value = again ? key.value->write({}) : "";
  given_[key.path] = at;
  if (!key.value->read(node, diagnostics_.source(at.source), help)) {
    bad_.insert(key.path);
    refuse(called, node, at, key.value->expected(), help);
    return false;
  }
  if (again && key.value->write({}) != value) {
    diagnostics_.error(at, fmt::format("{}: contradicts {}", called, before), "keep one of them");
    bad_.insert(key.path);
  }
  for (const Implication& implied : key.implications) {
    if (node.text != implied.word) continue;
    Node word = node;
    word.text = implied.value;
    word.quoted = false;
    read_value(*root_.find(implied.key), word, at, key.path);
  }
  return true;
}

void Reader::refuse(const std::string& called, const Node& node, Mark at, const std::string& expected, const std::string& help) {
  diagnostics_.error(node.kind == Node::Kind::kNull ? at : node.place,
                     fmt::format("{}{}expected {}, got {}", called, called.empty() ? "" : ": ", expected, node.spelled()), help);
}

void Reader::unknown(const Key& section, const Node& name) {
  const std::string prefix = section.path.empty() ? "" : section.path + ".";
  if (diagnostics_.full()) return diagnostics_.error(name.place, prefix + name.spelled() + ": unknown key");  // counted only
  diagnostics_.error(name.place, fmt::format("{}{}: unknown key", prefix, name.spelled()), suggestion(root_, section, name.text));
  // What was probably meant is not judged by its default.
  if (const std::string near = closest(name.text, section.names()); !near.empty()) bad_.insert(prefix + near);
}

std::string suggestion(const Key& root, const Key& section, const std::string& name) {
  if (const std::string near = closest(name, section.names()); !near.empty()) return fmt::format("did you mean `{}`?", near);
  const std::string now = renamed(name);
  if (const std::string last = now.substr(now.rfind('.') + 1); !now.empty() && section.find(last))
    return fmt::format("this is called `{}` here", last);
  if (!now.empty()) return fmt::format("this is called `{}` here", now);
  std::vector<std::string> homes, all;
  for_each_key(const_cast<Key&>(root), [&](const Key& key) {
    if (key.name == name) homes.push_back(parent(key.path).empty() ? name : parent(key.path) + ":");
    all.push_back(key.name);
  });
  if (homes.size() == 1 && homes[0] == name) return fmt::format("`{}:` is a section of its own, not part of another", name);
  if (!homes.empty() && homes.size() <= 4) return fmt::format("`{}` exists under {}", name, list_text(homes, "and"));
  if (const std::string near = closest(name, all); !near.empty()) {
    std::string path;
    for_each_key(const_cast<Key&>(root), [&](const Key& key) {
      if (key.name == near && path.empty()) path = key.path;
    });
    return fmt::format("did you mean `{}`?", path);
  }
  return fmt::format("{} {}", section.path.empty() ? "the sections are" : fmt::format("`{}:` has", section.path),
                     list_text(section.names(), "and"));
}

}  // namespace vitrine
