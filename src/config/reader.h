#pragma once
#include <map>
#include <set>
#include <string>

#include "config/registry.h"
#include "config/source.h"
#include "config/yaml_tree.h"

namespace vitrine {

// Reads trees into a registry, one over the other, and remembers who said what.
class Reader {
 public:
  Reader(Key& root, Diagnostics& diagnostics) : root_(root), diagnostics_(diagnostics) {}

  void read(const Node& tree) { read(root_, tree, tree.place); }

  bool given(const std::string& path) const { return given_.contains(path); }
  Mark place(const std::string& path) const;  // where it is set; else where its section is; else nowhere
  int source(const std::string& path) const { return given(path) ? given_.at(path).source : -1; }  // −1: the default
  bool bad(const std::string& path) const;             // it, or a section around it, has been refused
  std::string setting(const std::string& path) const;  // "`model.heads: 4` (line 12)"
  size_t items(const std::string& path) const { return items_.contains(path) ? items_.at(path) : 0; }  // of a list; 0: it is none
  void forget(const std::string& path);                                                                // back to the default
  void imply(const std::string& path, const std::string& reason) { implied_[path] = reason; }

  const std::map<std::string, Mark>& all_given() const { return given_; }
  const std::map<std::string, std::string>& implied() const { return implied_; }
  Key& root() const { return root_; }
  Diagnostics& diagnostics() const { return diagnostics_; }

 private:
  void read(Key& key, const Node& node, Mark at);
  void read_list(Key& key, const Node& node);
  void start_over(Key& list, size_t n);
  bool read_value(Key& key, const Node& node, Mark at, const std::string& called);
  void refuse(const std::string& called, const Node& node, Mark at, const std::string& expected, const std::string& help);
  void unknown(const Key& section, const Node& name);

  Key& root_;
  Diagnostics& diagnostics_;
  std::map<std::string, Mark> given_;  // of the key's name
  std::map<std::string, size_t> items_;
  std::set<std::string> bad_;
  std::map<std::string, std::string> implied_;
};

// help for a name that `section` does not have: did you mean, renamed to, exists under.
std::string suggestion(const Key& root, const Key& section, const std::string& name);

// After everything has been read: keys that must be there, keys without a meaning (dropped where an override has made them so), and
// the defaults that depend on other keys.
void settle(Reader& reader, Config& config);

// Then: what does not fit together, with both places.
void check_rules(Reader& reader, Config& config);

}  // namespace vitrine
