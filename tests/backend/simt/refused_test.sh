#!/usr/bin/env bash
# What must not compile: errors of CUDA that nobody looks at, and atomics on floats.
#   refused_test.sh CXX
set -uo pipefail
compiler="$1"
source="$(realpath "${0%/*}/../../../src")"
status=0

# compiles CODE: as the body of a kernel's file.
compiles() {
  "$compiler" -std=c++20 -fsyntax-only -Wall -Werror -I"$source" -I"$source/backend/simt/include" -x c++ - 2>said <<<"#include \"backend/launch.cuh\"
using namespace vitrine; $1"
}
accepted() { compiles "$1" || { echo "does not compile: $1"; head -5 said; status=1; }; }
refused() {  # refused CODE WORDS
  if compiles "$1"; then
    echo "compiles: $1"
    status=1
  elif ! grep -q "$2" said; then
    echo "is refused without '$2': $1"
    head -5 said
    status=1
  fi
}
cd "$(mktemp -d)" && trap 'rm -rf "$PWD"' EXIT

accepted 'void f(float* p) { check_cuda(cudaMalloc(&p, 4)); cudaFree(p); }'
refused 'void f(float* p) { cudaMalloc(&p, 4); }' nodiscard
refused 'void f(void* p) { cudaMemcpy(p, p, 4, cudaMemcpyDeviceToDevice); }' nodiscard
refused 'void f() { cudaStreamSynchronize(nullptr); }' nodiscard
accepted '__global__ void k(int* p) { atomicAdd(p, 1); } void f(int* p) { launch(k, 1, 1, 0, nullptr, p); }'
refused '__global__ void k(float* p) { atomicAdd(p, 1.f); }' 'atomics of integers only'
refused 'struct Owner { ~Owner() {} }; __global__ void k(Owner) {} void f(Owner o) { launch(k, 1, 1, 0, nullptr, o); }' 'copied byte by byte'
exit $status
