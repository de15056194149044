#!/usr/bin/env bash
# Trains the same models on the same work with Vitrine and with PyTorch, alternately, and says how they compare.
#   scripts/compare_with_pytorch.sh [--threads N] [--seconds S] [--rounds R] [--out DIR] [CONFIG[,key=value…] …]
#   scripts/compare_with_pytorch.sh --attention [--threads N] [--seconds S] [--rounds R] [--out DIR]
# --attention compares attention alone, full, fused and dense, with scaled_dot_product_attention: attention.md and attention.json.
# Without a CONFIG: the six of configs/bench, and trec.yaml and atis.yaml where their data has been fetched. Writes comparison.md,
# comparison.json and comparison.svg to DIR (build/comparison). PyTorch comes from PyPI into a virtual environment of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
environment="${VITRINE_PYTORCH_ENVIRONMENT:-$PWD/build/pytorch}"

scripts/install_dependencies.sh
[[ -f build/release/build.ninja ]] || cmake --preset release
cmake --build build/release --parallel "$(nproc)" --target vitrine_cli
if ! "$environment/bin/python" -c 'import torch, yaml' 2>/dev/null; then
  command -v python3 >/dev/null && python3 -c 'import ensurepip' 2>/dev/null ||
    { echo "error: python3 with venv is needed: apt-get install python3-venv" >&2; exit 2; }
  echo "PyTorch goes into $environment (about 1 GB; VITRINE_PYTORCH_ENVIRONMENT names another place)"
  python3 -m venv "$environment"
  "$environment/bin/pip" install --quiet torch numpy pyyaml
fi
exec "$environment/bin/python" scripts/compare_with_pytorch.py "$@"
