#include "inspect/flow.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace vitrine {
namespace {

// C = A B, all [n][n].
std::vector<double> product(std::span<const double> A, std::span<const double> B, int64_t n) {
  const auto size = static_cast<size_t>(n);
  std::vector<double> C(size * size, 0.0);
  for (size_t i = 0; i < size; ++i)
    for (size_t k = 0; k < size; ++k)
      for (size_t j = 0; j < size; ++j) C[i * size + j] += A[i * size + k] * B[k * size + j];
  return C;
}

std::vector<double> identity(int64_t n) {
  std::vector<double> I(static_cast<size_t>(n * n), 0.0);
  for (int64_t i = 0; i < n; ++i) I[static_cast<size_t>(i * n + i)] = 1;
  return I;
}

double norm(std::span<const double> x) {
  double sum = 0;
  for (const double v : x) sum += v * v;
  return std::sqrt(sum);
}

}  // namespace

void normalise_rows(std::span<double> matrix, int64_t columns) {
  for (size_t begin = 0; begin < matrix.size(); begin += static_cast<size_t>(columns)) {
    const std::span<double> row = matrix.subspan(begin, static_cast<size_t>(columns));
    double sum = 0;
    for (const double v : row) sum += v;
    if (sum != 0)
      for (double& v : row) v /= sum;
  }
}

AttentionMaps rollout(const AttentionMaps& maps) {
  const int64_t n = maps.length;
  AttentionMaps out(maps.layers, 1, n);
  std::vector<double> R = identity(n);
  for (int64_t l = 0; l < maps.layers; ++l) {
    std::vector<double> A(static_cast<size_t>(n * n), 0.0);
    for (int64_t h = 0; h < maps.heads; ++h)
      for (size_t ij = 0; ij < A.size(); ++ij) A[ij] += head_map(maps, l, h).weights[ij];
    normalise_rows(A, n);
    for (double& a : A) a /= 2;
    for (int64_t i = 0; i < n; ++i) A[static_cast<size_t>(i * n + i)] += 0.5;
    normalise_rows(A, n);  // a row that sees nothing keeps itself
    R = product(A, R, n);
    std::copy(R.begin(), R.end(), out.weights.begin() + static_cast<std::ptrdiff_t>(out.index(l, 0, 0, 0)));
  }
  return out;
}

void weight_gradients(AttentionMaps& out, int64_t layer, std::span<const double> dO, std::span<const double> V) {
  const int64_t n = out.length, D = std::ssize(V) / n, d = D / out.heads;
  check(dO.size() == V.size() && d * out.heads == D, "dO and V have a row for each token and d columns for each head");
  for (int64_t h = 0; h < out.heads; ++h)
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j) {
        double sum = 0;
        for (int64_t c = h * d; c < (h + 1) * d; ++c)
          sum += dO[static_cast<size_t>(i * D + c)] * V[static_cast<size_t>(j * D + c)];
        out.weights[out.index(layer, h, i, j)] = sum;
      }
}

AttentionMaps score_gradients(const AttentionMaps& maps, const AttentionMaps& da) {
  AttentionMaps out = da;
  const auto n = static_cast<size_t>(maps.length);
  for (size_t row = 0; row < maps.weights.size(); row += n) {
    double dot = 0;
    for (size_t j = row; j < row + n; ++j) dot += maps.weights[j] * da.weights[j];
    for (size_t j = row; j < row + n; ++j) out.weights[j] = maps.weights[j] * (da.weights[j] - dot);
  }
  return out;
}

std::vector<double> relevance(const AttentionMaps& maps, const AttentionMaps& da) {
  const int64_t n = maps.length;
  std::vector<double> R = identity(n);
  for (int64_t l = 0; l < maps.layers; ++l) {
    std::vector<double> A(static_cast<size_t>(n * n), 0.0);
    for (int64_t h = 0; h < maps.heads; ++h)
      for (size_t ij = 0; ij < A.size(); ++ij)
        A[ij] +=
            std::max(0.0, head_map(maps, l, h).weights[ij] * head_map(da, l, h).weights[ij]) / static_cast<double>(maps.heads);
    const std::vector<double> step = product(A, R, n);
    for (size_t ij = 0; ij < R.size(); ++ij) R[ij] += step[ij];
  }
  return R;
}

std::vector<double> value_weighted(const AttentionMaps& maps, int64_t layer, std::span<const double> V,
                                   std::span<const double> W_O, int64_t only_head) {
  const int64_t n = maps.length, D = std::ssize(V) / n, d = D / maps.heads;
  check(std::ssize(W_O) == D * D, "W_O is [D,D]");
  std::vector<double> f(static_cast<size_t>(maps.heads * n * D), 0.0);  // f^h(x_j), [H][n][D]
  for (int64_t h = 0; h < maps.heads; ++h)
    for (int64_t j = 0; j < n; ++j)
      for (int64_t o = 0; o < D; ++o)
        for (int64_t c = h * d; c < (h + 1) * d; ++c)
          f[static_cast<size_t>((h * n + j) * D + o)] += V[static_cast<size_t>(j * D + c)] * W_O[static_cast<size_t>(o * D + c)];
  std::vector<double> out, sum(static_cast<size_t>(D));
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) {
      std::fill(sum.begin(), sum.end(), 0.0);
      for (int64_t h = 0; h < maps.heads; ++h)
        for (int64_t o = 0; o < D && (only_head < 0 || h == only_head); ++o)
          sum[static_cast<size_t>(o)] += maps.at(layer, h, i, j) * f[static_cast<size_t>((h * n + j) * D + o)];
      out.push_back(norm(sum));
    }
  return out;
}

double cosine_distance(std::span<const double> x, std::span<const double> y) {
  double dot = 0;
  for (size_t i = 0; i < x.size(); ++i) dot += x[i] * y[i];
  return 1 - dot / (norm(x) * norm(y));
}

AttentionMaps words_from_pieces(const AttentionMaps& maps, std::span<const int64_t> word_of) {
  check(std::ssize(word_of) == maps.length, "a word for each piece");
  const int64_t words = maps.length > 0 ? word_of.back() + 1 : 0;
  std::vector<double> pieces(static_cast<size_t>(words), 0.0);
  for (const int64_t w : word_of) ++pieces[static_cast<size_t>(w)];
  AttentionMaps out(maps.layers, maps.heads, words);
  for (int64_t l = 0; l < maps.layers; ++l)
    for (int64_t h = 0; h < maps.heads; ++h)
      for (int64_t i = 0; i < maps.length; ++i)
        for (int64_t j = 0; j < maps.length; ++j) {
          const int64_t from = word_of[static_cast<size_t>(i)], to = word_of[static_cast<size_t>(j)];
          out.weights[out.index(l, h, from, to)] += maps.at(l, h, i, j) / pieces[static_cast<size_t>(from)];
        }
  return out;
}

}  // namespace vitrine
