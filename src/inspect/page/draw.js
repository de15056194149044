// The pictures of one head, as lists of marks.
const $ = (id) => document.getElementById(id);
const thousands = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ",");
const short = (text, n) => ([...text].length > n ? [...text].slice(0, n - 1).join("") + "…" : text);
const number = (a) => (Number.isNaN(a) ? "–" : Math.abs(a) < 0.005 ? "·" : a >= 0.995 ? "1.0" : a.toFixed(2).replace("0.", "."));
const signed = (d) => (Math.abs(d) < 0.005 ? "·" : (d > 0 ? "+" : "−") + Math.abs(d).toFixed(2).replace("0.", "."));
const headName = (l, h) => `block ${l}, head ${h}`;
const kLabel = 14;  // letters of a token that a picture shows
const labelColour = (label) => (label.target || label.source ? "var(--mark)" : label.special ? "var(--faint)" : undefined);

const measureText = (() => {
  const context = document.createElement("canvas").getContext("2d");
  return (text, size) => ((context.font = `${size}px ${kFont}`), context.measureText(text).width);
})();

// Rows are queries, columns are keys.
function matrixPicture(head, labels, room, {value, colour, text}) {
  const {n} = head, size = n > 60 ? 9 : n > 30 ? 10 : 12.5, widest = Math.max(...labels.map((l) => measureText(short(l.text, kLabel), size)));
  const left = Math.ceil(widest) + 22, cell = Math.max(2, Math.min(46, Math.floor(Math.min(room - left - widest * 0.5, 640) / n))), side = cell * n;
  const turn = cell >= widest + 6 ? 0 : -50, top = turn ? Math.ceil(widest * 0.77) + 16 : 24, marks = [{cells: {x: left, y: top, size: cell, n, value, colour}}];
  const {row, column} = state, every = Math.max(1, Math.ceil((size + 1) / cell));
  labels.forEach((label, i) => {
    const chosen = i === row || i === column, shown = i % every === 0 || label.target || label.source;
    const common = {size, title: label.text, fill: labelColour(label)};
    if (shown || i === row)
      marks.push({...common, text: (label.target ? "› " : "") + short(label.text, kLabel), x: left - 6, y: top + (i + 0.5) * cell + size * 0.36, anchor: "end", weight: i === row ? 700 : undefined});
    if (shown || i === column)
      marks.push({...common, text: short(label.text, kLabel), x: left + (i + 0.5) * cell + (turn ? size * 0.3 : 0), y: top - 6, turn, anchor: turn ? "start" : "middle", weight: chosen && i === column ? 700 : undefined});
  });
  if (cell >= 26 && n <= 24)
    for (let i = 0; i < n; ++i) for (let j = 0; j < n; ++j) {
      const v = value(i, j), shown = text(v);
      if (shown !== "·") marks.push({text: shown, x: left + (j + 0.5) * cell, y: top + (i + 0.5) * cell + 4, size: Math.min(12, cell / 2.9), anchor: "middle", fill: inkOn(colour(v))});
    }
  labels.forEach((label, j) => {
    if (label.source) labels.forEach((other, i) => { if (other.target) marks.push({rect: [left + j * cell + 1, top + i * cell + 1, cell - 2, cell - 2], stroke: "#ff8c1a", width: 2.2}); });
  });
  if (row >= 0) marks.push({rect: [left - 0.5, top + row * cell - 0.5, side + 1, cell + 1], stroke: "var(--accent)", width: state.locked ? 2 : 1});
  if (row >= 0 && column >= 0) marks.push({rect: [left + column * cell, top + row * cell, cell, cell], stroke: "var(--accent)", width: 2.5});
  return {width: Math.ceil(left + side + (turn ? widest * 0.66 : 8) + 6), height: top + side + 4, marks,
    at: (x, y) => ({row: Math.floor((y - top) / cell), column: Math.floor((x - left) / cell)})};
}

// Queries on the left, keys on the right; of each query the largest weights that make up 90 % of its row (at least one). Long sentences: of
// these lines the strongest, and those of the chosen query.
const kTopShare = 0.9, kMostLines = 1500;
function linesPicture(head, labels, room) {
  const {n} = head, size = n > 40 ? 10 : 13, step = n > 40 ? 13 : 23, widest = Math.max(...labels.map((l) => measureText(short(l.text, kLabel), size)));
  const left = widest + 24, right = Math.min(left + 300, Math.max(left + 90, room - widest - 16)), marks = [], y = (i) => 26 + (i + 0.5) * step;
  marks.push({text: "looks", x: left - 8, y: 14, size: 10.5, anchor: "end", fill: "var(--soft)"}, {text: "at", x: right + 8, y: 14, size: 10.5, fill: "var(--soft)"});
  let lines = [];
  for (let i = 0; i < n; ++i) {
    const weights = Float32Array.from({length: n}, (_, j) => head.weight(i, j)), keys = [...weights.keys()].sort((a, b) => weights[b] - weights[a]);
    for (let k = 0, sum = 0; k < n && (k === 0 || sum < kTopShare); sum += weights[keys[k++]]) lines.push([i, keys[k], weights[keys[k]]]);
  }
  const all = lines.length;
  if (all > kMostLines) {
    const least = lines.map(([, , a]) => a).sort((a, b) => b - a)[kMostLines];
    lines = lines.filter(([i, , a]) => a > least || i === state.row);
    marks.push({text: `${thousands(lines.length)} of ${thousands(all)} lines, the strongest`, x: right + 40, y: 14, size: 10.5, fill: "var(--soft)"});
  }
  for (const [i, j, a] of lines) {
    const gold = labels[i].target && labels[j].source, dim = state.row >= 0 && state.row !== i;
    const bend = (right - left) * 0.45;
    marks.push({path: `M${rounded(left)} ${y(i)}C${rounded(left + bend)} ${y(i)} ${rounded(right - bend)} ${y(j)} ${rounded(right)} ${y(j)}`, stroke: gold ? "var(--mark)" : "var(--accent)",
      width: 0.6 + 3.4 * a, opacity: (0.12 + 0.88 * a) * (dim ? 0.13 : 1)});
  }
  labels.forEach((label, i) => {
    const common = {size, title: label.text, fill: labelColour(label), y: y(i) + size * 0.36};
    marks.push({...common, text: (label.target ? "› " : "") + short(label.text, kLabel), x: left - 8, anchor: "end", weight: i === state.row ? 700 : undefined});
    marks.push({...common, text: short(label.text, kLabel), x: right + 8, weight: i === state.column ? 700 : undefined});
  });
  return {width: Math.ceil(right + widest + 14), height: 30 + n * step, marks, at: (x, yy) => ({row: Math.floor((yy - 26) / step), column: -1})};
}

// The head, and beside it the head of the other run that stands for it.
function runsPicture(head, labels, room) {
  const s = sentence(), partner = partnerOf(s, state.step, state.layer, state.head), options = {colour: weightColour, text: number}, half = room / 2 - 12, gap = 22;
  const ours = matrixPicture(head, labels, half, {...options, value: head.weight}), title = (text, x) => ({text, x, y: ours.height + 16, size: 11.5, fill: "var(--soft)"});
  if (!partner) return {...ours, height: ours.height + 24, marks: [...ours.marks, title("The other run has no such sentence or head.", 0)]};
  const map = mapOf(partner.sentence, partner.k), other = headOf(partner.sentence, map, partner.layer, partner.head), theirs = matrixPicture(state.words ? byWords(partner.sentence, other) : other, labels, half, {...options, value: (state.words ? byWords(partner.sentence, other) : other).weight});
  const dx = ours.width + gap, marks = [...ours.marks, ...shifted(theirs.marks, dx), title(`${run().name}, seed ${run().seed}: ${headName(state.layer, state.head)}`, 0),
    title(`${partner.run.name}, seed ${partner.run.seed}: ${headName(partner.layer, partner.head)}`, dx)];
  marks.push({text: `after step ${thousands(partner.step)}; divergence ${partner.divergence.toFixed(2)} nats`, x: dx, y: ours.height + 31, size: 11.5, fill: "var(--soft)"});
  return {width: dx + theirs.width, height: ours.height + 38, marks, at: (x, y) => (x > dx ? theirs.at(x - dx, y) : ours.at(x, y))};
}
const shifted = (marks, dx) => marks.map((m) => ({...m, ...(m.cells && {cells: {...m.cells, x: m.cells.x + dx}}), ...(m.rect && {rect: [m.rect[0] + dx, ...m.rect.slice(1)]}), ...(m.text !== undefined && {x: m.x + dx})}));

// The picture of the chosen view, and the numbers behind it. None while a map is still being inflated.
function chosenPicture(room, maps = {now: mapOf(sentence(), state.step), base: mapOf(sentence(), state.base)}) {
  const s = sentence(), labels = labelsOf(s, state.words), of = (map) => {
    const head = headOf(s, map, state.layer, state.head);
    return state.words ? byWords(s, head) : head;
  };
  const head = of(maps.now);
  if (state.view === "lines") return {...linesPicture(head, labels, room), labels, value: head.weight};
  if (state.view === "runs") return {...runsPicture(head, labels, room), labels, value: head.weight};
  if (state.view === "weights") return {...matrixPicture(head, labels, room, {value: head.weight, colour: weightColour, text: number}), labels, value: head.weight};
  const base = of(maps.base), value = (i, j) => head.weight(i, j) - base.weight(i, j);
  return {...matrixPicture(head, labels, room, {value, colour: changeColour, text: signed}), labels, value};
}

function drawHeads() {
  const s = sentence(), map = mapOf(s, state.step), grid = $("heads"), {layers, heads} = run();
  if (grid.childElementCount !== layers * heads) {
    grid.style.gridTemplateColumns = `repeat(${heads}, minmax(${heads > 8 ? 34 : 48}px, 1fr))`;
    grid.replaceChildren(...Array.from({length: layers * heads}, (_, k) => {
      const button = document.createElement("button");
      button.className = "head";
      button.append(document.createElement("canvas"), document.createElement("span"));
      button.addEventListener("click", () => choose({layer: Math.floor(k / heads), head: k % heads}));
      return button;
    }));
  }
  const size = grid.firstChild.clientWidth / s.n || 1;
  [...grid.children].forEach((button, k) => {
    const l = Math.floor(k / heads), h = k % heads, on = onSources(s, state.step, l, h), span = button.lastChild;
    paintBytes(button.firstChild, map.subarray(k * s.n * s.n, (k + 1) * s.n * s.n), s.n, size);
    button.setAttribute("aria-pressed", l === state.layer && h === state.head);
    button.setAttribute("aria-label", headName(l, h) + (Number.isNaN(on) ? "" : `, ${on.toFixed(2)} on what decides`));
    span.textContent = `${l}.${h} `;
    if (!Number.isNaN(on)) {
      const b = document.createElement("b");
      b.textContent = number(on), b.title = "attention of › on what decides it";
      span.append(b);
    }
  });
}

function drawScale() {
  const canvas = document.createElement("canvas"), change = state.view === "change";
  canvas.width = 256, canvas.height = 1;
  const context = canvas.getContext("2d"), image = context.createImageData(256, 1);
  for (let i = 0; i < 256; ++i) image.data.set([...(change ? changeColour(i / 127.5 - 1) : weightColour(i / 255)), 255], 4 * i);
  context.putImageData(image, 0, 0);
  $("scale").replaceChildren(change ? "−1" : "0", canvas, change ? "+1  change of the weight" : "1  weight α");
  $("scale").setAttribute("aria-label", change ? "colours from −1, blue, to +1, orange" : "colours from 0, dark blue, to 1, yellow");
}

// The sentence; the background of each word is how much the chosen query looks at it.
function drawTokens(picture) {
  const row = state.row >= 0 ? state.row : picture.labels.findIndex((l) => l.target);
  $("tokens").replaceChildren(...picture.labels.map((label, i) => {
    const e = document.createElement("button");
    e.className = ["token", label.special && "special", label.source && "source", label.target && "target", i === row && "query"].filter(Boolean).join(" ");
    e.textContent = label.text;
    if (row >= 0 && state.view !== "change") e.style.setProperty("--a", (0.75 * picture.value(row, i)).toFixed(3));
    e.addEventListener("click", () => choose(state.locked && state.row === i ? {row: -1, column: -1, locked: false} : {row: i, column: -1, locked: true}));
    return e;
  }));
}

function bdi(text) {
  const e = document.createElement("bdi");
  e.textContent = text;
  return e;
}
function drawLink() {
  const s = sentence(), parts = [];
  if (s.link) {
    const b = document.createElement("b");
    b.textContent = "framed";
    parts.push(`${s.link.name}: the ${b.textContent} word decides the answer `, bdi(s.link.value), "; in “", bdi(s.link.pair), "” it is ", bdi(s.link.pair_value), ".");
  }
  if (s.note) parts.push(" " + s.note);
  $("link").replaceChildren(...parts);
}
