# What the tests of the program share. Each is called with the program as its argument, begins with `. "${0%/*}/support.sh"`, and
# then stands in an empty folder of its own. An expectation that fails is printed; the test ends with status 1 if there was one.
set -uo pipefail
export LC_ALL=C
unset VITRINE_FAILPOINT NO_COLOR COLUMNS
vitrine="$(realpath "$1")"
repository="$(realpath "${BASH_SOURCE[0]%/*}/../..")"
work="$(mktemp -d -p "$([[ -w /dev/shm ]] && echo /dev/shm || echo "${TMPDIR:-/tmp}")" vitrine-test.XXXXXX)"
cd "$work" || exit 1
failures=0
trap 'chmod -R u+w "$work"; rm -rf "$work"; exit $((failures > 0))' EXIT

wrong() {  # wrong WHAT: the last command and what it said stand below
  failures=$((failures + 1))
  printf 'FAILED %s:%s: %s\n  command: %s\n  status: %s\n' "${0##*/}" "${BASH_LINENO[1]}" "$1" "${command:-}" "${status:-}"
  [[ -f out ]] && tail -n 15 out | head -c 2000 | sed 's/^/  stdout: /'
  [[ -f err ]] && tail -n 15 err | head -c 2000 | sed 's/^/  stderr: /'
}

# tiny.yaml: a model of the toy grammar that trains in a moment.
write_tiny_grammar() {
  cat >tiny.yaml <<YAML
run: {name: tiny}
data: {kind: grammar, grammar: $repository/data/english.grammar, max_length: 32, train_sentences: 2000, validation_sentences: 60, test_sentences: 60}
tokenizer: {kind: word}
model: {width: 16, layers: 2, heads: 2, hidden: 32, max_length: 32, position: learned}
objective: {kind: masked_lm, tied: true}
training: {steps: 30, batch_size: 16}
YAML
}

# run ARGUMENTS…: the program, with its words in ./out and ./err and its exit code in $status.
run() {
  command="vitrine $*"
  timeout 120 "$vitrine" "$@" >out 2>err </dev/null
  status=$?
}
works() {
  run "$@"
  [[ $status == 0 ]] || wrong "expected exit code 0"
}
# fails CODE REGEX ARGUMENTS…: one clear sentence on stderr, nothing on stdout.
fails() {
  local code="$1" regex="$2"
  shift 2
  run "$@"
  if [[ $status != "$code" ]]; then
    wrong "expected exit code $code"
  elif [[ $(grep -c '^error: ' err) != 1 ]] || ! grep -E -q -e "^error: .*$regex" err; then
    wrong "expected one sentence, error: $regex"
  elif [[ -s out ]]; then
    wrong "expected nothing on stdout"
  fi
}
prints() { grep -E -q -e "$1" out || wrong "expected on stdout: $1"; }
says() { grep -E -q -e "$1" err || wrong "expected on stderr: $1"; }
says_not() { ! grep -E -q -e "$1" err || wrong "expected not on stderr: $1"; }
warns_once() { [[ $(grep -c '^warning: ' err) == 1 ]] && grep -E -q -e "^warning: .*$1" err || wrong "expected one warning: $1"; }
expect() { "$@" || wrong "expected: $*"; }  # any command

# number KEY [FILE]: the first value of "KEY" in JSON. less A B: A < B.
number() { grep -o "\"$1\":[-+.e0-9]*" "${2:-out}" | head -n 1 | cut -d : -f 2; }
less() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && b != "" && a + 0 < b + 0) }'; }

# hash_of RUN STEP: of the model, the optimizer, and of every number in metrics.jsonl that is not a time.
hash_of() {
  local folder
  folder="$1/checkpoints/step-$(printf %08d "$2")"
  sed -E 's/"(tokens_per_s|seconds)":[^,}]*//g' "$1/metrics.jsonl" |
    cat "$folder/model.safetensors" "$folder/optimizer.safetensors" - | sha256sum
}
last_step() { sed 's/.*step-0*//; s/^$/0/' "$1/latest"; }

# labelled FILE LINES: questions of two classes that one word tells apart.
labelled() {
  awk -v lines="$2" 'BEGIN {
    split("who sings walks waits", person); split("where river park bridge", place)
    for (i = 0; i < lines; ++i) {
      x = (x * 69069 + 12345) % 65536
      w = 1 + int(x / 16) % 4; filler = int(x / 256) % 23
      printf "%s the n%d %s of n%d\n", x % 2 ? "PERSON" : "PLACE", filler, x % 2 ? person[w] : place[w], (filler * 7) % 23
    }
  }' >"$1"
}
