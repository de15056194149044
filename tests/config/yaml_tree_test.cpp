#include "config/yaml_tree.h"

#include <ctime>

#include "base/error.h"
#include "support/catch.h"

using namespace vitrine;

namespace {

std::string parse_error(const std::string& text) {
  Diagnostics diagnostics;
  diagnostics.add({"f.yaml", text, ""});
  const auto tree = parse_yaml(text, 0, diagnostics);
  CHECK((tree || diagnostics.failed()));
  try {
    diagnostics.throw_if_failed();
  } catch (const Error& e) {
    const std::string all = e.what();
    return all.substr(0, all.find('\n'));  // the excerpt and the help are checked elsewhere
  }
  return "";
}

Node parse(const std::string& text) {
  Diagnostics diagnostics;
  diagnostics.add({"f.yaml", text, ""});
  auto tree = parse_yaml(text, 0, diagnostics);
  REQUIRE(tree);
  REQUIRE_FALSE(diagnostics.failed());
  return *tree;
}

}  // namespace

TEST_CASE("what yaml-cpp would read silently, or for ever, is refused") {
  struct Trap {
    const char *text, *message;
  };
  const Trap traps[] = {
      {"a: \"foo\nb: 1\n", "f.yaml:1:4: the quote \" that opens here is not closed on its line"},
      {"a: \"foo\nb: \"bar\"\n", "f.yaml:1:4: the quote \" that opens here is not closed on its line"},
      {"a: 'foo\nb: 1\n", "f.yaml:1:4: the quote ' that opens here is not closed on its line"},
      {"a: 'it''s\n", "f.yaml:1:4: the quote ' that opens here is not closed on its line"},
      {"a: \"\\\"\nb: 1", "f.yaml:1:4: the quote \" that opens here is not closed on its line"},
      {"a: \"x\\\ny\"", "f.yaml:1:4: the quote \" that opens here is not closed on its line"},
      {"a: [1, \"x]\nb: 2", "f.yaml:1:8: the quote \" that opens here is not closed on its line"},
      {"a: {b: 'x}\nb: 2", "f.yaml:1:8: the quote ' that opens here is not closed on its line"},
      {"- 'x\n", "f.yaml:1:3: the quote ' that opens here is not closed on its line"},
      {"a: 1\nb: 2\na: 3\n", "f.yaml:3:1: duplicate key `a`: it already stands in line 1"},
      {"{a: 1, 'a': 2}", "f.yaml:1:8: duplicate key `\"a\"`: it already stands in line 1"},
      {"m:\n  x: 1\n  x: 2\n", "f.yaml:3:3: duplicate key `x`: it already stands in line 2"},
      {"a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document begins here; a configuration is one document"},
      {"a: 1\n...\n---\nb: 2\n", "f.yaml:3:1: a second document begins here; a configuration is one document"},
      {"---\n---\na: 1\n", "f.yaml:2:1: a second document begins here; a configuration is one document"},
      {",\n", "f.yaml:1:1: unexpected `,`"},
      {"]\n", "f.yaml:1:1: this sign closes or continues nothing that is open"},
      {"a: 1\n]\n", "f.yaml:2:1: this sign closes or continues nothing that is open"},
      {"a: &x 1\n", "f.yaml:1:4: anchors (`&name`) are not allowed in a configuration"},
      {"a: &x {b: 1}\n", "f.yaml:1:4: anchors (`&name`) are not allowed in a configuration"},
      {"&x a: 1\n", "f.yaml:1:1: anchors (`&name`) are not allowed in a configuration"},
      {"a: *x\n", "f.yaml:1:4: aliases (`*name`) are not allowed in a configuration"},
      {"a: &a [*a]\n", "f.yaml:1:4: anchors (`&name`) are not allowed in a configuration"},
      {"a: !!int 3\n", "f.yaml:1:4: tags (`!name`) are not allowed in a configuration"},
      {"a: ! 3\n", "f.yaml:1:4: tags (`!name`) are not allowed in a configuration"},
      {"a: !x [1]\n", "f.yaml:1:4: tags (`!name`) are not allowed in a configuration"},
      {"a: !x {b: 1}\n", "f.yaml:1:4: tags (`!name`) are not allowed in a configuration"},
      {"a: |\n  text\n", "f.yaml:1:4: block text (`|`) is not allowed in a configuration"},
      {"a: >-\n  text\n", "f.yaml:1:4: block text (`>`) is not allowed in a configuration"},
      {"a: one\n  two\n", "f.yaml:1:4: a value must end on the line it begins on"},
      {"a: \xff\n", "f.yaml:1:4: byte 0xff is not UTF-8"},
      {"a: \xc3\n", "f.yaml:1:4: byte 0xc3 is not UTF-8"},
      {"a: \xed\xa0\x80\n", "f.yaml:1:4: byte 0xed is not UTF-8"},
      {"a: \xc0\xaf\n", "f.yaml:1:4: byte 0xc0 is not UTF-8"},
      {"é: \xf5\x80\x80\x80\n", "f.yaml:1:4: byte 0xf5 is not UTF-8"},
      {"# \xfe\na: 1\n", "f.yaml:1:3: byte 0xfe is not UTF-8"},
      {"a: x\x01\n", "f.yaml:1:5: control character 0x01"},
      {"a: x\ry\n", "f.yaml:1:5: control character 0x0d"},
      {"a:\n\tb: 1\n", "f.yaml:2:1: a tab in the indentation"},
      {"a:\n  \tb: 1\n", "f.yaml:2:3: a tab in the indentation"},
      {"? [a]\n: b\n", "f.yaml:1:3: a key must be a word, got a list of 1"},
      {"{{a: 1}: 2}", "f.yaml:1:2: a key must be a word, got a map"},
      {"~: 2", "f.yaml:1:1: a key must be a word, got nothing"},
      {": 2", "f.yaml:1:1: a key must be a word, got nothing"},
      {"a: [1, 2\nb: 3\n", "f.yaml:1:8: a value must end on the line it begins on"},
      {"a: {b: 1\n", "f.yaml:1:4: the bracket that opens here is never closed"},
      {"a: b: c\n", "f.yaml:1:5: a `:` that belongs to no key"},
      {"m:\n  width\n  layers: 2\n", "f.yaml:3:9: a `:` that belongs to no key"},
      {"m:\n  a: 1\n b: 2\n", "f.yaml:3:2: this line does not fit the lines above it"},
      {"a: \"\\q\"\n", "f.yaml:1:7: not valid YAML: unknown escape character: q"},
      {"a: @x\n", "f.yaml:1:4: not valid YAML: unknown token"},
      {"", "f.yaml: empty: there is nothing in it but space and comments"},
      {"# only\n\n", "f.yaml: empty: there is nothing in it but space and comments"},
  };
  for (const Trap& trap : traps) {
    INFO(trap.text);
    CHECK(parse_error(trap.text) == trap.message);
  }
  CHECK(parse_error(std::string("a: x\0y\n", 7)) == "f.yaml:1:5: control character 0x00");
}

TEST_CASE("depth and size are limited") {
  CHECK(parse_error(std::string(32, '[') + std::string(32, ']')) == "");
  CHECK(parse_error(std::string(33, '[') + std::string(33, ']')) == "f.yaml:1:33: nested more than 32 levels deep");
  CHECK(parse_error(std::string((1 << 20) + 1, ' ')) == "f.yaml: 1048577 bytes; a configuration has at most 1048576");
}

TEST_CASE("a megabyte of anything is answered within seconds of processor time") {
  const auto repeat = [](std::string_view part) {
    std::string text;
    while (text.size() + part.size() < (1 << 20)) text += part;
    return text;
  };
  for (const char* part :
       {"[", "{a: ", "- ", "? ", ": ", "\n", "a\n", "a: 1\n", "#", "'", "\"", "a, ", "x", "\t", "&a ", "!", "%"}) {
    const std::clock_t start = std::clock();
    INFO(part);
    parse_error(repeat(part));
    CHECK((std::clock() - start) / CLOCKS_PER_SEC < 10);
  }
}

TEST_CASE("the tree keeps text, quotes and places") {
  const Node tree = parse("# first\nrun: {name: \"a: b\", seed: 010}\nlist:\n  - 'it''s'\n  - é # end\nnone:\n");
  REQUIRE(tree.kind == Node::Kind::kMap);
  REQUIRE(tree.keys.size() == 3);
  const Node& run = tree.items[0];
  REQUIRE(run.kind == Node::Kind::kMap);
  CHECK(run.items[0].text == "a: b");
  CHECK(run.items[0].quoted);
  CHECK(run.items[0].place.begin == 20);
  CHECK(run.items[0].place.end == 26);
  CHECK(run.items[1].text == "010");
  CHECK_FALSE(run.items[1].quoted);
  const Node& list = tree.items[1];
  REQUIRE(list.kind == Node::Kind::kList);
  CHECK(list.items[0].text == "it's");
  CHECK(list.items[1].text == "é");
  CHECK(tree.items[2].kind == Node::Kind::kNull);
  CHECK(tree.items[2].place.begin == tree.keys[2].place.begin);  // an empty value stands where its key does
}

TEST_CASE("quotes inside words, comments and escapes are no traps") {
  CHECK(parse("a: it's\nb: 5\" wide # don't\nc: \"x\\\\\"\nd: [don't, \"a, b\", 'c']\n# \"open\n").items.size() == 4);
  CHECK(parse("a: b, \"c\nd: 1").items[0].text == "b, \"c");
  CHECK(parse("a: 1 \t# tab\nb:\t2\n").items[1].text == "2");
  CHECK(parse("\t# a comment may be indented by a tab\na: 1\n").items.size() == 1);
  CHECK(parse("%YAML 1.2\n---\na: 1\n...\n").items.size() == 1);
}
