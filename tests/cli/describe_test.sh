#!/usr/bin/env bash
# `vitrine data describe` says what a corpus holds, of every kind of data.
. "${0%/*}/support.sh"

labelled train.txt 120
labelled test.txt 40
cat >lines.yaml <<YAML
data: {kind: labelled_lines, train: train.txt, validation: 0.1, test: other.txt, max_length: 4}
tokenizer: {kind: word, min_count: 2}
objective: {kind: sequence_classification}
training: {steps: 1}
YAML
{
  printf 'PLACE zq zq sings\nWATER one of its own\n'
  head -n 2 train.txt
} >other.txt
works data describe lines.yaml --json
expect [ "$(wc -l <out)" = 1 ]
prints '^\{"kind":"labelled_lines","vocabulary":[0-9]+,"max_length":4,"cut":\{"sequences":[0-9]+,"tokens":[0-9]+\},"splits":\{"train":\{"sequences":108,'
prints '"validation":\{"sequences":12,'
prints '"test":\{"sequences":4,.*"unknown_words":\{"zq":2,.*"labels":\{"PERSON":[0-9]+,"PLACE":[0-9]+\},"unknown_labels":1'
prints '"leaks":\[.*\{"split":"test","in":"train","sequences":[0-9]+,"examples":\["'
says '^warning: [0-9]+ of the 4 sequences of test stand in train, too: .*; "'
says '^warning: labels of test that do not occur in the training split, and count as wrong: 1$'
works data describe lines.yaml
prints '^train +108 +[0-9]+ +[0-9]+ +[0-9]+ +4 +[0-9.]+ % +[0-9]+$'
prints '^2 labels +train +validation +test$'
prints '^\[UNK\] in test: zq 2, '
prints '^data.max_length 4 cuts [0-9]+ sequences: [0-9]+ tokens left out$'
expect [ "$(wc -L <out)" -le 100 ]

printf 'a O\nb B-x\n\na O\n\n' >tags.conll
printf 'a B-y\n\na O\nb B-x\n' >test.conll
cat >tags.yaml <<YAML
data: {kind: tagged, train: tags.conll, test: test.conll}
tokenizer: {kind: word}
objective: {kind: token_classification}
training: {steps: 1}
YAML
works data describe tags.yaml --json
prints '"tags":\{"B-x":1,"O":2\},"unknown_tags":\{\}'
prints '"tags":\{"B-x":1,"O":1\},"unknown_tags":\{"B-y":1\}'
prints '"leaks":\[\{"split":"test","in":"train","sequences":2,"examples":\["a","a b"\]\}\]'
says '^warning: tags of test that do not occur in the training split, and count as wrong: B-y 1$'

for data in '{kind: text, train: train.txt, max_length: 16}' '{kind: grammar, grammar: g, train_sentences: 50, max_length: 16}' \
  '{kind: random, vocabulary_size: 9, length: 3, train_sentences: 20}'; do
  cp "$repository/data/english.grammar" g
  printf 'data: %s\nobjective: {kind: masked_lm}\ntraining: {steps: 1}\n' "$data" >any.yaml
  works data describe any.yaml
  prints '^train +[0-9]+ '
done
printf 'data: {kind: task, task: reverse, vocabulary_size: 9, length: 4, train_sentences: 30}\nobjective: {kind: token_classification}\ntraining: {steps: 1}\n' >any.yaml
works data describe any.yaml --json
prints '"splits":\{"train":\{"sequences":30,'

fails 3 "cannot (open|read) 'none.txt'" data describe lines.yaml --set data.train=none.txt
fails 2 'data.trian: unknown key' data describe lines.yaml --set data.trian=none.txt
run data
expect [ "$status" = 2 ]
