#include "train/schedule.h"

#include "base/safetensors.h"
#include "support/catch.h"

using namespace vitrine;

namespace {
double at(ScheduleKind kind, int64_t warmup, double final_ratio, int64_t step, int64_t steps) {
  return learning_rate_at({kind, warmup, final_ratio}, 0.5, step, steps);
}
}  // namespace

TEST_CASE("warm-up rises in equal parts and ends at the peak, whatever follows") {
  for (auto kind : {ScheduleKind::kConstant, ScheduleKind::kLinear, ScheduleKind::kCosine, ScheduleKind::kInverseSqrt}) {
    CHECK(at(kind, 4, 0.1, 1, 20) == Approx(0.125));
    CHECK(at(kind, 4, 0.1, 3, 20) == Approx(0.375));
    CHECK(at(kind, 4, 0.1, 4, 20) == Approx(0.5));
  }
}

TEST_CASE("constant stays at the peak") {
  CHECK(at(ScheduleKind::kConstant, 0, 0, 1, 10) == 0.5);
  CHECK(at(ScheduleKind::kConstant, 0, 0, 10, 10) == 0.5);
  CHECK(at(ScheduleKind::kConstant, 3, 0, 10, 10) == 0.5);
}

TEST_CASE("linear falls in equal parts and reaches final_ratio at the last step") {
  CHECK(at(ScheduleKind::kLinear, 0, 0, 1, 10) == Approx(0.45));
  CHECK(at(ScheduleKind::kLinear, 0, 0, 5, 10) == Approx(0.25));
  CHECK(at(ScheduleKind::kLinear, 0, 0, 10, 10) == 0);
  CHECK(at(ScheduleKind::kLinear, 4, 0.2, 12, 20) == Approx(0.5 * (1 - 0.8 * 0.5)));
  CHECK(at(ScheduleKind::kLinear, 4, 0.2, 20, 20) == Approx(0.1));
}

TEST_CASE("cosine is half way down at half time and reaches final_ratio at the last step") {
  CHECK(at(ScheduleKind::kCosine, 0, 0, 5, 20) == Approx(0.5 * 0.853553390593));  // (1 + cos π/4)/2
  CHECK(at(ScheduleKind::kCosine, 0, 0, 10, 20) == Approx(0.25));
  CHECK(at(ScheduleKind::kCosine, 10, 0.1, 15, 20) == Approx(0.5 * 0.55));
  CHECK(at(ScheduleKind::kCosine, 10, 0.1, 20, 20) == Approx(0.05));
}

TEST_CASE("inverse_sqrt falls with the root of the step and does not look at the last one") {
  CHECK(at(ScheduleKind::kInverseSqrt, 4, 0, 16, 20) == Approx(0.25));
  CHECK(at(ScheduleKind::kInverseSqrt, 4, 0, 16, 2000) == Approx(0.25));
  CHECK(at(ScheduleKind::kInverseSqrt, 0, 0, 1, 20) == Approx(0.5));
  CHECK(at(ScheduleKind::kInverseSqrt, 0, 0, 4, 20) == Approx(0.25));
}

TEST_CASE("warm-up that fills all of training never decays") {
  CHECK(at(ScheduleKind::kCosine, 10, 0, 10, 10) == 0.5);
  CHECK(at(ScheduleKind::kLinear, 10, 0, 5, 10) == 0.25);
}

TEST_CASE("every schedule gives PyTorch's rates") {  // scripts/make_golden.py
  const SafeTensors golden = read_safetensors(VITRINE_SOURCE_DIR "/tests/golden/schedules.safetensors");
  const std::pair<std::string, ScheduleKind> kinds[] = {{"constant", ScheduleKind::kConstant},
                                                        {"linear", ScheduleKind::kLinear},
                                                        {"cosine", ScheduleKind::kCosine},
                                                        {"inverse_sqrt", ScheduleKind::kInverseSqrt}};
  int compared = 0;
  for (const auto& [name, kind] : kinds)
    for (const auto& [warmup, final_ratio, text] :
         {std::tuple{0, 0.0, "0.0.0"}, std::tuple{8, 0.0, "8.0.0"}, std::tuple{1, 0.1, "1.0.1"}, std::tuple{8, 0.25, "8.0.25"}}) {
      CAPTURE(name, text);
      const std::vector<double> rates = golden.at(name + "." + text).as_double();
      for (size_t i = 0; i < rates.size(); ++i) {
        const double ours =
            learning_rate_at({kind, warmup, final_ratio}, 3e-3, static_cast<int64_t>(i) + 1, static_cast<int64_t>(rates.size()));
        CHECK(std::abs(ours - rates[i]) < 1e-15);
        ++compared;
      }
    }
  CHECK(compared == 16 * 50);
}
