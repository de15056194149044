#!/usr/bin/env bash
# Verbs that look at runs, or make many: verify.
. "${0%/*}/support.sh"

labelled questions.txt 90
cat >tiny.yaml <<YAML
data: {kind: labelled_lines, train: questions.txt, validation: 0.2, max_length: 12}
tokenizer: {kind: word}
model: {width: 16, layers: 1, heads: 2, hidden: 32, dropout: 0.2, max_length: 12, position: learned}
objective: {kind: sequence_classification}
schedule: {kind: linear}
training: {steps: 24, batch_size: 8, lanes: 3}
evaluation: {every: 8, metric: accuracy}
checkpoint: {every: 10, keep: 3}
log: {interval: 5}
YAML

# verify: the same bits from the start, from a checkpoint, on other threads, and for a part of the way.
works train tiny.yaml --run-dir run --set run.threads=2
works verify run
prints '^run: steps 21 to 24 give the same bits again: 1 line of metrics.jsonl and the checkpoint of step 24 compared$'
works verify run --json
prints '"from":20,"to":24,"lines":1,"checkpoint":true,"same":true'
works train tiny.yaml --run-dir once --set checkpoint.every=0 --set checkpoint.keep=1 --set evaluation.every=0
works verify once
prints '^once: steps 1 to 24 give the same bits again: 5 lines of metrics.jsonl and the checkpoint of step 24 compared$'
works verify once --steps 12
prints '^once: steps 1 to 12 give the same bits again: 2 lines of metrics.jsonl compared$'
fails 2 'nothing was written in the 2 steps after step 0' verify once --steps 2
# Whatever is another: a line, a checkpoint, the data.
cp -r once line && sed -i 's/"gradient_norm":/"gradient_norm":1/' line/metrics.jsonl
run verify line
expect [ $status = 1 ]
prints '^line: steps 1 to 24 do not give the same bits'
prints '^  step 5: gradient_norm is [0-9.e-]+, and metrics.jsonl has 1[0-9.e-]+$'
cp -r once data && sed -i 's|train: .*|train: ../other.txt|' data/config.resolved.yaml && sed 's/who/whom/' questions.txt >other.txt
run verify data
expect [ $status = 1 ]
says '^warning: data.train is not that of the run$'
prints '^  step 5: loss is 0\.[0-9]+, and metrics.jsonl has 0\.[0-9]+$'
prints '^  and 2 more$'
fails 4 "no run directory 'nowhere'" verify nowhere

# A linear schedule that is made longer under a run.
works train tiny.yaml --run-dir run --resume --set training.steps=30
warns_once 'the linear schedule ends at step 30 now, before at 24: every learning rate from here on is another one'
works train tiny.yaml --run-dir run --resume --set training.steps=30
says_not '^warning'

# Perplexity is of language models.
expect [ "$(grep -c perplexity run/metrics.jsonl)" = 0 ]
works evaluate run --json
expect [ "$(grep -c perplexity out)" = 0 ]

# Of several seeds that cannot begin all, none begins.
works train tiny.yaml --run-dir s --seeds 2
fails 2 "the run directory 's-seed2' exists already" train tiny.yaml --run-dir s --seeds 1,2
expect [ ! -e s-seed1 ]
