#!/usr/bin/env bash
# generate goes on with a text; embed writes the vectors of lines.
. "${0%/*}/support.sh"

for ((i = 0; i < 60; ++i)); do printf 'vier mal vier ist sechzehn, f\xC3\xBCnf.\n'; done >text.txt
model='model: {width: 16, layers: 1, heads: 2, hidden: 32, max_length: 24, position: learned}
optimizer: {kind: adamw, learning_rate: 1.0e-02}'
cat >text.yaml <<YAML
data: {kind: text, train: text.txt, validation: 0.2, max_length: 24}
tokenizer: {kind: character}
$model
objective: {kind: causal_lm}
training: {steps: 250, batch_size: 8}
YAML
works train text.yaml
works generate runs/text --prompt vier --tokens 60 --temperature 0
expect [ "$(tail -n 1 out)" != "" ]
prints '^vier mal vier ist sechzehn, f.{1,2}nf\.$' # LC_ALL=C: two bytes
expect [ "$(wc -m <out)" -ge 64 ]
cp out greedy
works generate runs/text --prompt vier --tokens 60 --temperature 0 --seed 5
expect cmp -s out greedy
# The same seed says the same, on any number of threads; another one something else.
works generate runs/text --tokens 80 --temperature 1.5 --seed 3
cp out third
works generate runs/text --tokens 80 --temperature 1.5 --seed 3 --set run.threads=1
expect cmp -s out third
works generate runs/text --tokens 80 --temperature 1.5 --seed 4
expect [ "$(cat out)" != "$(cat third)" ]
works generate runs/text --tokens 80 --temperature 5 --top-k 1
cp out top
works generate runs/text --tokens 80 --temperature 0
expect cmp -s out top
# A longer continuation begins as the shorter one.
works generate runs/text --tokens 30 --temperature 1.5 --seed 3
expect [ "$(head -c 30 out)" = "$(head -c 30 third)" ]
works train text.yaml --run-dir bytes --set tokenizer.kind=byte
works generate bytes --prompt 'vier mal vier ist sechzehn, f' --tokens 2 --temperature 0
expect [ "$(cat out)" = "$(printf 'vier mal vier ist sechzehn, f\xC3\xBC')" ]
# Words: a space between them, and a prompt is needed.
works train text.yaml --run-dir words --set tokenizer.kind=word --set training.steps=120
works generate words --prompt 'vier mal' --tokens 3 --temperature 0
prints '^vier mal vier ist sechzehn$'
fails 2 'generate needs a --prompt with a token in it' generate words
fails 2 'generate needs a --prompt' generate words --prompt ' '
works generate words --prompt 'vier foo' --tokens 1
warns_once "'foo' does not occur in the training text and is read as \[UNK\]"
# Escapes do not reach a terminal, but a file as they are.
printf 'a\x1b[31mb\n%.0s' {1..200} >escapes.txt
works train text.yaml --run-dir escapes --set data.train=escapes.txt --set training.steps=150
works generate escapes --prompt a --tokens 4 --temperature 0
expect [ "$(head -c 5 out)" = "$(printf 'a\x1b[31')" ]
if command -v script >/dev/null; then
  command="generate escapes, on a terminal"
  script -qec "'$vitrine' generate escapes --prompt a --tokens 4 --temperature 0" /dev/null >out 2>err </dev/null
  expect [ "$(grep -c $'\x1b' out)" = 0 ]
fi

fails 2 'temperature: expected a number of at least 0, got -1' generate runs/text --temperature -1
fails 2 'temperature: expected a number of at least 0, got nan' generate runs/text --temperature nan
fails 2 'whole number of at least 1' generate runs/text --tokens 0
fails 2 "'runs/text' predicts the next token of a text \(causal_lm\)" predict runs/text text.txt
says '^help: vitrine generate runs/text goes on with one$'
command="generate | head -c 20"
"$vitrine" generate runs/text --tokens 5000 2>err | head -c 20 >out
status=${PIPESTATUS[0]}
expect [ "$status" = 141 ]
expect [ ! -s err ]

# The vectors of lines.
labelled questions.txt 120
cut -d ' ' -f 2- questions.txt >lines.txt
cat >classes.yaml <<YAML
data: {kind: labelled_lines, train: questions.txt, validation: 0.1, max_length: 24}
tokenizer: {kind: word}
$model
objective: {kind: sequence_classification}
training: {steps: 5, batch_size: 16}
YAML
works train classes.yaml
works embed runs/classes lines.txt --out lines.npy
prints '^lines.npy: 120 lines, 600 tokens, width 16$'
expect [ "$(head -c 128 lines.npy | tr -d '\0' | grep -a -o "'descr': '<f4', 'fortran_order': False, 'shape': (120, 16)")" != "" ]
expect [ "$(wc -c <lines.npy)" = $((128 + 120 * 16 * 4)) ]
head -n 1 lines.txt >first.txt
works embed runs/classes first.txt --out first.npy
expect cmp -s <(tail -c 64 first.npy) <(head -c 192 lines.npy | tail -c 64)
works embed runs/classes lines.txt --out lines.safetensors
head -c 600 lines.safetensors | grep -a -q '"tokens":{"dtype":"F32","shape":\[600,16\]' || wrong "tokens [600,16]"
head -c 600 lines.safetensors | grep -a -q '"offsets":{"dtype":"I64","shape":\[121\]' || wrong "offsets [121]"
expect grep -a -q -F "$(tail -c 64 first.npy | head -c 3 | tr -d '\0\n')" lines.safetensors
cp lines.npy kept.npy
printf 'the n1 sings\n\n' >gap.txt
fails 3 'gap.txt:2: an empty line has no vectors' embed runs/classes gap.txt --out kept.npy
fails 3 'none.txt' embed runs/classes none.txt --out kept.npy
fails 3 '/dev/null: no text' embed runs/classes /dev/null --out kept.npy
expect cmp -s lines.npy kept.npy
fails 2 'ends in .npy or .safetensors' embed runs/classes lines.txt --out lines.txt
fails 2 "there is no folder 'nowhere'" embed runs/classes lines.txt --out nowhere/lines.npy
if [[ -w /dev/full ]]; then
  ln -s /dev/full full.npy
  fails 4 "cannot write 'full.npy': the disk is full" embed runs/classes lines.txt --out full.npy
fi
expect [ "$(find . -name '.*partial*')" = "" ]
