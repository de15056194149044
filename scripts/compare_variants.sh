#!/usr/bin/env bash
# Trains one small encoder with each kind of attention, and with each position scheme, on tasks whose truth is known and on TREC where its
# data has been fetched; what comes out stands in src/layers/attention/CHOOSING.md.
#   scripts/compare_variants.sh [--seeds 1-3] [--steps N] [--threads N] [--only NAME …] [--out DIR]
# What is done already is not done again: after a stop the same command goes on. Writes variants.md, variants.json and pictures to DIR
# (build/variants). --steps shortens each training; NAME is recall, grammar, trec or induction.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v python3 >/dev/null || { echo "error: python3 is needed: apt-get install python3" >&2; exit 2; }
if [[ -z "${VITRINE_PROGRAM-}" ]]; then
  scripts/install_dependencies.sh
  [[ -f build/release/build.ninja ]] || cmake --preset release
  cmake --build build/release --parallel "$(nproc)" --target vitrine_cli
  VITRINE_PROGRAM="$PWD/build/release/vitrine"
fi
exec python3 scripts/compare_variants.py "$VITRINE_PROGRAM" "$@"
