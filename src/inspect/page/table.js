// Every head in numbers, for this sentence at this step; sorted by any of them.
let order = {column: -1, falling: true};

function headRows() {
  const s = sentence(), {layers, heads} = run(), rows = [];
  for (let l = 0; l < layers; ++l)
    for (let h = 0; h < heads; ++h)
      rows.push({l, h, values: [onSources(s, state.step, l, h), effectOf(s, state.step, l, h), ...data.measures.map((_, m) => measureOf(s, state.step, l, h, m))]});
  return rows;
}
const columns = [
  {title: "looks", formula: "attention of › on what decides it"},
  {title: "carries", formula: "(LD_h − LD)/(LD_pair − LD): how far the answer moves when this head's output comes from the minimal pair; – where the pair hardly moves it"},
  ...data.measures,
];

function drawTable() {
  const s = sentence(), linked = (k) => k > 1 || (k === 0 ? Boolean(s.looks) : Boolean(s.moves)), rows = headRows();
  const shown = columns.map((c, k) => k).filter(linked);
  if (order.column >= 0) rows.sort((a, b) => {
    const [x, y] = [a, b].map((r) => r.values[order.column]);
    return Number.isNaN(x) - Number.isNaN(y) || (order.falling ? y - x : x - y);
  });
  const head = document.createElement("tr");
  const heading = (title, k) => {
    const th = document.createElement("th"), button = document.createElement("button");
    th.scope = "col", button.textContent = title;
    if (k >= 0) button.title = columns[k].formula;
    if (order.column === k && k >= 0) th.setAttribute("aria-sort", order.falling ? "descending" : "ascending"), button.textContent += order.falling ? " ↓" : " ↑";
    button.addEventListener("click", () => {
      order = k < 0 ? {column: -1} : {column: k, falling: order.column === k ? !order.falling : true};
      $("measure").textContent = k < 0 ? "" : `${columns[k].title}: ${columns[k].formula}`;
      drawTable();
      $("measures").querySelectorAll("th button")[k < 0 ? 0 : shown.indexOf(k) + 1].focus();
    });
    th.append(button);
    head.append(th);
  };
  heading("head", -1);
  for (const k of shown) heading(columns[k].title, k);
  const most = shown.map((k) => Math.max(1, ...rows.map((r) => r.values[k]).filter(Number.isFinite)));
  const body = rows.map(({l, h, values}) => {
    const tr = document.createElement("tr");
    tr.className = l === state.layer && h === state.head ? "chosen" : "";
    const name = document.createElement("td");
    name.textContent = `${l}.${h}`;
    tr.append(name, ...shown.map((k, i) => {
      const td = document.createElement("td");
      td.textContent = Number.isNaN(values[k]) ? "–" : values[k].toFixed(2).replace(/^-0\.00$/, "0.00").replace("-", "−");
      if (values[k] > 0) td.style.setProperty("--share", `${(100 * values[k]) / most[i]}%`);
      return td;
    }));
    tr.addEventListener("click", () => choose({layer: l, head: h}));
    return tr;
  });
  const thead = document.createElement("thead"), tbody = document.createElement("tbody");
  thead.append(head), tbody.append(...body);
  $("measures").replaceChildren(thead, tbody);
}

// The weights of the chosen head, for screen readers and for copying; made when it is opened.
function drawNumbers(picture) {
  if (!$("numbers").open) return;
  const table = document.createElement("table"), caption = table.createCaption();
  caption.textContent = captionOf();
  const head = table.createTHead().insertRow(), body = table.createTBody();
  const cell = (row, text, scope) => {
    const e = document.createElement(scope ? "th" : "td");
    if (scope) e.scope = scope;
    e.textContent = text;
    row.append(e);
  };
  cell(head, "looks ↓ at →", "col");
  picture.labels.forEach((label) => cell(head, label.text, "col"));
  picture.labels.forEach((label, i) => {
    const row = body.insertRow();
    cell(row, label.text, "row");
    picture.labels.forEach((_, j) => cell(row, picture.value(i, j).toFixed(3).replace("-", "−")));
  });
  $("numbers").querySelector("div").replaceChildren(table);
}
