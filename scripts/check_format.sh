#!/usr/bin/env bash
# Formatting of every C++ file as .clang-format says; prints what differs.
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files -z '*.h' '*.cpp' '*.cu' | xargs -0 -r clang-format --dry-run -Werror
