#!/usr/bin/env bash
# The program needs nothing of CUDA; each library that it opens shows one symbol; and the library for GPUs, if it was built, holds every kernel, none of which spills registers.
#   check_plugins.sh BUILD_DIR SOURCE_DIR
set -uo pipefail
build="$1" source="$2" status=0
wrong() {
  echo "$1"
  status=1
}

if ldd "$build/vitrine" | grep -iE 'cuda|cublas|nvidia|libvitrine'; then wrong "^ needed by vitrine itself"; fi
for library in "$build"/libvitrine_{simt,simt_check,cuda}.so; do
  [[ -e "$library" ]] || continue
  shown="$(nm --dynamic --defined-only --format=posix "$library" | awk '{ print $1 }' | grep -vE '^(_init|_fini|__bss_start|_edata|_end)$')"
  [[ "$shown" == vitrine_plugin ]] || wrong "${library##*/} shows $(head -c 300 <<<"$shown"), not only vitrine_plugin"
done
if [[ -e "$build/libvitrine_cuda.so" ]]; then
  "$source/scripts/kernels.sh" --check "$build" || status=1
else
  echo "libvitrine_cuda.so was not built: its kernels are not checked"
fi
exit $status
