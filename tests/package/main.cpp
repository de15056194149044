#include <base/rng.h>
#include <base/safetensors.h>

#include <cstdio>

// A tensor of random numbers goes into a file's bytes and comes back.
int main() {
  double values[6];
  for (uint32_t i = 0; i < 6; ++i) values[i] = vitrine::RngKey{.seed = 1}.of(vitrine::Purpose::kInitialise).normal(0, i);
  const auto file = vitrine::SafeTensors{{vitrine::NamedTensor::of("w", {2, 3}, values)}, {}};
  const auto back = vitrine::decode_safetensors(vitrine::encode_safetensors(file), "memory");
  std::printf("%.6f\n", back.at("w").as_double()[5]);
  return back.at("w").as_double()[5] == values[5] ? 0 : 1;
}
