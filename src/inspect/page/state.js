// All that the page remembers; it stands in the address behind #, so that a view can be linked to.
const kViews = ["weights", "lines", "change", ...(data.matching ? ["runs"] : [])];
const state = {run: 0, sentence: 0, step: data.runs[0].steps.length - 1, layer: 0, head: 0, view: "weights", base: 0, row: -1, column: -1, locked: false, words: false};
const kInHash = {s: "sentence", t: "step", l: "layer", h: "head", v: "view", b: "base", r: "row", c: "column", w: "words"};

const run = () => data.runs[state.run];
const sentence = () => run().sentences[state.sentence];
const inside = (x, n) => Math.min(n - 1, Math.max(0, x));

function readHash() {
  for (const [key, value] of new URLSearchParams(location.hash.slice(1))) {
    const name = kInHash[key];
    if (name === "view") { if (kViews.includes(value)) state.view = value; }
    else if (name === "words") state.words = value === "1";
    else if (name && /^-?\d+$/.test(value)) state[name] = Number(value);
  }
  state.locked = state.row >= 0 && location.hash.includes("r=");
  settle();
}
function writeHash() {
  if (state.run > 0) return;  // what is typed stands in no address
  const parts = Object.entries(kInHash).filter(([, name]) => !((name === "row" || name === "column") && !state.locked) && !(name === "base" && state.view !== "change") &&
    !(name === "words" && !state.words)).map(([key, name]) => `${key}=${name === "words" ? 1 : state[name]}`);
  history.replaceState(null, "", "#" + parts.join("&"));
}
// Every number in its range.
function settle() {
  state.sentence = inside(state.sentence, run().sentences.length);
  state.step = inside(state.step, run().steps.length);
  state.base = inside(state.base, run().steps.length);
  state.layer = inside(state.layer, run().layers);
  state.head = inside(state.head, run().heads);
  if (!hasPieces(sentence())) state.words = false;
  const n = labelsOf(sentence(), state.words).length;
  if (state.row >= n) state.row = -1, state.locked = false;
  if (state.column >= n) state.column = -1;
}
// The head that carries the link of the sentence, or else looks at its sources most, or else is the sharpest: a good first look.
function firstLook() {
  const s = sentence(), key = data.measures.findIndex((m) => m.key === "confidence");
  let best = -1;
  for (let l = 0; l < run().layers; ++l)
    for (let h = 0; h < run().heads; ++h) {
      const effect = effectOf(s, state.step, l, h), on = onSources(s, state.step, l, h), score = !Number.isNaN(effect) ? effect : !Number.isNaN(on) ? on : measureOf(s, state.step, l, h, key);
      if (score > best) best = score, state.layer = l, state.head = h;
    }
}
