// Small charts in SVG: drawn from numbers, with a text for who cannot see them.

const SVG = "http://www.w3.org/2000/svg";
const LEFT = 42, RIGHT = 22, TOP = 12, BOTTOM = 26, HEIGHT = 220;
const LOW_PERCENT = 95;

/** As wide as there is room: letters keep their size on a phone. */
function widthOf(box) {
  return Math.max(box.clientWidth, 280);
}

function made(parent, name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

/** A line of percentages by day into `box`. points: [{day, percent}], oldest first. */
export function line(box, title, points) {
  box.replaceChildren();
  if (points.length < 2) return;
  const width = widthOf(box);
  const told = `${title}：${points.map((p) => `${p.day} ${p.percent}%`).join("，")}`;
  const svg = made(box, "svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": told });
  // Rates live near 100: the scale starts at the next lower ten of what is shown.
  const least = Math.max(0, Math.floor(Math.min(...points.map((p) => p.percent), 90) / 10) * 10);
  const most = Math.max(100, ...points.map((p) => p.percent));
  const x = (n) => LEFT + (n * (width - LEFT - RIGHT)) / (points.length - 1);
  const y = (percent) => TOP + ((most - percent) * (HEIGHT - TOP - BOTTOM)) / (most - least);
  for (let step = 0; step <= 4; step += 1) {
    const percent = least + ((most - least) * step) / 4;
    made(svg, "line", { x1: LEFT, x2: width - RIGHT, y1: y(percent), y2: y(percent), class: "grid" });
    made(svg, "text", { x: LEFT - 6, y: y(percent) + 4, "text-anchor": "end", class: "axis" }, `${Math.round(percent)}%`);
  }
  made(svg, "polyline", { points: points.map((p, n) => `${x(n)},${y(p.percent)}`).join(" "), class: "rate" });
  const every = Math.ceil((points.length * 70) / width);
  points.forEach((p, n) => {
    const dot = made(svg, "circle", { cx: x(n), cy: y(p.percent), r: 3.5, class: p.percent < LOW_PERCENT ? "dot low" : "dot" });
    made(dot, "title", {}, `${p.day} ${p.percent}%`);
    if (n % every === 0) made(svg, "text", { x: x(n), y: HEIGHT - 8, "text-anchor": "middle", class: "axis" }, p.day.slice(5));
  });
}

/** A bar of percentages per name into `box`, the lowest first. bars: [{name, percent}]. */
export function bars(box, title, given, most = 12) {
  box.replaceChildren();
  const shown = [...given].sort((a, b) => a.percent - b.percent).slice(0, most);
  if (!shown.length) return;
  const told = `${title}：${shown.map((b) => `${b.name} ${b.percent}%`).join("，")}`;
  const width = widthOf(box), row = 24, names = Math.min(190, width * 0.42), letters = Math.floor(names / 12.5);
  const height = shown.length * row + 4;
  const svg = made(box, "svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": told });
  shown.forEach((bar, n) => {
    const middle = n * row + 17;
    const long = Math.max((Math.min(bar.percent, 100) * (width - names - 62)) / 100, 1);
    const name = bar.name.length > letters ? `${bar.name.slice(0, letters - 1)}…` : bar.name;
    made(svg, "text", { x: names - 8, y: middle, "text-anchor": "end", class: "axis" }, name);
    made(svg, "rect", { x: names, y: n * row + 5, width: long, height: row - 8, rx: 2, class: bar.percent < LOW_PERCENT ? "dot low" : "dot" });
    made(svg, "text", { x: names + long + 6, y: middle, class: "axis" }, `${bar.percent}%`);
  });
}
