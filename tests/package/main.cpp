#include <train/engine.h>

#include <cstdio>

// Two sequences, one of each class: an encoder learns to tell them apart.
int main() {
  vitrine::EngineSettings settings{
      .class_weights = {{}}, .vocabulary = 4, .classes = {2}, .longest = 3, .batch_tokens = 6, .batch_sequences = 2};
  settings.model.width = 16, settings.model.hidden = 32, settings.model.max_length = 3;
  settings.objectives = {{.kind = vitrine::ObjectiveKind::kSequenceClassification}};
  const auto engine = vitrine::make_engine(vitrine::Precision::kFloat32, settings);
  const vitrine::Batch batch{.tokens = {0, 1, 2, 0, 3, 2},
                             .offsets = {0, 3, 6},
                             .sequences = {0, 1},
                             .targets = {{.rows = {}, .classes = {0, 1}, .values = {}, .weight = 2}}};
  double loss = 0;
  for (int step = 1; step <= 30; ++step) loss = engine->train_step(batch, step, 3e-3).loss;
  std::printf("loss after 30 steps: %.4f\n", loss);
  return loss < 0.1 ? 0 : 1;
}
