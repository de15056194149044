#include "train/engine.h"

namespace vitrine {
namespace f32 {
EngineSummary plan_local_engine(const EngineSettings& settings);
std::unique_ptr<Engine> make_local_engine(const EngineSettings& settings);
}
namespace f64 {
EngineSummary plan_local_engine(const EngineSettings& settings);
std::unique_ptr<Engine> make_local_engine(const EngineSettings& settings);
}

EngineSummary plan_engine(Precision precision, const EngineSettings& settings) {
  return precision == Precision::kFloat32 ? f32::plan_local_engine(settings) : f64::plan_local_engine(settings);
}

std::unique_ptr<Engine> make_engine(Precision precision, const EngineSettings& settings) {
  return precision == Precision::kFloat32 ? f32::make_local_engine(settings) : f64::make_local_engine(settings);
}

}  // namespace vitrine
