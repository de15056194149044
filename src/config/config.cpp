#include "config/config.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/file.h"
#include "config/reader.h"
#include "config/yaml_text.h"

namespace vitrine {
namespace {
namespace fs = std::filesystem;

// Line ends of Windows and a byte order mark are no part of a configuration.
std::string read_source(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) fail(ErrorKind::kConfig, "{}: there is no such file", path);
  if (fs::is_directory(status)) fail(ErrorKind::kConfig, "{}: is a folder; a configuration is a file", path);
  if (fs::is_regular_file(status) && fs::file_size(path, error) > kMaxConfigBytes)
    fail(ErrorKind::kConfig, "{}: {} bytes; a configuration has at most {}", path, fs::file_size(path, error), kMaxConfigBytes);
  std::string text;
  if (fs::is_regular_file(status)) {
    try {
      text = read_file(path);
    } catch (const Error& e) {
      throw Error(ErrorKind::kConfig, e.what());
    }
  } else {  // a pipe, which may never end
    text.resize(kMaxConfigBytes + 1);
    std::ifstream stream(path, std::ios::binary);
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(stream.gcount()));
    if (text.size() > kMaxConfigBytes)
      fail(ErrorKind::kConfig, "{}: a configuration has at most {} bytes", path, kMaxConfigBytes);
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  for (size_t i = 0; (i = text.find("\r\n", i)) != std::string::npos;) text.erase(i, 1);
  return text;
}

Node scalar(const std::string& text, Mark place) {
  Node node;
  node.kind = Node::Kind::kScalar;
  node.text = text;
  node.place = place;
  return node;
}

// "a.b=value" as the tree {a: {b: value}}.
void read_assignment(const std::string& assignment, Reader& reader, Diagnostics& diagnostics) {
  const int source = diagnostics.add({"--set", assignment, ""});
  const size_t equals = assignment.find('=');
  const std::string usage = "`--set training.clip=0.5`: a key with its section, then `=`, then a value";
  const std::string key = "." + assignment.substr(0, equals) + ".";
  if (equals == std::string::npos || key.find("..") != std::string::npos)
    return diagnostics.error({source, 0, assignment.size()}, "not an assignment", usage);
  if (assignment.find('\n') != std::string::npos)
    return diagnostics.error({source, 0, equals}, "an assignment has one line", usage);
  if (assignment.find_first_not_of(" \t", equals + 1) == std::string::npos)
    return diagnostics.error({source, 0, equals}, fmt::format("{} has no value", assignment.substr(0, equals)),
                             "an empty text is `''`");
  std::optional<Node> value = parse_yaml(std::string(equals + 1, ' ') + assignment.substr(equals + 1), source, diagnostics);
  if (!value) return;
  Node tree = std::move(*value);
  for (size_t end = equals; end != std::string::npos;) {
    const size_t dot = end == 0 ? std::string::npos : assignment.rfind('.', end - 1);
    const size_t begin = dot == std::string::npos ? 0 : dot + 1;
    const Mark place{source, begin, end};
    Node map;
    map.kind = Node::Kind::kMap;
    map.place = place;
    map.keys.push_back(scalar(assignment.substr(begin, end - begin), place));
    map.items.push_back(std::move(tree));
    tree = std::move(map);
    end = dot;
  }
  reader.read(tree);
}

std::string origin_of(Mark place, const Diagnostics& diagnostics) {
  return place.source == 0 ? fmt::format("{}:{}", diagnostics.source(0).name, diagnostics.line(place)) : "--set";
}

}  // namespace

const ObjectiveSettings* Config::head(ObjectiveKind kind) const {
  const auto found = std::find_if(objectives.begin(), objectives.end(), [&](const auto& o) { return o.kind == kind; });
  return found == objectives.end() ? nullptr : &*found;
}

namespace {

LoadedConfig load(Source of, const std::vector<std::string>& sets) {
  LoadedConfig loaded;
  Diagnostics diagnostics;
  loaded.config.run.name = fs::path(of.name).stem().string();
  const int file = diagnostics.add(std::move(of));
  const std::unique_ptr<Key> root = describe(loaded.config);
  Reader reader(*root, diagnostics);
  const std::optional<Node> tree = parse_yaml(std::string(diagnostics.source(file).text), file, diagnostics);
  if (tree) reader.read(*tree);
  for (const std::string& assignment : sets) read_assignment(assignment, reader, diagnostics);
  if (tree && tree->kind == Node::Kind::kMap) {
    settle(reader, loaded.config);
    check_rules(reader, loaded.config);
  }
  diagnostics.throw_if_failed();
  for (const auto& [key, place] : reader.all_given())
    if (root->find(key)->value) loaded.origins[key] = origin_of(place, diagnostics);
  for (const auto& [key, reason] : reader.implied()) loaded.origins[key] = "from " + reason;
  loaded.warnings = diagnostics.warnings();
  return loaded;
}

}  // namespace

LoadedConfig read_config(const std::string& path, const std::vector<std::string>& sets) {
  return load({path, read_source(path), fs::path(path).parent_path().string()}, sets);
}

LoadedConfig parse_config(const std::string& yaml, const std::string& name, const std::vector<std::string>& sets) {
  return load({name, yaml, ""}, sets);
}

Config load_config(const std::string& path, const std::vector<std::string>& sets) { return read_config(path, sets).config; }

}  // namespace vitrine
