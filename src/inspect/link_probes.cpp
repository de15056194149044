#include "inspect/link_probes.h"

#include <fmt/format.h>

#include <algorithm>

#include "inspect/measures.h"

namespace vitrine {
namespace {

std::vector<std::string> names_of(int64_t layers, std::string_view activation) {
  std::vector<std::string> names;
  for (int64_t l = 0; l < layers; ++l) names.push_back(fmt::format("blocks.{}.attention.{}", l, activation));
  return names;
}
int64_t find(const std::vector<std::string>& names, std::string_view name) {
  const auto at = std::find(names.begin(), names.end(), name);
  return at == names.end() ? -1 : at - names.begin();
}

}  // namespace

HeadOutputs::HeadOutputs(int64_t layers, int64_t heads, std::vector<int64_t> rows)
    : heads_(heads),
      rows_(std::move(rows)),
      names_(names_of(layers, "output")),
      outputs_(static_cast<size_t>(layers)),
      recorder_(*this, true),
      writer_(*this, false) {}

Probe& HeadOutputs::writer(Write what, int64_t layer, int64_t head) {
  what_ = what, layer_ = layer, head_ = head;
  return writer_;
}

bool HeadOutputs::Visitor::wants(std::string_view name) const {
  const int64_t l = find(owner_.names_, name);
  return l >= 0 && (records_ || owner_.what_ == Write::kAll || (owner_.what_ == Write::kHead && owner_.layer_ == l));
}

void HeadOutputs::Visitor::visit(std::string_view name, const Place& place, Values& values) {
  const auto D = static_cast<size_t>(values.cols());
  std::vector<double>& outputs = owner_.outputs_[static_cast<size_t>(find(owner_.names_, name))];
  outputs.resize(owner_.rows_.size() * D);
  const auto first = std::lower_bound(owner_.rows_.begin(), owner_.rows_.end(), place.first_row);
  const auto last = std::lower_bound(first, owner_.rows_.end(), place.first_row + values.rows());
  const bool one = !records_ && owner_.what_ == Write::kHead;
  const size_t d = D / static_cast<size_t>(owner_.heads_), column = one ? static_cast<size_t>(owner_.head_) * d : 0;
  for (auto r = first; r != last; ++r) {
    const std::span<double> row(outputs.data() + static_cast<size_t>(r - owner_.rows_.begin()) * D, D);
    if (records_)
      values.read(*r - place.first_row, 0, row);
    else
      values.write(*r - place.first_row, static_cast<int64_t>(column), row.subspan(column, one ? d : D));
  }
}

SourceAttention::SourceAttention(const ModelSettings& model, const std::vector<Question>& questions)
    : mass(static_cast<size_t>(model.layers * model.heads)),
      hits(mass.size()),
      chance(mass.size()),
      model_(model),
      names_(names_of(model.layers, "weights")),
      questions_(questions) {}

bool SourceAttention::wants(std::string_view name) const { return find(names_, name) >= 0; }

void SourceAttention::visit(std::string_view name, const Place& place, Values& values) {
  const Question& q = questions_[static_cast<size_t>(place.first_sequence)];
  const int64_t layer = find(names_, name);
  const auto h = static_cast<size_t>(layer * model_.heads + place.head);
  row_.resize(static_cast<size_t>(values.cols()));
  values.read(q.query, 0, row_);
  for (const int64_t j : q.sources) mass[h] += row_[static_cast<size_t>(j)];
  const int64_t largest = std::max_element(row_.begin(), row_.end()) - row_.begin();
  hits[h] += std::count(q.sources.begin(), q.sources.end(), largest) > 0 ? 1 : 0;
  const VisibleKeys visible = visible_keys(model_.attention_of(layer), place.head);
  const auto seen = [&](int64_t j) { return visible.sees(row_, q.query, j) ? 1 : 0; };
  int64_t keys = 0, sources = 0;
  for (int64_t j = 0; j < values.cols(); ++j) keys += seen(j);
  for (const int64_t j : q.sources) sources += seen(j);
  if (keys > 0) chance[h] += static_cast<double>(sources) / static_cast<double>(keys);
}

}  // namespace vitrine
