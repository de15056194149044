// The model itself: a sentence that is typed here goes through it, head by head, in plain numbers. Weights are rounded to 16 bits; how far that
// moves α was measured when the page was made (live.error). Formulas as in src/layers: one token after the other, double precision.
const live = data.live;

function halfsOf(base64) {
  const bytes = bytesOf(base64), halfs = new Uint16Array(bytes.buffer), out = new Float32Array(halfs.length);
  for (let k = 0; k < halfs.length; ++k) {
    const h = halfs[k], e = (h >> 10) & 31, f = h & 1023;
    out[k] = (h >> 15 ? -1 : 1) * (e ? (1 + f / 1024) * 2 ** (e - 15) : (f / 1024) * 2 ** -14);
  }
  return out;
}
function parametersOf() {
  const all = halfsOf(live.weights), out = {};
  let at = 0;
  for (const [name, ...shape] of live.parameters) {
    const size = shape.reduce((a, b) => a * b, 1);
    out[name] = all.subarray(at, at + size);
    at += size;
  }
  return out;
}

// y = W x + b, W [out,in].
function linear(p, name, x) {
  const W = p[name + ".weight"], b = p[name + ".bias"], D = x.length, y = new Float64Array(W.length / D);
  for (let o = 0; o < y.length; ++o) {
    let sum = b ? b[o] : 0;
    for (let i = 0, w = o * D; i < D; ++i, ++w) sum += W[w] * x[i];
    y[o] = sum;
  }
  return y;
}
// (x − mean)/√(variance + ε) γ + β, or, of RMS norm, x/√(mean of squares + ε) γ.
function norm(p, name, x) {
  const g = p[name + ".weight"], b = p[name + ".bias"], D = x.length, mean = live.norm === "layer" ? x.reduce((a, v) => a + v, 0) / D : 0;
  const r = 1 / Math.sqrt(x.reduce((a, v) => a + (v - mean) ** 2, 0) / D + live.epsilon);
  return x.map((v, i) => (v - mean) * r * g[i] + (b ? b[i] : 0));
}
// erf(x) by its series, and its continued fraction from 3 on: 1e-12.
function erf(x) {
  const a = Math.abs(x);
  if (a < 3) {
    let sum = x, term = x;
    for (let n = 1; n < 60 && Math.abs(term) > 1e-17; ++n) (term *= (-x * x) / n), (sum += term / (2 * n + 1));
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let f = 0;
  for (let k = 40; k >= 1; --k) f = k / 2 / (a + f);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + f));
}
const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const kActivations = {
  gelu: (x) => (x * (1 + erf(x / Math.SQRT2))) / 2, gelu_tanh: (x) => x * sigmoid(1.5957691216057308 * (x + 0.044715 * x ** 3)),
  relu: (x) => Math.max(0, x), silu: (x) => x * sigmoid(x),
};
kActivations.geglu = kActivations.gelu, kActivations.swiglu = kActivations.silu;

// α of every head and what the model says at each position; scales [L·H] multiply the heads' outputs.
function forward(p, ids, scales) {
  const {width: D, layers: L, heads: H} = live, d = D / H, n = ids.length, alpha = new Float64Array(L * H * n * n), f = kActivations[live.activation];
  const add = (x, y) => x.map((v, i) => v + y[i]), pre = live.place === "pre";
  let x = ids.map((id, t) => Float64Array.from({length: D}, (_, i) => p["embedding.token.weight"][id * D + i] + (live.position === "learned" ? p["embedding.position.weight"][t * D + i]
    : live.position === "sinusoidal" ? (i % 2 ? Math.cos : Math.sin)(t / 10000 ** ((i - (i % 2)) / D)) : 0)));
  if (live.embedding_norm) x = x.map((v) => norm(p, "embedding.norm", v));
  for (let l = 0; l < L; ++l) {
    const name = `blocks.${l}`, a = pre ? x.map((v) => norm(p, `${name}.attention_norm`, v)) : x;
    const [q, k, v] = ["query", "key", "value"].map((what) => a.map((row) => linear(p, `${name}.attention.${what}`, row))), o = a.map(() => new Float64Array(D));
    for (let h = 0; h < H; ++h)
      for (let i = 0; i < n; ++i) {
        const at = ((l * H + h) * n + i) * n, scale = scales[l * H + h];
        let most = -Infinity, sum = 0;
        for (let j = 0; j < n; ++j) {
          const sees = (!live.causal || j <= i) && (live.window < 0 || Math.abs(i - j) <= live.window);
          let s = 0;
          for (let c = h * d; c < (h + 1) * d; ++c) s += q[i][c] * k[j][c];
          alpha[at + j] = sees ? s / Math.sqrt(d) : -Infinity;
          most = Math.max(most, alpha[at + j]);
        }
        for (let j = 0; j < n; ++j) sum += alpha[at + j] = Math.exp(alpha[at + j] - most);
        for (let j = 0; j < n; ++j) {
          alpha[at + j] /= sum;
          for (let c = h * d; c < (h + 1) * d; ++c) o[i][c] += scale * alpha[at + j] * v[j][c];
        }
      }
    let u = x.map((row, i) => add(row, linear(p, `${name}.attention.output`, o[i])));
    if (!pre) u = u.map((row) => norm(p, `${name}.attention_norm`, row));
    x = u.map((row) => {
      const z = pre ? norm(p, `${name}.feed_forward_norm`, row) : row, up = linear(p, `${name}.feed_forward.up`, z);
      const gate = p[`${name}.feed_forward.gate.weight`] ? linear(p, `${name}.feed_forward.gate`, z) : null;
      const y = add(row, linear(p, `${name}.feed_forward.down`, gate ? up.map((w, i) => w * f(gate[i])) : up.map(f)));
      return pre ? y : norm(p, `${name}.feed_forward_norm`, y);
    });
  }
  if (pre) x = x.map((row) => norm(p, "final_norm", row));
  return {alpha, hidden: x};
}
function probabilitiesAt(p, row) {
  const head = p["head.weight"] ? p : {"head.weight": p["embedding.token.weight"], "head.bias": p["head.bias"]}, z = linear(head, "head", row), most = Math.max(...z), e = z.map((v) => Math.exp(v - most));
  const sum = e.reduce((a, v) => a + v, 0);
  return e.map((v) => v / sum);
}

// Text as tokens: words stand apart by spaces, as in the training text; [MASK] is a word to guess.
function tokensOf(text) {
  const special = ["[MASK]", "[CLS]", "[SEP]"], same = (w) => (special.includes(w) || !live.lowercase ? w : w.toLowerCase());
  return live.tokenizer === "word" ? text.trim().split(/\s+/).filter(Boolean).map(same) : text.split(/(\[MASK\])/).flatMap((part) => (part === "[MASK]" ? [part] : [...part].map(same)));
}

let typed = null;
function readTyped() {
  const words = tokensOf($("text").value), known = words.map((w) => live.ids.get(w) ?? 0), unknown = words.filter((w) => !live.ids.has(w));
  const note = $("live-note"), add = live.cls ? 1 : 0;
  note.textContent = "";
  if (words.length === 0) return;
  if (words.length + add > live.max_length) return void (note.textContent = `${words.length} tokens: this model reads ${live.max_length - add} at most.`);
  if (unknown.length) note.textContent = `${unknown.map((w) => `“${w}”`).join(", ")} ${unknown.length > 1 ? "do" : "does"} not occur in the training text and ${unknown.length > 1 ? "are" : "is"} read as [UNK]. `;
  const tokens = live.cls ? ["[CLS]", ...words] : words, ids = live.cls ? [2, ...known] : known, asked = live.objective === "causal_lm" ? ids.length - 1 : ids.indexOf(1);
  const {alpha, hidden} = forward(live.p, ids, live.scales), plain = live.scales.every((s) => s === 1) ? null : forward(live.p, ids, live.scales.map(() => 1));
  const map = Uint8Array.from(alpha, (a) => Math.round(255 * Math.sqrt(a)));
  typed.tokens = tokens, typed.n = ids.length, typed.kinds = ids.map((id) => (id === 1 ? 2 : id < 4 ? 1 : 0)), typed.words = ids.map((_, i) => i), typed.target = asked, typed.inflated = [map];
  typed.row_error = 0;
  $("answers").replaceChildren();
  if (live.objective && asked >= 0) showAnswers(probabilitiesAt(live.p, hidden[asked]), plain && probabilitiesAt(live.p, plain.hidden[asked]));
  if (state.run !== live.run) Object.assign(state, {run: live.run, sentence: 0, step: 0, base: 0, row: -1, column: -1, locked: false});
  settle();
  draw();
}
function showAnswers(now, before) {
  const order = [...now.keys()].sort((a, b) => now[b] - now[a]).slice(0, 5);
  if (before) { const best = before.indexOf(Math.max(...before)); if (!order.includes(best)) order.push(best); }
  $("answers").replaceChildren(...order.map((id) => {
    const li = document.createElement("li"), share = document.createElement("span");
    share.textContent = now[id].toFixed(3) + (before ? ` (${before[id].toFixed(3)} with all heads)` : "");
    li.style.setProperty("--share", `${100 * now[id]}%`);
    li.append(bdi(live.vocabulary[id]), " ", share);
    return li;
  }));
}
function drawScales() {
  const k = state.layer * live.heads + state.head, changed = [...live.scales.keys()].filter((i) => live.scales[i] !== 1);
  $("head-scale-name").textContent = `output of ${headName(state.layer, state.head)} ×`;
  $("head-scale").value = live.scales[k], $("head-scale-value").textContent = live.scales[k].toFixed(2);
  $("changed").textContent = changed.length ? `changed: ${changed.map((i) => `${Math.floor(i / live.heads)}.${i % live.heads} × ${live.scales[i].toFixed(2)}`).join(", ")}` : "";
  $("all-on").hidden = !changed.length;
}
function scaleHead(value) {
  live.scales[state.layer * live.heads + state.head] = value;
  drawScales();
  readTyped();
}
function startLive() {
  if (!live) return;
  live.p = parametersOf(), live.ids = new Map(live.vocabulary.map((w, id) => [w, id]));
  live.scales = new Array(live.layers * live.heads).fill(1);
  const first = data.runs[0], r = {...first, precision: `${first.precision}, parameters rounded to float16`, steps: [live.step], curves: [], sentences: []};
  live.run = data.runs.push(r) - 1;
  typed = {run: r, live: true, sources: [], note: "", measures: new Float32Array(live.layers * live.heads * data.measures.length).fill(NaN)};
  r.sentences.push(typed);
  $("live").hidden = false;
  const example = first.sentences.find((s) => s.target >= 0) ?? first.sentences[0];
  $("text").value = example.tokens.filter((_, i) => example.kinds[i] !== 1).join(live.tokenizer === "word" ? " " : "");
  $("live-form").addEventListener("submit", (e) => (e.preventDefault(), readTyped()));
  $("text").addEventListener("input", readTyped);
  $("back").addEventListener("click", () => choose({run: 0, sentence: 0, step: first.steps.length - 1, row: -1, column: -1, locked: false}));
  $("head-scale").addEventListener("input", (e) => scaleHead(Number(e.target.value)));
  $("all-on").addEventListener("click", () => (live.scales.fill(1), drawScales(), readTyped()));
  $("live-about").textContent = `The model of step ${thousands(live.step)} runs in this page. Its weights are rounded to 16 bits: α is within ${live.error.toPrecision(1)} of the engine's.`;
}
