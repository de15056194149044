#!/usr/bin/env bash
# Feeds hostile bytes to everything that reads what people bring, with clang's libFuzzer under address and undefined-behaviour sanitizers.
#   scripts/fuzz.sh [SECONDS] [TARGET …]     60 seconds for each target; without any, all of tests/fuzz
# A finding is written to build/fuzz/findings/ and its path printed: mend what it shows, and keep it in tests/fuzz/corpus/<target>/, where
# the tests replay it. For a night: scripts/fuzz.sh 3600.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds="${1:-60}"
shift || true
[[ "$seconds" =~ ^[0-9]+$ ]] || { sed -n '2,5s/^# //p' "$0" >&2; exit 2; }
targets=("$@")
if ((${#targets[@]} == 0)); then
  for file in tests/fuzz/*_fuzz.cpp; do targets+=("$(basename "$file" _fuzz.cpp)"); done
fi

scripts/install_dependencies.sh --fuzz
jobs="$(nproc)"
cmake --preset fuzz >/dev/null
cmake --build build/fuzz --parallel "$jobs" --target "${targets[@]/#/fuzz_}"

mkdir -p build/fuzz/findings
# fuzz TARGET: what is new in the corpus stays in build/fuzz/corpus, so that a longer run goes on from a shorter one.
fuzz() {
  local target="$1" grown="build/fuzz/corpus/$1"
  mkdir -p "$grown"
  "build/fuzz/fuzz_$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
    -artifact_prefix="build/fuzz/findings/$target-" "$grown" "tests/fuzz/corpus/$target" >"build/fuzz/$target.log" 2>&1 || return 1
  printf '%-12s %s inputs, no finding\n' "$target" "$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$target.log")"
}
export -f fuzz
export seconds
# As many targets at once as there are cores.
if ! printf '%s\0' "${targets[@]}" | xargs -0 -P "$jobs" -I{} bash -c 'fuzz {} || { tail -n 40 build/fuzz/{}.log; echo "{}: a finding (build/fuzz/{}.log)"; exit 1; }'; then
  ls build/fuzz/findings >&2
  exit 1
fi
