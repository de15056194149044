// cividis for weights 0 … 1 (Nuñez et al. 2018), blue – white – orange for differences −1 … 1; both are read with every kind of colour vision.
const kBlue = [33, 102, 172], kOrange = [217, 95, 2];
const weightColour = (a) => data.colours[Math.round(255 * Math.min(1, Math.max(0, a)))];
function changeColour(d) {
  const x = Math.min(1, Math.abs(d)), end = d < 0 ? kBlue : kOrange;
  return end.map((c) => Math.round(255 + (c - 255) * Math.sqrt(x)));  // small changes are seen, too
}
const css = (rgb) => `rgb(${rgb.join(",")})`;
const inkOn = ([r, g, b]) => (0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#000" : "#fff");
// Lines of a chart: Okabe and Ito 2008.
const kPalette = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8f8a00", "#7a6fd0"];
