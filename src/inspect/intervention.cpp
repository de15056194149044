#include "inspect/intervention.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>

#include "base/check.h"
#include "base/error.h"

namespace vitrine {
namespace {

constexpr std::array<std::string_view, 7> kOfBlock{"attention.query",  "attention.key", "attention.value", "attention.weights",
                                                   "attention.output", "feed_forward",  "residual"};

bool has_heads(std::string_view activation) { return activation.find(".attention.") != activation.npos; }
Activations::Wanted one_of(std::vector<std::string> names) {
  return [names = std::move(names)](std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); };
}

}  // namespace

std::string activation_name(int64_t layer, std::string_view activation) { return fmt::format("blocks.{}.{}", layer, activation); }
int64_t layer_of(std::string_view activation) {
  constexpr std::string_view blocks = "blocks.";
  int64_t layer = -1;
  const std::string_view number = activation.substr(std::min(activation.size(), blocks.size()));
  std::from_chars(number.data(), number.data() + number.size(), layer);
  return layer;
}
bool is_weights(std::string_view activation) { return activation.ends_with(".attention.weights"); }

std::vector<std::string> activation_names(const ModelSettings& model) {
  std::vector<std::string> names{"embedding"};
  for (int64_t l = 0; l < model.layers; ++l)
    for (const std::string_view activation : kOfBlock) names.push_back(activation_name(l, activation));
  names.emplace_back("encoder");
  return names;
}

Activations::Activations(std::vector<std::string> names) : Activations(one_of(std::move(names))) {}

void Activations::visit(std::string_view name, const Place& place, Values& values) {
  auto& parts = activations_[std::string(name)];
  Matrix& m = parts[place.head < 0 ? Key{0, -1} : Key{place.first_sequence, place.head}];
  const int64_t first = place.head < 0 ? place.first_row : 0;
  m.cols = values.cols();
  m.values.resize(std::max(m.values.size(), static_cast<size_t>((first + values.rows()) * m.cols)));
  for (int64_t i = 0; i < values.rows(); ++i)
    values.read(i, 0, std::span(m.values).subspan(static_cast<size_t>((first + i) * m.cols), static_cast<size_t>(m.cols)));
}

const Activations::Matrix& Activations::find(std::string_view name, Key key) const {
  const auto parts = activations_.find(name);
  check(parts != activations_.end() && parts->second.contains(key), "an activation that was recorded");
  return parts->second.at(key);
}
const Activations::Matrix& Activations::at(std::string_view name) const { return find(name, {0, -1}); }
const Activations::Matrix& Activations::weights(int64_t layer, int64_t sequence, int64_t head) const {
  return find(activation_name(layer, "attention.weights"), {sequence, head});
}

ActivationMeans::ActivationMeans(std::vector<std::string> names) {
  for (std::string& name : names) sums_[std::move(name)];
}

void ActivationMeans::visit(std::string_view name, const Place&, Values& values) {
  Sum& sum = sums_.find(name)->second;
  sum.rows += values.rows();
  sum.values.resize(static_cast<size_t>(values.cols())), row_.resize(sum.values.size());
  for (int64_t i = 0; i < values.rows(); ++i) {
    values.read(i, 0, row_);
    for (size_t j = 0; j < row_.size(); ++j) sum.values[j] += row_[j];
  }
}

std::vector<double> ActivationMeans::mean(std::string_view name) const {
  const Sum& sum = sums_.find(name)->second;
  std::vector<double> mean = sum.values;
  for (double& x : mean) x /= static_cast<double>(sum.rows);
  return mean;
}

Intervention::Intervention(const ModelSettings& model, const Batch& batch)
    : heads_(model.heads), names_(activation_names(model)), offsets_(batch.offsets) {}

void Intervention::replace(const Site& site, const Activations& other) { add({site, How::kReplace, &other, {}}); }
void Intervention::zero(const Site& site) { add({site, How::kZero, nullptr, {}}); }
void Intervention::set(const Site& site, std::vector<double> row) {
  if (is_weights(site.activation))
    fail(ErrorKind::kConfig, "'{}' has rows of many lengths: zero or replace weights", site.activation);
  add({site, How::kSet, nullptr, std::move(row)});
}

// O_i = Σ_k α_ik v_k: the weight becomes α'_ij, which already moves α'_ij v_j; what is left is α'_ij (v'_j − v_j).
void Intervention::replace_edge(int64_t layer, int64_t head, int64_t i, int64_t j, const Activations& clean,
                                const Activations& other) {
  replace({activation_name(layer, "attention.weights"), head, i, j}, other);
  const std::span<const double> v = clean.at(activation_name(layer, "attention.value")).row(j),
                                w = other.at(activation_name(layer, "attention.value")).row(j);
  const double a = other.weights(layer, 0, head).row(i)[static_cast<size_t>(j)];
  std::vector<double> row(v.size());
  for (size_t c = 0; c < row.size(); ++c) row[c] = a * (w[c] - v[c]);
  add({{activation_name(layer, "attention.output"), head, i}, How::kAdd, nullptr, std::move(row)});
}

void Intervention::add(Edit edit) {
  const Site& s = edit.site;
  if (std::find(names_.begin(), names_.end(), s.activation) == names_.end())
    fail(ErrorKind::kConfig, "there is no activation '{}'; this model has {}", s.activation, fmt::join(names_, ", "));
  if (s.head >= 0 && !has_heads(s.activation)) fail(ErrorKind::kConfig, "the activation '{}' has no heads", s.activation);
  if (s.head >= heads_) fail(ErrorKind::kConfig, "{}: this model has heads 0 to {}, not {}", s.activation, heads_ - 1, s.head);
  if (s.key >= 0 && !is_weights(s.activation))
    fail(ErrorKind::kConfig, "the activation '{}' has no keys; attention.weights has", s.activation);
  int64_t longest = 0;
  for (size_t b = 0; b + 1 < offsets_.size(); ++b) longest = std::max(longest, offsets_[b + 1] - offsets_[b]);
  if (std::max(s.position, s.key) >= longest)
    fail(ErrorKind::kConfig, "{}: position {} in a sequence of {} tokens", s.activation, std::max(s.position, s.key), longest);
  edits_.push_back(std::move(edit));
}

bool Intervention::wants(std::string_view name) const {
  return std::any_of(edits_.begin(), edits_.end(), [&](const Edit& e) { return e.site.activation == name; });
}

void Intervention::visit(std::string_view name, const Place& place, Values& values) {
  for (const Edit& edit : edits_)
    if (edit.site.activation == name) apply(edit, place, values);
}

void Intervention::apply(const Edit& edit, const Place& place, Values& values) {
  const Site& site = edit.site;
  const bool weights = place.head >= 0;
  if (weights && site.head >= 0 && site.head != place.head) return;
  const int64_t d = values.cols() / heads_;
  const bool one_key = weights && site.key >= 0, one_head = !weights && site.head >= 0;
  const int64_t first = one_key ? site.key : one_head ? site.head * d : 0;
  const auto count = static_cast<size_t>(one_key ? 1 : one_head ? d : values.cols());
  if (one_key && site.key >= values.cols()) return;  // of a shorter sequence
  const Activations::Matrix* other = nullptr;
  if (edit.how == How::kReplace)
    other = weights ? &edit.other->find(site.activation, {place.first_sequence, place.head}) : &edit.other->at(site.activation);
  const auto from = [&](std::span<const double> row) { return row.subspan(static_cast<size_t>(first), count); };
  for (int64_t i = 0; i < values.rows(); ++i) {
    const int64_t row = place.first_row + i;  // of the batch
    const auto sequence = std::upper_bound(offsets_.begin(), offsets_.end(), row) - offsets_.begin() - 1;
    const int64_t position = row - offsets_[static_cast<size_t>(sequence)];
    if ((site.sequence >= 0 && site.sequence != sequence) || (site.position >= 0 && site.position != position)) continue;
    buffer_.assign(count, 0.0);
    check(edit.row.empty() || std::ssize(edit.row) == values.cols(), "a row has as many numbers as the activation has columns");
    check(!other || (other->cols == values.cols() && std::ssize(other->values) > (weights ? i : row) * other->cols),
          "what is put in comes from a run over a batch of the same shape");
    switch (edit.how) {
      case How::kReplace: values.write(i, first, from(other->row(weights ? i : row))); break;
      case How::kZero: values.write(i, first, buffer_); break;
      case How::kSet: values.write(i, first, from(edit.row)); break;
      case How::kAdd:
        values.read(i, first, buffer_);
        for (size_t c = 0; c < count; ++c) buffer_[c] += from(edit.row)[c];
        values.write(i, first, buffer_);
    }
  }
}

}  // namespace vitrine
