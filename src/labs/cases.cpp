#include "labs/cases.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>

#include "base/rng.h"

namespace vitrine::labs {
namespace {

constexpr uint64_t kUnwritten = 0x7ff8'dead'0000'beef;  // not a number
constexpr int64_t kGuard = 8;                           // words before and behind a matrix

using Sizes = std::vector<std::pair<std::string, int64_t>>;

Sizes name_sizes(const Lab& lab, const std::vector<int64_t>& values) {
  Sizes out;
  for (const Function& f : lab.about.functions)
    for (const Argument& a : f.arguments)
      for (const auto* factors : {&a.rows, &a.cols})
        for (const std::string& name : *factors)
          if (std::isalpha(static_cast<unsigned char>(name[0])) &&
              std::none_of(out.begin(), out.end(), [&](auto& s) { return s.first == name; }))
            out.emplace_back(name, values[out.size() % values.size()]);
  return out;
}

int64_t product(const std::vector<std::string>& factors, const Sizes& sizes) {
  int64_t out = 1;
  for (const std::string& factor : factors) {
    const auto at = std::find_if(sizes.begin(), sizes.end(), [&](auto& s) { return s.first == factor; });
    out *= at == sizes.end() ? std::atoll(factor.c_str()) : at->second;
  }
  return out;
}

}  // namespace

double unwritten() { return std::bit_cast<double>(kUnwritten); }
bool is_unwritten(double x) { return std::bit_cast<uint64_t>(x) == kUnwritten; }

std::vector<double> run_variant(const Lab& lab, size_t variant, const Case& c) {
  std::vector<double> memory = c.question.memory;
  std::vector<View> views = c.question.views;
  for (size_t m = 0; m < views.size(); ++m) views[m].data = memory.data() + c.question.at[m];
  lab.code->variants[variant][c.function](views.data(), c.question.numbers.data());
  return memory;
}

Case make_case(const Lab& lab, size_t function, Kind kind, const std::vector<int64_t>& values, uint64_t seed, uint32_t step,
               const Extreme* extreme) {
  const Sizes sizes = name_sizes(lab, values);
  Case c;
  c.kind = kind, c.function = function;
  for (const auto& [name, size] : sizes) c.sizes += fmt::format("{}{} = {}", c.sizes.empty() ? "" : ", ", name, size);
  Case forward;
  std::vector<double> known;  // what the right forward function leaves
  if (function > 0) {
    forward = make_case(lab, 0, kind, values, seed, step, extreme);
    known = run_variant(lab, 0, forward);
  }
  const int64_t gap = kind == Kind::kShape && step % 2 == 1 ? 3 : 0;
  Question& q = c.question;
  q.function = static_cast<int64_t>(function);
  for (const Argument& a : lab.about.functions[function].arguments) {
    if (a.use == Use::kNumber) {
      for (const auto& [name, choices] : lab.about.numbers)
        if (name == a.name) {
          q.numbers.push_back(choices[step % choices.size()]);
          c.sizes += fmt::format(", {} = {:g}", name, q.numbers.back());
        }
      continue;
    }
    const View view{nullptr, product(a.rows, sizes), product(a.cols, sizes), product(a.cols, sizes) + gap};
    const size_t m = q.views.size();
    q.views.push_back(view);
    q.at.push_back(std::ssize(q.memory) + kGuard);
    q.memory.resize(q.memory.size() + static_cast<size_t>(2 * kGuard + view.rows * view.stride), unwritten());
    c.matrices.push_back(&a);
    const auto same =
        std::find_if(forward.matrices.begin(), forward.matrices.end(), [&](const Argument* f) { return f->name == a.name; });
    const bool positive = std::find(lab.about.positive.begin(), lab.about.positive.end(), a.name) != lab.about.positive.end();
    const RngKey key{seed, hash_name(a.name), step};
    for (int64_t i = 0; i < view.rows; ++i)
      for (int64_t j = 0; j < view.cols; ++j) {
        double x = key.normal(static_cast<uint32_t>(i), static_cast<uint32_t>(j));
        if (positive) x = std::abs(x);
        for (const auto& [name, size] : lab.about.classes)
          if (name == a.name) x = key.below(static_cast<uint32_t>(product({size}, sizes) + 1), static_cast<uint32_t>(i), 0) - 1.0;
        if (kind == Kind::kHand) x = std::round(10 * x) / 10;
        if (extreme && extreme->argument == a.name) x = x * extreme->factor + extreme->shift;
        if (a.use == Use::kSet && kind == Kind::kWritten) x = unwritten();
        if ((a.use == Use::kSet || a.use == Use::kAdd) && kind != Kind::kContract && kind != Kind::kWritten) x = 0;
        if (a.use == Use::kAdd && kind == Kind::kWritten) x = 0;
        if (a.use == Use::kInput && same != forward.matrices.end())
          x = known[word(forward, static_cast<size_t>(same - forward.matrices.begin()), i, j)];
        q.memory[word(c, m, i, j)] = x;
      }
  }
  return c;
}

std::vector<Case> make_cases(const Lab& lab, uint64_t seed) {
  std::vector<Case> out;
  for (size_t f = 0; f < lab.about.functions.size(); ++f) {
    uint32_t step = 0;
    const auto add = [&](Kind kind, const std::vector<int64_t>& sizes, const Extreme* extreme = nullptr) {
      out.push_back(make_case(lab, f, kind, sizes, seed, step++, extreme));
    };
    add(Kind::kHand, {2, 3, 4, 5});
    add(Kind::kWritten, {3, 4, 2, 5});
    for (const Extreme& extreme : lab.about.extremes) add(Kind::kExtreme, {4, 6, 5, 3}, &extreme);
    const std::vector<int64_t> odd{1, 5, 3, 7, 2, 33};
    for (size_t k = 0; k < 5; ++k) add(Kind::kShape, {odd[k], odd[(k + 2) % 6], odd[(k + 4) % 6], odd[(k + 1) % 6]});
    add(Kind::kContract, {4, 3, 5, 2});
    add(Kind::kCost, {64, 64, 64, 64});
  }
  return out;
}

}  // namespace vitrine::labs
