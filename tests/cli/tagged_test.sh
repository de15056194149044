#!/usr/bin/env bash
# Tagged data as people have them: columns, or parallel files with labels; two heads on one encoder.
. "${0%/*}/support.sh"

# FROM city TO city: the tag depends on the word before, the label on the first word.
sentences() { # first last
  awk -v first="$1" -v last="$2" 'BEGIN {
    split("rome oslo bern york cairo", city, " ")
    for (i = first; i <= last; ++i) {
      a = city[1 + i % 5]; b = city[1 + int(i / 5) % 5]; verb = i % 3 ? "fly" : "price"
      print verb " from " a " to new " b " !", "\t", "O O B-from O B-to I-to O", "\t", (i % 3 ? "flight" : "fare")
    }
  }'
}
parallel() { # name first last
  sentences "$2" "$3" >all
  cut -f 1 all | sed 's/ *$//' >"$1.words"
  cut -f 2 all | sed 's/^ *//; s/ *$//' >"$1.tags"
  cut -f 3 all | sed 's/^ *//' >"$1.labels"
  # The same in columns: number, word, tag.
  paste -d '|' "$1.words" "$1.tags" | awk -F '|' '{ n = split($1, w, " "); split($2, t, " ")
    for (i = 1; i <= n; ++i) print i "\t" w[i] "\t" t[i]
    print "" }' >"$1.conll"
}
parallel train 0 199
parallel test 200 239
expect [ "$(wc -l <train.words)" = 200 ]

model='model: {width: 16, layers: 1, heads: 2, hidden: 32, position: learned}
optimizer: {kind: adamw, learning_rate: 1.0e-02}
training: {epochs: 10, batch_size: 16}'
cat >both.yaml <<YAML
data:
  kind: tagged
  train: {tokens: train.words, tags: train.tags, labels: train.labels}
  validation: 0.1
  test: {tokens: test.words, tags: test.tags, labels: test.labels}
  max_length: 16
tokenizer: {kind: word}
$model
objective: [{kind: sequence_classification}, {kind: token_classification, weight: 2}]
evaluation: {every: 50, metric: token_classification.f1}
YAML
works train both.yaml
says '^data +180 train · 20 validation · 40 test sequences; .* 2 labels, 4 tags; lengths 7 to 7$'
says_not '^warning: '
works evaluate runs/both --json
expect less 0.97 "$(number accuracy)"
expect less 0.97 "$(number f1)"
prints '"sequence_classification":\{.*"token_classification":\{'
prints '"entities":\{"from":\{.*"to":\{'
works verify runs/both
expect grep -q '  data.train.tags: "xxh3:' runs/both/config.resolved.yaml
expect grep -q '  data.test.labels: "xxh3:' runs/both/config.resolved.yaml
echo 'fly from oslo to new rome !' >question
works predict runs/both question
prints '^token_classification	oslo	B-from$'
prints '^token_classification	new	B-to$'
prints '^sequence_classification	flight	'

# Columns: the same tags, so a tagger alone reaches the same.
cat >columns.yaml <<YAML
data: {kind: tagged, train: train.conll, test: test.conll, columns: {token: 1, tag: 2}, max_length: 16}
tokenizer: {kind: word}
$model
objective: {kind: token_classification}
YAML
works train columns.yaml
works evaluate runs/columns --json
expect less 0.97 "$(number f1)"
gzip -k train.conll
works train columns.yaml --run-dir packed --set data.train=train.conll.gz
expect cmp -s packed/checkpoints/*/model.safetensors runs/columns/checkpoints/*/model.safetensors

# Wrong files: a sentence with the place.
bad() { # regex, then arguments
  local regex="$1"
  shift
  fails 3 "$regex" train columns.yaml --run-dir wrong "$@"
  expect [ ! -e wrong ]
}
fails 3 'train.conll:1: there is no column 3, which data.columns.tag names' train columns.yaml --run-dir wrong --set data.columns.tag=3
printf '1\tfly\tO\n2\tto\n' >short.conll
bad 'short.conll:2: 2 columns, but line 1 has 3' --set data.train=short.conll
: >empty.conll
bad 'empty.conll: no text' --set data.train=empty.conll
sed '3s/ O$//' train.tags >fewer.tags
fails 3 'fewer.tags:3: 6 tags for the 7 words of .*train.words:3' train both.yaml --run-dir wrong \
  --set 'data.train={tokens: train.words, tags: fewer.tags, labels: train.labels}'
fails 2 'data.train: expected the path of a file, got a map' train both.yaml --run-dir wrong --set 'data.train={tokens: train.words}'

# I- behind O begins an entity, and is said once; so is a tag that training lacks, which counts as wrong.
sed '1,3s/B-from/I-from/' train.conll >loose.conll
works train columns.yaml --run-dir loose --set data.train=loose.conll --set training.steps=1
warns_once 'a tag I- begins an entity, since neither B- nor I- of its type stands before it: 1 word, first in .*loose.conll:3; conlleval'
sed 's/B-from/B-via/' test.conll >other.conll
works train columns.yaml --run-dir other --set data.test=other.conll
warns_once '40 words of validation and test have tags that do not occur in the training split \(B-via\)'
works evaluate other --json
expect less "$(number recall)" 0.55
