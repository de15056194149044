#!/usr/bin/env bash
# Course labs, as a student meets them.
. "${0%/*}/support.sh"

works lab list
prints '^softmax +40 '
prints '^attention +90 +softmax '
fails 2 "there is no lab 'sofmax'" lab start sofmax --out a
says "you may mean 'softmax'"

works lab start layer_norm --out norm
prints '^vitrine lab check norm$'
expect [ "$(ls norm | tr '\n' ' ')" = "CMakeLists.txt README.md handout.md lab.h lab.txt layer_norm.cpp tensor " ]
fails 2 "'norm' is there already" lab start softmax --out norm

# what is handed out: the question, and neither its answer nor a body
expect grep -q '^> \*\*What is dx_k? Which two means appear?\*\*$' norm/handout.md
expect [ "$(grep -c 'mean_gx\|1/D) Σ_j g_j x̂_j)' norm/handout.md norm/layer_norm.cpp | cut -d: -f2 | tr '\n' ' ')" = "0 0 " ]
run lab check norm
[[ $status == 1 ]] || wrong "expected exit code 1"
prints 'It builds, and nothing is written yet: a good place to begin'

# the engine's own text is a full solution, in a folder with a space, with Windows' line ends
works lab start layer_norm --out "a folder"
{
  printf '#include "lab.h"\n'
  sed -n '/^void CpuBackend/,/^}/p' "$repository/src/backend/ops/layer_norm.cpp" | sed 's/CpuBackend:://'
} | sed 's/$/\r/' >"a folder/layer_norm.cpp"
works lab check "a folder"
prints 'All is right\.$'
works lab check "a folder" --json
expect python3 -c 'import json; r = json.load(open("out")); assert r["passed"] and [l["name"] for l in r["levels"]][-1] == "cost" and r["findings"] == []'

# one mistake
sed 's/dbeta.data;\r/dbeta.data;/; s/r \* (g\[j\] \* dyi\[j\] - mean_g -/r * (g[j] * dyi[j] -/' "a folder/layer_norm.cpp" >norm/layer_norm.cpp
run lab check norm
[[ $status == 1 ]] || wrong "expected exit code 1"
prints '^layer_norm_backward: dx is exactly what comes out when$'
prints '^  in dx, the mean of g is forgotten$'
prints 'first difference: dx\[0,0\] is '
run lab check norm --json
expect python3 -c 'import json; r = json.load(open("out")); assert not r["passed"] and r["findings"][0]["mistakes"][0]["what"] == "in dx, the mean of g is forgotten"'

# the project of the folder
expect cmake -S norm -B built -DVITRINE="$vitrine" >/dev/null
cmake --build built --target check >out 2>err
status=$?
[[ $status != 0 ]] || wrong "expected the target check to fail"
prints 'the mean of g is forgotten'

# a folder of submissions
mkdir class
cp -r norm class/one
cp -r "a folder" class/two
works lab grade class --out grades --jobs 2 --key secret
prints '^grades/grades.csv: 2 submissions, 2 checked now$'
expect grep -q '^one,layer_norm,4,10,1,1,1,0,0,0,1,0,"layer_norm_backward: in dx, the mean of g is forgotten",$' grades/grades.csv
expect grep -q '^two,layer_norm,10,10,' grades/grades.csv
works lab grade class --out grades --key secret
prints '2 submissions, 0 checked now$'
printf 'points: {speed: 3}\n' >rubric.yaml
fails 2 "there is no check 'speed'" lab grade class --out grades --rubric rubric.yaml

# folders that are none
fails 3 "there is no folder 'nowhere'" lab check nowhere
mkdir empty
fails 3 "'empty' is no lab's folder" lab check empty
rm norm/layer_norm.cpp
fails 3 "'norm/layer_norm.cpp' is gone" lab check norm
sed -i 's/^interface .*/interface 0123456789abcdef/' "a folder/lab.txt"
fails 3 "was made for another version of the lab layer_norm" lab check "a folder"
echo "lab norms" >"a folder/lab.txt"
fails 3 "names no lab of this program: 'norms'" lab check "a folder"
mkdir locked
chmod a-w locked
if [[ ! -w locked ]]; then fails 3 "locked" lab start softmax --out locked/softmax; fi  # root may write anywhere
