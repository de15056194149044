#pragma once
#include <tuple>
#include <type_traits>

#include "labs/view.h"
#include "tensor/tensor.h"

namespace vitrine::labs {

// A function with arguments of its own as a Call.
template <auto function>
void call(const View* views, const double* numbers) {
  const auto next = [&]<class T>(std::type_identity<T>) {
    if constexpr (std::is_same_v<T, Tensor>) {
      const View v = *views++;
      return Tensor{v.data, v.rows, v.cols, v.stride};
    } else {
      return static_cast<T>(*numbers++);
    }
  };
  // braces evaluate from left to right
  [&]<class... A>(void (*f)(A...)) { std::apply(f, std::tuple<A...>{next(std::type_identity<A>())...}); }(function);
}

}  // namespace vitrine::labs
