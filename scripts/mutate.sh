#!/usr/bin/env bash
# Plants the bugs of scripts/mutations.txt, one at a time, in a copy of the sources, and expects the named test to fail on each.
#   scripts/mutate.sh [WORD]       only those whose name or file contains WORD
#   scripts/mutate.sh --check      plants none: says which can no longer be planted, because the sources have changed
# The copy and its build stay in ${VITRINE_MUTATE_DIR:-/tmp/vitrine-mutate}, so that a second run starts faster.
set -euo pipefail
cd "$(dirname "$0")/.."
root="$PWD" list="$PWD/scripts/mutations.txt" word="${1-}" check=false
[[ "$word" == --check ]] && word="" check=true
work="${VITRINE_MUTATE_DIR:-${TMPDIR:-/tmp}/vitrine-mutate}"
copy="$work/source" build="$work/build"
command -v ccache >/dev/null && export CMAKE_CXX_COMPILER_LAUNCHER="${CMAKE_CXX_COMPILER_LAUNCHER-ccache}"

# Entries of the list, one after the other: name, file, old text, new text, test program, its cases.
names=() files=() olds=() news=() programs=() cases=()
while IFS= read -r line || [[ -n "$line" ]]; do
  case "$line" in
    '== '*) name="${line#== }" ;;
    'in '*) file="${line#in }" ;;
    '- '*) old="${line#- }" ;;
    '+ '*) new="${line#+ }" ;;
    '+') new="" ;;
    '? '*)
      program="${line#\? }"
      [[ -z "$word" || "$name $file" == *"$word"* ]] || continue
      names+=("$name") files+=("$file") olds+=("$old") news+=("$new")
      programs+=("test_${program%%: *}") cases+=("${program#*: }")
      ;;
  esac
done <"$list"
((${#names[@]})) || { echo "no mutation has '$word' in its name or file" >&2; exit 2; }

# planted I TEXT: the text with bug I in it; fails where the old text stands not exactly once.
planted() {
  local rest="${2#*"${olds[$1]}"}"
  [[ "$rest" != "$2" && "$rest" != *"${olds[$1]}"* ]] && printf '%s' "${2/"${olds[$1]}"/"${news[$1]}"}"
}
if $check; then
  failed=0
  for i in "${!names[@]}"; do
    planted "$i" "$(cat "${files[i]}")" >/dev/null || { failed=1; echo "${names[i]}: \"${olds[i]}\" stands not exactly once in ${files[i]}"; }
  done
  exit "$failed"
fi

# Only files that differ are written, so that the build in the copy stays incremental.
mkdir -p "$copy"
git ls-files -co --exclude-standard -z | while IFS= read -r -d '' path; do
  [[ -f "$path" ]] || continue
  cmp -s "$path" "$copy/$path" || { mkdir -p "$copy/$(dirname "$path")" && cp "$path" "$copy/$path"; }
done

# PROGRAM CASES, or "PROGRAM on simt" CASES: with CUDA's kernels on the processor; a comma would part names
run_test() {
  local device=cpu
  [[ "$1" == *" on simt" ]] && device=simt
  (cd "$work" && VITRINE_TEST_DEVICE=$device timeout 300 "$build/${1% on simt}" "${2//,/\\,}" >"$work/test.log" 2>&1)
}
build_targets() { cmake --build "$build" --parallel "$(nproc)" --target "${@% on simt}" >"$work/build.log" 2>&1; }

cmake -S "$copy" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release >"$work/build.log" || { cat "$work/build.log"; exit 1; }
mapfile -t targets < <(printf '%s\n' "${programs[@]}" | sort -u)
echo "building ${targets[*]}"
build_targets "${targets[@]}" || { cat "$work/build.log"; exit 1; }
for i in "${!names[@]}"; do  # a test that fails anyway, or that does not exist, proves nothing
  run_test "${programs[i]}" "${cases[i]}" || { cat "$work/test.log"; echo "fails without any bug: ${programs[i]} '${cases[i]}'"; exit 1; }
  grep -q "No test\|No tests ran" "$work/test.log" && { echo "no such case: ${programs[i]} '${cases[i]}'"; exit 1; }
done

caught=0 escaped=()
for i in "${!names[@]}"; do
  path="$copy/${files[i]}"
  text="$(cat "$path" && printf x)"
  if ! text="$(planted "$i" "$text")"; then
    verdict="DOES NOT APPLY (the text stands not exactly once in ${files[i]})"
  else
    printf '%s' "${text%x}" >"$path"
    if ! build_targets "${programs[i]}"; then
      verdict="DOES NOT COMPILE: $(grep -m1 -E 'error' "$work/build.log")"
      grep -q 'tests/.*static assertion failed' "$work/build.log" && verdict=caught  # a test that the compiler runs
    elif run_test "${programs[i]}" "${cases[i]}"; then
      verdict="NOT CAUGHT by ${programs[i]} '${cases[i]}'"
    else
      verdict=caught
    fi
    cp "$root/${files[i]}" "$path"
  fi
  printf '%-60s %s\n' "${names[i]}" "$verdict"
  if [[ "$verdict" == caught ]]; then caught=$((caught + 1)); else escaped+=("${names[i]}"); fi
done
echo "$caught of ${#names[@]} caught"
((${#escaped[@]} == 0))
