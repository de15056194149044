#!/usr/bin/env bash
# Runs the commands of README.md in the repository's root, one ```sh block after the other, and stops at the first that fails.
# In front of each block stands <!-- run --> or <!-- not run: why -->; a block without either is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
readme="${1-README.md}"
[[ -f "$readme" ]] || { echo "$readme: missing"; exit 1; }

commands="$(mktemp -d)"
trap 'rm -rf "$commands"' EXIT
awk -v into="$commands" -v readme="$readme" '
  /^```/ && inside { inside = 0; mark = ""; next }
  /^```sh[[:space:]]*$/ {
    inside = 1
    if (mark == "") { print readme ":" NR ": this block needs <!-- run --> or <!-- not run: why --> in front of it"; bad = 1 }
    if (mark == "run") { file = sprintf("%s/%04d", into, NR); print "" > file } else file = ""
    next
  }
  /^```/ { inside = 2; file = ""; next }
  inside == 1 && file != "" { sub(/^\$ /, ""); print > file }
  !inside && /^<!-- run -->$/ { mark = "run"; next }
  !inside && /^<!-- not run: .+ -->$/ { mark = "not"; next }
  !inside && NF { mark = "" }
  END { exit bad }' "$readme"

count=0
for block in "$commands"/*; do
  [[ -e "$block" ]] || continue
  echo "--- $readme:$(basename "$block" | sed 's/^0*//')"
  sed 's/^/    /' "$block"
  bash -euo pipefail "$block" </dev/null || { echo "$readme: this block failed"; exit 1; }
  count=$((count + 1))
done
echo "$readme: $count blocks of commands ran"
((count > 0)) || { echo "$readme: no block is marked <!-- run -->"; exit 1; }
