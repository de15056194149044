#!/usr/bin/env bash
# A text of 1 GB is trained on in less than 100 MB of memory that is not the mapped file itself.
. "${0%/*}/support.sh"

folder="$(mktemp -d -p "${TMPDIR:-/tmp}" vitrine-large.XXXXXX)"  # on a disk: a file in memory would prove nothing
trap 'rm -rf "$folder" "$work"; exit $((failures > 0))' EXIT
for i in {1..20000}; do echo "line $i: $((i * 7919 % 1000)) of the quick brown foxes jump over $((i * 31 % 97)) dogs"; done >"$folder/part"
lines=$((1000000000 / $(stat -c %s "$folder/part") + 1))
for ((i = 0; i < lines; ++i)); do cat "$folder/part"; done >"$folder/text"
expect [ "$(stat -c %s "$folder/text")" -ge 1000000000 ]

cat >text.yaml <<YAML
data: {kind: text, train: $folder/text, validation: 0.0001, max_length: 64}
tokenizer: {kind: character}
model: {width: 16, layers: 1, heads: 2, hidden: 32}
objective: {kind: causal_lm}
schedule: {kind: constant}
training: {steps: 200, batch_size: 8}
YAML
"$vitrine" train text.yaml --run-dir run >out 2>err &
most=0
while kill -0 $! 2>/dev/null; do
  now="$(sed -n 's/^RssAnon:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$!/status" 2>/dev/null)"
  ((${now:-0} > most)) && most="$now"
  sleep 0.02
done
wait $!
status=$? command="train text.yaml"
((status == 0)) || wrong "expected exit code 0"
echo "anonymous memory: $most kB at most"
((most > 1000 && most < 100000)) || wrong "expected less than 100000 kB of anonymous memory, not $most"
