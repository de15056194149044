#include "cli/predictions.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "inspect/terminal_text.h"

namespace vitrine {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::string_view kBlank = " \t\r\v\f";

std::string quote(std::string_view text) { return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace); }

template <class... A>
void append_format(std::string& out, fmt::format_string<A...> format, A&&... arguments) {
  fmt::format_to(std::back_inserter(out), format, std::forward<A>(arguments)...);
}

// Targets [first, last) of a head that belong to sequence b.
struct Range {
  size_t first, last;
};
Range targets_of(const Batch& batch, size_t k, int64_t b) {
  const Targets& targets = batch.targets[k];
  if (targets.rows.empty() && !targets.classes.empty()) return {static_cast<size_t>(b), static_cast<size_t>(b) + 1};
  const auto place = [&](int64_t row) {
    return static_cast<size_t>(std::lower_bound(targets.rows.begin(), targets.rows.end(), row) - targets.rows.begin());
  };
  return {place(batch.offsets[static_cast<size_t>(b)]), place(batch.offsets[static_cast<size_t>(b) + 1])};
}

// Calls f(word, number of its first piece) for each run of characters between white space; −1: it has none, or was cut off.
template <class F>
void for_each_word(const Text& text, F f) {
  size_t piece = 0;
  for (size_t begin = 0, end; (begin = text.text.find_first_not_of(kBlank, begin)) != text.text.npos; begin = end) {
    end = std::min(text.text.find_first_of(kBlank, begin), text.text.size());
    while (piece < text.pieces.size() && text.pieces[piece].end <= begin) ++piece;
    const bool found = piece < text.pieces.size() && text.pieces[piece].begin < end;
    f(text.text.substr(begin, end - begin), found ? static_cast<int64_t>(piece) : -1);
  }
}

std::vector<double> probabilities_of(const HeadResult& result, size_t m, ObjectiveKind kind) {
  const auto C = static_cast<size_t>(result.classes);
  return probabilities(std::span(result.logits).subspan(m * C, C), kind);
}

std::vector<size_t> holding(const std::vector<double>& p) {
  std::vector<size_t> classes = largest(p, p.size());
  std::erase_if(classes, [&](size_t c) { return p[c] <= 0.5; });
  return classes;
}

// The best of a target. [MASK], [CLS] and [SEP] fill no mask.
std::vector<size_t> best_of(std::vector<double> p, size_t most, ObjectiveKind kind) {
  if (kind == ObjectiveKind::kMaskedLm)
    for (const int32_t special : {Tokenizer::kMask, Tokenizer::kCls, Tokenizer::kSep}) p[static_cast<size_t>(special)] = -1;
  return largest(p, std::min(most, p.size() - (kind == ObjectiveKind::kMaskedLm ? 3 : 0)));
}

}  // namespace

PredictionWriter::PredictionWriter(const TextModel& model, size_t answers, bool json)
    : model_(model),
      answers_(answers),
      json_(json),
      narrow_(model.engine().precision() == Precision::kFloat32),
      scale_(model.run().learned.scale.value_or(ValueScale())) {
  for (const ObjectiveSettings& o : model.run().config.objectives) {
    Head& head = heads_.emplace_back();
    head.kind = o.kind;
    for (const std::string& name : class_names(o.kind, model.tokenizer(), model.names())) {
      head.names.push_back(printable(name));
      head.quoted.push_back(quote(name));
    }
  }
}

void PredictionWriter::append(std::string& out, const Text& text, const Batch& batch, const ForwardResult& result) const {
  const bool several = heads_.size() > 1;
  if (json_) out += several ? "{" : "";
  for (size_t k = 0; text.sequence >= 0 && k < heads_.size(); ++k) {
    if (heads_[k].kind == ObjectiveKind::kCausalLm) continue;
    if (!json_) {
      append_plain(out, k, text, batch, result);
      continue;
    }
    if (several) append_format(out, "{}\"{}\":", out.ends_with('{') ? "" : ",", name_of(heads_[k].kind));
    append_json(out, k, text, batch, result);
  }
  if (json_) out += several ? "}\n" : text.sequence < 0 ? "{}\n" : "\n";
  if (!json_ && (several || text.sequence < 0 || heads_[0].kind == ObjectiveKind::kTokenClassification)) out += '\n';
}

void PredictionWriter::append_plain(std::string& out, size_t k, const Text& text, const Batch& batch,
                                    const ForwardResult& result) const {
  const Head& head = heads_[k];
  const Range range = targets_of(batch, k, text.sequence);
  const std::string prefix = heads_.size() > 1 ? fmt::format("{}\t", name_of(head.kind)) : "";
  if (head.kind == ObjectiveKind::kTokenClassification) {
    for_each_word(text, [&](std::string_view word, int64_t piece) {
      const bool known = piece >= 0;
      const size_t m = range.first + static_cast<size_t>(known ? piece : 0);
      append_format(out, "{}{}\t{}\n", prefix, printable(word),
                    known ? std::string_view(head.names[static_cast<size_t>(result[k].predictions[m])]) : "-");
    });
    return;
  }
  out += prefix;
  if (head.kind == ObjectiveKind::kRegression) {
    append_format(out, "{:.6g}\n", scale_.mean + scale_.deviation * result[k].logits[range.first]);
    return;
  }
  const bool several = head.kind == ObjectiveKind::kMultiLabelClassification;
  for (size_t m = range.first; m < range.last; ++m) {
    const std::vector<double> p = probabilities_of(result[k], m, head.kind);
    const std::vector<size_t> classes = several ? holding(p) : best_of(p, answers_, head.kind);
    if (m > range.first) out += "\t|\t";
    for (size_t i = 0; i < classes.size(); ++i)
      append_format(out, "{}{}\t{:.3f}", i > 0 ? "\t" : "", head.names[classes[i]], p[classes[i]]);
    if (classes.empty()) out += '-';
  }
  out += '\n';
}

void PredictionWriter::append_json(std::string& out, size_t k, const Text& text, const Batch& batch,
                                   const ForwardResult& result) const {
  const Head& head = heads_[k];
  const Range range = targets_of(batch, k, text.sequence);
  const auto number = [&](double x) { narrow_ ? append_format(out, "{}", static_cast<float>(x)) : append_format(out, "{}", x); };
  const auto list = [&](char open, char close, size_t n, auto item) {
    out += open;
    for (size_t i = 0; i < n; ++i) out += i > 0 ? "," : "", item(i);
    out += close;
  };
  switch (head.kind) {
    case ObjectiveKind::kRegression:
      out += "{\"value\":";
      number(scale_.mean + scale_.deviation * result[k].logits[range.first]);
      break;
    case ObjectiveKind::kTokenClassification: {
      std::vector<std::string> words, tags;
      for_each_word(text, [&](std::string_view word, int64_t piece) {
        const size_t m = range.first + static_cast<size_t>(std::max<int64_t>(piece, 0));
        words.push_back(quote(word));
        tags.push_back(piece < 0 ? "null" : head.quoted[static_cast<size_t>(result[k].predictions[m])]);
      });
      append_format(out, "{{\"words\":[{}],\"tags\":[{}]", fmt::join(words, ","), fmt::join(tags, ","));
      break;
    }
    case ObjectiveKind::kMaskedLm:
      out += "{\"masks\":";
      list('[', ']', range.last - range.first, [&](size_t i) {
        const std::vector<double> p = probabilities_of(result[k], range.first + i, head.kind);
        const std::vector<size_t> best = best_of(p, answers_, head.kind);
        list('[', ']', best.size(), [&](size_t j) {
          append_format(out, "{{\"token\":{},\"probability\":", head.quoted[best[j]]);
          number(p[best[j]]);
          out += '}';
        });
      });
      break;
    case ObjectiveKind::kCausalLm: break;
    default: {
      const std::vector<double> p = probabilities_of(result[k], range.first, head.kind);
      if (head.kind == ObjectiveKind::kSequenceClassification) {
        append_format(out, "{{\"label\":{},", head.quoted[largest(p, 1)[0]]);
      } else {
        const std::vector<size_t> labels = holding(p);
        out += "{\"labels\":";
        list('[', ']', labels.size(), [&](size_t i) { out += head.quoted[labels[i]]; });
        out += ',';
      }
      out += "\"probabilities\":";
      list('{', '}', p.size(), [&](size_t c) {
        append_format(out, "{}:", head.quoted[c]);
        number(p[c]);
      });
    }
  }
  out += '}';
}

}  // namespace vitrine
