#!/usr/bin/env bash
# Installs with apt whatever building and testing Vitrine needs and this machine lacks; does nothing when all is there.
#   scripts/install_dependencies.sh [--checks] [--fuzz] [--browser]
#   --checks   also what the checks of formatting and of the schema need
#   --fuzz     also clang with its fuzzer
#   --browser  also a browser, for the test of the page
set -euo pipefail

packages=(
  g++ cmake ninja-build
  libyaml-cpp-dev     # configurations
  libfmt-dev          # text
  nlohmann-json3-dev  # JSON
  libcli11-dev        # the command line
  libxxhash-dev       # hashes of checkpoints
  zlib1g-dev          # data in gzip files
  libzstd-dev         # and in zstd files
  libutf8proc-dev     # properties of characters
  catch2              # tests
)
for argument in "$@"; do
  case "$argument" in
    --checks) packages+=(clang-format python3-jsonschema python3-yaml) ;;
    --fuzz) packages+=(clang libclang-rt-dev) ;;
    --browser) packages+=(chromium fonts-dejavu-core python3) ;;
    *)
      echo "usage: scripts/install_dependencies.sh [--checks] [--fuzz] [--browser]" >&2
      exit 2
      ;;
  esac
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "This is not Debian or Ubuntu, so nothing is installed here. The build needs what these packages hold: ${packages[*]}" >&2
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  [[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" == installed ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "These packages are missing, and installing them needs root (sudo is not here either): ${missing[*]}" >&2
    echo "help: as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "Installing with apt: ${missing[*]}"
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
