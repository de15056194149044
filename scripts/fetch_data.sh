#!/bin/sh
# Gets real data into data/<name>/, which git ignores. Each file is compared with its SHA-256, so it is the one that the figures of
# this project were measured with. Sources, licences and formats: data/README.md.
set -eu
export LC_ALL=C

usage() {
  cat <<'END'
usage: scripts/fetch_data.sh trec|atis|tiny_shakespeare|wordnet|wordnet_nouns [--from DIR]
  --from DIR  copies DIR/<name>/… instead of downloading (wordnet, wordnet_nouns: reads DIR/wordnet/data.{noun,verb,adj,adv})
example: scripts/fetch_data.sh trec
END
}
fail() {
  echo "fetch_data.sh: $*" >&2
  exit 3
}

root=$(cd "$(dirname "$0")/.." && pwd)
name='' from=''
while [ $# -gt 0 ]; do
  case $1 in
    --from)
      [ $# -ge 2 ] || { usage >&2; exit 2; }
      from=$2
      shift
      ;;
    -h | --help) usage; exit 0 ;;
    -*) usage >&2; exit 2 ;;
    *)
      [ -z "$name" ] || { usage >&2; exit 2; }
      name=$1
      ;;
  esac
  shift
done

# sha256, file here, path under the URL of its source
case $name in
  trec)
    url=https://raw.githubusercontent.com/harvardnlp/sent-conv-torch/d61ded09c99c0199d8c5bca946cd65864de2b296/data
    files='c8183fd8c2a5cc4a9a1c56548d7c6410a8b71ed7843df9ef1f0a05cd7cf2fb3e train.txt TREC.train.all
92a6a3cede5678b447ef5f1d7ec474134fcda211e6590e6fa627b4a2c68e4566 test.txt TREC.test.all'
    ;;
  atis)
    url=https://raw.githubusercontent.com/monologg/JointBERT/00324f60dda4a491b2913bc3065ae93966caea3f/data/atis
    files='3a670980841b21ab39088b2595efc17d487cdc45769c075a3e5f9458bba28c7f train.seq.in train/seq.in
14c7131bd66562f797dbd7189bc7358f0cf354c6afb0785a9ab973c35b58f34c train.seq.out train/seq.out
d0a771547665eecbdf9f96ea015ef07d1f6ee9f063e861020dafabb3c2a04377 train.label train/label
c7435b96e7948393608c34819628e863c5338f11ca68e8f896d2cc041d8e17f8 dev.seq.in dev/seq.in
83ccff3e36f83a993f8e5b5b82adf3256076f234abda4d784051381d7ac76922 dev.seq.out dev/seq.out
06957cfe6fdffac84f8280bc3a1f8ca85c85631b363817aa4543aac611f8addf dev.label dev/label
4b2119fc59c37f9398c6605db435d4f467505009e6ee3e5af04fed09f39dc397 test.seq.in test/seq.in
a4690d6bceadc06876d1ff99bc401744aa981cb321e598ae12a3859d7be53254 test.seq.out test/seq.out
ce4bfe6590d9498e1078f30b4137d3e8b3e94277b444b26360c0bf2e9e282761 test.label test/label'
    ;;
  tiny_shakespeare)
    url=https://raw.githubusercontent.com/karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare
    files='86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed input.txt input.txt'
    ;;
  wordnet | wordnet_nouns) ;;
  *) usage >&2; exit 2 ;;
esac

out=$root/data/$name
part=$out/.part.$$
trap 'rm -f "$part" "$part.test"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

sum_of() { sha256sum <"$1" | cut -d ' ' -f 1; }

download() { # url, file
  if command -v curl >/dev/null; then
    curl -fsSL --retry 3 --connect-timeout 20 -o "$2" "$1"
  elif command -v wget >/dev/null; then
    wget -q -O "$2" "$1"
  else
    fail "neither curl nor wget is installed: apt-get install curl"
  fi || fail "could not download $1
help: get the files on another machine and copy them: scripts/fetch_data.sh $name --from DIR, with DIR/$name/… as data/README.md lists them"
}

fetch_files() {
  mkdir -p "$out"
  echo "$files" | while read -r sum file path; do
    if [ -f "$out/$file" ] && [ "$(sum_of "$out/$file")" = "$sum" ]; then
      echo "data/$name/$file is there"
      continue
    fi
    if [ -n "$from" ]; then
      [ -f "$from/$name/$file" ] || fail "$from/$name/$file does not exist"
      cat "$from/$name/$file" >"$part"
    else
      download "$url/$path" "$part"
    fi
    found=$(sum_of "$part")
    [ "$found" = "$sum" ] || fail "$name/$file: SHA-256 is $found, expected $sum; nothing was written"
    mv "$part" "$out/$file"
    echo "data/$name/$file"
  done
}

# WordNet's data files hold a synset a line: offset, number of its lexicographer file, …, "| gloss" (wndb(5WN)). A gloss is parts
# between semicolons, definitions and quoted examples. Kept are the definitions: whatever stands in double quotes is removed, then
# parts that hold no letter, and white space is made single.
glosses() {
  awk '
    BEGIN {
      split("adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute noun.body noun.cognition " \
            "noun.communication noun.event noun.feeling noun.food noun.group noun.location noun.motive noun.object noun.person " \
            "noun.phenomenon noun.plant noun.possession noun.process noun.quantity noun.relation noun.shape noun.state " \
            "noun.substance noun.time verb.body verb.change verb.cognition verb.communication verb.competition " \
            "verb.consumption verb.contact verb.creation verb.emotion verb.motion verb.perception verb.possession verb.social " \
            "verb.stative verb.weather adj.ppl", class, " ")
    }
    /^  / { next }  # the licence
    {
      bar = index($0, " | ")
      if (bar == 0) next
      gloss = substr($0, bar + 3)
      gsub(/"[^"]*("|$)/, "", gloss)
      count = split(gloss, parts, ";")
      text = ""
      for (i = 1; i <= count; i++) {
        gsub(/[ \t\r]+/, " ", parts[i])
        gsub(/^ | $/, "", parts[i])
        if (parts[i] ~ /[A-Za-z]/) text = text (text == "" ? "" : " ; ") parts[i]
      }
      if (text != "") print class[$2 + 1] "\t" text
    }' "$@"
}

# Holds out exactly 5,000 lines: selection sampling (Knuth 2, algorithm 3.4.2 S) with the generator of Park and Miller (1988), whose
# numbers are the same in every awk.
split_glosses() { # total, file of the held out
  awk -v total="$1" -v held_out="$2" '
    BEGIN { x = 20260101; wanted = 5000 }
    {
      x = x * 16807 % 2147483647
      if (x / 2147483647 * (total - NR + 1) < wanted) { wanted--; print > held_out } else print
    }'
}

find_wordnet() {
  dict=${from:+$from/wordnet}
  dict=${dict:-/usr/share/wordnet}
  if [ -z "$from" ] && [ ! -f "$dict/data.noun" ]; then
    command -v apt-get >/dev/null || fail "$dict/data.noun does not exist; get WordNet 3.0 and use --from DIR with DIR/wordnet/data.noun …"
    echo "installing the package wordnet-base"
    sudo=''
    if [ "$(id -u)" != 0 ]; then sudo=sudo; fi
    $sudo apt-get install -y -qq wordnet-base >/dev/null || fail "apt-get install wordnet-base failed"
  fi
  for pos in noun verb adj adv; do
    [ -f "$dict/data.$pos" ] || fail "$dict/data.$pos does not exist"
  done
  mkdir -p "$out"
}

make_wordnet() {
  find_wordnet
  total=$(glosses "$dict/data.noun" "$dict/data.verb" "$dict/data.adj" "$dict/data.adv" | wc -l)
  [ "$total" -gt 5000 ] || fail "$dict holds $total glosses; more than 5000 are needed"
  glosses "$dict/data.noun" "$dict/data.verb" "$dict/data.adj" "$dict/data.adv" | split_glosses "$total" "$part.test" >"$part"
  for pair in "$part:train:fe315a813c793fd2d2417de72406ec340732bb5792efc8d122c3a288f1a07520" "$part.test:test:96378a6501b4ea9bb421e90369ed235605bb99d533257a9de4775bb848d3e56c"; do
    file=${pair%%:*} rest=${pair#*:}
    split=${rest%%:*} sum=${rest#*:}
    [ "$(sum_of "$file")" = "$sum" ] ||
      echo "note: data/wordnet/$split.txt is not the one of WordNet 3.0 in Debian 12: figures may differ a little" >&2
    lines=$(wc -l <"$file")
    mv "$file" "$out/$split.txt"
    echo "data/wordnet/$split.txt: $lines glosses"
  done
}

# Of each noun: its offset, that of what it is a kind of (the first pointer @ or @i, "-" for entity), its definition.
nouns() {
  awk '
    function hex(text) { return 16 * (index(digits, substr(text, 1, 1)) - 1) + index(digits, substr(text, 2, 1)) - 1 }
    BEGIN { digits = "0123456789abcdef" }
    /^  / { next }
    {
      pointer = 4 + 2 * hex($4) + 2; above = "-"
      for (left = $(pointer - 1) + 0; left > 0; left--) {
        if (above == "-" && ($pointer == "@" || $pointer == "@i")) above = $(pointer + 1)
        pointer += 4
      }
      gloss = substr($0, index($0, " | ") + 3)
      gsub(/"[^"]*("|$)/, "", gloss)
      sub(/;.*/, "", gloss)
      gsub(/[ \t\r]+/, " ", gloss)
      gsub(/^ | $/, "", gloss)
      print $1 "\t" above "\t" gloss
    }' "$1"
}

# A quarter of the nouns, drawn as the definitions of wordnet are, as two tables; every tenth row is for the test.
#   depth: how many steps it stands below entity
#   pairs: its definition and that of another noun whose depth differs by 2 at least: which stands deeper?
make_wordnet_nouns() {
  find_wordnet
  nouns "$dict/data.noun" | awk -v out="$out" '
    function draw() { return (x = x * 16807 % 2147483647) / 2147483647 }
    function cell(text) { return "\"" text "\"" }
    BEGIN {
      FS = "\t"; x = 20260102
      for (i = 0; i < 2; i++) {
        split_name = i == 0 ? "train" : "test"
        print "first,second,deeper" > (out "/pairs_" split_name ".csv")
        print "definition,depth" > (out "/depth_" split_name ".csv")
      }
    }
    { order[n++] = $1; above[$1] = $2; text[$1] = $3 }
    END {
      for (i = 0; i < n; i++) {
        noun = order[i]
        if (text[noun] !~ /[A-Za-z]/) continue
        for (at = noun; above[at] != "-"; at = above[at]) depth[noun]++
        special[m++] = noun
      }
      for (i = 0; i < m; i++) {
        if (draw() >= 0.25) continue
        noun = special[i]
        do { other = special[int(draw() * m)]; more = depth[noun] - depth[other] } while (more < 2 && more > -2)
        split_name = rows++ % 10 == 9 ? "test" : "train"
        print cell(text[noun]) "," cell(text[other]) "," (more > 0 ? "first" : "second") > (out "/pairs_" split_name ".csv")
        print cell(text[noun]) "," depth[noun] + 0 > (out "/depth_" split_name ".csv")
      }
    }'
  for file in pairs_train.csv pairs_test.csv depth_train.csv depth_test.csv; do
    echo "data/wordnet_nouns/$file: $(($(wc -l <"$out/$file") - 1)) rows"
  done
}

case $name in
  wordnet) make_wordnet ;;
  wordnet_nouns) make_wordnet_nouns ;;
  *) fetch_files ;;
esac
