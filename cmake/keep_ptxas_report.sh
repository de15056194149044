#!/usr/bin/env bash
# A launcher of nvcc: what ptxas says of each kernel (-Xptxas=-v) goes to OBJECT.ptxas, all else to the screen.
#   keep_ptxas_report.sh COMPILER … -o OBJECT …
set -uo pipefail
object=""
for ((n = 1; n < $#; ++n)); do
  if [[ "${!n}" == -o ]]; then
    next=$((n + 1))
    object="${!next}"
  fi
done
[[ -n "$object" ]] || exec "$@"
said="$("$@" 2>&1)"
status=$?
report='^ptxas info|bytes stack frame'
grep -E "$report" <<<"$said" >"$object.ptxas"
grep -vE "$report|^$" <<<"$said" >&2
exit "$status"
