#!/usr/bin/env bash
# Attention recorded while training: it changes nothing, it is what the model's checkpoint shows, and it survives what training survives.
. "${0%/*}/support.sh"

cat >tiny.yaml <<YAML
data: {kind: grammar, grammar: $repository/data/english.grammar, max_length: 24, train_sentences: 400, validation_sentences: 60, test_sentences: 10}
tokenizer: {kind: word}
model: {width: 16, layers: 2, heads: 2, hidden: 24, dropout: 0.1, position: learned}
objective: {kind: masked_lm}
optimizer: {kind: adamw, learning_rate: 0.01}
schedule: {kind: constant}
training: {steps: 12, batch_size: 8}
evaluation: {every: 6}
checkpoint: {every: 4, keep: 9}
inspect: {sentences: ["the cat [MASK] on the mat"], samples: 3, every: 4}
YAML
maps_of() { cat "$1"/attention/*.safetensors "$1/attention/index.json" | sha256sum; }
recorded() { (cd "$1/attention" && echo step-*); }

works train tiny.yaml --run-dir off --set inspect.every=0
expect [ ! -e off/attention ]
works train tiny.yaml --run-dir on
says '^attention +4 sentences, recorded 4 times: 0\.[0-9]+ MB in all$'
expect [ "$(recorded on)" = "$(printf 'step-%08d.safetensors ' 0 4 8 12 | sed 's/ $//')" ]
[[ $(hash_of on 12) == "$(hash_of off 12)" ]] || wrong "recording changed the training"
works train tiny.yaml --run-dir threads --set run.threads=1
[[ $(maps_of threads) == "$(maps_of on)" ]] || wrong "another number of threads recorded other weights"

# What is recorded is what the checkpoint of that step shows, by another way: link, effect and weights.
expect [ "$(cat on/best)" = "$(cat on/latest)" ]  # `attention` reads the best one
cat >compare.py <<'PY'
import json, struct, sys
view = json.load(open("out"))
bytes_ = open("on/attention/step-00000012.safetensors", "rb").read()
size = struct.unpack("<Q", bytes_[:8])[0]
header, data = json.loads(bytes_[8 : 8 + size]), bytes_[8 + size :]
index = json.load(open("on/attention/index.json"))
def flat(x): return [x] if not isinstance(x, list) else [z for y in x for z in flat(y)]
def read(name):
    a, b = header[name]["data_offsets"]
    return struct.unpack("<%df" % ((b - a) // 4), data[a:b])
k = next((k for k, s in enumerate(index["sentences"]) if s["tokens"] == view["tokens"]), None)
if k is None: sys.exit(2)
ours, theirs = read(f"sentences.{k}.weights"), flat(view["weights"])
assert len(ours) == len(theirs) and max(abs(a - b) for a, b in zip(ours, theirs)) < 1e-5
moves, pair = read(f"sentences.{k}.moves"), read(f"sentences.{k}.pair_move")[0]
for move, head in zip(moves, view["link"]["heads"]):
    assert abs(move - head["effect"] * pair) < 2e-5, (move, pair, head)
assert index["sentences"][k]["link"]["name"] == view["link"]["name"]
assert index["sentences"][k]["sources"] == view["link"]["sources"]
PY
python="$(command -v "${PYTHON:-python3}")"  # without one these numbers are not compared
matches=0
for sample in 1 2 3 4 5 6 7 8; do  # the recorded ones are among the first
  [[ -n $python ]] || break
  works attention on --sample $sample --split validation --json
  "$python" compare.py 2>err
  case $? in
    0) matches=$((matches + 1)) ;;
    1) wrong "sample $sample: recorded and shown weights differ" ;;
  esac
done
[[ -z $python ]] || expect [ $matches -ge 2 ]

# Of every kind, position and implementation: rows sum to 1, and no training bit changes.
cat >rows.py <<'PY'
import json, struct, sys
index = json.load(open("kind/attention/index.json"))
bytes_ = open("kind/attention/step-00000004.safetensors", "rb").read()
size = struct.unpack("<Q", bytes_[:8])[0]
header, data = json.loads(bytes_[8 : 8 + size]), bytes_[8 + size :]
for name, entry in header.items():
    if not name.endswith("weights"): continue
    n = entry["shape"][-1]
    values = struct.unpack("<%df" % ((entry["data_offsets"][1] - entry["data_offsets"][0]) // 4), data[slice(*entry["data_offsets"])])
    for row in range(0, len(values), n):
        assert min(values[row : row + n]) >= 0
        total = sum(values[row : row + n])
        assert abs(total - 1) < 1e-5 or (sys.argv[1] == "empty" and total == 0), (name, row // n, total)
        i = row // n % n
        if sys.argv[1] == "causal": assert not any(values[row + i + 1 : row + n])
        if sys.argv[1] == "window": assert not any(v for j, v in enumerate(values[row : row + n]) if abs(i - j) > 2)
PY
for model in ': attention={kind: full}' ': attention={kind: full, implementation: fused}' 'causal: attention={kind: full, causal: true, implementation: fused}' \
  'window: attention={kind: local, window: 2}' 'window: attention={kind: local, window: 2, implementation: dense}' \
  ': attention={kind: block_sparse, block: 4, window: 1, global: 1}' ': attention={kind: top_k, k: 3}' ': attention={kind: entmax}' \
  ': attention={kind: adaptive_span, max_span: 8}' ': attention={kind: linear}' ': attention={kind: performer}' 'empty: attention={kind: routing, clusters: 3}' \
  ': position=rotary' ': position=shaw' ': position=disentangled'; do
  for every in 0 2; do
    works train tiny.yaml --run-dir kind --overwrite --set training.steps=4 --set "model.${model#*: }" --set inspect.every=$every
    [[ $every == 0 ]] && before="$(hash_of kind 4)"
  done
  [[ $(hash_of kind 4) == "$before" ]] || wrong "${model#*: }: recording changed the training"
  [[ -z $python ]] || "$python" rows.py "${model%%:*}" 2>err || wrong "${model#*: }: rows are not what they should be"
done

# Killed at any time and resumed: the same files.
for call in 25 40 55 70 85 100 115; do
  rm -rf broken
  { VITRINE_FAILPOINT="$call:kill" run train tiny.yaml --run-dir broken; } 2>/dev/null
  [[ $status == 137 ]] || wrong "expected to be killed at call $call"
  resume="$([[ -d broken ]] && echo --resume)"
  works train tiny.yaml --run-dir broken $resume
  [[ $(hash_of broken 12) == "$(hash_of on 12)" ]] || wrong "killed at call $call: other bits"
  [[ $(maps_of broken) == "$(maps_of on)" ]] || wrong "killed at call $call: another recording"
done

# The page, figures and numbers of a run, recorded or not.
expect [ -s on/page.html ]
expect [ ! -e off/page.html ]
works inspect on --out recorded.html
prints '^recorded.html$'
expect grep -q '"steps":\[0,4,8,12\]' recorded.html
works inspect off --out checkpoints.html
says "recorded no attention .*so its checkpoints are looked at"
expect grep -q '"steps":\[4,6,8,12\]' checkpoints.html
works inspect off "the zebra [MASK]" --sample 2 --out typed.html
expect grep -q 'zebra' typed.html
works inspect off "$(printf 'the cat %.0s' {1..15}) zebra" --out long.html
expect grep -q '"note":"Cut to 24 of its 31 tokens: this model was trained on no more\."' long.html
fails 2 '--sample 1000: the test split has sequences 1 to 10' inspect on --sample 1000
fails 2 '--layer 2: there are 0 to 1' inspect on --figure head --layer 2
fails 2 '--step 5: there are weights of the steps 0, 4, 8, 12' inspect on --figure grid --step 5
fails 2 '--width 3: expected millimetres' inspect on --figure grid --width 3
fails 2 '--maps x.txt: expected a name that ends in' inspect on --maps x.txt
fails 2 '--max-mb: one step of 4 sentences' inspect on --max-mb 0.01
fails 2 "cannot write .*nowhere/x.html" inspect on --out nowhere/x.html
for view in head grid lines training; do
  works inspect on --figure $view --layer 1 --head 1 --sentence 2 --step 8 --out $view.svg
  works inspect on --figure $view --layer 1 --head 1 --sentence 2 --step 8 --out again.svg
  expect cmp -s $view.svg again.svg
  expect grep -q '^<svg ' $view.svg
done
expect grep -q '<title>Attention of block 1, head 1 after step 8 of tiny: α = softmax(QKᵀ/√d); evaluation mode. Seed 1, float32, configuration xxh3:' head.svg
works inspect on --maps maps.safetensors
works inspect on --maps maps.npz
# What src/inspect/README.md shows of other libraries, where they are.
mkdir -p examples
awk '/^```python/ {file = "examples/" ++k ".py"; next} /^```/ {file = ""} file {print > file}' "$repository/src/inspect/README.md"
expect [ "$(echo examples/*)" = "examples/1.py examples/2.py" ]
if [[ -n $python ]] && "$python" -c 'import numpy' 2>/dev/null; then
  "$python" examples/1.py >out 2>err || wrong "the example with NumPy"
  prints '^\(4, 2, 2, 6, 6\) '
fi
if [[ -n $python ]] && "$python" -c 'import bertviz, safetensors, torch' 2>/dev/null; then
  "$python" examples/2.py >out 2>err || wrong "the example with BertViz"
  expect grep -q '"\[MASK\]"' bertviz.html
fi
[[ -z $python ]] || expect "$python" -c 'import zipfile; z = zipfile.ZipFile("maps.npz"); assert z.testzip() is None and "sentence_3.npy" in z.namelist()'

# Two runs: the second one reads the sentences of the first, whatever it recorded itself.
works train tiny.yaml --run-dir other --set run.seed=2 --set model.heads=4 --set model.layers=1 --set checkpoint.every=6 --set 'inspect.sentences=[]'
works inspect on --with other --out two.html
says "'other' recorded none of these sentences, so its checkpoints are looked at"
expect grep -q '"matching":\[\[[0-3],' two.html
works inspect on --with on --out twice.html
expect grep -q '"matching":\[\[0,[0-9.e-]*\],\[1,[0-9.e-]*\],\[2,[0-9.e-]*\],\[3,[0-9.e-]*\]\]' twice.html
works inspect on "the cat [MASK]" --with other --out typed.html
expect grep -q '"matching":\[\[' typed.html
printf 'the cat sat on the mat\n%.0s' {1..9} >lines.txt
works train tiny.yaml --run-dir letters --set 'data={kind: lines, train: lines.txt, validation: 0.3, max_length: 99}' --set tokenizer.kind=character --set training.steps=2 --set inspect.every=0
works inspect on --with letters --out letters.html
expect grep -q '"matching":null' letters.html
expect grep -q 'no sentence of the same tokens, so their heads are not matched' letters.html
works train tiny.yaml --run-dir short --set data.max_length=6 --set 'inspect.sentences=["the cat"]' --set inspect.samples=0 --set training.steps=2
fails 2 "a sentence has [0-9]+ tokens; 'tiny' was trained on at most 6" inspect on --with short
fails 2 '--with excludes --figure' inspect on --with other --figure grid
fails 4 "no run directory 'nowhere'" inspect on --with nowhere

cp -r on damaged
truncate -s 100 damaged/attention/step-00000008.safetensors
works inspect damaged --out damaged.html
expect grep -q '"steps":\[0,4,12\]' damaged.html
expect grep -q 'Step 8 of tiny is left out: ' damaged.html
for file in damaged/attention/step-*; do truncate -s 50 "$file"; done
fails 4 "none of the 4 steps of run 'tiny' can be read: damaged/attention/step-00000000.safetensors: " inspect damaged
echo '{' >damaged/attention/index.json
fails 4 'index.json: is damaged' inspect damaged

# What cannot be written ends the recording, not the training. Other sentences begin anew.
if ((EUID != 0)); then
  chmod a-w on/attention
  works train tiny.yaml --run-dir on --resume --set training.steps=16
  says '^warning: no attention is recorded from step 16 on: .*attention'
  expect [ "$(last_step on)" = 16 ]
  chmod u+w on/attention
fi
begin="$(printf %08d "$(last_step on)")"
works train tiny.yaml --run-dir on --resume --set training.steps=24 --set inspect.every=24 --set inspect.samples=1
says '^warning: inspect: these are other sentences than before: their recording begins anew$'
expect [ "$(recorded on)" = "step-$begin.safetensors step-00000024.safetensors" ]

# What cannot begin is said before an earlier run is removed.
fails 2 'has 30 tokens; this model was trained on at most 24' train tiny.yaml --run-dir on --overwrite --set "inspect.sentences=[\"$(printf 'the cat %.0s' {1..15})\"]"
expect [ -d on/checkpoints ]
fails 2 'the text .* holds no token' train tiny.yaml --run-dir on --overwrite --set 'inspect.sentences=[" "]'
