#!/usr/bin/env bash
# From a clone to a trained encoder and its attention in the terminal: installs what is missing, builds, trains, evaluates, shows.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install_dependencies.sh
[[ -f build/release/build.ninja ]] || cmake --preset release
cmake --build build/release --parallel "$(nproc)" --target vitrine_cli
vitrine=build/release/vitrine

show() {
  echo
  echo "\$ $*"
  "$@"
}
show $vitrine train configs/quickstart.yaml --overwrite
show $vitrine attention runs/quickstart --sample 12
echo
echo "The same for every head and through the whole training, in any browser: $PWD/runs/quickstart/page.html"
