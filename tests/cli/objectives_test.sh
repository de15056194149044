#!/usr/bin/env bash
# Each objective learns what can be learnt, from files as people have them.
. "${0%/*}/support.sh"

model='model: {width: 16, layers: 1, heads: 2, hidden: 32, max_length: 24, position: learned}
optimizer: {kind: adamw, learning_rate: 1.0e-02}'

# Classes of lines, with mean and with cls pooling, in float and in double.
labelled questions.txt 240
cat >classes.yaml <<YAML
data: {kind: labelled_lines, train: questions.txt, validation: 0.1, test: 0.2, max_length: 24}
tokenizer: {kind: word, lowercase: true, min_count: 2}
$model
objective: {kind: sequence_classification, pooling: mean, label_smoothing: 0.1}
training: {epochs: 12, batch_size: 16}
evaluation: {every: 30, metric: accuracy}
YAML
for options in "" "--set objective.pooling=cls" "--set run.precision=float64" "--set training.batch_tokens=100"; do
  works train classes.yaml --overwrite --json $options
  works evaluate runs/classes --json
  expect less 0.97 "$(number accuracy)"
  expect less "$(number loss)" 0.4
done
prints '"floors":\{"uniform":0\.693[0-9]*,"unigram":[0-9.]+,"majority":0\.[0-9]+\}'
prints '"labels":\["PERSON","PLACE"\],"confusion":\[\[[0-9]+,[0-9]+\],\[[0-9]+,[0-9]+\]\]'
works evaluate runs/classes
prints '^  PERSON +[0-9.]+ % +[0-9.]+ % +[0-9.]+ % +[0-9]+$'
works attention runs/classes "the n3 sings of n5"
prints '^  label +PERSON 0\.[0-9]+ +PLACE 0\.[0-9]+$'
expect [ "$(cat runs/classes/labels.json)" = '["PERSON","PLACE"]' ]
# Patience ends a run early, and the best checkpoint is the one that is shown.
works train classes.yaml --run-dir early --set evaluation.patience=2 --set evaluation.every=10 --set training.epochs=1000 --set optimizer.learning_rate=0.03
says '^stopped early after step [0-9,]+: 2 evaluations without a better accuracy$'
best="$(sed 's/.*step-0*//' early/best)"
prints "^test: 48 sequences, step $best$"
expect less "$best" "$(last_step early)"
head -n 4 out >told
works evaluate early
expect [ "$(head -n 4 out)" = "$(cat told)" ]

# Hidden words of lines, then classes from what was learnt there.
cut -d ' ' -f 2- questions.txt >lines.txt
cat >pretrain.yaml <<YAML
data: {kind: lines, train: lines.txt, validation: 0.1, max_length: 24}
tokenizer: {kind: word, lowercase: true}
$model
objective: {kind: masked_lm, rate: 0.2, tied: true}
training: {epochs: 40, batch_size: 16}
YAML
works train pretrain.yaml
works evaluate runs/pretrain --json
expect less "$(number loss)" "$(number unigram)"
works train classes.yaml --run-dir tuned --set model.initialize_from=runs/pretrain --set training.epochs=0.5 --set evaluation.every=1
says '^[0-9]+ of [0-9]+ parameters start from runs/pretrain; classifier.weight, classifier.bias anew$'
expect cmp -s runs/pretrain/tokenizer.json tuned/tokenizer.json
works train classes.yaml --run-dir from_file --set training.steps=0 --set "model.initialize_from=$PWD/tuned/checkpoints/step-$(printf %08d "$(last_step tuned)")/model.safetensors"
sed 's/^PLACE \(.* river\)/WATER \1/' questions.txt >three.txt
works train classes.yaml --run-dir three --set data.train=three.txt --set model.initialize_from=tuned --set training.steps=1
says '^[0-9]+ of [0-9]+ parameters start from tuned; classifier.weight, classifier.bias anew$'
sed 's/^PLACE/ANIMAL/' questions.txt >renamed.txt
works train classes.yaml --run-dir renamed --set data.train=renamed.txt --set model.initialize_from=tuned --set training.steps=1
says 'classifier.bias anew$'
works train classes.yaml --run-dir same --set model.initialize_from=tuned --set training.steps=1
says '^([0-9]+) of \1 parameters start from tuned$'
expect [ "$(cat three/labels.json)" = '["PERSON","PLACE","WATER"]' ]
fails 4 'embedding.token.weight' train classes.yaml --run-dir wider --set model.width=32 --set model.initialize_from=runs/pretrain
# A run that starts from a file that is not one leaves what was there.
cp -r tuned kept
fails 4 'nothing.safetensors' train classes.yaml --run-dir kept --overwrite --set model.initialize_from=nothing.safetensors
expect diff -r tuned kept

# The next character of a text, which is certain; Windows line ends and a byte order mark.
printf '\xEF\xBB\xBF' >text.txt
for ((i = 0; i < 60; ++i)); do printf 'vier mal vier ist sechzehn, f\xC3\xBCnf.\r\n'; done >>text.txt
cat >text.yaml <<YAML
data: {kind: text, train: text.txt, validation: 0.2, max_length: 24}
tokenizer: {kind: character}
$model
objective: {kind: causal_lm, tied: true}
training: {steps: 250, batch_size: 8}
YAML
for options in "" "--set tokenizer.kind=byte" "--set run.precision=float64 --set objective.tied=false"; do
  works train text.yaml --overwrite $options
  works evaluate runs/text --json
  expect less 0.9 "$(number accuracy)"
  expect less "$(number loss)" 0.5
done
works train text.yaml --overwrite --set training.steps=1
expect grep -q 'ü' runs/text/tokenizer.json
expect [ "$(grep -c '\\r' runs/text/tokenizer.json)" = 0 ]
works attention runs/text "vier mal" --layer 0 --head 1
prints '^  next +'

# Latin-1 says the same as UTF-8, byte for byte.
sed -i '1s/^\xEF\xBB\xBF//' text.txt
sed 's/\xC3\xBC/\xFC/g' text.txt >latin.txt
works train text.yaml --run-dir utf8 --set training.steps=5
works train text.yaml --run-dir latin --set training.steps=5 --set data.train=latin.txt --set data.encoding=latin-1
expect [ "$(hash_of utf8 5)" = "$(hash_of latin 5)" ]
expect cmp -s utf8/tokenizer.json latin/tokenizer.json
fails 3 'latin.txt:1: byte 0xFC at offset 29 is not valid UTF-8' train text.yaml --run-dir none --set data.train=latin.txt
says '^help: .*latin-1$'
