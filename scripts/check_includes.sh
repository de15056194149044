#!/usr/bin/env bash
# Which folder of src/ may include which, and that every source file is built.
#   scripts/check_includes.sh [ROOT]
#   scripts/check_includes.sh --self-test      plants one violation of each rule and expects every one to be found
set -euo pipefail
here="$(cd "$(dirname "$0")/.." && pwd)"

# check ROOT: prints each violation as file:line: rule; status 1 when there is one.
check() {
  local root="$1"
  (
    cd "$root/src"
    find . -name '*.h' -o -name '*.cpp' -o -name '*.cu' | sed 's|^\./||' | LC_ALL=C sort | xargs grep -HnE '^[[:space:]]*#[[:space:]]*include' || true
  ) | awk -v root="$root" '
    BEGIN {
      split("base data tensor backend layers model train inspect config labs cli", order, " ")
      for (i in order) rank[order[i]] = i + 0
      only["data"] = "base"; only["tensor"] = "base"; only["backend"] = "tensor base"; only["base"] = "none"
      only["layers"] = "backend tensor base"
      # Foreign headers that have one home, so that slow or fragile ones do not spread.
      home["yaml-cpp/"] = "config/"; home["CLI/"] = "cli/"
      home["dnnl"] = "backend/"; home["oneapi/"] = "backend/"; home["omp.h"] = "backend/"
      # The files of vitrine_folder(...) are built once; those of vitrine_folder_twice(...) in float and in double.
      list = root "/src/CMakeLists.txt"
      while ((getline line < list) > 0) {
        sub(/#.*/, "", line)
        if (line ~ /vitrine_folder\(|add_executable\(/) once = 1
        if (once && line !~ /function\(/) {
          n = split(line, word, /[ ()]+/)
          for (i = 1; i <= n; ++i) if (word[i] ~ /\.cpp$/) built_once[word[i]] = 1
        }
        if (line ~ /\)/) once = 0
      }
    }
    function report(rule) { print "src/" file ":" at ": " rule; bad = 1 }
    {
      split($0, part, ":"); file = part[1]; at = part[2]
      target = $0; if (!match(target, /[<"][^>"]*[>"]/)) next
      quoted = substr(target, RSTART, 1) == "\""; target = substr(target, RSTART + 1, RLENGTH - 2)
      folder = file; sub(/\/.*/, "", folder)
      for (h in home)
        if (index(target, h) == 1 && index(file, home[h]) != 1) report("<" target "> belongs in " home[h] " only")
      if (!quoted) next
      into = target; sub(/\/.*/, "", into)
      if (!(into in rank)) { report("\"" target "\" is not relative to src/"); next }
      edges[file] = edges[file] " " target
      place[file " " target] = at
      if (into == folder) next
      if (rank[into] > rank[folder]) { report(folder "/ may not include " into "/, which comes later"); next }
      if (folder in only && index(" " only[folder] " ", " " into " ") == 0 && !(folder == "layers" && target == "data/batch.h"))
        report(folder "/ may include " (only[folder] == "none" ? "nothing of ours" : only[folder]) " only, not \"" target "\"")
    }
    END {
      for (unit in built_once) {  # transitively, breadth first
        split("", from); from[unit] = unit; count = 1; queue[1] = unit
        for (i = 1; i <= count; ++i) {
          n = split(edges[queue[i]], next_files, " ")
          for (k = 1; k <= n; ++k) {
            f = next_files[k]
            if (f ~ /^(tensor|backend)\//) {
              trail = f; for (g = queue[i]; ; g = from[g]) { trail = g " > " trail; if (g == unit) break }
              file = queue[i]; at = place[queue[i] " " f]
              report("built once, but reaches what is compiled twice: " trail); continue
            }
            if (!(f in from)) { from[f] = queue[i]; queue[++count] = f }
          }
        }
      }
      exit bad
    }' || return 1
}

# Files that no list names would be silently left out.
check_lists() {
  local root="$1" status=0 folder file lists
  for folder in src tests; do
    lists="$(sed 's/#.*//' "$root/$folder/CMakeLists.txt")"
    while read -r file; do
      if [[ "$lists" != *"$file"* ]]; then
        echo "$folder/$file: is in no list of $folder/CMakeLists.txt"
        status=1
      fi
    done < <(cd "$root/$folder" && find . -name '*.cpp' -not -path './package/*' -not -path './labs/submissions/*' | sed 's|^\./||' | LC_ALL=C sort)
  done
  return $status
}

self_test() {
  local status=0
  root="$(mktemp -d)"  # not local: the trap runs outside
  trap 'rm -rf "$root"' EXIT
  # plant FILE TEXT EXPECTED: a clean tree with one more line must be reported with EXPECTED.
  plant() {
    rm -rf "${root:?}"/*
    mkdir -p "$root"/src/{base,data,tensor,backend/ops,layers,model,train,config} "$root/tests/base"
    printf '#include "base/error.h"\n' | tee "$root/src/"{base/a,data/batch,tensor/tensor,layers/probe,model/settings}.h >/dev/null
    printf '#include "data/batch.h"\n#include "backend/backend.h"\n' >"$root/src/layers/layer.h"
    printf '#include "tensor/tensor.h"\n' >"$root/src/backend/backend.h"
    printf '#include "layers/probe.h"\n' >"$root/src/train/trainer.cpp"
    printf '#include <dnnl.h>\n' >"$root/src/backend/ops/matmul.cpp"
    printf '#include <yaml-cpp/eventhandler.h>\n' >"$root/src/config/yaml.cpp"
    printf 'vitrine_folder_twice(backend\n  backend/ops/matmul.cpp)\nvitrine_folder(train\n  train/trainer.cpp)\nvitrine_folder(config config/yaml.cpp)\n' >"$root/src/CMakeLists.txt"
    : >"$root/tests/CMakeLists.txt"
    [[ -z "$1" ]] || printf '%s\n' "$2" >>"$root/$1"
    local said
    said="$( (check "$root"; check_lists "$root") 2>&1 || true)"
    if { [[ -z "$3" ]] && [[ -n "$said" ]]; } || { [[ -n "$3" ]] && [[ "$said" != *"$3"* ]]; }; then
      echo "self-test: '$2' in $1: expected '$3', got '$said'"
      status=1
    fi
  }
  plant '' '' ''
  plant src/base/a.h '#include "data/batch.h"' 'src/base/a.h:2: base/ may not include data/, which comes later'
  plant src/data/batch.h '#include "tensor/tensor.h"' 'data/ may not include tensor/'
  plant src/backend/backend.h '#include "data/batch.h"' 'backend/ may include tensor base only'
  plant src/layers/layer.h '#include "data/loader.h"' 'layers/ may include backend tensor base only'
  plant src/model/settings.h '#include "settings.h"' 'is not relative to src/'
  plant src/model/settings.h '  #  include "../base/a.h"' 'is not relative to src/'
  plant src/model/settings.h '#include <yaml-cpp/yaml.h>' 'src/model/settings.h:2: <yaml-cpp/yaml.h> belongs in config/ only'
  plant src/train/trainer.cpp '#include <dnnl.h>' '<dnnl.h> belongs in backend/ only'
  plant src/train/trainer.cpp '#include "layers/layer.h"' 'train/trainer.cpp > layers/layer.h > backend/backend.h'
  plant src/train/trainer.cpp '#include "tensor/tensor.h"' 'built once, but reaches what is compiled twice: train/trainer.cpp > tensor/tensor.h'
  plant src/data/forgotten.cpp '' 'src/data/forgotten.cpp: is in no list'
  plant tests/base/forgotten_test.cpp '' 'tests/base/forgotten_test.cpp: is in no list'
  return $status
}

if [[ "${1-}" == --self-test ]]; then
  self_test
  exit
fi
status=0
check "${1-$here}" || status=1
check_lists "${1-$here}" || status=1
exit $status
