#!/usr/bin/env bash
# The other verbs: config, gradients, gradcheck, bench, doctor, and their help.
. "${0%/*}/support.sh"

labelled questions.txt 60
cat >tiny.yaml <<YAML
run: {seed: 2}
data: {kind: labelled_lines, train: questions.txt, validation: 0.2, max_length: 10}
tokenizer: {kind: word}
model: {width: 8, layers: 2, heads: 2, hidden: 12, activation: swiglu, position: learned}
objective: {kind: sequence_classification}
training: {steps: 4, batch_size: 4}
YAML

for verb in train evaluate predict embed generate attention gradcheck gradients inspect patch "bench train" "config show" "config check" "config explain" "config init" "config schema" "data make" "lab list" "lab start" "lab check" "lab grade" doctor plot sweep verify; do
  works $verb --help
  prints '^Examples?(:|,)'
  prints '^  vitrine '"$verb"
  expect [ ! -s err ]
done
works --help
for verb in train evaluate predict embed generate attention gradcheck gradients inspect patch bench config data doctor lab plot sweep verify; do prints "^  $verb  "; done
works --version
prints '^[0-9]+\.[0-9]+\.[0-9]+'

works config show tiny.yaml --set training.steps=9 --origin
prints '^  seed: 2 +# tiny.yaml:1$'
prints '^  steps: 9 +# --set$'
prints '^  learning_rate: (0\.001|1\.0e-03) +# default$'
works config show tiny.yaml
cp out shown.yaml
works config show shown.yaml
sed -i 's/^  name: shown/  name: tiny/' out
expect cmp -s out shown.yaml
works config check tiny.yaml
prints '^tiny.yaml: no mistakes$'
sed 's/width: 8/widht: 8/; s/steps: 4/steps: four/' tiny.yaml >wrong.yaml
run config check wrong.yaml
expect [ "$status" = 2 ]
expect [ "$(grep -c 'wrong.yaml:[46]:[0-9]*: ' err)" = 2 ]
says '^help: did you mean `width`\?$'
says '^ +\| +\^+$'
works config explain optimizer.learning_rate
prints '^optimizer.learning_rate: .*\.$'
prints '^  default: (0\.001|1\.0e-03)$'
fails 2 'optimizer.lr: unknown key' config explain optimizer.lr

works config init
prints '^classification +Texts in classes'
works config init classification
cp out classification.yaml
works config check classification.yaml
fails 2 "there is no task 'clasification'" config init clasification
works config schema
prints '^  "\$schema": "https://json-schema.org/draft/2020-12/schema",$'

works gradients tiny.yaml --out g.safetensors
prints '^g.safetensors: [0-9]+ tensors; loss [0-9.]+ over 4 targets of [0-9]+ tokens$'
names="$(head -c 8192 g.safetensors | tr ',{}' '\n' | grep -a -o -E '^"[a-z_0-9.]+":$' | tr -d '":' | sort)"
for name in loss logits hidden.{0,1} attention.{0,1}.{0,1,2,3} \
  gradient.embedding.{token,position}.weight gradient.final_norm.{weight,bias} gradient.classifier.{weight,bias} \
  gradient.blocks.{0,1}.attention.{query,key,value,output}.{weight,bias} \
  gradient.blocks.{0,1}.{attention_norm,feed_forward_norm}.{weight,bias} \
  gradient.blocks.{0,1}.feed_forward.{gate,up,down}.weight; do
  grep -q -x -e "$name" <<<"$names" || wrong "g.safetensors has no $name"
done
works train tiny.yaml --run-dir initial --set training.steps=0
cp g.safetensors before.safetensors
works gradients tiny.yaml --out g.npz
prints '^g\.npz: [0-9]+ tensors; loss '
expect [ "$(head -c 2 g.npz)" = PK ]
works gradients tiny.yaml --weights initial/checkpoints/step-00000000/model.safetensors --out g.safetensors
expect cmp -s g.safetensors before.safetensors
fails 3 "expected 0 to|has no tensor 'tokens'" gradients tiny.yaml --batch g.safetensors --out h.safetensors
expect [ ! -e h.safetensors ]

works gradcheck tiny.yaml --samples 2 --parameter 'blocks.1.(attention|feed_forward)\.'
prints '^blocks.1.attention.query.weight +8×8 +2 .* ok$'
prints '^All 1[0-9] parameters are right\.$'
fails 2 "not a regular expression" gradcheck tiny.yaml --parameter '('
fails 2 "no parameter's name matches 'decoder'" gradcheck tiny.yaml --parameter decoder

works bench train tiny.yaml --seconds 0.2 --json
for key in tokens_per_s median_ms cpu_ms steps parameters threads peak_rss_mb planned_mb flops_per_step gemm_gflops utilisation; do
  expect less 0 "$(number "$key")"
done
works bench train tiny.yaml --seconds 0.1
prints '^  speed +[0-9,]+ tokens/s; [0-9.]+ ms a step \(median of [0-9]+\), [0-9.]+ ms of processor time$'
works bench train tiny.yaml --seconds 0.1 --profile
prints '^  one thread of this machine: [0-9]+ GFLOP/s in products; [0-9]+ GB/s out of its cache, [0-9]+ GB/s out of memory$'
prints '^  linear +[0-9.]+ % .* flops$'
works bench train tiny.yaml --seconds 0.1 --profile --json
prints '"ops":\[\{"name":"[a-z_ ]+","share":0\.[0-9]+,'
works bench ops --tokens 64 --length 16 --width 16 --heads 2 --hidden 32 --vocabulary 50 --seconds 0.002
prints '^  fused_attention_backward +[0-9.]+ '
fails 2 '3 heads do not divide --width 128' bench ops --heads 3
works bench attention --lengths 8,1024,2048 --seconds 0.001 --limit 0.001 --width 8 --heads 2 --out growth.svg
for kind in full/dense full local block_sparse top_k entmax adaptive_span routing linear performer; do prints "^  $kind  "; done
prints '^  full/dense .* time '                # of 2,048 tokens, which those of 1,024 say takes too long
prints '^  local  .* T\^1\.0[0-9]$'            # planned memory
expect grep -q '<svg' growth.svg
works bench attention --kinds linear --lengths 8,16 --seconds 0.001 --causal --forward --threads 2 --json
expect [ "$(grep -o '"ms":' out | wc -l)" = 2 ]
fails 2 'expected one of full, .* got lokal' bench attention --kinds lokal
fails 2 '10 are fewer than one sequence of --length 64' bench ops --tokens 10
fails 2 'training it needs [0-9,.]+ MB .*and this machine has' train tiny.yaml --set model.width=65536 --set model.layers=64 --run-dir huge

works doctor
prints '^vitrine [0-9]+\.[0-9]+\.[0-9]+$'
prints '^  devices +cpu$'
VITRINE_PLUGIN_DIR=nowhere works doctor
prints '^  no cuda    there is no libvitrine_cuda.so in nowhere; help: '
prints '^  terminal +80 columns, no colours \(not a terminal\)$'
