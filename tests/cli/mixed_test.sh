#!/usr/bin/env bash
# A model whose blocks differ in their attention, and whose local heads differ in their windows, through every verb that trains or looks.
. "${0%/*}/support.sh"

cat >mixed.yaml <<YAML
data: {kind: grammar, grammar: $repository/data/english.grammar, max_length: 32, train_sentences: 2000, validation_sentences: 100, test_sentences: 100}
tokenizer: {kind: word}
model:
  width: 16
  layers: 4
  heads: 2
  hidden: 32
  dropout: 0.1
  attention: [{kind: local, window: [1, 4]}, {kind: routing, clusters: 3}, {kind: performer, redraw: 5}, full]
objective: {kind: masked_lm}
schedule: {kind: constant}
training: {steps: 30, batch_size: 16, lanes: 3}
evaluation: {every: 15}
checkpoint: {every: 10, keep: 3}
YAML

works config show mixed.yaml --origin
prints '^    - kind: local .*mixed.yaml:9$'
prints '^      window: \[1, 4\] .*mixed.yaml:9$'
prints '^      features: 32 .* # from model.width and heads$'
works gradcheck mixed.yaml --samples 1 --set model.dropout=0.0 --set 'model.attention=[{kind: local, window: [1, 4]}, linear, performer, full]'

# Stopped and resumed on other numbers of threads, states of both kinds included: the same bits.
works train mixed.yaml --run-dir whole --set run.threads=1
works train mixed.yaml --run-dir parts --set training.steps=13 --set run.threads=2
works train mixed.yaml --run-dir parts --resume --set run.threads=3
model_of() { cat "$1/checkpoints/step-00000030/model.safetensors" "$1/checkpoints/step-00000030/optimizer.safetensors" | sha256sum; }
expect [ "$(model_of parts)" = "$(model_of whole)" ]
works verify whole --steps 10
expect grep -q '^      window: \[1, 4\]$' whole/config.resolved.yaml
expect grep -a -q blocks.1.attention.centroids whole/checkpoints/step-00000030/model.safetensors
expect grep -a -q blocks.2.attention.features whole/checkpoints/step-00000030/model.safetensors
expect [ "$(grep -a -c 'blocks.0.attention.\(centroids\|features\)' whole/checkpoints/step-00000030/model.safetensors)" = 0 ]

# What is resolved is the same configuration; another block is not.
fails 2 'cannot be resumed with another configuration' train mixed.yaml --run-dir whole --resume --set model.attention.0.window=4
says '  model\.attention\.0\.window: 4; the run has \[1, 4\]$'
fails 2 'model.attention: a list of 4 has not one entry for each block of .model.layers: 3. \(--set\)' train mixed.yaml --run-dir none --set model.layers=3

# The link test and the maps.
works evaluate whole --json
expect [ "$(number effect_of_all)" = 1.0 ]
expect less 0 "$(number chance)"
works attention whole --sample 1 --layer 0 --head 0
prints '^block 0, head 0$'
works attention whole "the cat [MASK] on the mat" --json
prints '"layers":4,"heads":2,"weights":\[\[\[\[0\.[0-9]+,0\.[0-9]+,0\.0,0\.0,0\.0,0\.0\],'  # head 0 sees one word on each side
works predict whole <<<"the cat [MASK] on the mat"
