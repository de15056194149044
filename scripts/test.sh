#!/usr/bin/env bash
# Installs what is missing, builds, runs every test; the last lines are ctest's summary and the exit status says whether all passed.
# Where nvcc is found, the library for GPUs is built and its kernels are looked at (scripts/kernels.sh); none is run.
#   scripts/test.sh [--full] [-DOPTION=VALUE …]
#   --full   also the slow tests, the page in a browser, everything again under address + undefined and under thread sanitizers, and a minute of each fuzzer
#   -D…      passed to CMake, e.g. -DVITRINE_WERROR=ON
set -euo pipefail
cd "$(dirname "$0")/.."

full=false
options=()
for argument in "$@"; do
  case "$argument" in
    --full) full=true ;;
    -D*) options+=("$argument") ;;
    *)
      echo "usage: scripts/test.sh [--full] [-DOPTION=VALUE …]" >&2
      exit 2
      ;;
  esac
done

scripts/install_dependencies.sh $($full && echo --browser)
jobs="$(nproc)"

# run_tests PRESET [ctest arguments …]
run_tests() {
  local preset="$1"
  shift
  local around=()
  # Thread sanitizer's memory layout collides with strongly randomised addresses, also when the build asks a program for its tests.
  if [[ "$preset" == tsan ]] && setarch -R true 2>/dev/null; then around=(setarch -R); fi
  cmake --preset "$preset" "${options[@]}"
  "${around[@]}" cmake --build "build/$preset" --parallel "$jobs"
  "${around[@]}" ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --parallel "$jobs" "$@"
}

failed=()
if $full; then
  run_tests asan -LE 'slow|release' || failed+=(asan)
  run_tests tsan -LE 'slow|release' || failed+=(tsan)
  scripts/fuzz.sh || failed+=(fuzz)
  run_tests release || failed+=(release)
else
  run_tests release -LE slow || failed+=(release)
fi
[[ -e build/release/libvitrine_cuda.so ]] || echo "skipped: the library for GPUs was not built (is nvcc installed?), so nothing was said of its kernels"
if ((${#failed[@]})); then
  echo "FAILED: ${failed[*]}" >&2
  exit 1
fi
