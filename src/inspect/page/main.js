// Draws what the state says, and changes it by mouse and keys.
let picture = null, drawing = false, again = false;

// The page says that it is busy (for whoever waits for it) until all is drawn.
async function draw() {
  document.documentElement.dataset.busy = "";
  if (drawing) return void (again = true);
  drawing = true;
  do {
    again = false;
    const s = sentence();
    const partner = state.view === "runs" ? partnerOf(s, state.step, state.layer, state.head) : null;
    await Promise.all([mapOf(s, state.step), state.view === "change" ? mapOf(s, state.base) : null, partner && mapOf(partner.sentence, partner.k)]);
    if (s === sentence() && ready(s, state.step) && (state.view !== "change" || ready(s, state.base))) drawNow();
  } while (again);
  drawing = false;
}

// Widths are looked up once, not in every frame: asking for them makes the browser lay the page out.
const pageWidth = {};
function measureWidths() {
  pageWidth.picture = $("picture").clientWidth;
  pageWidth.panels = document.querySelector(".panels").clientWidth || $("sentence").clientWidth - 36;
  pageWidth.narrow = matchMedia("(max-width: 60rem)").matches;
}

function drawPicture() {
  picture = chosenPicture(pageWidth.picture);
  showPicture($("picture"), picture);
  drawTokens(picture);
  drawReadout();
}

// At once what moves while one scrubs, the rest when it stands still.
let later = 0;
function drawNow() {
  drawHeads();
  drawPicture();
  drawTime();
  clearTimeout(later);
  later = setTimeout(drawRest, 60);
}
function drawRest() {
  if (drawing) return void (later = setTimeout(drawRest, 60));
  const s = sentence(), name = headName(state.layer, state.head);
  drawScale();
  drawTable();
  drawNumbers(picture);
  drawLink();
  drawStory(s);
  $("head-name").textContent = name[0].toUpperCase() + name.slice(1);
  for (const b of $("views").children) b.setAttribute("aria-pressed", b.dataset.view === state.view);
  $("base-label").hidden = state.view !== "change";
  $("base").value = state.base;
  $("sentences").value = state.sentence, $("sentence").querySelector(".bar").hidden = $("table").hidden = s.live === true;
  $("words").checked = state.words;
  $("words-label").hidden = !hasPieces(s);
  $("computed").textContent = computedOf(s) + ` Step ${thousands(run().steps[state.step])}, seed ${run().seed}.`;
  if (live) drawScales();
  writeHash();
  delete document.documentElement.dataset.busy;
}

// What the pointed cell, or the chosen row, says in words.
function drawReadout() {
  const {labels, value} = picture, name = (i) => bdi(labels[i].text), out = [];
  const row = state.row >= 0 ? state.row : labels.findIndex((l) => l.target);
  if (row >= 0 && state.column >= 0) {
    const a = value(row, state.column);
    out.push(name(row), state.view === "change" ? " looks at " : " looks at ", name(state.column), state.view === "change" ? `: ${signed(a)} since step ${thousands(run().steps[state.base])}` : `: ${a.toFixed(3)}`);
  } else if (row >= 0) {
    const keys = labels.map((_, j) => j).sort((a, b) => Math.abs(value(row, b)) - Math.abs(value(row, a))).slice(0, 3);
    out.push(name(row), state.view === "change" ? " changed most at " : " looks most at ");
    keys.forEach((j, k) => out.push(k ? ", " : "", name(j), ` ${state.view === "change" ? signed(value(row, j)) : value(row, j).toFixed(2)}`));
  } else {
    out.push("Point at a cell, or choose a word.");
  }
  $("readout").replaceChildren(...out);
}

function choose(changes) {
  const moved = "sentence" in changes && changes.sentence !== state.sentence;
  Object.assign(state, changes);
  if (moved) state.row = state.column = -1, state.locked = false;
  settle();
  if (moved) warm();
  draw();
}

// Inflates the other steps of this sentence while nothing else is to be done.
let warming = null;
async function warm() {
  const s = sentence();
  if (warming === s) return;
  warming = s;
  for (let k = run().steps.length - 1; k >= 0 && warming === s; --k) {
    await mapOf(s, k);
    if (k % 8 === 0) await new Promise((done) => setTimeout(done, 0));
  }
}

let playing = null;
function play() {
  const stop = () => (clearInterval(playing), (playing = null), ($("play").textContent = "▶ play"));
  if (playing) return stop();
  if (state.step === run().steps.length - 1) choose({step: 0});
  $("play").textContent = "❚❚ pause";
  playing = setInterval(() => (state.step >= run().steps.length - 1 ? stop() : choose({step: state.step + 1})), Math.max(50, Math.min(400, 6000 / run().steps.length)));
}

function theme(dark) {
  document.documentElement.classList.toggle("dark", dark);
}

function point(event, locks) {
  if (!picture) return;
  const box = $("picture").getBoundingClientRect(), n = picture.labels.length;
  const {row, column} = picture.at(event.clientX - box.left + $("picture").scrollLeft, event.clientY - box.top + $("picture").scrollTop);
  const valid = row >= 0 && row < n && column < n;
  if (locks) return choose(!valid || (state.locked && state.row === row && state.column === Math.max(column, -1)) ? {row: -1, column: -1, locked: false} : {row, column: Math.max(column, -1), locked: true});
  if (state.locked) return;
  const next = valid ? {row, column: Math.max(column, -1)} : {row: -1, column: -1};
  if (next.row === state.row && next.column === state.column) return;
  Object.assign(state, next);
  drawPicture();
}

function move(rows, columns) {
  const n = picture.labels.length, target = Math.max(0, picture.labels.findIndex((l) => l.target));
  choose({row: state.row < 0 ? target : inside(state.row + rows, n), column: state.view === "lines" ? -1 : state.column < 0 ? 0 : inside(state.column + columns, n)});
}
const cycle = (list, value, by) => list[(list.indexOf(value) + by + list.length) % list.length];
function otherHead(by) {
  const {layers, heads} = run(), k = (state.layer * heads + state.head + by + layers * heads) % (layers * heads);
  choose({layer: Math.floor(k / heads), head: k % heads});
}
const kKeys = {
  ArrowLeft: () => move(0, -1), ArrowRight: () => move(0, 1), ArrowUp: () => move(-1, 0), ArrowDown: () => move(1, 0),
  Enter: () => choose({locked: state.row >= 0}), Escape: () => choose({row: -1, column: -1, locked: false}),
  "[": () => choose({layer: state.layer - 1}), "]": () => choose({layer: state.layer + 1}), h: () => otherHead(1), H: () => otherHead(-1),
  ",": () => choose({step: state.step - 1}), ".": () => choose({step: state.step + 1}), Home: () => choose({step: 0}), End: () => choose({step: run().steps.length - 1}),
  s: () => choose({sentence: state.sentence + 1}), S: () => choose({sentence: state.sentence - 1}), v: () => choose({view: cycle(kViews, state.view, 1)}),
  w: () => choose({words: !state.words, row: -1, column: -1, locked: false}), p: play, t: () => theme(!document.documentElement.classList.contains("dark")), "?": () => $("keys").showModal(),
};
document.addEventListener("keydown", (event) => {
  const {target, key} = event, picks = target.matches("button, summary") && (key === "Enter" || key === " "), types = target.matches("select, input[type=range]") && /^(Arrow|Home|End)/.test(key) || target.matches("input[type=text]");
  if (event.ctrlKey || event.metaKey || event.altKey || picks || types || target.matches("select") && key.length === 1 || $("keys").open || !kKeys[key]) return;
  event.preventDefault();
  kKeys[key]();
});

const isolated = (text) => `\u2068${text}\u2069`;  // whatever direction it is written in, its neighbours keep theirs
function start() {
  const r = run();
  document.title = `${r.name} – attention`;
  $("title").textContent = r.name, $("model").textContent = r.model;
  $("sentences").replaceChildren(...r.sentences.map((s, k) => new Option((s.link ? `${isolated(s.link.name)}: ` : "") + labelsOf(s, hasPieces(s)).map((l) => isolated(l.text)).join(" "), k)));
  $("base").replaceChildren(...r.steps.map((step, k) => new Option(thousands(step), k)));
  $("views").replaceChildren(...kViews.map((view) => {
    const b = document.createElement("button");
    b.textContent = view, b.dataset.view = view;
    b.addEventListener("click", () => choose({view}));
    return b;
  }));
  drawFindings(r);
  $("notes").replaceChildren(...data.notes.map((note) => Object.assign(document.createElement("li"), {textContent: note})));
  $("previous").addEventListener("click", kKeys.S), $("next").addEventListener("click", kKeys.s);
  $("previous").hidden = $("next").hidden = r.sentences.length < 2;
  $("sentences").addEventListener("change", (e) => choose({sentence: Number(e.target.value)}));
  $("base").addEventListener("change", (e) => choose({base: Number(e.target.value)}));
  $("words").addEventListener("change", kKeys.w);
  $("step").addEventListener("input", (e) => choose({step: Number(e.target.value)}));
  $("play").addEventListener("click", play);
  for (const id of ["loss", "course"]) for (const kind of ["pointerdown", "pointermove"]) $(id).addEventListener(kind, (e) => e.buttons === 1 && choose({step: stepAt(id, e.clientX)}));
  $("theme").addEventListener("click", kKeys.t), $("help").addEventListener("click", kKeys["?"]);
  $("numbers").addEventListener("toggle", () => picture && drawNumbers(picture));
  $("picture").addEventListener("mousemove", (e) => point(e, false)), $("picture").addEventListener("click", (e) => point(e, true));
  $("picture").addEventListener("mouseleave", () => state.locked || (state.row >= 0 && (Object.assign(state, {row: -1, column: -1}), drawPicture())));
  window.addEventListener("resize", () => (measureWidths(), draw())), window.addEventListener("hashchange", () => (readHash(), draw()));
  theme(matchMedia("(prefers-color-scheme: dark)").matches);
  measureWidths();
}

(async () => {
  start();
  startLive();
  settle();
  await mapOf(sentence(), state.step);
  if (location.hash.length > 1) readHash();
  else firstLook();
  await draw();
  document.documentElement.dataset.drawn = performance.now().toFixed(0);
  warm();
})();
