// expect: nothing is masked
#include "lab.h"
void causal_attention_forward(Tensor O, Tensor P, Tensor Q, Tensor K, Tensor V) {
  const int64_t T = Q.rows, d = Q.cols;
  const double never = -std::numeric_limits<double>::infinity();
  for (int64_t i = 0; i < T; ++i) {
    double top = never, z = 0;
    for (int64_t j = 0; j < T; ++j) {
      double s = 0;
      for (int64_t c = 0; c < d; ++c) s += K.row(j)[c] * Q.row(i)[c] / std::sqrt(double(d));
      P.row(i)[j] = s;
      top = std::fmax(top, P.row(i)[j]);
    }
    for (int64_t j = 0; j < T; ++j) z += std::exp(P.row(i)[j] - top);
    for (int64_t j = 0; j < T; ++j) P.row(i)[j] = std::exp(P.row(i)[j] - top) / z;
    for (int64_t c = 0; c < d; ++c) {
      O.row(i)[c] = 0;
      for (int64_t j = 0; j < T; ++j) O.row(i)[c] += P.row(i)[j] * V.row(j)[c];
    }
  }
}
void causal_attention_backward(Tensor dQ, Tensor dK, Tensor dV, Tensor dO, Tensor P, Tensor Q, Tensor K, Tensor V) {
  const int64_t T = Q.rows, d = Q.cols;
  for (Tensor* g : {&dQ, &dK, &dV})
    for (int64_t i = 0; i < T; ++i) std::fill(g->row(i), g->row(i) + d, 0.0);
  for (int64_t i = 0; i < T; ++i) {
    double inner = 0;  // rowsum(dP ⊙ P) = dO · O
    for (int64_t c = 0; c < d; ++c) {
      double o = 0;
      for (int64_t j = 0; j < T; ++j) o += P.row(i)[j] * V.row(j)[c];
      inner += dO.row(i)[c] * o;
    }
    for (int64_t j = T; j-- > 0;) {
      double dp = -inner;
      for (int64_t c = 0; c < d; ++c) dp += dO.row(i)[c] * V.row(j)[c];
      const double s = dp * P.row(i)[j] / std::sqrt(double(d));
      for (int64_t c = 0; c < d; ++c) {
        dV.row(j)[c] += dO.row(i)[c] * P.row(i)[j];
        dK.row(j)[c] += Q.row(i)[c] * s;
        dQ.row(i)[c] += K.row(j)[c] * s;
      }
    }
  }
}
