// Curves over the training: the loss with its floors, and, of a sentence with a link, what every head makes of it.
function ticks(low, high) {
  const power = 10 ** Math.floor(Math.log10(Math.max(high - low, 1e-12) / 4)), step = power * ([1, 2, 5, 10].find((f) => (high - low) / (power * f) <= 5) ?? 10), out = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; ++k) out.push(k * step);
  return out;
}
function chart(width, {title, legend, curves, levels = [], low, high, last, step}) {
  const height = 128, left = 34, right = 10, top = 24, bottom = 16, marks = [{text: title, x: 0, y: 11, size: 12, fill: "var(--soft)", weight: 600}];
  const x = (s) => left + (s / Math.max(last, 1)) * (width - left - right), y = (v) => top + ((high - v) / Math.max(high - low, 1e-12)) * (height - top - bottom);
  let at = measureText(title, 12.5) + 18;
  for (const {name, ...line} of legend) {
    marks.push({path: `M${rounded(at)} 7H${rounded(at + 18)}`, ...line}, {text: name, x: at + 23, y: 11, size: 11, fill: "var(--soft)"});
    at += 23 + measureText(name, 11) + 16;
  }
  for (const t of ticks(low, high)) {
    marks.push({path: `M${left} ${rounded(y(t))}H${width - right}`, stroke: "var(--line)"});
    marks.push({text: String(Number(t.toPrecision(3))), x: left - 5, y: y(t) + 3.5, size: 10, anchor: "end", fill: "var(--soft)"});
  }
  marks.push({text: "0", x: left, y: height - 2, size: 10, fill: "var(--soft)"}, {text: `step ${thousands(last)}`, x: width - right, y: height - 2, size: 10, anchor: "end", fill: "var(--soft)"});
  for (const {name, value} of levels) {
    marks.push({path: `M${left} ${rounded(y(value))}H${width - right}`, stroke: "var(--faint)", dash: "4 3"});
    marks.push({text: name, x: width - right, y: y(value) - 3, size: 10, anchor: "end", fill: "var(--soft)"});
  }
  for (const c of curves) {
    let path = "", pen = "M";
    for (const [s, v] of c.points) {
      if (!Number.isFinite(v)) { pen = "M"; continue; }
      path += `${pen}${rounded(x(s))} ${rounded(y(Math.min(high, Math.max(low, v))))}`, pen = "L";
    }
    marks.push({path: path || "M0 0", stroke: c.stroke, width: c.width, opacity: c.opacity, dash: c.dash});
  }
  const cursor = (at) => `M${rounded(x(at))} ${top - 4}V${height - bottom}`;
  marks.push({path: cursor(step), stroke: "var(--accent)", width: 1.5});  // the last mark
  return {width, height, marks, cursor, stepAt: (px) => ((px - left) / (width - left - right)) * Math.max(last, 1)};
}

// Losses from a little below the lowest to the highest but the first steps.
function lossChart(width) {
  const {curves, floors, steps} = run(), all = curves.flatMap((c) => c.points), names = {entropy: "nothing can do better"};
  if (!all.length) return null;
  const values = all.map(([, v]) => v), shown = floors.filter(([, v]) => v <= Math.max(...values) * 1.02).map(([name, value]) => ({name: names[name] ?? name, value}));
  const low = Math.min(...values, ...shown.map((f) => f.value)), high = Math.max(...values), pad = 0.04 * (high - low);
  const looks = {train: {stroke: "var(--faint)", width: 1}, validation: {stroke: "var(--ink)", width: 1.8}};
  return chart(width, {title: "Loss", low: low - pad, high: high + pad, last: Math.max(steps.at(-1), ...all.map(([s]) => s)), step: steps[state.step], levels: shown,
    curves: curves.map((c) => ({points: c.points, ...looks[c.name]})), legend: curves.map((c) => ({name: c.name, ...looks[c.name]}))});
}

const kHeadsWithLines = 64;
function courseChart(width) {
  const s = sentence(), {layers, heads, steps} = run(), curves = [];
  for (let l = 0; l < layers; ++l)
    for (let h = 0; h < heads; ++h) {
      const chosen = l === state.layer && h === state.head, stroke = kPalette[(l * heads + h) % kPalette.length];
      if (!chosen && layers * heads > kHeadsWithLines) continue;
      curves.push({chosen, stroke, width: chosen ? 2.4 : 1.1, opacity: chosen ? 1 : 0.45, points: steps.map((step, k) => [step, onSources(s, k, l, h)])});
      if (chosen && s.moves) curves.push({chosen, stroke, width: 1.8, dash: "5 3", points: steps.map((step, k) => [step, effectOf(s, k, l, h)])});
    }
  curves.sort((a, b) => a.chosen - b.chosen);
  const levels = s.link ? [{name: "chance", value: s.link.chance}] : [];
  const legend = curves.filter((c) => c.chosen).map(({stroke, width, dash}) => ({name: dash ? "carries" : `${headName(state.layer, state.head)} looks`, stroke, width, dash}));
  return chart(width, {title: "On the framed word", legend, low: 0, high: 1, last: steps.at(-1), step: steps[state.step], curves, levels});
}

// Charts are drawn anew for another head, sentence or width; else only their cursor moves.
const charts = {};
function drawChart(id, key, make) {
  if (charts[id]?.key !== key) {
    const picture = make();
    charts[id] = {key: picture && key, picture};
    if (picture) showPicture($(id), picture);
  }
  const {picture} = charts[id];
  if (picture) $(id).querySelector("svg").lastChild.setAttribute("d", picture.cursor(run().steps[state.step]));
  return Boolean(picture);
}
// The recorded step that is nearest to a place on the screen.
function stepAt(id, clientX) {
  const {steps} = run(), step = charts[id].picture.stepAt(clientX - $(id).getBoundingClientRect().left);
  return steps.reduce((best, s, k) => (Math.abs(s - step) < Math.abs(steps[best] - step) ? k : best), 0);
}
function drawTime() {
  const possible = Boolean(sentence().looks) && run().steps.length > 1, width = Math.max(200, pageWidth.panels);
  $("time").querySelector(".panels").classList.toggle("single", !possible);
  $("course").hidden = $("course-words").hidden = !possible;
  const one = possible && !pageWidth.narrow ? (width - 24) / 2 : width;
  $("loss").hidden = !drawChart("loss", `${one} ${state.run}`, () => lossChart(one));
  if (possible) drawChart("course", `${one} ${state.run} ${state.sentence} ${state.layer} ${state.head}`, () => courseChart(one));
  $("step").max = run().steps.length - 1, $("step").value = state.step;
  $("step").setAttribute("aria-valuetext", `step ${run().steps[state.step]}`);
  $("step-name").textContent = `step ${thousands(run().steps[state.step])}`;
  $("time").hidden = run().steps.length < 2 && $("loss").hidden;
}
