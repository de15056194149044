#!/usr/bin/env bash
# Tokenizers of pieces of words: learned, kept in a run, taken from a file.
. "${0%/*}/support.sh"

model='model: {width: 16, layers: 1, heads: 2, hidden: 32, max_length: 24}'
labelled questions.txt 240
cut -d ' ' -f 2- questions.txt >lines.txt
echo 'a line with [MASK] in it, and Ünïcode' >>lines.txt

# byte_pair: nothing is unknown, not even what training never saw.
cat >pieces.yaml <<YAML
data: {kind: lines, train: lines.txt, validation: 0.1, max_length: 24}
tokenizer: {kind: byte_pair, vocabulary_size: 320}
$model
objective: {kind: masked_lm}
training: {steps: 40, batch_size: 16}
YAML
works train pieces.yaml
says '320 tokens in the vocabulary'
printf 'the n3 [MASK] of n5\n語 é [MASK]\n' >ask.txt
works predict runs/pieces ask.txt
expect test "$(wc -l <out)" = 2
works evaluate runs/pieces
works train pieces.yaml --set tokenizer.vocabulary_size=8000 --set run.name=most
says_not '8,000 tokens'

# Its tokenizer, in another run.
cat >again.yaml <<YAML
data: {kind: labelled_lines, train: questions.txt, validation: 0.1, max_length: 24}
tokenizer: {kind: byte_pair, file: runs/pieces/tokenizer.json}
$model
objective: {kind: sequence_classification, pooling: cls}
training: {steps: 40, batch_size: 16}
YAML
works train again.yaml
expect cmp runs/again/tokenizer.json runs/pieces/tokenizer.json
works predict runs/again lines.txt
fails 3 'a tokenizer of kind byte_pair, and tokenizer.kind is word_piece' train again.yaml --set tokenizer.kind=word_piece --set run.name=kind
head -c 3000 runs/pieces/tokenizer.json >short.json
fails 3 'short.json: not valid JSON' train again.yaml --set tokenizer.file=short.json --set run.name=short
sed 's/"ByteLevel"/"Metaspace"/' runs/pieces/tokenizer.json >other.json
fails 3 'other.json: pre_tokenizer Metaspace is not supported|other.json: decoder Metaspace is not supported' train again.yaml \
  --set tokenizer.file=other.json --set run.name=other
fails 3 'none.json' train again.yaml --set tokenizer.file=none.json --set run.name=none

# word_piece: learned, and with BERT's vocab.txt.
sed '/^tokenizer/s/{.*/{kind: word_piece, vocabulary_size: 100, lowercase: true}/' again.yaml >learned.yaml
works train learned.yaml
works predict runs/learned lines.txt
printf '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\nn\n' >vocab.txt
for c in 0 1 2 3 4 5 6 7 8 9 sings walks waits river park bridge; do echo "$c" && echo "##$c"; done >>vocab.txt
works train again.yaml --set tokenizer.kind=word_piece --set tokenizer.file=vocab.txt --set tokenizer.lowercase=true --set run.name=bert
works predict runs/bert lines.txt
grep -v UNK vocab.txt >without.txt
fails 3 'without.txt: the special token \[UNK\] is not in the vocabulary' train again.yaml --set tokenizer.kind=word_piece \
  --set tokenizer.file=without.txt --set run.name=without
