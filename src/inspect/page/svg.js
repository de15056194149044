// A picture is a list of marks, drawn in three ways: on the screen (cells on a canvas, the rest as SVG), as an SVG file, as a PNG.
//   {cells: {x, y, size, n, colour(i, j)}}   {rect: [x, y, w, h], stroke, fill, width}   {path, stroke, width, opacity, dash}
//   {text, x, y, size, fill, anchor, turn, weight, title}
const kFont = "system-ui, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', sans-serif";
const kSvg = "http://www.w3.org/2000/svg";

function element(name, attributes = {}, parent = null) {
  const e = document.createElementNS(kSvg, name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) e.setAttribute(key, value);
  if (parent) parent.append(e);
  return e;
}
const rounded = (x) => Math.round(x * 100) / 100;

function addMark(svg, m) {
  if (m.rect) element("rect", {x: m.rect[0], y: m.rect[1], width: m.rect[2], height: m.rect[3], rx: m.round, fill: m.fill ?? "none", stroke: m.stroke, "stroke-width": m.width}, svg);
  if (m.path) element("path", {d: m.path, fill: "none", stroke: m.stroke, "stroke-width": rounded(m.width ?? 1), "stroke-opacity": m.opacity && rounded(m.opacity), "stroke-dasharray": m.dash}, svg);
  if (m.text !== undefined) {
    const t = element("text", {x: rounded(m.x), y: rounded(m.y), "font-size": m.size ?? 12, fill: m.fill, "text-anchor": m.anchor, "font-weight": m.weight,
      transform: m.turn ? `rotate(${m.turn} ${rounded(m.x)} ${rounded(m.y)})` : undefined, "unicode-bidi": "isolate"}, svg);
    if (m.fill) t.style.fill = m.fill;
    t.textContent = m.text;
    if (m.title) element("title", {}, t).textContent = m.title;
  }
}
// One pixel a cell; where cells are smaller than the screen's, the largest of a square.
const poolOf = (size) => Math.max(1, Math.ceil(1 / (size * (window.devicePixelRatio || 1))));
function cellCanvas(c) {
  const canvas = document.createElement("canvas"), pool = poolOf(c.size), m = Math.ceil(c.n / pool);
  canvas.width = canvas.height = m;
  const context = canvas.getContext("2d"), image = context.createImageData(m, m);
  for (let i = 0; i < m; ++i)
    for (let j = 0; j < m; ++j) {
      let value = 0;
      for (let a = i * pool; a < Math.min(c.n, (i + 1) * pool); ++a)
        for (let b = j * pool; b < Math.min(c.n, (j + 1) * pool); ++b) if (Math.abs(c.value(a, b)) > Math.abs(value)) value = c.value(a, b);
      image.data.set([...c.colour(value), 255], 4 * (i * m + j));
    }
  context.putImageData(image, 0, 0);
  return canvas;
}
// The same of weights as they are in the file, on a canvas that is there already: quick enough for all heads in every frame.
const kBytePixels = new Uint32Array(Uint8Array.from({length: 1024}, (_, k) => (k % 4 === 3 ? 255 : weightColour(weightOf[k >> 2])[k % 4])).buffer);
function paintBytes(canvas, bytes, n, size) {
  const pool = poolOf(size), m = Math.ceil(n / pool);
  if (canvas.width !== m) canvas.width = canvas.height = m;
  const context = (canvas.context ??= canvas.getContext("2d")), image = context.createImageData(m, m), pixels = new Uint32Array(image.data.buffer), pooled = pool > 1 ? new Uint8Array(m * m) : bytes;
  if (pool > 1)
    for (let i = 0; i < n; ++i) for (let j = 0; j < n; ++j) {
      const to = Math.floor(i / pool) * m + Math.floor(j / pool);
      if (bytes[i * n + j] > pooled[to]) pooled[to] = bytes[i * n + j];
    }
  for (let k = 0; k < m * m; ++k) pixels[k] = kBytePixels[pooled[k]];
  context.putImageData(image, 0, 0);
}

function showPicture(where, picture) {
  const svg = element("svg", {width: picture.width, height: picture.height, "font-family": kFont, "aria-hidden": "true"});
  const parts = [];
  for (const m of picture.marks) {
    if (!m.cells) { addMark(svg, m); continue; }
    const canvas = cellCanvas(m.cells), side = m.cells.size * m.cells.n;
    Object.assign(canvas.style, {left: `${m.cells.x}px`, top: `${m.cells.y}px`, width: `${side}px`, height: `${side}px`});
    parts.push(canvas);
  }
  where.replaceChildren(...parts, svg);
}

// As a file: the caption stands in the picture, and as its title and description.
function svgFile(picture, caption) {
  const lines = wrapped(caption, Math.max(40, picture.width / 5.4)), height = picture.height + 14 * lines.length + 12;
  const svg = element("svg", {xmlns: kSvg, width: picture.width, height, viewBox: `0 0 ${picture.width} ${height}`, "font-family": kFont});
  element("title", {}, svg).textContent = caption;
  addMark(svg, {rect: [0, 0, picture.width, height], fill: "#fff"});
  for (const m of picture.marks) {
    if (!m.cells) { addMark(svg, m.text !== undefined ? {...m, fill: m.fill ?? "#1d2530"} : m); continue; }
    const {x, y, size, n, value, colour} = m.cells;
    for (let i = 0; i < n; ++i) for (let j = 0; j < n; ++j) addMark(svg, {rect: [rounded(x + j * size), rounded(y + i * size), rounded(size), rounded(size)], fill: css(colour(value(i, j)))});
  }
  lines.forEach((line, k) => addMark(svg, {text: line, x: 4, y: picture.height + 14 * (k + 1), size: 10, fill: "#5d6878"}));
  return new XMLSerializer().serializeToString(svg);
}
function pngCanvas(picture, caption, scale = 2) {
  const lines = wrapped(caption, Math.max(40, picture.width / 5.4)), canvas = document.createElement("canvas");
  canvas.width = picture.width * scale, canvas.height = (picture.height + 14 * lines.length + 12) * scale;
  const c = canvas.getContext("2d");
  c.scale(scale, scale);
  c.fillStyle = "#fff", c.fillRect(0, 0, canvas.width, canvas.height);
  const draw = (m) => {
    if (m.cells) c.imageSmoothingEnabled = false, c.drawImage(cellCanvas(m.cells), m.cells.x, m.cells.y, m.cells.size * m.cells.n, m.cells.size * m.cells.n);
    if (m.rect && m.fill) c.fillStyle = m.fill, c.fillRect(...m.rect);
    if (m.rect && m.stroke) c.strokeStyle = m.stroke, c.lineWidth = m.width ?? 1, c.strokeRect(...m.rect);
    if (m.path) {
      c.globalAlpha = m.opacity ?? 1, c.strokeStyle = m.stroke, c.lineWidth = m.width ?? 1;
      c.setLineDash(m.dash ? m.dash.split(" ").map(Number) : []), c.stroke(new Path2D(m.path)), c.setLineDash([]), c.globalAlpha = 1;
    }
    if (m.text === undefined) return;
    c.save();
    c.translate(m.x, m.y), c.rotate(((m.turn ?? 0) * Math.PI) / 180);
    c.font = `${m.weight ?? 400} ${m.size ?? 12}px ${kFont}`, c.fillStyle = m.fill ?? "#1d2530", c.textAlign = m.anchor === "end" ? "right" : m.anchor === "middle" ? "center" : "left";
    c.fillText(m.text, 0, 0);
    c.restore();
  };
  picture.marks.forEach(draw);
  lines.forEach((line, k) => draw({text: line, x: 4, y: picture.height + 14 * (k + 1), size: 10, fill: "#5d6878"}));
  return canvas;
}
function wrapped(text, width) {
  const lines = [""];
  for (const word of text.split(" ")) {
    if (lines.at(-1) && lines.at(-1).length + word.length + 1 > width) lines.push("");
    lines[lines.length - 1] += (lines.at(-1) ? " " : "") + word;
  }
  return lines;
}
