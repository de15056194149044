#!/usr/bin/env bash
# On a machine with an NVIDIA GPU and nvcc: builds the library for GPUs and holds it against the processor. Runs the cases of every primitive and of the
# layers on the GPU, trains the same run on the processor and twice on the GPU, goes on with it across devices, runs compute-sanitizer, measures speed,
# and ends with one report. Status 1 when anything parts or fails, 5 when there is no GPU. What is not installed is named, and needs no network.
#   scripts/gpu_check.sh [--rehearse] [--steps N] [--seconds S]
#   --rehearse   without a GPU: the same steps with the GPU's kernels on the processor (run.device: simt), to test this script
#   --steps N    of the training that is compared (default 50)
#   --seconds S  of each measurement of speed (default 4)
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

device=cuda steps=50 seconds=4
while (($#)); do
  case "$1" in
    --rehearse) device=simt ;;
    --steps | --seconds)
      [[ "${2-}" =~ ^[0-9]+$ ]] || { echo "gpu_check.sh: $1 needs a number" >&2; exit 2; }
      if [[ "$1" == --steps ]]; then steps="$2"; else seconds="$2"; fi
      shift
      ;;
    *)
      echo "usage: scripts/gpu_check.sh [--rehearse] [--steps N] [--seconds S]" >&2
      exit 2
      ;;
  esac
  shift
done

build=build/release
vitrine=$build/vitrine
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
report=()
failed=false
say() { report+=("$(printf '%-8s %-44s %s' "$1" "$2" "${3-}")"); [[ "$1" != FAILED ]] || failed=true; printf '%s\n' "${report[-1]}"; }
# step NAME COMMAND …: ok or FAILED, with its last line; its output stays in $work/log
step() {
  local name="$1"
  shift
  if "$@" >"$work/log" 2>&1; then
    say ok "$name" "$(tail -n 1 "$work/log" | cut -c 1-100)"
  else
    say FAILED "$name" "status $?"
    tail -n 20 "$work/log" | sed 's/^/         /'
    return 1
  fi
}
finish() {
  printf '\n=== report: %s, %s\n' "$device" "$(date -u +%F)"
  printf '%s\n' "${report[@]}"
  exit "$1"
}

# Build
targets=(vitrine_cli vitrine_simt_plugin test_backend_f32 test_layers_f32)
options=(-DVITRINE_CUDA=AUTO)
if [[ "$device" == cuda ]]; then
  targets+=(vitrine_cuda_plugin)
  options=(-DVITRINE_CUDA=ON)
fi
step "dependencies" scripts/install_dependencies.sh || finish 1
step "configure" cmake --preset release "${options[@]}" || finish 1
step "build" cmake --build "$build" --parallel "$(nproc)" --target "${targets[@]}" || finish 1
if [[ -e $build/libvitrine_cuda.so ]]; then
  step "every kernel, none spills" scripts/kernels.sh --check "$build"
else
  say skipped "every kernel, none spills" "libvitrine_cuda.so was not built"
fi

# Device
$vitrine doctor >"$work/doctor" 2>&1
if ! grep -qE "^ +$device$" "$work/doctor"; then
  say FAILED "device" "$(grep -E "^ +no $device " "$work/doctor" || tail -n 1 "$work/doctor")"
  finish 5
fi
if command -v nvidia-smi >/dev/null; then
  say ok "device" "$(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader | head -n 1)"
else
  say ok "device" "$device (nvidia-smi is not installed)"
fi

# Primitives and layers: every case of the tests of the CPU
for program in backend layers; do
  step "cases of $program" env VITRINE_TEST_DEVICE=$device "$build/test_${program}_f32"
done

# Training. float32 and sums in another order: losses part slowly, by 1e-6 in a step and, as training goes on, by more.
# shellcheck disable=SC2317  # step calls it
train() {  # FOLDER DEVICE STEPS [more]
  $vitrine train configs/quickstart.yaml --run-dir "$work/$1" --set "run.device=$2" --set "training.steps=$3" --set schedule.warmup_steps=1 \
    --set evaluation.every=0 --set inspect.every=0 --set log.interval=1 "${@:4}"
}
losses() { grep '"split":"train"' "$work/$1/metrics.jsonl" | sed -E 's/.*"step":([0-9]+).*"loss":([-+.e0-9]+).*/\1 \2/'; }
if step "train on cpu" train cpu cpu "$steps" && step "train on $device" train one "$device" "$steps" && step "train on $device again" train two "$device" "$steps"; then
  losses cpu >"$work/cpu.txt"
  losses one >"$work/one.txt"
  losses two >"$work/two.txt"
  if parted="$(paste "$work/cpu.txt" "$work/one.txt" | awk '
    NF != 4 || $1 != $3 { print "lines of the logs do not match"; wrong = 1; exit }
    { d = $2 - $4; if (d < 0) d = -d; d /= $2; if (d > most) { most = d; at = $1 } }
    END { if (!NR) { print "no losses were logged"; wrong = 1 }; if (!wrong) printf "largest difference %.2g of the loss, at step %d", most, at; exit wrong || most > 1e-3 }')"; then
    say ok "losses of cpu and $device" "$parted"
  else
    say FAILED "losses of cpu and $device" "$parted"
  fi
  if cmp -s "$work/one.txt" "$work/two.txt"; then say ok "the same bits twice"; else say FAILED "the same bits twice"; fi
fi
step "each primitive beside the CPU's (run.checked)" train checked "$device" 3 --set run.checked=true
if [[ -d "$work/one" ]]; then
  step "a checkpoint of $device evaluated on cpu" $vitrine evaluate "$work/one" --set run.device=cpu
fi

# compute-sanitizer
sanitizer="$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null)"
for tool in memcheck racecheck synccheck initcheck; do
  if [[ "$device" != cuda ]]; then
    say skipped "compute-sanitizer $tool" "looks at a GPU only"
  elif [[ -z "$sanitizer" ]]; then
    say skipped "compute-sanitizer $tool" "not installed (cuda-sanitizer of the CUDA toolkit)"
  else
    # initcheck does not follow memory that the host writes, too, as tests of primitives do: it looks at training.
    if [[ "$tool" == initcheck ]]; then
      "$sanitizer" --tool $tool --error-exitcode 99 $vitrine train configs/quickstart.yaml --run-dir "$work/$tool" --set run.device=cuda \
        --set training.steps=2 --set schedule.warmup_steps=1 --set evaluation.every=0 --set inspect.every=0 >"$work/log" 2>&1
    else
      VITRINE_TEST_DEVICE=cuda "$sanitizer" --tool $tool --error-exitcode 99 "$build/test_backend_f32" >"$work/log" 2>&1
    fi
    status=$?
    if grep -qE 'ERROR SUMMARY: 0 errors|RACECHECK SUMMARY: 0 hazards' "$work/log" && ((status == 0)); then
      say ok "compute-sanitizer $tool"
    elif ((status == 99)) || grep -qE '(ERROR|RACECHECK) SUMMARY: [1-9]' "$work/log"; then
      say FAILED "compute-sanitizer $tool" "$(grep -m 1 -E '=========' "$work/log")"
      grep -E '^=========' "$work/log" | head -n 40 | sed 's/^/         /'
    else
      say skipped "compute-sanitizer $tool" "refused: $(tail -n 1 "$work/log" | cut -c 1-100)"
    fi
  fi
done

# Speed
python="$(for p in build/pytorch/bin/python python3; do $p -c 'import torch, yaml; assert torch.cuda.is_available()' 2>/dev/null && echo $p && break; done)"
[[ -n "$python" ]] || say skipped "PyTorch beside it" "no PyTorch that sees a GPU"
sizes=(nano tiny char mini small long)
[[ "$device" == cuda ]] || sizes=(nano)
median() { grep -o '"median_ms":[ ]*[0-9.e+-]*' | grep -o '[0-9.e+-]*$'; }
printf '%-8s %10s %10s %10s   ms of a step\n' size cpu "$device" PyTorch | tee "$work/speed"
for size in "${sizes[@]}"; do
  config="configs/bench/$size.yaml"
  row="$(printf '%-8s' "$size")"
  for on in cpu "$device"; do
    ms="$($vitrine bench train "$config" --set "run.device=$on" --seconds "$seconds" --json 2>"$work/log" | median)"
    [[ -n "$ms" ]] || say FAILED "bench train $size on $on" "$(tail -n 1 "$work/log")"
    row+="$(printf ' %10.3f' "${ms:-nan}")"
  done
  if [[ -n "$python" ]]; then
    $vitrine config show "$config" >"$work/resolved.yaml"
    ms="$($python scripts/torch_peer.py "$work/resolved.yaml" "$(nproc)" "$seconds" cuda 2>"$work/log" | median)"
    row+="$(printf ' %10.3f' "${ms:-nan}")"
  fi
  echo "$row" | tee -a "$work/speed"
done
mapfile -t -O "${#report[@]}" report <"$work/speed"

if $failed; then finish 1; else finish 0; fi
