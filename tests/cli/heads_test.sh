#!/usr/bin/env bash
# What heads do: `inspect --table` over a split, `patch` for a pair of sentences.
. "${0%/*}/support.sh"

write_tiny_grammar
works train tiny.yaml

works inspect runs/tiny --table
prints '^test: 60 sequences, step 30, loss [0-9.]+$'
prints '^  head +loss without it +at its mean +importance$'
prints '^  1\.1 +[-+][0-9.]+ ±[0-9.]+ '
prints '^  chance '
prints '^  untrained, most '
prints '^  head .* self +previous'
prints "^- '.*' is not learned: [0-9]+ % of the answers agree with their source \\(threshold 75 %\\)$"
expect [ ! -s err ]
works inspect runs/tiny --table --json --split validation --limit 20
expect [ "$(wc -l <out)" = 1 ]
prints '^\{"split":"validation","step":30,"sentences":20,"loss":\{"value":[0-9.]+,"interval":[0-9.]+\},"chance":\{"self":'
for key in loss_zeroed loss_averaged sensitivity importance content self previous next same_token first_key entropy induction masked_copy untrained links; do
  prints "\"heads\":\\[\\{\"layer\":0,\"head\":0,.*\"$key\":.*\"divergence\""
done
prints '"findings":\[\{"kind":"[a-z_]+","heads":\["0\.0"'
works inspect runs/tiny --table --csv
prints '^layer,head,measure,value,interval,chance,untrained$'
prints '^1,0,previous,[-0-9.e]+,[-0-9.e]+,[-0-9.e]+,[-0-9.e]+$'
expect [ "$(awk -F, 'NF != 7' out | wc -l)" = 0 ]
expect [ "$(grep -c '^0,0,' out)" = "$(grep -c '^1,1,' out)" ]
fails 2 'no dev split' inspect runs/tiny --table --split dev
fails 2 'at least 1' inspect runs/tiny --table --limit 0
fails 2 'requires --table' inspect runs/tiny --csv
fails 2 '--limit requires --table' inspect runs/tiny --limit 3
works inspect runs/tiny --figure table --limit 30 --out table.svg
expect grep -q '<title>Heads (block.head) of tiny after step 30 over 30 sequences of the test split\. ' table.svg
expect grep -q ">without<" table.svg
works inspect runs/tiny --figure table --limit 30 --out again.svg
expect cmp -s table.svg again.svg
works inspect runs/tiny --figure table --limit 30 --width 300mm --out wide.svg
expect [ "$(grep -c '<text' wide.svg)" -gt "$(grep -c '<text' table.svg)" ]

# patch
clean="the letter from greta to fiona was signed by [MASK]" pair="the letter from jim to fiona was signed by [MASK]"
works patch runs/tiny --clean "$clean" --pair "$pair" --answer greta --pair-answer jim
prints '^clean  the letter from greta to fiona was signed by \[MASK\]$'
prints '^Patching nothing moves 0, all 1\.$'
prints '^The pair moves the answer by [-0-9.e]+ nats only: these are shares of next to nothing\.$'
prints '^  residual .*«greta»'
prints '›\[MASK\]$'
prints '^  head +everywhere +at › +direct$'
prints '^  edges to › '
prints '^  what it hangs on '
prints '^Heads whose weights rank the words as leaving them out does, beyond chance \(.τ. > 0\.[0-9]+\):'
prints '^  block 1     '
sum="$(sed -n 's/.*their sum \([-+.0-9]*\) is the log-odds \([-+.0-9]*\)$/\1 \2/p' out)"
expect [ "${sum% *}" = "${sum#* }" ]
expect [ ! -s err ]
works patch runs/tiny --clean "$clean" --pair "$pair" --answer greta --pair-answer jim --json --layer 1 --head 0
expect [ "$(wc -l <out)" = 1 ]
prints '"effect_of_none":0\.0,"effect_of_all":1\.0'
for key in residual attention feed_forward heads heads_at_target edges_to_target logit_lens words leave_one_out direct edges vocabulary; do prints "\"$key\":[[{]"; done
expect [ "$(grep -o '"looks_for"' out | wc -l)" = 10 ]
works patch runs/tiny --clean "$clean" --pair "$pair" --answer greta --pair-answer jim --figure patch.svg
prints '^patch\.svg$'
expect grep -q '<svg .* width="84mm"' patch.svg
expect grep -q '<title>Effects of single activations of “the letter from jim .* after step 30 of tiny: .* configuration xxh3:' patch.svg
expect grep -q '>greta / jim<' patch.svg
cp patch.svg first.svg
works patch runs/tiny --clean "$clean" --pair "$pair" --answer greta --pair-answer jim --figure patch.svg --width 84
expect cmp -s patch.svg first.svg
fails 2 '--width 1: expected millimetres' patch runs/tiny --clean "$clean" --pair "$pair" --answer greta --pair-answer jim --figure patch.svg --width 1
fails 2 "cannot write .*nowhere/x.svg" patch runs/tiny --clean "$clean" --pair "$pair" --answer greta --pair-answer jim --figure nowhere/x.svg
works patch runs/tiny --clean "$clean" --pair "$pair" --answer greta --pair-answer jim --csv
prints '^activation,layer,head,position,token,effect$'
prints '^residual,,,3,"greta",1$'
prints '^head_at_target,1,0,,,[-0-9.e]+$'
prints '^edge_to_target,1,1,3,"greta",[-0-9.e]+$'
expect [ "$(wc -l <out)" = $((1 + 30 + 20 + 20 + 4 + 4 + 40)) ]
expect [ "$(awk -F, 'NF != 6' out | wc -l)" = 0 ]
fails 2 "a pair has the same length: '.*' has 10 tokens, 'greta \[MASK\]' has 2" patch runs/tiny --clean "$clean" --pair "greta [MASK]"
fails 2 '\[MASK\] does not stand at the same places' patch runs/tiny --clean "the [MASK] sat" --pair "the cat [MASK]"
fails 2 "has no \[MASK\]" patch runs/tiny --clean "the cat" --pair "the dog"
fails 2 "'zebra' is no answer" patch runs/tiny --clean "$clean" --pair "$pair" --answer zebra
fails 2 "both sentences are answered by '[a-z]+'" patch runs/tiny --clean "$clean" --pair "$clean"
fails 2 'same log-odds' patch runs/tiny --clean "$clean" --pair "$clean" --answer greta --pair-answer jim
fails 2 '--layer 2: this model has 0 to 1' patch runs/tiny --clean "$clean" --pair "$pair" --layer 2 --head 0
fails 2 'requires --head' patch runs/tiny --clean "$clean" --pair "$pair" --layer 1
fails 2 'holds no token' patch runs/tiny --clean "" --pair "$pair"
works patch runs/tiny --clean "the zebra [MASK]" --pair "the cat [MASK]" --answer sat --pair-answer slept
says "'zebra' does not occur in the training text"

# Other objectives: labels, with pooling by [CLS] (there is no other row) and by the mean; what has no direct shares says why.
labelled questions.txt 60
cat >labels.yaml <<YAML
run: {name: labels}
data: {kind: labelled_lines, train: questions.txt, validation: 0.2, max_length: 10}
tokenizer: {kind: word}
model: {width: 8, layers: 1, heads: 2, hidden: 12, norm: {place: post}}
objective: {kind: sequence_classification, pooling: cls}
training: {steps: 4, batch_size: 4}
YAML
works train labels.yaml
works patch runs/labels --clean "the n1 sings of n7" --pair "the n1 river of n7" --answer PERSON --pair-answer PLACE
prints '^No direct shares: post-norm blocks'
prints '^  0\.0 +[-0-9.·]+ +[-0-9.·]+ +–$'
works inspect runs/labels --table --json
prints '"split":"validation".*"cls":\{'
works inspect runs/labels "the n1 sings of n7" --sample 2 --out labels.html
works inspect runs/labels "$(printf 'n1 %.0s' {1..12})" --out labels.html
expect grep -q 'Cut to 10 of its 13 tokens' labels.html
works train labels.yaml --run-dir runs/recorded --set inspect.every=2
expect [ -s runs/recorded/page.html ]
works train labels.yaml --run-dir runs/mean --set objective.pooling=mean --set model.norm.place=pre
works patch runs/mean --clean "the n1 sings of n7" --pair "the n1 river of n7" --answer PERSON --pair-answer PLACE
prints '^  0\.0 +[-0-9.·]+ +– +[-+0-9.]+$'
prints 'their sum [-+.0-9]+ is the log-odds'
works inspect runs/mean --table
