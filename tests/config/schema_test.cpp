#include <cstdlib>
#include <random>
#include <regex>
#include <sstream>

#include "base/file.h"
#include "config/reader.h"
#include "config/registry.h"
#include "config_files.h"
#include "support/catch.h"
#include "support/json_schema.h"

using namespace vitrine;
using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

namespace {

// As a reader of YAML 1.2 (core schema) sees it.
Json json_of(const Node& node) {
  static const std::regex kInteger("[-+]?[0-9]+"), kNumber("[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?");
  switch (node.kind) {
    case Node::Kind::kNull: return nullptr;
    case Node::Kind::kList: {
      Json list = Json::array();
      for (const Node& item : node.items) list.push_back(json_of(item));
      return list;
    }
    case Node::Kind::kMap: {
      Json map = Json::object();
      for (size_t i = 0; i < node.items.size(); ++i) map[node.keys[i].text] = json_of(node.items[i]);
      return map;
    }
    case Node::Kind::kScalar: break;
  }
  if (node.quoted) return node.text;
  if (node.text == "true" || node.text == "false") return node.text == "true";
  if (std::regex_match(node.text, kInteger)) return std::stoll(node.text);
  if (std::regex_match(node.text, kNumber)) return std::stod(node.text);
  return node.text;
}

Json parsed(const std::string& yaml) {
  Diagnostics diagnostics;
  const std::optional<Node> tree = parse_yaml(yaml, diagnostics.add({"t.yaml", yaml, ""}), diagnostics);
  diagnostics.throw_if_failed();
  return json_of(*tree);
}

// What the parser says before it compares values with one another; empty: nothing.
std::string refused(const std::string& yaml) {
  Config config;
  Diagnostics diagnostics;
  const int file = diagnostics.add({"t.yaml", yaml, ""});
  const std::unique_ptr<Key> root = describe(config);
  Reader reader(*root, diagnostics);
  const std::optional<Node> tree = parse_yaml(std::string(yaml), file, diagnostics);
  if (tree) reader.read(*tree);
  if (tree && tree->kind == Node::Kind::kMap) settle(reader, config);
  try {
    diagnostics.throw_if_failed();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

// A configuration as a map from path to YAML text, written as sections between braces.
using Settings = std::map<std::string, std::string>;
std::string yaml_of(const Settings& settings) {
  std::map<std::string, Settings> sections;
  std::string out;
  for (const auto& [path, value] : settings) {
    const size_t dot = path.find('.');
    if (dot == std::string::npos)
      out += path + ": " + value + "\n";
    else
      sections[path.substr(0, dot)][path.substr(dot + 1)] = value;
  }
  const std::function<std::string(const Settings&)> braces = [&](const Settings& keys) {
    std::map<std::string, Settings> deeper;
    std::string text;
    for (const auto& [path, value] : keys) {
      const size_t dot = path.find('.');
      if (dot == std::string::npos)
        text += (text.empty() ? "" : ", ") + path + ": " + value;
      else
        deeper[path.substr(0, dot)][path.substr(dot + 1)] = value;
    }
    for (const auto& [name, below] : deeper)
      if (!keys.contains(name)) text += (text.empty() ? "" : ", ") + name + ": " + braces(below);
    return "{" + text + "}";
  };
  for (const auto& [name, keys] : sections)
    if (!settings.contains(name)) out += name + ": " + braces(keys) + "\n";
  return out;
}

const std::vector<Settings>& right_ones() {
  static const std::vector<Settings> all = {
      {{"data.kind", "labelled_lines"},
       {"data.train", "a.txt"},
       {"objective.kind", "sequence_classification"},
       {"training.steps", "10"}},
      {{"data.kind", "table"},
       {"data.train", "a.csv"},
       {"data.text", "[a, b]"},
       {"data.label", "c"},
       {"objective.kind", "regression"},
       {"training.steps", "10"}},
      {{"data.kind", "tagged"},
       {"data.train", "{tokens: a, tags: b, labels: c}"},
       {"objective.kind", "sequence_classification"},
       {"training.steps", "10"}},
      {{"data.kind", "tagged"},
       {"data.train", "a.txt"},
       {"data.columns.tag", "3"},
       {"objective.kind", "token_classification"},
       {"training.steps", "10"}},
      {{"data.kind", "jsonl"}, {"data.train", "a.jsonl"}, {"objective.kind", "token_classification"}, {"training.steps", "10"}},
      {{"data.kind", "text"}, {"data.train", "a.txt"}, {"objective.kind", "causal_lm"}, {"training.epochs", "0.5"}},
      {{"data.kind", "lines"},
       {"data.train", "a.txt"},
       {"objective.kind", "masked_lm"},
       {"training.steps", "0"},
       {"optimizer.kind", "sgd"}},
      {{"data.kind", "grammar"}, {"data.grammar", "a.grammar"}, {"objective.kind", "masked_lm"}, {"training.steps", "10"}},
      {{"data.kind", "random"},
       {"data.vocabulary_size", "50"},
       {"data.length", "8"},
       {"objective.kind", "causal_lm"},
       {"training.epochs", "1"}},
      {{"data.kind", "random"},
       {"data.vocabulary_size", "50"},
       {"data.length", "8"},
       {"objective.kind", "sequence_classification"},
       {"objective.classes", "3"},
       {"training.epochs", "1"}},
      {{"data.kind", "task"},
       {"data.task", "recall"},
       {"data.vocabulary_size", "9"},
       {"data.length", "8"},
       {"objective.kind", "token_classification"},
       {"training.steps", "1"}}};
  return all;
}

class Generator {
 public:
  Generator() {
    for_each_key(*root_, [&](const Key& key) { keys_.push_back(&key); });
  }

  std::string next() {
    Settings s = one_of(right_ones());
    for (int changes = 1 + below(4); changes > 0; --changes) change(s);
    return yaml_of(s);
  }

 private:
  int below(size_t n) { return static_cast<int>(random_() % n); }
  template <class T>
  const T& one_of(const std::vector<T>& all) {
    return all[static_cast<size_t>(below(all.size()))];
  }

  void change(Settings& s) {
    static const std::vector<std::string> kValues = {"0",
                                                     "1",
                                                     "-1",
                                                     "2",
                                                     "7",
                                                     "0.5",
                                                     "1.5",
                                                     "-0.25",
                                                     "1.0e-3",
                                                     "1024",
                                                     "70000",
                                                     "2000000000",
                                                     "true",
                                                     "false",
                                                     "\"7\"",
                                                     "\"true\"",
                                                     "auto",
                                                     "none",
                                                     "off",
                                                     "a.txt",
                                                     "a/b",
                                                     ".",
                                                     "..",
                                                     "\"\"",
                                                     "[]",
                                                     "[0.5, 0.6]",
                                                     "[0.5, 1]",
                                                     "[a, b]",
                                                     "[0.5]",
                                                     "{}",
                                                     "{a: 1}",
                                                     "{a: 0}",
                                                     "{kind: rms}",
                                                     "{a: {b: c}}",
                                                     "~",
                                                     "rms",
                                                     "causal",
                                                     "learned",
                                                     "linear",
                                                     "[local, full]",
                                                     "[linear, {kind: performer}]",
                                                     "[{kind: top_k, k: 3}, causal]",
                                                     "[linear]",
                                                     "[[local]]",
                                                     "[2, 7]"};
    const Key& key = *one_of(keys_);
    const int what = below(12);
    if (what == 0) {
      auto at = s.begin();
      std::advance(at, below(s.size()));
      s.erase(at);
      if (s.empty()) s["run.seed"] = "1";
    } else if (what == 1) {
      s[key.path + (key.value ? "s" : ".unknown")] = "1";
    } else if (what < 6 && key.value && !key.value->words().empty()) {
      s[key.path] = one_of(key.value->words());
    } else if (what < 9 && key.value && !key.value->write({}).empty()) {
      s[key.path] = key.value->write({});
    } else {
      s[key.path] = one_of(kValues);
    }
  }

  Config config_;
  std::unique_ptr<Key> root_ = describe(config_);
  std::vector<const Key*> keys_;
  std::mt19937_64 random_{11};
};

}  // namespace

TEST_CASE("schema and parser agree on generated configurations") {
  const Json schema = Json::parse(json_schema());
  for (const Settings& s : right_ones()) {
    INFO(yaml_of(s));
    CHECK(refused(yaml_of(s)) == "");
    CHECK(conforms(parsed(yaml_of(s)), schema));
  }
  // scripts/check_schema.py compares the same files with another implementation of JSON Schema.
  const char* folder = std::getenv("VITRINE_GENERATED_CONFIGS");
  Generator generator;
  int accepted = 0, refusals = 0;
  for (int i = 0; i < 6000; ++i) {
    const std::string yaml = generator.next(), error = refused(yaml);
    INFO(yaml << "\nparser: " << error);
    CHECK(conforms(parsed(yaml), schema) == error.empty());
    ++(error.empty() ? accepted : refusals);
    if (folder) write(fmt::format("{}/{:04}.yaml", folder, i), (error.empty() ? "# accepted\n" : "# refused\n") + yaml);
  }
  CHECK(accepted >= 500);
  CHECK(refusals >= 500);
}

TEST_CASE("the schema that is shipped is the present one") {
  INFO("to renew it: vitrine config schema > configs/vitrine.schema.json");
  CHECK(read_file(std::string(VITRINE_SOURCE_DIR) + "/configs/vitrine.schema.json") == json_schema());
}

TEST_CASE("every configuration that is shipped names the schema and conforms to it") {
  const Json schema = Json::parse(json_schema());
  for (const auto& entry : fs::recursive_directory_iterator(std::string(VITRINE_SOURCE_DIR) + "/configs")) {
    if (entry.path().extension() != ".yaml") continue;
    INFO(entry.path());
    const std::string text = read_file(entry.path().string()), line = "# yaml-language-server: $schema=";
    CHECK(conforms(parsed(text), schema));
    REQUIRE(text.starts_with(line));
    const std::string path = text.substr(line.size(), text.find('\n') - line.size());
    CHECK(fs::equivalent(entry.path().parent_path() / path, std::string(VITRINE_SOURCE_DIR) + "/configs/vitrine.schema.json"));
  }
}

TEST_CASE("the schema describes every key and refuses what is not one") {
  const Json schema = Json::parse(json_schema());
  Config config;
  const auto root = describe(config);
  for_each_key(*root, [&](const Key& key) {
    INFO(key.path);
    const Json* at = &schema;
    for (size_t begin = 0, end; begin <= key.path.size(); begin = end + 1) {
      end = std::min(key.path.find('.', begin), key.path.size());
      if (at->contains("anyOf")) at = &at->at("anyOf").at(at->at("anyOf")[0].contains("$ref") ? 0 : 1);
      if (at->contains("$ref")) at = &schema.at(Json::json_pointer(at->at("$ref").get<std::string>().substr(1)));
      CHECK_FALSE(at->at("additionalProperties").get<bool>());
      at = &at->at("properties").at(key.path.substr(begin, end - begin));
    }
    CHECK(at->at("description") == key.summary + ".");
  });
  const Json& training = schema["properties"]["training"]["properties"];
  CHECK(training["clip"]["anyOf"] == Json::parse(R"([{"type": "number", "exclusiveMinimum": 0}, {"const": "none"}])"));
  CHECK(training["lanes"]["anyOf"][0] == Json::parse(R"({"type": "integer", "minimum": 1, "maximum": 1024})"));
  CHECK(schema["required"] == Json::parse(R"(["data", "objective", "training"])"));
}
