#!/usr/bin/env bash
# Whatever a person gives it: an exit code that says what kind of mistake it is, one clear sentence, and nothing half-written.
. "${0%/*}/support.sh"

labelled questions.txt 80
cat >classes.yaml <<YAML
data: {kind: labelled_lines, train: questions.txt, test: test.txt, max_length: 8}
tokenizer: {kind: word}
model: {width: 8, layers: 1, heads: 2, hidden: 8}
objective: {kind: sequence_classification}
training: {steps: 6, batch_size: 4}
checkpoint: {every: 2, keep: 2}
YAML
head -n 20 questions.txt >test.txt
sed 's/labelled_lines/lines/; s/sequence_classification/masked_lm/' classes.yaml >words.yaml

# 2: usage and configuration
fails 2 'training.stesp: unknown key' train classes.yaml --set training.stesp=3
says '^help: did you mean `steps`\?$'
fails 2 'model.width: expected a whole number from 1 to 65536, got -3' train classes.yaml --set model.width=-3
fails 2 'not an assignment' train classes.yaml --set training.steps
fails 2 'missing.yaml: there is no such file' train missing.yaml
fails 2 '\.: is a folder' train .
fails 2 '/dev/zero: a configuration has at most' train /dev/zero
fails 2 "'trian'" trian classes.yaml
fails 2 'CONFIG is required' train
fails 2 'not expected: --fast' train classes.yaml --fast
fails 2 'sample: .*0' attention r --sample 0
fails 2 'seeds: .*x' train classes.yaml --seeds 1,x
says_not '[0-9]{20}'
mkdir holds_something && touch holds_something/mine
fails 2 "'holds_something' exists already" train classes.yaml --run-dir holds_something
fails 4 "'holds_something' is not a run directory" train classes.yaml --run-dir holds_something --overwrite
expect [ "$(ls -A holds_something)" = mine ]

# 3: data
bad() { fails 3 "$1" train classes.yaml --run-dir r --set "data.train=$2" "${@:3}"; }
bad "cannot read 'missing.txt': no such file" missing.txt
mkdir folder
gzip -c questions.txt | head -c 20 >cut.txt.gz
bad "'folder' is a folder without a file in it" folder
bad "no file matches '.*\*.csv'" 'folder/*.csv'
bad 'cut.txt.gz: this gzip file ends too early, after 20 bytes' cut.txt.gz
: >empty.txt
bad 'empty.txt: no text' empty.txt
printf ' \n\t\n\n' >blank.txt
bad 'blank.txt: no text' blank.txt
printf 'A x y\nB z\nA \xE9t\xE9\n' >latin.txt
bad 'latin.txt:3: byte 0xE9 at offset 12 is not valid UTF-8' latin.txt
printf 'A x y\nB \xF0\x9F\x98' >cut.txt
bad 'cut.txt:2: byte 0xF0 at offset 8 is not valid UTF-8' cut.txt
printf 'A x\nB y\0z\n' >nul.txt
bad 'nul.txt:2: a NUL byte at offset 7' nul.txt
printf '\xFF\xFEA\0 \0x\0\n\0' >utf16.txt
bad 'utf16.txt: begins with the byte order mark of UTF-16' utf16.txt
printf 'A x\nB\n' >no_text.txt
bad 'no_text.txt:2: label "B" without a text' no_text.txt
printf 'A x\nA y\n' >one_label.txt
bad 'one_label.txt: every line has the label "A"' one_label.txt
bad 'data.validation: a share of 0.001 of 80 lines is 0' questions.txt --set data.validation=0.001
bad 'empty.txt: no text' questions.txt --set data.validation=empty.txt
printf 'NEW x\nOTHER y\n' >unseen.txt
bad 'data.test: .*none of its labels occurs in the training split' questions.txt --set data.test=unseen.txt
printf 'x\ny\n' >single.txt
fails 3 'data.train: .*no token stands after another' train words.yaml --run-dir r --set data.train=single.txt --set data.test=single.txt --set objective.kind=causal_lm
expect [ ! -e r ]  # nothing was begun

# What is odd but can be trained on.
(head -n 19 questions.txt; echo 'NEW the n3 sings of n5') >test.txt
works train classes.yaml --run-dir new_label
warns_once '1 labels? of validation and test do(es)? not occur in the training split'
works evaluate new_label --json
expect [ "$(number targets)" = 20 ]
expect less "$(number accuracy)" 0.951
(cat questions.txt; printf 'PLACE'; head -c 10000000 /dev/zero | sed 's/\x0\x0\x0\x0\x0/ word/g'; echo) >long_line.txt
works train classes.yaml --run-dir long_line --set data.train=long_line.txt
says '1 sequences? w(as|ere) cut to data.max_length 8: 1,999,992 tokens left out'
(head -c 10000000 /dev/zero | tr '\0' x; echo; head -n 20 questions.txt) >long_word.txt
works train words.yaml --run-dir long_word --set data.train=long_word.txt
works train words.yaml --run-dir single --set data.train=single.txt --set data.test=single.txt
printf 'x\n' >one_word.txt
works train words.yaml --run-dir one_word --set data.train=one_word.txt --set data.test=one_word.txt
works evaluate one_word --json
works attention one_word '[MASK]'
printf 'never seen before\n' >unknown.txt
works train words.yaml --run-dir unknown --set data.test=unknown.txt
works evaluate unknown --json
expect less "$(number loss)" 20
works attention unknown 'quite strange words'
expect [ "$(grep -c '^ *\[UNK\]' out)" -ge 3 ]
fails 2 'holds no token' attention unknown '  '
printf 'A x y' >no_newline.txt
printf '\nB z\n' >>no_newline.txt
works train classes.yaml --run-dir no_newline --set data.train=no_newline.txt --set data.test=no_newline.txt
# A limit that cuts off what decides a link.
cat >grammar.yaml <<YAML
data: {kind: grammar, grammar: $repository/data/english.grammar, max_length: 6, train_sentences: 500, validation_sentences: 50, test_sentences: 50}
tokenizer: {kind: word}
model: {width: 8, layers: 1, heads: 1, hidden: 8}
objective: {kind: masked_lm}
training: {steps: 3, batch_size: 8}
YAML
works train grammar.yaml --run-dir cut_links
says '[0-9,]+ sequences were cut to data.max_length 6: [0-9,]+ tokens left out'
warns_once '[0-9,]+ links are left out: data.max_length cut off their source or target'

# 4: checkpoints and run directories
fails 4 "no run directory 'nowhere'" evaluate nowhere
fails 4 "'folder' is not a run directory" evaluate folder
fails 4 "'classes.yaml' is not a run directory: it is a file" evaluate classes.yaml
works train classes.yaml --run-dir r
works train classes.yaml --run-dir whole --set training.steps=8
flip() { printf '\x55' | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }
cp -r r flipped
flip flipped/checkpoints/step-00000006/model.safetensors 900
works evaluate flipped --json
warns_once 'the checkpoint step-00000006 is damaged: model.safetensors .*; step-00000004 is used'
prints '"step":4,'
works train classes.yaml --run-dir flipped --resume --set training.steps=8
says '^warning: the checkpoint step-00000006 is damaged'
expect [ "$(cat flipped/checkpoints/step-00000008/*.safetensors | sha256sum)" = "$(cat whole/checkpoints/step-00000008/*.safetensors | sha256sum)" ]
cp -r r damaged
flip damaged/checkpoints/step-00000006/optimizer.safetensors 900
: >damaged/checkpoints/step-00000004/state.json
fails 4 "no checkpoint in 'damaged' is whole: .*step-00000006 is damaged: .*step-00000004 is damaged" evaluate damaged
fails 4 "no checkpoint in 'damaged' is whole" train classes.yaml --run-dir damaged --resume --set training.steps=8
works train classes.yaml --run-dir damaged --overwrite
cp -r r other
sed -i 's/"format": *1/"format":7/' other/run.json
for verb in "evaluate other" "attention other x" "train classes.yaml --run-dir other --resume"; do
  fails 4 "'other' was written by another version of vitrine" $verb
done
cp -r r incomplete && rm incomplete/tokenizer.json
fails 4 "'incomplete' is not complete: there is no tokenizer.json" evaluate incomplete
cp -r r no_checkpoint && rm -r no_checkpoint/checkpoints
fails 4 "no checkpoint in 'no_checkpoint'" evaluate no_checkpoint
fails 4 'model.width|embedding.token.weight' evaluate r --set model.width=16
fails 4 'not a safetensors file|header' train classes.yaml --run-dir n --set model.initialize_from=questions.txt
fails 4 "cannot write" gradients classes.yaml --out nowhere/g.safetensors
fails 4 "'classes.yaml' is not a run directory" train classes.yaml --run-dir classes.yaml

# A run directory that may not be written to can be read. (Root may write anywhere: it becomes nobody.)
cp "$vitrine" vitrine && cp -r r locked && rm -f locked/.[!.]* && chmod 755 . && chmod -R a+rX,a-w locked
if [[ $(id -u) == 0 ]]; then as="setpriv --reuid=65534 --regid=65534 --clear-groups"; else as=; fi
unprivileged() {
  command="vitrine $* (unprivileged)"
  $as ./vitrine "$@" >out 2>err
  status=$?
}
if [[ -z $as ]] || $as true 2>err; then
  for mode in --resume --overwrite; do
    unprivileged train classes.yaml --run-dir locked $mode
    expect [ $status = 4 ]
    says "^error: .*locked.*: [Pp]ermission denied"
  done
  unprivileged train classes.yaml --run-dir locked/below
  expect [ $status = 4 ]
  unprivileged evaluate locked --json
  expect [ $status = 0 ]
  prints '"step":6,'
  expect diff -r r locked
fi

# Two trainings in one run directory
works train classes.yaml --run-dir busy
exec 9<busy && flock 9
fails 4 "another process is training in 'busy'" train classes.yaml --run-dir busy --overwrite
expect [ -s busy/latest ]
exec 9<&-

# 5: device; 6: diverged, and nothing of it is saved
VITRINE_PLUGIN_DIR=nowhere fails 5 'run.device: cuda: there is no libvitrine_cuda.so in nowhere' train classes.yaml --run-dir n --set run.device=cuda
expect [ ! -e n ]
for precision in float32 float64; do
  fails 6 'training diverged at step [0-9]+' train classes.yaml --run-dir wild --overwrite --set run.precision=$precision \
    --set optimizer.learning_rate=1e30 --set training.steps=60 --set log.interval=1
  says '^help: .*optimizer.learning_rate'
done
run evaluate wild --json
[[ $status == 0 || $status == 4 ]] || wrong "expected exit code 0 or 4"
expect [ "$(cat wild/*.jsonl | grep -c -i -E 'nan|inf')" = 0 ]
