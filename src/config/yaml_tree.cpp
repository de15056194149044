#include "config/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "config/yaml_text.h"

namespace vitrine {
namespace {

constexpr size_t kMaxDepth = 32;

struct Stop {};  // an error after which no tree can be built

class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& text, int source, Diagnostics& diagnostics)
      : text_(text), source_(source), diagnostics_(diagnostics) {}

  Node root;

  // The innermost bracket that is open; else `otherwise`.
  Mark open_bracket(Mark otherwise) const {
    for (size_t i = open_.size(); i-- > 0;) {
      const Mark at = open_[i].node.place;
      if (at.begin < text_.size() && (text_[at.begin] == '[' || text_[at.begin] == '{')) return at;
    }
    return otherwise;
  }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    Node node = make(Node::Kind::kNull, mark, 1);
    const size_t at = node.place.begin;
    if (text_.compare(at, 1, "~") != 0 && text_.compare(at, 1, "n") != 0 && text_.compare(at, 1, "N") != 0) {
      if (at < text_.size() && (text_[at] == ',' || text_[at] == ']' || text_[at] == '}') && open_.empty())
        stop(node.place, fmt::format("unexpected `{}`", text_[at]));
      if (!open_.empty() && open_.back().has_key) node.place = open_.back().key.place;  // the mark is that of the next token
    }
    add(std::move(node));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    stop(place(mark, 1), "aliases (`*name`) are not allowed in a configuration", "write the value out");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
    refuse_anchor(mark, anchor);
    const size_t at = static_cast<size_t>(mark.pos);
    const char first = at < text_.size() ? text_[at] : '\0';
    Node node = make(Node::Kind::kScalar, mark, value.size());
    node.text = value;
    if (tag == "!" && (first == '"' || first == '\'')) {
      const size_t end = closing_quote(text_, at);
      if (end == std::string::npos) stop(node.place, unclosed_quote_message(first));
      node.quoted = true;
      node.place.end = end + 1;
    } else if (tag == "!" && (first == '|' || first == '>')) {
      stop(place(mark, 1), fmt::format("block text (`{}`) is not allowed in a configuration", first),
           "write the value on one line, in quotes");
    } else {
      refuse_tag(mark, tag);
      if (text_.compare(at, value.size(), value) != 0)
        stop(place(mark, std::min(text_.find('\n', at), text_.size()) - at), "a value must end on the line it begins on",
             "is a `:` missing, or an indentation wrong, on the next line?");
    }
    add(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::kList, mark, tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(Node::Kind::kMap, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node, key;
    bool has_key = false;
    std::unordered_map<std::string, Mark> seen;
  };

  Mark place(const YAML::Mark& mark, size_t length) const {
    const size_t at = std::min(static_cast<size_t>(std::max(mark.pos, 0)), text_.size());
    return {source_, at, at + length};
  }
  Node make(Node::Kind kind, const YAML::Mark& mark, size_t length) const {
    Node node;
    node.kind = kind;
    node.place = place(mark, length);
    return node;
  }
  [[noreturn]] void stop(Mark at, std::string message, std::string help = {}) {
    diagnostics_.error(at, std::move(message), std::move(help));
    throw Stop{};
  }
  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor)
      stop(place(mark, 1), "anchors (`&name`) are not allowed in a configuration", "write the value out where it is needed");
  }
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?")
      stop(place(mark, 1), "tags (`!name`) are not allowed in a configuration", "quote a text that begins with `!`");
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (open_.size() == kMaxDepth) stop(place(mark, 1), fmt::format("nested more than {} levels deep", kMaxDepth));
    open_.push_back({make(kind, mark, 1), {}, false, {}});
  }
  void close() {
    Node node = std::move(open_.back().node);
    open_.pop_back();
    add(std::move(node));
  }

  void add(Node node) {
    if (open_.empty()) {
      root = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == Node::Kind::kList) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.has_key) {
      if (node.kind != Node::Kind::kScalar) stop(node.place, fmt::format("a key must be a word, got {}", node.spelled()));
      parent.key = std::move(node);
      parent.has_key = true;
    } else {
      parent.has_key = false;
      const auto [earlier, fresh] = parent.seen.emplace(parent.key.text, parent.key.place);
      if (!fresh) {
        diagnostics_.error(parent.key.place, fmt::format("duplicate key `{}`: it already stands in {}", parent.key.spelled(),
                                                         diagnostics_.brief(earlier->second)));
        if (diagnostics_.full()) throw Stop{};
        return;
      }
      parent.node.keys.push_back(std::move(parent.key));
      parent.node.items.push_back(std::move(node));
    }
  }

  const std::string& text_;
  int source_;
  Diagnostics& diagnostics_;
  std::vector<Open> open_;
};

// Listens only for the beginning of a second document.
class SecondDocument : public YAML::EventHandler {
 public:
  std::optional<YAML::Mark> start;
  void OnDocumentStart(const YAML::Mark& mark) override {
    start = mark;
    throw Stop{};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// What yaml-cpp says, in words that help.
void explain_syntax(const YAML::ParserException& e, Mark place, const TreeBuilder& builder, Diagnostics& diagnostics) {
  const std::string& said = e.msg;
  const auto says = [&](std::string_view part) { return said.find(part) != std::string::npos; };
  if (says("anchor"))
    diagnostics.error(place, "aliases (`*name`) are not allowed in a configuration", "write the value out");
  else if (says("illegal map value"))
    diagnostics.error(place, "a `:` that belongs to no key",
                      "check the indentation of this line and the one above; quote text that contains `: `");
  else if (says("flow end") || says("block entry"))
    diagnostics.error(place, "this sign closes or continues nothing that is open");
  else if (says("end of sequence flow") || says("end of map flow"))
    diagnostics.error(builder.open_bracket(place), "the bracket that opens here is never closed",
                      "or a `,` is missing inside it");
  else if (says("end of map") || says("end of sequence"))
    diagnostics.error(place, "this line does not fit the lines above it",
                      "check its indentation, and that it reads `key: value`");
  else
    diagnostics.error(place, "not valid YAML: " + said);
}

}  // namespace

std::string Node::spelled() const {
  switch (kind) {
    case Kind::kNull: return "nothing";
    case Kind::kList: return fmt::format("a list of {}", items.size());
    case Kind::kMap: return "a map";
    case Kind::kScalar: break;
  }
  size_t shown = std::min<size_t>(text.size(), 60);
  while (shown < text.size() && (static_cast<unsigned char>(text[shown]) & 0xC0) == 0x80) --shown;
  const std::string word = text.substr(0, shown) + (shown < text.size() ? "…" : "");
  return quoted ? "\"" + word + "\"" : word;
}

std::optional<Node> parse_yaml(const std::string& text, int source, Diagnostics& diagnostics) {
  if (!check_yaml_text(text, source, diagnostics)) return std::nullopt;
  std::istringstream in(text);
  TreeBuilder builder(text, source, diagnostics);
  SecondDocument second;
  try {
    YAML::Parser parser(in);
    if (!parser.HandleNextDocument(builder)) {
      diagnostics.error({source, 0, 0}, "empty: there is nothing in it but space and comments");
      return std::nullopt;
    }
    parser.HandleNextDocument(second);  // once only: on some inputs it comes back for ever
  } catch (const Stop&) {
    if (!second.start) return std::nullopt;
    const size_t at = static_cast<size_t>(second.start->pos);
    if (text.compare(at, 3, "---") == 0)
      diagnostics.error({source, at, at + 3}, "a second document begins here; a configuration is one document");
    else
      diagnostics.error({source, at, at + 1}, "this does not belong to what stands above it");
    return std::nullopt;
  } catch (const YAML::ParserException& e) {
    const size_t at = e.mark.is_null() ? 0 : std::min(static_cast<size_t>(e.mark.pos), text.size());
    explain_syntax(e, {source, at, at + 1}, builder, diagnostics);
    return std::nullopt;
  }
  return std::move(builder.root);
}

}  // namespace vitrine
