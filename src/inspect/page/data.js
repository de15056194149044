// What the file carries. A map is one Uint8Array [L][H][n][n] of √α · 255, inflated when it is first looked at.
const data = JSON.parse(document.getElementById("data").textContent);
const weightOf = Float32Array.from({length: 256}, (_, q) => (q / 255) ** 2);

function bytesOf(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; ++i) bytes[i] = text.charCodeAt(i);
  return bytes;
}
const floatsOf = (base64) => new Float32Array(bytesOf(base64).buffer);
async function inflate(base64) {
  const stream = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

for (const run of data.runs)
  for (const s of run.sentences) {
    s.run = run;
    s.n = s.tokens.length;
    s.inflated = new Array(run.steps.length);
    s.measures = floatsOf(s.measures);
    if (s.looks) s.looks = floatsOf(s.looks);
    if (s.moves) s.moves = floatsOf(s.moves);
  }

// The map of one sentence after step number k, or a promise of it where it is not inflated yet.
function mapOf(sentence, k) {
  const known = sentence.inflated[k];
  if (known) return known;
  return (sentence.inflated[k] = inflate(sentence.maps[k]).then((bytes) => (sentence.inflated[k] = bytes)));
}
const ready = (sentence, k) => sentence.inflated[k] instanceof Uint8Array;

// One head of a map: weight(i, j), by tokens or, summed over the pieces of a key and averaged over those of a query, by words.
function headOf(sentence, map, layer, head) {
  const {n} = sentence, at = (layer * sentence.run.heads + head) * n * n;
  return {n, weight: (i, j) => weightOf[map[at + i * n + j]]};
}
function byWords(sentence, head) {
  const groups = wordsOf(sentence), m = groups.length, sums = new Float64Array(m * m);
  groups.forEach((rows, a) => groups.forEach((keys, b) => {
    for (const i of rows) for (const j of keys) sums[a * m + b] += head.weight(i, j) / rows.length;
  }));
  return {n: m, weight: (i, j) => sums[i * m + j]};
}
function wordsOf(sentence) {
  const groups = [];
  sentence.words.forEach((w, i) => (groups[w] ??= []).push(i));
  return groups;
}
const hasPieces = (sentence) => sentence.words.at(-1) < sentence.n - 1;

// What the picture names: tokens, or words; which of them are asked for, decide it, or are none of the text.
function labelsOf(sentence, words) {
  const groups = words ? wordsOf(sentence) : sentence.tokens.map((_, i) => [i]);
  const text = (group) => group.map((i, k) => (k ? sentence.tokens[i].replace(/^##/, "") : sentence.tokens[i])).join("").replaceAll("Ġ", words ? "" : "␣");
  return groups.map((group) => ({
    text: text(group) || "␣",
    target: group.includes(sentence.target),
    source: group.some((i) => sentence.sources.includes(i)),
    special: sentence.kinds[group[0]] === 1,
  }));
}

const measureOf = (sentence, k, layer, head, m) => {
  const {layers, heads} = sentence.run, M = data.measures.length;
  return sentence.measures[((k * layers + layer) * heads + head) * M + m];
};
// Attention of the target on all sources together; NaN where there are none.
const onSources = (sentence, k, layer, head) => (sentence.looks ? sentence.looks[(k * sentence.run.layers + layer) * sentence.run.heads + head] : NaN);
// (LD_h − LD)/(LD_pair − LD): how far the answer moves when the head's output comes from the minimal pair. Says nothing where the pair itself
// hardly moves it.
const kLeastMove = 0.5;
function effectOf(sentence, k, layer, head) {
  if (!sentence.moves) return NaN;
  const size = 1 + sentence.run.layers * sentence.run.heads, pair = sentence.moves[k * size];
  return Math.abs(pair) < kLeastMove ? NaN : sentence.moves[k * size + 1 + layer * sentence.run.heads + head] / pair;
}

// The first recorded step from which on a value is never below half of its last one.
function sinceOf(steps, value) {
  let k = steps.length - 1;
  const half = value(k) / 2;
  while (k > 0 && value(k - 1) >= half) --k;
  return k;
}

// The second run's sentence of the same tokens, its step nearest to ours, and its head that stands for ours (matched over all sentences by the
// least divergence when the page was made). Null: there is none.
function partnerOf(sentence, k, layer, head) {
  const other = data.matching && sentence.run === data.runs[0] ? data.runs[1] : null, same = other?.sentences.find((s) => s.tokens.join("\n") === sentence.tokens.join("\n"));
  if (!same) return null;
  const step = sentence.run.steps[k], near = other.steps.reduce((best, s, i) => (Math.abs(s - step) < Math.abs(other.steps[best] - step) ? i : best), 0);
  const [match, divergence] = data.matching[layer * sentence.run.heads + head];
  return match < 0 ? null : {sentence: same, k: near, step: other.steps[near], layer: Math.floor(match / other.heads), head: match % other.heads, divergence, run: other};
}
