#!/usr/bin/env bash
# A training that is stopped, killed or disturbed while it saves, and then resumed, ends with the bits of one that was left alone.
. "${0%/*}/support.sh"

labelled questions.txt 90
cat >tiny.yaml <<YAML
data: {kind: labelled_lines, train: questions.txt, validation: 0.2, max_length: 12}
tokenizer: {kind: word}
model: {width: 16, layers: 1, heads: 2, hidden: 32, dropout: 0.2, max_length: 12, position: learned}
objective: {kind: sequence_classification}
schedule: {kind: constant}
training: {steps: 40, batch_size: 8, lanes: 3}       # 9 steps an epoch
evaluation: {every: 7}
checkpoint: {every: 10, keep: 3}
log: {interval: 5}
YAML
resume() { [[ -d $1 ]] && echo --resume; }  # nothing where a kill came before the first folder
same_as_undisturbed() { [[ $(hash_of "$1" "$2") == "$(hash_of "$3" "$2")" ]] || wrong "$1 and $3 differ at step $2"; }

# In the middle of an epoch, from 13 and from 25 steps, with other numbers of threads than the undisturbed run.
works train tiny.yaml --run-dir whole --set run.threads=1
works train tiny.yaml --run-dir parts --set training.steps=13 --set run.threads=2
works train tiny.yaml --run-dir parts --resume --set training.steps=25 --set run.threads=3
says '^resumed +after step 13$'
works train tiny.yaml --run-dir parts --resume --set run.threads=4
model_of() { cat "$1/checkpoints/step-00000040/model.safetensors" "$1/checkpoints/step-00000040/optimizer.safetensors" | sha256sum; }
expect [ "$(model_of parts)" = "$(model_of whole)" ]  # metrics.jsonl also has the steps at which the parts ended
works train tiny.yaml --run-dir whole --resume
same_as_undisturbed whole 40 whole
fails 2 'cannot be resumed with another configuration' train tiny.yaml --run-dir whole --resume --set model.dropout=0.1
says '  model\.dropout\.embedding: 0\.1; the run has 0\.2$'
fails 2 "no run directory 'nowhere' to resume" train tiny.yaml --run-dir nowhere --resume
fails 2 'excludes' train tiny.yaml --run-dir whole --resume --overwrite

# SIGINT and SIGTERM finish the step and save, whenever they come.
set -m  # a job of its own: without it the shell makes the program deaf to SIGINT
for signal in INT:130 TERM:143; do
  run_dir="stopped-$signal"
  command="vitrine train, then kill -${signal%:*}"
  "$vitrine" train tiny.yaml --run-dir "$run_dir" --set training.steps=100000000 --set checkpoint.every=0 --set evaluation.every=0 >out 2>err &
  program=$!
  until [[ -s $run_dir/metrics.jsonl ]]; do sleep 0.01; done
  sleep "0.0$((RANDOM % 90 + 10))"
  kill -"${signal%:*}" $program
  wait $program
  status=$?
  expect [ $status = "${signal#*:}" ]
  says "^stopped by SIG${signal%:*} after step [0-9,]+, which is saved; go on with the same command and --resume$"
  prints "^Run directory: $run_dir$"
  step="$(last_step "$run_dir")"
  expect [ "$step" -gt 0 ]
  works train tiny.yaml --run-dir "$run_dir" --resume --set training.steps=$((step + 11)) --set evaluation.every=0
  [[ $(tr -d , <err) =~ "after step $step" ]] || wrong "expected to go on after step $step"
  works train tiny.yaml --run-dir "$run_dir-whole" --set training.steps=$((step + 11)) --set evaluation.every=0
  same_as_undisturbed "$run_dir" $((step + 11)) "$run_dir-whole"
done
set +m

# kill -9 at any time, again and again.
for threads in 1 2 3 4 1 2 3 4; do
  "$vitrine" train tiny.yaml --run-dir killed $(resume killed) --set training.steps=100000000 --set run.threads=$threads >out 2>err &
  program=$!
  sleep "0.$((RANDOM % 3))$((RANDOM % 9 + 1))"
  kill -9 $program || wrong 'expected to be killed while training'
  wait $program 2>/dev/null
done
step=$(($(last_step killed) + 20))
works train tiny.yaml --run-dir killed $(resume killed) --set training.steps=$step
works train tiny.yaml --run-dir long --set training.steps=$step
same_as_undisturbed killed $step long

# Killed at each system call of a training in turn.
works train tiny.yaml --run-dir short --set training.steps=12
expected="$(hash_of short 12)"
calls=0 status=137
while [[ $status == 137 ]]; do
  calls=$((calls + 1))
  rm -rf broken
  { VITRINE_FAILPOINT="$calls:kill" run train tiny.yaml --run-dir broken --set training.steps=12; } 2>/dev/null
  killed=$status
  [[ $killed == 137 || $killed == 0 ]] || wrong "expected to be killed at call $calls"
  works train tiny.yaml --run-dir broken $(resume broken) --set training.steps=12
  [[ $(hash_of broken 12) == "$expected" ]] || wrong "killed at call $calls, then resumed: other bits"
  status=$killed
done
expect [ "$calls" -gt 60 ]

# The disk is full there. A call that only tidies up may fail in silence.
for ((call = 1 + RANDOM % 3; call < calls; call += 3)); do
  rm -rf broken
  VITRINE_FAILPOINT="$call:enospc" run train tiny.yaml --run-dir broken --set training.steps=12
  [[ $status == 0 || $status == 4 ]] || wrong "disk full at call $call: expected exit code 4"
  [[ $status == 0 ]] || says '^error: .*: the disk is full'
  [[ $status == 0 ]] || works train tiny.yaml --run-dir broken $(resume broken) --set training.steps=12
  [[ $(hash_of broken 12) == "$expected" ]] || wrong "disk full at call $call, then resumed: other bits"
done
