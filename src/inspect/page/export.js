// Every view as a file, with how it was computed inside.
function captionOf() {
  const r = run(), s = sentence(), step = thousands(r.steps[state.step]);
  const what = {weights: `Attention of ${headName(state.layer, state.head)}`, lines: `Attention of ${headName(state.layer, state.head)}, the weights that make up 90 % of each row`,
    runs: `Attention of ${headName(state.layer, state.head)}, and of the head of ${data.runs[1]?.name} that is most like it,`,
    change: `Change of the attention of ${headName(state.layer, state.head)} since step ${thousands(r.steps[state.base])}`}[state.view];
  return `${what} after step ${step} of ${r.name} (seed ${r.seed}). ${computedOf(s)}`;
}
function computedOf(s) {
  const r = s.run;
  const rows = s.row_error < 1e-3 ? `rows ${s.empty_rows ? "that have a key " : ""}sum to 1` : `rows do NOT sum to 1 (off by ${s.row_error.toPrecision(2)})`;
  return `${r.formula}; evaluation mode, dropout off, ${rows}; ${r.precision}, shown within ${data.precision}; configuration ${r.config}, vitrine ${r.version}.`;
}
function csvOf(picture) {
  const quote = (text) => `"${text.replaceAll('"', '""')}"`;
  const rows = picture.labels.map((label, i) => [quote(label.text), ...picture.labels.map((_, j) => picture.value(i, j).toFixed(5))].join(","));
  return `# ${captionOf().replaceAll("\n", " ")}\n${["query", ...picture.labels.map((l) => quote(l.text))].join(",")}\n${rows.join("\n")}\n`;
}
function save(blob, ending) {
  const a = document.createElement("a");
  a.href = URL.createObjectURL(blob);
  a.download = `${run().name}-step${run().steps[state.step]}-${state.layer}.${state.head}-${state.view}.${ending}`;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 10000);
}
// Colours of the page's light look, whatever it looks like now.
const plain = (picture) => {
  const colours = {"var(--mark)": "#c8540a", "var(--accent)": "#1c62b2", "var(--faint)": "#9aa4b2", "var(--soft)": "#5d6878"};
  return {...picture, marks: picture.marks.map((m) => ({...m, fill: colours[m.fill] ?? m.fill, stroke: colours[m.stroke] ?? m.stroke}))};
};
const savedPicture = () => plain(chosenPicture(720));

$("save-svg").addEventListener("click", () => save(new Blob([svgFile(savedPicture(), captionOf())], {type: "image/svg+xml"}), "svg"));
$("save-png").addEventListener("click", () => pngCanvas(savedPicture(), captionOf()).toBlob((blob) => save(blob, "png")));
$("save-csv").addEventListener("click", () => save(new Blob([csvOf(savedPicture())], {type: "text/csv"}), "csv"));
