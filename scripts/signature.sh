#!/usr/bin/env bash
# Trains a fixed tiny model for 20 steps in double and in float and prints its losses: two commits with the same signature compute the
# same. Nine digits in double hold on any processor; in float six.
#   scripts/signature.sh [VITRINE]         default: build/release/vitrine
set -euo pipefail
cd "$(dirname "$0")/.."
vitrine="$(realpath "${1-build/release/vitrine}")"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cat >"$work/signature.yaml" <<'YAML'
run: {name: signature, seed: 7, threads: 1}
data: {kind: random, vocabulary_size: 50, length: 12, train_sentences: 400}
model: {width: 16, layers: 2, heads: 2, hidden: 32, dropout: 0.1}
objective: {kind: masked_lm, rate: 0.25}
optimizer: {kind: adamw, learning_rate: 1.0e-2}
schedule: {kind: cosine, warmup_steps: 5}
training: {steps: 20, batch_size: 8, micro_batch: 40, lanes: 2, clip: 1.0}
log: {interval: 10}
YAML
for precision in float64 float32; do
  "$vitrine" train "$work/signature.yaml" --set run.precision=$precision --run-dir "$work/$precision" >"$work/out" 2>&1 || { cat "$work/out" >&2; exit 1; }
  digits=9
  [[ $precision == float32 ]] && digits=6
  # Lines of the log: the training split's loss and gradient norm at steps 10 and 20.
  sed -n 's/.*"split":"train".*/&/p' "$work/$precision/metrics.jsonl" | while read -r line; do
    step="$(sed 's/.*"step":\([0-9]*\).*/\1/' <<<"$line")"
    loss="$(sed 's/.*"loss":\([-+.eE0-9]*\).*/\1/' <<<"$line")"
    norm="$(sed 's/.*"gradient_norm":\([-+.eE0-9]*\).*/\1/' <<<"$line")"
    LC_ALL=C printf '%s step %d: loss %.*f, gradient norm %.*f\n' "$precision" "$step" "$digits" "$loss" "$digits" "$norm"
  done
done
