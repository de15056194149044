#!/usr/bin/env bash
# predict: what every kind of head says of lines of text, and what becomes of lines that are none.
. "${0%/*}/support.sh"

model='model: {width: 16, layers: 1, heads: 2, hidden: 32, max_length: 24, position: learned}
optimizer: {kind: adamw, learning_rate: 1.0e-02}'
# says_for INPUT RUN OPTIONS…: predict of what printf makes of INPUT, from standard input.
says_for() {
  local input="$1"
  shift
  command="printf '$input' | vitrine predict $*"
  printf "$input" | timeout 60 "$vitrine" predict "$@" >out 2>err
  status=$?
  [[ $status == 0 ]] || wrong "expected exit code 0"
}
lines() { [[ $(wc -l <out) == "$1" ]] || wrong "expected $1 lines on stdout"; }

# Classes of sequences.
labelled questions.txt 240
cat >classes.yaml <<YAML
data: {kind: labelled_lines, train: questions.txt, validation: 0.1, max_length: 8}
tokenizer: {kind: word, lowercase: true, min_count: 2}
$model
objective: {kind: sequence_classification, pooling: mean}
training: {steps: 60, batch_size: 16}
YAML
works train classes.yaml
says_for 'the n3 sings of n5\nthe n4 river of n2' runs/classes
prints $'^PERSON\t0\\.[5-9][0-9]*\tPLACE\t0\\.[0-4][0-9]*$'
prints $'^PLACE\t0\\.[5-9][0-9]*\tPERSON\t0\\.[0-4][0-9]*$'
lines 2
says_for 'the n3 sings of n5\n' runs/classes --top-k 1
prints $'^PERSON\t0\\.[0-9]+$'
says_for 'the n3 sings of n5\n' runs/classes --json
prints '^\{"label":"PERSON","probabilities":\{"PERSON":0\.[0-9]+,"PLACE":0\.[0-9]+\}\}$'

# Neither the order nor the company of a line changes one digit of its answer; nor do threads.
cut -d ' ' -f 2- questions.txt >lines.txt
works predict runs/classes lines.txt --json
cp out all.json
lines 240
works predict runs/classes lines.txt --json --set run.threads=1
expect cmp -s out all.json
tac lines.txt >turned.txt
works predict runs/classes turned.txt --json
expect diff -q <(tac out) all.json
while IFS= read -r line; do
  printf '%s\n' "$line" | "$vitrine" predict runs/classes --json
done < <(head -n 20 lines.txt) >out
expect diff -q out <(head -n 20 all.json)
for ((i = 0; i < 40; ++i)); do cat lines.txt; done >many.txt
works predict runs/classes many.txt --json
lines 9600
expect diff -q <(tail -n 240 out) all.json
gzip -c lines.txt >lines.gz
works predict runs/classes lines.gz --json
expect cmp -s out all.json

# A line is answered before the next one comes.
mkfifo to from
"$vitrine" predict runs/classes - <to >from 2>err &
exec 3>to 4<from
for word in sings river walks; do
  printf 'the n3 %s of n5\n' $word >&3
  read -r -t 20 answer <&4 || wrong "expected an answer to '$word' before the next line"
  case "$word $answer" in river\ PLACE* | sings\ PERSON* | walks\ PERSON*) ;; *) wrong "expected the class of '$word', got '$answer'" ;; esac
done
exec 3>&- 4<&-
wait

# What is not a line as it should be.
says_for 'the n3 sings\n\n  \nthe n3 river\n' runs/classes
lines 4
warns_once 'standard input:2: an empty line; the answer to it, and to others like it, is empty$'
expect [ "$(sed -n '2,3p' out)" = "" ]
says_for '\n' runs/classes --json
expect [ "$(cat out)" = '{}' ]
says_for '' runs/classes --json
lines 0
says_for 'a b c d e f g h\nthe n1 sings of n2 the n3 river\nthe n1 sings of n2 the n3 river or more\nthe n1 sings of n2 the n3 river or less\n' runs/classes --json
lines 4
warns_once 'standard input:3: has more than 8 tokens and is cut there \(data.max_length\); so is every longer line$'
expect [ "$(sed -n 2p out)" = "$(sed -n 3p out)" ]
command="predict of bytes that are not UTF-8"
printf 'the n3 sings\nthe n3 \xE9\nthe n3 river\n' | "$vitrine" predict runs/classes >out 2>err
status=$?
expect [ $status = 3 ]
lines 1
says '^error: standard input:2: byte 0xE9 at offset 20 is not valid UTF-8$'
says_for 'the n3 \xE9\n' runs/classes --set data.encoding=latin-1
lines 1
says_for '\xEF\xBB\xBFthe n3 sings\r\n' runs/classes --json
cp out marked.json
says_for 'the n3 sings' runs/classes --json
expect cmp -s out marked.json
fails 3 "cannot read 'none.txt': no such file or folder" predict runs/classes none.txt
fails 4 "there is no run directory 'runs/klasses'" predict runs/klasses lines.txt
fails 2 "expected a whole number of at least 1, got '0'" predict runs/classes lines.txt --top-k 0
cp -r runs/classes other
sed -i 's/"river"/"lake"/' other/tokenizer.json
fails 4 'other/tokenizer.json: this is not the tokenizer that the run was trained with' predict other lines.txt
cp -r runs/classes nameless
rm nameless/labels.json
fails 4 "'nameless' is not complete: labels.json names no labels" predict nameless lines.txt

# Nobody to read it, and no room for it.
command="predict many.txt | head -n 1"
"$vitrine" predict runs/classes many.txt 2>err | head -n 1 >out
status=${PIPESTATUS[0]}
expect [ "$status" = 141 ]
expect [ ! -s err ]
lines 1
if [[ -w /dev/full ]]; then
  command="predict lines.txt >/dev/full"
  "$vitrine" predict runs/classes lines.txt >/dev/full 2>err
  status=$?
  expect [ $status = 1 ]
  says '^error: cannot write the results: '
fi

# Hidden words.
cat >hidden.yaml <<YAML
data: {kind: lines, train: lines.txt, validation: 0.1, max_length: 24}
tokenizer: {kind: word, lowercase: true}
$model
objective: {kind: masked_lm, rate: 0.2}
training: {steps: 120, batch_size: 16}
YAML
works train hidden.yaml
says_for 'the n3 sings [MASK] n5\n' runs/hidden --top-k 2
prints $'^of\t0\\.[5-9][0-9]*\t[a-z0-9]+\t0\\.[0-9]+$'
says_for '[MASK] n3 sings [MASK] n5\n' runs/hidden --top-k 1
prints $'^the\t[0-9.]+\t\\|\tof\t[0-9.]+$'
says_for '[MASK] n3 sings [MASK] n5\n' runs/hidden --json
prints '^\{"masks":\[\[\{"token":"the","probability":0\.[0-9]+\},(\{[^}]*\},?){4}\],\[\{"token":"of","probability":0\.[0-9]+\},(\{[^}]*\},?){4}\]\]\}$'
says_for 'the n3 sings\n[MASK]\n' runs/hidden
lines 2
warns_once 'standard input:1: there is no \[MASK\] to fill'
# To a classifier it is text, as it was in training.
says_for 'the [MASK] river\nthe zzzz river\n' runs/classes --json
expect [ "$(sort -u out | wc -l)" != 1 ]

# Tags, several labels and numbers, alone and together, on random words: the shape of what is said.
random='data: {kind: random, vocabulary_size: 40, length: 10, train_sentences: 100, validation_sentences: 20, max_length: 10}
training: {steps: 8, batch_size: 8}'
heads() {
  printf '%s\n%s\n%s\n' "$random" "$model" "objective: $1" | sed 's/max_length: 24, //' >heads.yaml
  works train heads.yaml --run-dir heads --overwrite
}
heads '{kind: token_classification, classes: 3}'
says_for 't4 t9,t5  t7\nt6\n' heads
expect [ "$(cut -f 1 out | tr '\n' ' ')" = 't4 t9,t5 t7  t6  ' ]
prints $'^t9,t5\t[012]$'
says_for 't4 t9,t5  t7\n' heads --json
prints '^\{"words":\["t4","t9,t5","t7"\],"tags":\["[012]","[012]","[012]"\]\}$'
says_for 't4 t5 t6 t7 t8 t9 t10 t11 t12 t13 t14 t15\n' heads --json
prints '"[012]","[012]",null,null\]\}$'
heads '{kind: multi_label_classification, classes: 5}'
says_for 't4 t9 t5\n' heads --json
prints '^\{"labels":\[[0-9",]*\],"probabilities":\{"0":0\.[0-9]+,.*"4":0\.[0-9]+\}\}$'
says_for 't4 t9 t5\n' heads
prints $'^(-|[0-4]\t0\\.[5-9][0-9]*(\t[0-4]\t0\\.[5-9][0-9]*)*)$'
heads '{kind: regression}'
says_for 't4 t9 t5\n' heads --json
prints '^\{"value":-?[0-9.e-]+\}$'
says_for 't4 t9 t5\n' heads
prints '^-?[0-9.e-]+$'
heads '[{kind: token_classification, classes: 3}, {kind: sequence_classification, classes: 2}, {kind: regression}]'
says_for 't4 t9 t5\n\nt4\n' heads
expect [ "$(cut -f 1 out | uniq | tr '\n' ' ')" = 'token_classification sequence_classification regression  token_classification sequence_classification regression  ' ]
says_for 't4 t9 t5\n\n' heads --json
prints '^\{"token_classification":\{"words":\["t4","t9","t5"\],"tags":\[.*\]\},"sequence_classification":\{"label":"[01]",.*\}\},"regression":\{"value":-?[0-9.e-]+\}\}$'
expect [ "$(tail -n 1 out)" = '{}' ]
