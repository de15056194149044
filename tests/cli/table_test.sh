#!/usr/bin/env bash
# Tables as people have them: what is trained on them, and what they are told when something is wrong.
. "${0%/*}/support.sh"

common='tokenizer: {kind: word}
model: {width: 16, layers: 1, heads: 2, hidden: 32, position: learned}
optimizer: {learning_rate: 1.0e-02}
evaluation: {every: 100}'

# Classes, with commas, quotes and ends of lines in the texts.
labelled questions.txt 240
awk 'BEGIN { print "id,question,kind" } { label = $1; sub(/^[A-Z]+ /, ""); printf "%d,\"Well, \"\"%s\"\"\n?\",%s\r\n", NR, $0, label }' questions.txt >questions.csv
cat >classes.yaml <<YAML
data: {kind: table, train: questions.csv, text: question, label: kind, validation: 0.1, test: 0.2, max_length: 24}
objective: {kind: sequence_classification}
training: {epochs: 6, batch_size: 16}
$common
YAML
works train classes.yaml
works evaluate runs/classes --json
expect less 0.97 "$(number accuracy)"
expect [ "$(cat runs/classes/labels.json)" = '["PERSON","PLACE"]' ]
echo 'Well, "the n3 sings of n5" ?' >asked.txt
works predict runs/classes asked.txt
prints '^PERSON	[01]\.[0-9]+	PLACE	'
works verify runs/classes

# The same rows as TSV and as JSONL give the same bits.
awk 'BEGIN { print "kind\tquestion" } { label = $1; sub(/^[A-Z]+ /, ""); printf "%s\tWell, \"%s\" ?\n", label, $0 }' questions.txt >questions.tsv
awk '{ label = $1; sub(/^[A-Z]+ /, ""); printf "{\"kind\": \"%s\", \"question\": \"Well, \\\"%s\\\"\\n?\"}\n", label, $0 }' questions.txt | gzip >questions.jsonl.gz
for file in questions.csv questions.tsv questions.jsonl.gz; do
  works train classes.yaml --run-dir "of_$file" --set "data.train=$file" --set training.epochs=1
done
expect [ "$(hash_of of_questions.csv "$(last_step of_questions.csv)")" = "$(hash_of of_questions.tsv "$(last_step of_questions.tsv)")" ]
expect [ "$(hash_of of_questions.csv "$(last_step of_questions.csv)")" = "$(hash_of of_questions.jsonl.gz "$(last_step of_questions.jsonl.gz)")" ]

# Pairs: which of the two names the larger one? Without positions only the token types can tell.
awk 'BEGIN {
  print "first,second,larger"
  for (i = 0; i < 600; ++i) {
    x = (x * 69069 + 12345) % 65536; y = (x * 69069 + 12345) % 65536
    a = int(x / 64) % 6; b = (a + 1 + int(y / 64) % 5) % 6
    printf "the n%d sees c%d,c%d is here,%s\n", int(x / 4096) % 9, a, b, (a > b ? "yes" : "no")
    x = y
  }
}' >pairs.csv
cat >pairs.yaml <<YAML
data: {kind: table, train: pairs.csv, text: [first, second], label: larger, validation: 0.1, test: 0.2, max_length: 16}
objective: {kind: sequence_classification}
training: {epochs: 40, batch_size: 16}
$common
YAML
works train pairs.yaml --run-dir no_types --set model.position=none --set model.token_types=0
works evaluate no_types --json
expect less "$(number accuracy)" 0.75
# Settings that find it with every seed tried (1 to 5), so that another order of rounding cannot fail the test.
for options in "" "--set objective.pooling=cls --set model.width=32 --set model.layers=2 --set optimizer.learning_rate=3e-3"; do
  works train pairs.yaml --overwrite --set model.position=none $options
  works evaluate runs/pairs --json
  expect less 0.95 "$(number accuracy)"
done
expect grep -q '^ *token_types: 2' runs/pairs/config.resolved.yaml
printf 'the n3 sees c4\tc1 is here\nthe n3 sees c1\tc4 is here\n' >asked.txt
works predict runs/pairs asked.txt --top-k 1
expect [ "$(cut -f 1 out | tr '\n' ' ')" = "yes no " ]
printf 'the n3 sees c5\tc0 is here\n\nthe n3 sees c2\n' >asked.txt
run predict runs/pairs asked.txt
expect [ "$status" = 3 ]
expect [ "$(grep -c yes out)" = 1 ]
says '^error: asked.txt:3: this run was trained on pairs; expected two texts with a tab between them$'
works attention runs/pairs "$(printf 'the n3 sees c2\tc2 is here')" --layer 0 --head 0
prints '\[SEP\]'
fails 2 'trained on pairs' attention runs/pairs 'the n3 sees c2'
# Words of pairs can be hidden, too, but no [SEP].
sed 's/{kind: sequence_classification.*/{kind: masked_lm}/' pairs.yaml >words.yaml
works train words.yaml --set training.epochs=1

# A number: how often a word stands there.
awk 'BEGIN {
  for (i = 0; i < 400; ++i) {
    n = 0; text = "so"
    for (k = 0; k < 6; ++k) { x = (x * 69069 + 12345) % 65536; if (int(x / 64) % 2) { n++; text = text " yes" } else text = text " no" }
    printf "{\"text\": \"%s\", \"score\": %.2f}\n", text, 10 + n / 4
  }
}' >numbers.jsonl
cat >numbers.yaml <<YAML
data: {kind: table, train: numbers.jsonl, text: text, label: score, validation: 0.1, test: 0.2, max_length: 8}
objective: {kind: regression}
training: {epochs: 20, batch_size: 16}
$common
YAML
works train numbers.yaml
works evaluate runs/numbers --json
expect less 0.9 "$(number pearson)"
works predict runs/numbers <(echo 'so yes yes yes yes yes yes')
expect less 11 "$(cat out)"

# Several labels.
awk 'BEGIN {
  print "text;topics"
  for (i = 0; i < 300; ++i) {
    x = (x * 69069 + 12345) % 65536; a = int(x / 64) % 2; b = int(x / 512) % 2
    printf "it %s %s here;%s\n", a ? "rains" : "is", b ? "blows" : "was", a ? (b ? "wet, windy" : "wet") : (b ? "windy" : "")
  }
}' >topics.csv
cat >topics.yaml <<YAML
data: {kind: table, train: topics.csv, delimiter: semicolon, text: text, label: topics, label_separator: ",", validation: 0.1, test: 0.2, max_length: 8}
objective: {kind: multi_label_classification}
training: {epochs: 20, batch_size: 16}
$common
YAML
works train topics.yaml
expect [ "$(cat runs/topics/labels.json)" = '["wet","windy"]' ]
works evaluate runs/topics --json
expect less 0.98 "$(number f1)"

# What is wrong is said with file and line; nothing is written.
printf 'id,question,kind\n1,a,b\n2,c\n' >short.csv
fails 3 'short.csv:3: this row has 2 fields, and the first row 3' train classes.yaml --run-dir none --set data.train=short.csv
fails 3 'questions.csv:1: there is no column `questoin`' train classes.yaml --run-dir none --set data.text=questoin
says '^help: did you mean `question`\?$'
printf 'question,kind\na,b\n"c,d\n' >open.csv
fails 3 'open.csv:3: the quote that opens here is never closed' train classes.yaml --run-dir none --set data.train=open.csv
head -c 300 questions.jsonl.gz >cut.jsonl.gz
fails 3 'cut.jsonl.gz: this gzip file ends too early' train classes.yaml --run-dir none --set data.train=cut.jsonl.gz
printf 'question,kind\n,b\na,b\nc,d\ne,b\nf,d\ng,d\nh,b\ni,b\nj,d\nk,d\n' >empty.csv
works train classes.yaml --run-dir some --set data.train=empty.csv --set training.epochs=1
says '^warning: 1 rows have no text and are left out, first empty.csv:2$'
expect [ ! -e none ]

# What `config init --data` writes trains as it is.
works config init --data questions.csv
cp out mine.yaml
works config check mine.yaml
works train mine.yaml
works evaluate runs/questions --json
expect less 0.97 "$(number accuracy)"
expect grep -q 'label: kind .* # of the other columns it has the fewest different values$' mine.yaml
expect grep -q '# kind has 2 different values$' mine.yaml
fails 3 'nothing.csv' config init --data nothing.csv
fails 3 'open.csv:3: the quote' config init --data open.csv
fails 2 'excludes' config init classification --data questions.csv

# A truth of one's own: words in reverse order, each answer with the place that it comes from.
awk 'BEGIN {
  for (i = 0; i < 500; ++i) {
    for (p = 0; p < 4; ++p) { x = (x * 69069 + 12345) % 65536; s[p] = substr("abcdef", 1 + int(x / 64) % 6, 1) }
    printf "{\"tokens\": [\"%s\", \"%s\", \"%s\", \"%s\"], \"targets\": [\"%s\", \"%s\", \"%s\", \"%s\"], \"links\": [", s[0], s[1], s[2], s[3], s[3], s[2], s[1], s[0]
    for (p = 0; p < 4; ++p) {
      other = s[3 - p] == "a" ? "b" : "a"
      printf "%s{\"class\": \"mirror\", \"target\": %d, \"sources\": [%d], \"pair\": {\"tokens\": [\"%s\"], \"target\": \"%s\"}}", p ? ", " : "", p, 3 - p, other, other
    }
    print "]}"
  }
}' >mirror.jsonl
cat >mirror.yaml <<YAML
data: {kind: jsonl, train: mirror.jsonl, validation: 0.1, test: 0.2, max_length: 8}
objective: {kind: token_classification}
training: {epochs: 30, batch_size: 16}
model: {width: 32, layers: 1, heads: 2, hidden: 32, position: learned}
optimizer: {learning_rate: 1.0e-02}
YAML
works train mirror.yaml
works evaluate runs/mirror --json
expect less 0.97 "$(number accuracy)"
expect less 0.97 "$(number decision)"
expect less 0.5 "$(number effect)"
sed '3s/"target": 1/"target": 9/' mirror.jsonl >wrong.jsonl
fails 3 'wrong.jsonl:3: `links.target` is 9; the positions of this line are 0 to 3' train mirror.yaml --run-dir none --set data.train=wrong.jsonl

# The truth that `data make` writes, read again, is the task itself: a run on it has the same bits.
works data make recall --out made --set data.vocabulary_size=9 --set data.length=6 --set data.train_sentences=300 --set data.validation_sentences=0 --set data.test_sentences=50
cat >task.yaml <<YAML
data: {kind: task, task: recall, vocabulary_size: 9, length: 6, min_length: 2, queries: 2, max_length: 32, train_sentences: 300, validation_sentences: 0, test_sentences: 50}
objective: {kind: token_classification}
training: {steps: 10, batch_size: 16}
model: {width: 16, layers: 1, heads: 2, hidden: 32, position: learned}
YAML
sed 's/^data: .*/data: {kind: jsonl, train: made\/train.jsonl, test: made\/test.jsonl, max_length: 32}/' task.yaml >made.yaml
works train task.yaml
works train made.yaml
expect cmp -s runs/task/checkpoints/step-00000010/model.safetensors runs/made/checkpoints/step-00000010/model.safetensors
