#!/usr/bin/env bash
# What is compiled in float and in double must not meet in the linker: it would keep one of two definitions, in silence.
#   check_symbols.sh LIST_F32 LIST_F64      two files that name object files, one a line
set -euo pipefail
export LC_ALL=C

# defined LIST: "name type" of every external symbol that these objects define.
defined() { xargs -d '\n' nm --extern-only --defined-only --format=posix <"$1" | awk 'NF >= 2 { print $1, $2 }' | sort -u; }
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
defined "$1" >"$work/f32"
defined "$2" >"$work/f64"

# Both hold code of ours at all, each in its own namespace.
for precision in f32 f64; do
  grep -q "7vitrine3$precision" "$work/$precision" || { echo "no symbol of vitrine::$precision in its objects"; exit 1; }
done
bad=0
if grep 7vitrine3f64 "$work/f32" || grep 7vitrine3f32 "$work/f64"; then
  echo "^ defined in the objects of the other precision"
  bad=1
fi
join "$work/f32" "$work/f64" | awk '{ print $2, $1 }' >"$work/both"
if grep -v '^[WVu] ' "$work/both"; then
  echo "^ strong symbols in both"
  bad=1
fi
# Weak ones come from headers. Those of libraries and of our folders that are built once are the same code in both; one of ours
# may not be there if it depends on the precision. So: what is ours must also be in a header that says nothing of Real.
c++filt <"$work/both" | sed 's/^[WVu] //' | grep -E '^(non-virtual thunk to |vtable for |typeinfo (name )?for |guard variable for )?vitrine::' >"$work/ours" || true
allowed='vitrine::(Error|fail<|check\(|philox\(|RngKey|hash_name\(|NamedTensor|SafeTensors|Batch|Targets|Values|Probe|Place|Workers|Engine|EngineSummary|EngineSettings|ModelSettings|ObjectiveSettings|AttentionSettings|OpProfile)'
if grep -vE "^(non-virtual thunk to |vtable for |typeinfo (name )?for |guard variable for )?$allowed" "$work/ours"; then
  echo "^ ours, in both precisions, and not known to be independent of it (see 'allowed' in $0)"
  bad=1
fi
echo "$(wc -l <"$work/f32") symbols in float, $(wc -l <"$work/f64") in double, $(wc -l <"$work/both") weak ones in both, $(wc -l <"$work/ours") of these ours"
exit $bad
