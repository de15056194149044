
#include <array>

#include "support/tensors.h"

using namespace vitrine;

namespace {

// c += scale · op(A) op(B), from the definition
void add_product(Dense& c, const Dense& a, bool a_transposed, const Dense& b, bool b_transposed, double scale) {
  const int64_t K = a_transposed ? a.rows : a.cols;
  for (int64_t i = 0; i < c.rows; ++i) {
    for (int64_t j = 0; j < c.cols; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < K; ++k) sum += (a_transposed ? a(k, i) : a(i, k)) * (b_transposed ? b(j, k) : b(k, j));
      c(i, j) += scale * sum;
    }
  }
}

void check_matmul(int64_t M, int64_t N, int64_t K, int64_t gap) {
  Backend& ops = backend_under_test();
  for (bool ta : {false, true}) {
    for (bool tb : {false, true}) {
      CAPTURE(M, N, K, gap, ta, tb);
      const Guarded a = Guarded(ta ? K : M, ta ? M : K, gap).random(1), b = Guarded(tb ? N : K, tb ? K : N, gap).random(2);
      const Guarded set = Guarded(M, N, gap).garbage(), added = Guarded(M, N, gap).random(3);
      Dense want(M, N), want_added(added);
      add_product(want, Dense(a), ta, Dense(b), tb, 0.7);
      add_product(want_added, Dense(a), ta, Dense(b), tb, 0.7);
      ops.matmul(*set, {*a, ta}, {*b, tb}, Real(0.7), Write::kSet);
      ops.matmul(*added, {*a, ta}, {*b, tb}, Real(0.7), Write::kAdd);
      check_close("C =", set, want);
      check_close("C +=", added, want_added);
      CHECK(set.intact());
      CHECK(added.intact());
    }
  }
}

}  // namespace

TEST_CASE("products of matrices, transposed or not, set or added") {
  for (int64_t M : {1, 3, 8, 33}) {
    for (int64_t N : {1, 5, 16, 33}) {
      for (int64_t K : {1, 7, 16, 65}) {
        for (int64_t gap : {0, 7}) check_matmul(M, N, K, gap);
      }
    }
  }
}

TEST_CASE("products of larger matrices") {
  check_matmul(130, 258, 140, 0);
  check_matmul(257, 96, 300, 5);
  check_matmul(512, 64, 64, 0);
  check_matmul(65, 2000, 32, 0);
}

// Beside the fused one stands the plain one: the product, then the bias.
TEST_CASE("linear is the product and then the bias") {
  Backend& ops = backend_under_test();
  for (const auto& [N, out, in] :
       {std::array<int64_t, 3>{1, 1, 1}, {5, 3, 7}, {33, 65, 300}, {130, 1000, 64}, {13, 32, 0}, {64, 48, 513}}) {
    CAPTURE(N, out, in);
    const Guarded x = Guarded(N, in, 3).random(1), W = Guarded(out, in, 5).random(2), b = Guarded(1, out).random(3);
    const Guarded y = Guarded(N, out, 7).garbage();
    Dense want(N, out);
    for (int64_t i = 0; i < N; ++i) {
      for (int64_t j = 0; j < out; ++j) want(i, j) = static_cast<double>(b(0, j));
    }
    add_product(want, Dense(x), false, Dense(W), true, 1);
    ops.linear(y, x, W, b);
    check_close("y", y, want);
    CHECK(y.intact());
  }
}

TEST_CASE("a product over nothing is 0, or adds nothing") {
  Backend& ops = backend_under_test();
  Real none = 0;
  const Guarded c = Guarded(2, 3, 1).garbage(), d = Guarded(2, 3).random(1);
  const Dense before(d);
  ops.matmul(*c, Tensor{&none, 2, 0, 0}, Tensor{&none, 0, 3, 3}, 1, Write::kSet);
  ops.matmul(*d, Tensor{&none, 2, 0, 0}, Tensor{&none, 0, 3, 3}, 1, Write::kAdd);
  check_close("set", c, Dense(2, 3), 0);
  check_close("added", d, before, 0);
  ops.matmul(Tensor{&none, 0, 3, 3}, Tensor{&none, 0, 2, 2}, *Guarded(2, 3).random(1), 1, Write::kSet);
}

// S = Q Kᵀ, O = P V and their like: every tile is the product of its own sequence and head, and nothing else is touched
TEST_CASE("products of all tiles at once") {
  Backend& ops = backend_under_test();
  for_packings([&](const Packing& packing, int64_t heads, int64_t d, int64_t gap) {
    const int64_t N = packing.tokens(), D = heads * d;
    const Guarded qkv = Guarded(N, 3 * D, gap).random(1), out = Guarded(N, 3 * D, gap).garbage();
    const Guarded scores = Guarded(1, heads * packing.pairs()).random(2), made = Guarded(1, heads * packing.pairs()).garbage();
    const Tiles Q{(*qkv).columns(0, D), &packing, heads, false}, K{(*qkv).columns(D, D), &packing, heads, false};
    const Tiles P{scores, &packing, heads, true}, S{made, &packing, heads, true};
    const Tiles O{(*out).columns(0, D), &packing, heads, false}, U{(*out).columns(D, D), &packing, heads, false};
    const Tiles A{(*out).columns(2 * D, D), &packing, heads, false};
    ops.matmul(S, Q, K.T(), Real(0.3), Write::kSet);
    ops.matmul(O, P, K, 1, Write::kSet);
    ops.matmul(U, P.T(), Q, 2, Write::kSet);
    ops.copy(A.base, Q.base);
    ops.matmul(A, P.T(), K, 1, Write::kAdd);
    for (int64_t b = 0; b < packing.sequences(); ++b) {
      for (int64_t h = 0; h < heads; ++h) {
        const int64_t T = packing.length(b);
        // where a tile lies, from the layout's description
        const Tensor q = (*qkv).slice(packing.offset[b], T).columns(h * d, d),
                     k = (*qkv).slice(packing.offset[b], T).columns(D + h * d, d);
        const Tensor p{(*scores).data + heads * packing.pair_offset[b] + h * T * T, T, T, T};
        Dense s(T, T), o(T, d), u(T, d), added(q);
        add_product(s, Dense(q), false, Dense(k), true, 0.3);
        add_product(o, Dense(p), false, Dense(k), false, 1);
        add_product(u, Dense(p), true, Dense(q), false, 2);
        add_product(added, Dense(p), true, Dense(k), false, 1);
        check_close("S = 0.3 Q Kᵀ", S(b, h), s);
        check_close("O = P K", O(b, h), o);
        check_close("U = 2 Pᵀ Q", U(b, h), u);
        check_close("A += Pᵀ K", A(b, h), added);
      }
    }
    CHECK(out.intact());
    CHECK(made.intact());
  });
}
