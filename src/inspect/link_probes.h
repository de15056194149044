#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "layers/probe.h"
#include "model/settings.h"

namespace vitrine {

// The outputs of all heads (`blocks.<l>.attention.output`) at one row of each sequence: read in one run, written into another of
// the same shape, all heads or those of `head` alone.
class HeadOutputs {
 public:
  HeadOutputs(int64_t layers, int64_t heads, std::vector<int64_t> rows);  // rows: ascending, of the whole batch
  int64_t layers() const { return static_cast<int64_t>(names_.size()); }

  enum class Write { kNone, kHead, kAll };
  Probe& recorder() { return recorder_; }
  Probe& writer(Write what, int64_t layer = 0, int64_t head = 0);

 private:
  class Visitor : public Probe {
   public:
    explicit Visitor(HeadOutputs& owner, bool records) : owner_(owner), records_(records) {}
    bool wants(std::string_view name) const override;
    void visit(std::string_view name, const Place& place, Values& values) override;

   private:
    HeadOutputs& owner_;
    bool records_;
  };

  int64_t heads_;
  std::vector<int64_t> rows_;
  std::vector<std::string> names_;
  std::vector<std::vector<double>> outputs_;  // [L][rows·D]
  Write what_ = Write::kNone;
  int64_t layer_ = 0, head_ = 0;
  Visitor recorder_, writer_;
};

// Row `query` of the attention weights of every head, for each sequence: how much of it lies on the sources, whether its largest entry
// does, and how much would lie there if the head weighed all keys alike that it may see.
class SourceAttention : public Probe {
 public:
  struct Question {
    int64_t query = 0;
    std::vector<int64_t> sources;
  };
  SourceAttention(const ModelSettings& model, const std::vector<Question>& questions);
  bool wants(std::string_view name) const override;
  void visit(std::string_view name, const Place& place, Values& values) override;

  std::vector<double> mass, hits, chance;  // [L·H] sums over the sequences

 private:
  const ModelSettings& model_;
  std::vector<std::string> names_;
  const std::vector<Question>& questions_;
  std::vector<double> row_;
};

}  // namespace vitrine
