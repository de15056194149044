#!/usr/bin/env bash
# Synthetic tasks: what is asked is learnt, and the link test says where the answers come from.
. "${0%/*}/support.sh"

cat >task.yaml <<YAML
data: {kind: task, task: reverse, vocabulary_size: 8, length: 6, train_sentences: 4000, validation_sentences: 200, test_sentences: 200}
model: {width: 32, layers: 1, heads: 2, hidden: 64, position: learned}
objective: {kind: token_classification}
optimizer: {kind: adamw, learning_rate: 1.0e-02}
schedule: {kind: linear, warmup_steps: 4}
training: {steps: 400, batch_size: 32}
evaluation: {every: 100, metric: sequence_accuracy}
YAML

works train task.yaml --json
works evaluate runs/task --json
for share in accuracy sequence_accuracy hit_rate decision; do expect [ "$(number $share)" = 1.0 ]; done
expect [ "$(number entropy)" = 0.0 ]
expect [ "$(number effect_of_all)" = 1.0 ]
expect less 0.9 "$(number attention)"
expect less "$(number untrained)" 0.5
prints '"links":\{"mirrored symbol":\{"count":1200,'
works evaluate runs/task
prints '^  sequences   100\.0 % +have every tag right$'
prints '^  mirrored symbol +100\.0 % +100\.0 % '
expect grep -q '"sequence_accuracy":1.0' runs/task/metrics.jsonl
works attention runs/task "b a d"
says_not warning
works attention runs/task --sample 1
prints '^  › [a-h] at [0-5] +[a-h] ✓ 1\.00'
prints '^  link +mirrored symbol: [a-h] here, [a-h] in the pair "'
works verify runs/task
fails 2 "data.max_length: sequences of a task cannot be cut, and they have up to 7 tokens with .data.length: 7. \(--set\)" evaluate runs/task --set data.length=7
fails 3 "data.task: the word 'i' is not in the tokenizer of this run" evaluate runs/task --set data.vocabulary_size=9
works evaluate runs/task --set data.min_length=2 --json

# Every other task runs; the answers of all but majority have links, and all heads together carry them.
for task in "copy length=4" "sort length=5" "first_occurrence length=8" "recall queries=2" "induction vocabulary_size=9" "brackets length=5"; do
  works train task.yaml --overwrite --set data.task="${task% *}" --set data."${task#* }" --set training.steps=5 --set data.distractors=2 --json
  expect [ "$(number effect_of_all)" = 1.0 ]
  expect [ "$(number entropy)" = 0.0 ]
done
works train task.yaml --overwrite --set data.task=majority --set objective.kind=sequence_classification --set evaluation.metric=accuracy
expect [ "$(cat runs/task/labels.json)" = '["a","b","c","d","e","f","g","h"]' ]
works train task.yaml --overwrite --set data.task=induction --set data.vocabulary_size=9 --set objective.kind=causal_lm --set evaluation.metric=loss --set training.steps=5
prints '^test: 200 sequences, step 5$'
expect [ "$(grep -c link out)" = 0 ]

# What `config init` writes of every task can be trained.
for task in copy reverse sort first_occurrence recall induction brackets majority; do
  works config init $task
  cp out "$task.yaml"
  works train $task.yaml --set training.steps=1 --set schedule.warmup_steps=0 --set data.train_sentences=100 --set data.validation_sentences=10 --set data.test_sentences=10
done

# `data make` writes them to files: all or none, the same ones every time, and what the configuration of the task says.
works data make reverse --out corpus/reverse --set data.length=4 --set data.train_sentences=30 --set data.validation_sentences=0
prints '^corpus/reverse/train.jsonl: 30 sequences$'
expect [ "$(ls -A corpus/reverse)" = "$(printf 'test.jsonl\ntrain.jsonl')" ]
expect [ "$(grep -c '^{"tokens":\["[a-z]",.*\],"targets":\[.*\],"links":\[{"class":"mirrored symbol","target":0,"sources":\[3\],"pair":' corpus/reverse/train.jsonl)" = 30 ]
cp -r corpus/reverse first
fails 2 "--out: the folder 'corpus/reverse' is not empty" data make reverse --out corpus/reverse
says '^help: --overwrite replaces train.jsonl, validation.jsonl and test.jsonl in it$'
expect diff -r first corpus/reverse
works data make reverse --out again --set data.length=4 --set data.train_sentences=30 --set data.validation_sentences=0
expect diff -r first again
works data make reverse --out again --overwrite --set run.seed=2 --set data.train_sentences=30 --set data.test_sentences=0
expect [ "$(ls -A again)" = "$(printf 'train.jsonl\nvalidation.jsonl')" ]
expect [ "$(cmp -s first/train.jsonl again/train.jsonl; echo $?)" = 1 ]
works data make recall --out recall --set data.train_sentences=1 --set data.length=2 --set data.queries=1
expect grep -E -q '^\{"tokens":\["k.","v.","k.","v.","\|","k."\],"targets":\[null,null,null,null,null,"v."\],"links":\[\{"class":"recalled value","target":5,"sources":\[[13]\],' recall/train.jsonl
works data make majority --out majority --set data.train_sentences=1
expect grep -E -q '^\{"tokens":\["[a-h]",.*"\],"label":"[a-h]"\}$' majority/train.jsonl
fails 2 "there is no task 'revers'" data make revers --out none
says 'did you mean .reverse.\?$'
fails 2 'data.length: expected a whole number from 1' data make reverse --out none --set data.length=0
fails 2 'data.vocabulary_size: the keys of a sequence differ' data make recall --out none --set data.length=17
fails 2 '--set data.task: the task is reverse already' data make reverse --out none --set data.task=sort
touch file
fails 3 "cannot create the folder 'file': a file has this name" data make reverse --out file
expect [ ! -e none ]
