#!/usr/bin/env bash
# The same training on the processor and by the GPU's kernels on the processor; checkpoints go from one to the other and back.
. "${0%/*}/support.sh"

write_tiny_grammar
train() { works train tiny.yaml --run-dir "$1" --set "run.device=$2" --set log.interval=1 --set training.steps=50 --set evaluation.every=0 "${@:3}"; }
losses() { grep '"split":"train"' "$1/metrics.jsonl" | sed -E 's/.*"step":([0-9]+),.*"loss":([-+.e0-9]+).*/\1 \2/'; }
# alike A B COUNT SHARE: as many losses, and no two of a step part by more than this share of them
alike() {
  paste <(losses "$1") <(losses "$2") >both
  awk -v want="$3" -v most="$4" '
    { d = $2 - $4; if (d < 0) d = -d; if (d > most * $2 || $1 != $3) { print; bad = 1 } }
    END { if (NR != want) { print NR " losses"; bad = 1 }; exit bad }' both >out || wrong "the losses of $1 and $2 part"
}

# 50 steps. Sums are rounded in another order, 6e-8 of a number each; over these steps that has grown to 2e-8 of the loss.
train cpu cpu
train simt simt
train random simt --set run.simt.order=random
alike cpu simt 50 1e-6
expect [ "$(losses simt | sha256sum)" = "$(losses random | sha256sum)" ]  # to the bit in any order of threads
train wide cpu --set run.precision=float64
train wide_simt simt --set run.precision=float64
alike wide wide_simt 50 1e-14

# A checkpoint is read on either device, and says the same there.
for run in cpu simt; do
  for device in cpu simt; do
    works evaluate $run --json --set run.device=$device
    number loss >"$run-on-$device"
  done
  expect less "$(paste "$run-on-cpu" "$run-on-simt" | awk '{ d = ($1 - $2) / $1; print d < 0 ? -d : d }')" 1e-5
done

# Stopped on one device, resumed on the other, and back.
train parts cpu --set training.steps=20
works train tiny.yaml --run-dir parts --resume --set run.device=simt --set log.interval=1 --set training.steps=35 --set evaluation.every=0
warns_once 'the run began on another device'
works train tiny.yaml --run-dir parts --resume --set run.device=cpu --set log.interval=1 --set training.steps=50 --set evaluation.every=0
warns_once 'the run began on another device'
alike cpu parts 50 1e-6

# run.checked compares each primitive with the processor's and changes no bit.
train checked simt --set run.checked=true
expect [ "$(losses simt | sha256sum)" = "$(losses checked | sha256sum)" ]
fails 2 'run.checked: .*run.device' train tiny.yaml --run-dir no --set run.checked=true

# What is missing is said before anything else is done. A library that says that the GPU has 1 MB free:
mkdir plugins && cp "${vitrine%/*}/tests/plugins/test_plugin_small.so" plugins/libvitrine_cuda.so
export VITRINE_PLUGIN_DIR="$work/plugins"
fails 5 'model: training it needs .* MB \(parameters .*\), and free on the device are 1.0 MB' train tiny.yaml --run-dir no --set run.device=cuda --set model.width=128
says '^help: lower '
fails 5 'run.device: simt: there is no libvitrine_simt.so' train tiny.yaml --run-dir no --set run.device=simt
expect [ ! -e no ]
