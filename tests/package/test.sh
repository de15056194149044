#!/usr/bin/env bash
# Installs the build into an empty folder, builds a consumer of the package against it, runs both.
#   test.sh BUILD_DIR WORK_DIR CXX
set -euo pipefail
build="$1" work="$2" compiler="$3"
here="$(cd "$(dirname "$0")" && pwd)"

rm -rf "$work"
cmake --install "$build" --prefix "$work/prefix" >"$work.log" 2>&1 || { cat "$work.log"; exit 1; }
if grep -rlF --include='*.cmake' -e "$build/src" -e "$build/lib" "$work/prefix"; then
  echo "the installed package names the build folder"
  exit 1
fi
cmake -S "$here" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$work/prefix"
cmake --build "$work/build" --parallel 2
"$work/build/consumer"
if [[ -x "$work/prefix/bin/vitrine" ]]; then "$work/prefix/bin/vitrine" --help >/dev/null; fi
if [[ -e "$build/libvitrine_simt.so" ]]; then "$work/prefix/bin/vitrine" doctor | grep -q '^ *simt$' || { echo "the installed program does not find simt"; exit 1; }; fi
