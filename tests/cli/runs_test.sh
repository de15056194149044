#!/usr/bin/env bash
# Verbs that look at runs, or make many: verify, sweep, plot; event files.
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

# sweep: every setting with every seed; killed anywhere, the same command goes on, and nothing that was done is done again.
sweep() { run sweep tiny.yaml --set model.heads=1,2 --set optimizer.learning_rate=1e-3,3e-3 --set checkpoint.every=5 --seeds 1-2 --out "$@"; }
sweep whole
expect [ $status = 0 ]
prints '^4 settings, 8 runs in whole; accuracy: mean ± standard deviation \[95 % interval of the mean\]$'
prints '^[* ] model.heads=2 optimizer.learning_rate=3e-3 +2  [0-9.]+ ± [0-9.]+ \[-?[0-9.]+, [0-9.]+\]'
expect [ "$(grep -c '^\*' out)" = 2 ]
expect [ "$(head -n 1 whole/results.csv)" = 'run,model.heads,optimizer.learning_rate,checkpoint.every,seed,name,value' ]
expect [ "$(grep -c ',best_accuracy,' whole/results.csv)" = 8 ]
expect [ "$(ls whole | grep -c seed=)" = 8 ]
works config check whole/best.yaml
works train whole/best.yaml --run-dir again
for i in 1 2 3 4 5 6; do
  { "$vitrine" sweep tiny.yaml --set model.heads=1,2 --set optimizer.learning_rate=1e-3,3e-3 --set checkpoint.every=5 --seeds 1-2 --out killed >out 2>err & } 2>/dev/null
  program=$!
  sleep "0.0$((RANDOM % 9 + 1))"
  kill -9 $program 2>/dev/null
  wait $program 2>/dev/null
done
sweep killed --json
expect [ $status = 0 ]
expect [ "$(grep -v ',seconds,' killed/results.csv)" = "$(grep -v ',seconds,' whole/results.csv)" ]
expect cmp killed/best.yaml whole/best.yaml
before="$(stat -c %Y%i whole/*/result.json)"
sweep whole
expect [ "$(stat -c %Y%i whole/*/result.json)" = "$before" ]
says_not '^run '
fails 2 'cannot be resumed with another configuration' sweep tiny.yaml --set model.heads=1,2 --set optimizer.learning_rate=1e-3,3e-3 --seeds 1-2 --out whole --set training.steps=30
says '^help: --out names another folder for the sweep'
fails 2 '1 stands there twice' sweep tiny.yaml --set model.heads=1,1
fails 2 'expected seeds such as 1,2,3 or 1-5' sweep tiny.yaml --seeds 5-1
fails 2 'model.heads: 3 heads do not divide' sweep tiny.yaml --set model.heads=2,3 --out nothing
expect [ ! -e nothing ]
# A setting that diverges is not the best, and does not end the sweep.
works sweep tiny.yaml --set optimizer.learning_rate=1e30,1e-3 --out wild
prints '^  optimizer.learning_rate=1e30 .* 1 diverged$'
prints '^\* optimizer.learning_rate=1e-3 '

# plot
works plot run again --out two.svg
prints '^two.svg$'
expect [ "$(head -c 4 two.svg)" = '<svg' ]
expect [ "$(grep -c '>accuracy</text>' two.svg)" = 1 ]
expect grep -q '>unigram 0\.' two.svg
cp two.svg first.svg
works plot run again --out two.svg
expect cmp two.svg first.svg
works plot run
prints '^  b run validation$'
prints '^accuracy$'
expect [ "$(grep -c $'\x1b' out)" = 0 ]
fails 4 "no run directory 'nowhere'" plot nowhere
fails 4 'cannot write' plot run --out nowhere/f.svg

# Event files: a file for each training, and scripts/check_tensorboard.py reads them where TensorBoard is there.
works train tiny.yaml --run-dir board --set log.tensorboard=true --set training.steps=10
"$vitrine" train tiny.yaml --run-dir board --resume --set log.tensorboard=true --set training.steps=100000000 --set checkpoint.every=50 >out 2>err &
program=$!
until [[ $(last_step board) -ge 100 ]]; do sleep 0.01; done
kill -9 $program
wait $program 2>/dev/null
sleep 1  # files are named by the second
works train tiny.yaml --run-dir board --resume --set log.tensorboard=true --set training.steps=$(($(last_step board) + 20))
expect [ "$(ls board/tensorboard | grep -c '^events.out.tfevents.')" -ge 2 ]
if command -v "${PYTHON:-python3}" >/dev/null; then expect "${PYTHON:-python3}" "$repository/scripts/check_tensorboard.py" board; fi
works train tiny.yaml --run-dir board --overwrite
expect [ ! -e board/tensorboard ]
