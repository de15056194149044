// expect: right
#include "lab.h"
namespace {
struct Row {  // the running maximum and sum (Milakov and Gimelshein 2018)
  double m = -std::numeric_limits<double>::infinity(), z = 0;
  void take(double s) {
    if (s > m) z = z * std::exp(m - s) + 1, m = s;
    else z += std::exp(s - m);
  }
};
}
void softmax_forward(Tensor P, Tensor S) {
  for (int64_t i = 0; i < S.rows; ++i) {
    Row row;
    const double* s = S.row(i);
    for (const double* at = s; at != s + S.cols; ++at) row.take(*at);
    std::transform(s, s + S.cols, P.row(i), [&](double x) { return std::exp(x - row.m) / row.z; });
  }
}
void softmax_backward(Tensor dS, Tensor dP, Tensor P) {
  int64_t i = P.rows;
  while (i-- > 0) {
    double inner = 0;
    for (int64_t j = P.cols; j-- > 0;) inner += P.row(i)[j] * dP.row(i)[j];
    for (int64_t j = P.cols; j-- > 0;) dS.row(i)[j] = dP.row(i)[j] * P.row(i)[j] - inner * P.row(i)[j];
  }
}
