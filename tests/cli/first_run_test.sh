#!/usr/bin/env bash
# The main job as a person does it: train, evaluate, look.
. "${0%/*}/support.sh"

write_tiny_grammar
cat >>tiny.yaml <<YAML
evaluation: {every: 10}
log: {interval: 10}
YAML

works train tiny.yaml
prints '^ +loss +[0-9.]+ +nothing can do better than [0-9.]+ · bigram [0-9.]+ · unigram [0-9.]+ · uniform [0-9.]+$'
prints '^  subject-verb number +[0-9.]+ %'
prints '^Next:  .*vitrine attention runs/tiny --sample 1'
expect [ "$(tail -n 1 out)" = "Run directory: runs/tiny" ]
says '^model .* parameters$'
says '^memory .* planned: parameters'
says '^step .* tokens on average'
says '^training +30 steps'
says '^step 20/30  loss [0-9.]+ .* left$'
expect [ "$(cat out err | tr -d -c '\033\r' | wc -c)" = 0 ]
for file in config.resolved.yaml tokenizer.json metrics.jsonl train.log best latest run.json \
  checkpoints/step-00000030/{model.safetensors,optimizer.safetensors,state.json,manifest.json}; do
  expect [ -s "runs/tiny/$file" ]
done
expect [ "$(cat runs/tiny/latest)" = checkpoints/step-00000030 ]
expect [ "$(grep -c '^{"step":[0-9]*,"split":"train","loss":.*"learning_rate":.*"gradient_norm":.*"tokens_per_s":.*"seconds":.*}$' runs/tiny/metrics.jsonl)" = 3 ]
expect [ "$(grep -c '^{"step":[0-9]*,"split":"validation","loss":.*"accuracy":.*}$' runs/tiny/metrics.jsonl)" = 3 ]
expect [ -z "$(find runs/tiny -name '.*')" ]

# The configuration that the run wrote is the same run.
works train runs/tiny/config.resolved.yaml --run-dir runs/again
expect [ "$(hash_of runs/again 30)" = "$(hash_of runs/tiny 30)" ]

fails 2 "run directory 'runs/tiny' exists already" train tiny.yaml
says '^help: --resume goes on with it, --overwrite starts anew in it'
cp runs/tiny/metrics.jsonl before
works train tiny.yaml --overwrite --set training.steps=10
expect [ "$(ls runs/tiny/checkpoints)" = step-00000010 ]
expect [ "$(wc -l <runs/tiny/metrics.jsonl)" = 2 ]
works train tiny.yaml --overwrite --json
expect [ "$(wc -l <out)" = 1 ]
prints '^\{"run":"runs/tiny","seed":1,"ending":"steps","steps":30,.*"test":\{.*\}\}$|^\{"run":"runs/tiny","seed":1,"ending":"steps","steps":30,.*\}$'

# evaluate
works evaluate runs/tiny
prints '^test: 60 sequences, step 30$'
prints '^  accuracy +[0-9.]+ % +always the most frequent answer: [0-9.]+ %$'
prints 'All heads together have an effect of exactly 1'
expect [ ! -s err ]
works evaluate runs/tiny --json
expect [ "$(wc -l <out)" = 1 ]
prints '^\{"split":"test","step":30,.*"loss":[0-9.]+,"floors":\{"uniform":[0-9.]+,"unigram":[0-9.]+,"bigram":[0-9.]+,"majority":[0-9.]+,"entropy":[0-9.]+\}.*"accuracy":.*"perplexity":.*\}$'
for key in decision decision_attractors effect attention hit_rate chance untrained; do prints "\"copied name\":\\{[^}]*\"$key\":[0-9.n]"; done
prints '"effect_head":"[01]\.[01]".*"attention_head":"[01]\.[01]"'
test_loss="$(number loss)"
works evaluate runs/tiny --split validation --json
prints '"split":"validation"'
expect [ "$(number loss)" = "$(grep '"step":30,"split":"validation"' runs/tiny/metrics.jsonl >line && number loss line)" ]
expect [ "$(number loss)" != "$test_loss" ]
fails 2 "no split 'dev'; this corpus has train, validation, test" evaluate runs/tiny --split dev
# A run can be moved, and be read by who may not write in it.
mkdir elsewhere && mv runs/tiny elsewhere/tiny
works evaluate elsewhere/tiny --json
expect [ "$(number loss)" = "$test_loss" ]
mv elsewhere/tiny runs/tiny

# attention
works attention runs/tiny "the cat [MASK] on the mat"
prints '^block 0 +head 0 +head 1'
prints '^block 1'
prints '^› +\[MASK\] '
prints '^  › \[MASK\] +.* 0\.[0-9]{2}'
expect [ ! -s err ]
works attention runs/tiny "the cat [MASK] on the mat" --layer 1 --head 0
prints '^block 1, head 0$'
expect [ "$(grep -c '^block' out)" = 1 ]
expect [ "$(grep -c '^ *mat  ' out)" = 1 ]
works attention runs/tiny "the cat [MASK] on the mat" --layer 1
expect [ "$(grep -c '^block 1, head' out)" = 2 ]
works attention runs/tiny "the cat [MASK] on the mat" --json
prints '^\{"tokens":\["the","cat","\[MASK\]","on","the","mat"\],"layers":2,"heads":2,"weights":\[\[\[\[0\.[0-9]+,.*"predictions":\[\{"position":2,'
# Every row of weights sums to 1.
expect awk 'BEGIN { RS = "\\[" } /^0?[0-9.]*[0-9.e-]*,/ && gsub(/\].*/, "") { n = split($0, w, ","); if (n != 6) next; s = 0; for (i in w) s += w[i]; rows++; if (s < 0.999 || s > 1.001) bad++ } END { exit !(rows == 24 && !bad) }' out
for sample in 1 2 3 4 5 6 7 8; do
  works attention runs/tiny --sample "$sample"
  grep -q '^  link  ' out && break
done
prints '^  link +[a-z -]+: [a-z]+ here, [a-z]+ in the pair "'
prints '^  acts most +block [01], head [01]: its output from the pair moves the answer -?[0-9.]+ of the way$'
works attention runs/tiny --sample "$sample" --json
prints '"link":\{"name":"[a-z -]+","target":[0-9]+,"sources":\[[0-9]+'
fails 2 'sequences 1 to 60' attention runs/tiny --sample 61
fails 2 'layer 2: this model has 0 to 1' attention runs/tiny the --layer 2
fails 2 'head 2: this model has 0 to 1' attention runs/tiny the --layer 0 --head 2
fails 2 'needs a TEXT, --sample N, or inspect.sentences' attention runs/tiny
fails 2 'at most 32' attention runs/tiny "$(printf 'the %.0s' {1..33})"

# Seeds
works train tiny.yaml --run-dir s --seeds 3,4
prints '^ +3 +[0-9.]+ +[0-9.]+ % +s-seed3$'
prints '^  loss +[0-9.]+ ± 0?\.?[0-9.]+$'
expect [ "$(tail -n 1 out)" = "Run directories: s-seed{3,4}" ]
expect [ -s s-seed3/latest -a -s s-seed4/latest ]
seed4="$(hash_of s-seed4 30)"
expect [ "$(hash_of s-seed3 30)" != "$seed4" ]
rm -r s-seed4  # as if stopped before
works train tiny.yaml --run-dir s --seeds 3,4 --resume
expect [ "$(hash_of s-seed4 30)" = "$seed4" ]

# Where output cannot go, that is said.
"$vitrine" evaluate runs/tiny >/dev/full 2>err
status=$? command="vitrine evaluate >/dev/full"
expect [ "$status" = 1 ]
says '^error: cannot write the results: No space left on device'
"$vitrine" train tiny.yaml --run-dir piped 2>&1 | head -n 1 >out
command="vitrine train … | head -n 1"
expect [ "$(last_step piped)" = 30 ]

# A terminal gets colours and a line that is redrawn, unless it says that it cannot, or that nobody wants colours.
on_terminal() {
  command="vitrine train tiny.yaml, on a terminal with $*"
  env "$@" script -qec "'$vitrine' train tiny.yaml --run-dir shown --overwrite" typed </dev/null >out
}
holds() { grep -q -a -e "$1" typed; }
if command -v script >/dev/null; then
  on_terminal TERM=xterm-256color
  expect holds $'\r[0-9]*/30 .*\033\\[K'
  expect holds $'\033\\[[0-9;]*m'
  on_terminal TERM=xterm-256color NO_COLOR=1
  expect holds $'\033\\[K'
  holds $'\033\\[[0-9;]*m' && wrong 'expected no colours'
  on_terminal TERM=dumb
  holds $'\033' && wrong 'expected no escape codes'
fi
