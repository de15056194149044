#!/usr/bin/env bash
# The kernels of libvitrine_cuda.so, of each architecture for which it was built: registers of a thread, warps of a multiprocessor that these leave room
# for (of 64), static shared memory. Status 1 when a kernel spills registers or uses local memory, or when one of the sources is not in the library.
#   scripts/kernels.sh [--check] [BUILD_DIR]       --check: says how many there are, and no table
set -euo pipefail
cd "$(dirname "$0")/.."

check=false
if [[ "${1-}" == --check ]]; then
  check=true
  shift
fi
build="${1-build/release}" library="${1-build/release}/libvitrine_cuda.so"
if [[ ! -e "$library" ]]; then
  echo "there is no $library: cmake --preset release -DVITRINE_CUDA=ON && cmake --build $build --target vitrine_cuda_plugin" >&2
  exit 2
fi

# ptxas's reports (cmake/keep_ptxas_report.sh) as lines: kernel, architecture, registers, shared bytes, local bytes. Of one kernel with several types, the
# numbers of the hungriest; numbers among its template arguments stay in its name.
reported="$(find "$build/src/backend/CMakeFiles/vitrine_cuda_plugin.dir" -name '*.ptxas' -exec cat {} + | c++filt | awk '
  / Compiling entry function / {
    name = arch = $0
    sub(/.* for .sm_/, "", arch); sub(/[^0-9].*/, "", arch)
    sub(/^.* entry function ./, "", name); sub(/^void /, "", name); gsub(/\(anonymous namespace\)::/, "", name)
    while (match(name, /^[A-Za-z0-9_]+::/)) name = substr(name, RLENGTH + 1)
    match(name, /^[A-Za-z0-9_]+(<[0-9]+)?/); name = substr(name, 1, RLENGTH); if (name ~ /</) name = name ">"
  }
  / bytes stack frame, / { local = $1 + $5 + $9 }
  / Used [0-9]+ registers/ {
    shared = 0
    for (f = 2; f <= NF; ++f) if ($f ~ /^registers/) used = $(f - 1); else if ($f ~ /^smem/) shared = $(f - 2)
    print name, arch, used, shared, local
  }' | sort -k1,1 -k2,2n -k3,3nr | awk '
  { key = $1 " " $2; if (!(key in registers)) { order[++n] = key; registers[key] = $3 }
    if ($4 > shared[key]) shared[key] = $4
    if ($5 > spilled[key]) spilled[key] = $5 }
  END { for (k = 1; k <= n; ++k) print order[k], registers[order[k]], shared[order[k]] + 0, spilled[order[k]] + 0 }')"
wrong="$(awk '$5 > 0 { print $1 " has " $5 " bytes in local memory on sm_" $2 }' <<<"$reported")"

held="$(nm --demangle "$library")"
for kernel in $(cat src/backend/*.cu src/backend/ops/*.cu* | tr '\n' ' ' |
  grep -oP '__global__\s+void\s+(__launch_bounds__\((?:[^()]|\([^()]*\))*\)\s*)?\K\w+' | sort -u); do
  grep -qE "\b$kernel(<|\()" <<<"$held" || wrong+="${wrong:+$'\n'}$kernel is in no part of ${library##*/}"
  grep -qE "^$kernel(<[0-9]+>)? " <<<"$reported" || wrong+="${wrong:+$'\n'}ptxas has said nothing of $kernel"
done

if $check; then
  cut -d ' ' -f 1,2 <<<"$reported" | sed 's/<.*> / /' | sort -u | awk '{ ++n[$2] } END { for (a in n) print n[a] " kernels for sm_" a }'
else
  awk 'BEGIN { print "| kernel | sm | registers | warps | shared, bytes |\n|---|---|---|---|---|" }
    { warps = 4 * int(16384 / (256 * int(($3 * 32 + 255) / 256))); print "| " $1 " | " $2 " | " $3 " | " (warps > 64 ? 64 : warps) " | " $4 " |" }' <<<"$reported"
fi
[[ -z "$wrong" ]] || { echo "$wrong" >&2; exit 1; }
