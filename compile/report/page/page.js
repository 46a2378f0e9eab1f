"use strict";
const dark = matchMedia("(prefers-color-scheme: dark)");
const tokens = { "#010203": "--ink", "#020304": "--line" };

function draw(place) {
  const style = getComputedStyle(document.documentElement);
  let text = document.getElementById(place.dataset.figure).textContent;
  for (const [token, name] of Object.entries(tokens)) text = text.replaceAll(token, style.getPropertyValue(name).trim());
  const height = place.offsetHeight;
  place.style.minHeight = place.drawn ? height + "px" : "";
  const item = JSON.parse(text);
  if (place.dataset.from) {
    const choice = document.querySelector(`select[data-fills="${place.dataset.figure}"]`);
    fill(item, JSON.parse(document.getElementById(place.dataset.from).textContent)[choice.value]);
  }
  place.replaceChildren();
  Bokeh.embed.embed_item(item, place);
  place.drawn = true;
}

function fill(part, sources) {
  if (!part || typeof part !== "object") return;
  const columns = part.name === "ColumnDataSource" && sources[part.attributes?.name];
  if (columns) part.attributes.data = { type: "map", entries: Object.entries(columns) };
  else Object.values(part).forEach((each) => fill(each, sources));
}

const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting && !target.drawn) draw(target);
}, { rootMargin: "300px" });
const figures = [...document.querySelectorAll("[data-figure]")];
figures.forEach((place) => seen.observe(place));
dark.addEventListener("change", () => figures.filter((place) => place.drawn).forEach(draw));
addEventListener("beforeprint", () => figures.filter((place) => !place.drawn && place.offsetParent).forEach(draw));

for (const choice of document.querySelectorAll("select[data-shows]")) {
  const show = () => {
    for (const each of document.querySelectorAll(`[data-shown-by="${choice.dataset.shows}"]`)) each.hidden = each.dataset.choice !== choice.value;
  };
  choice.addEventListener("change", show);
  show();
}

for (const choice of document.querySelectorAll("select[data-fills]")) {
  choice.addEventListener("change", () => draw(document.querySelector(`[data-figure="${choice.dataset.fills}"]`)));
}

const number = (cell) => Number.parseFloat(cell.dataset.value ?? cell.textContent.replaceAll(",", ""));
for (const head of document.querySelectorAll("table.sortable th")) {
  head.addEventListener("click", () => {
    const table = head.closest("table"), body = table.tBodies[0], column = head.cellIndex;
    const down = head.getAttribute("aria-sort") !== "descending";
    table.querySelectorAll("th").forEach((each) => each.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const compared = (a, b) => {
      const [x, y] = [a, b].map((row) => number(row.cells[column]));
      const order = Number.isNaN(x) || Number.isNaN(y)
        ? a.cells[column].textContent.localeCompare(b.cells[column].textContent) : x - y;
      return down ? -order : order;
    };
    body.append(...[...body.rows].sort(compared));
  });
}

const cells = (table) => [...table.rows].map((row) => [...row.cells].filter((cell) => !cell.hidden).map((cell) => cell.textContent.trim()));
const formats = {
  CSV: (rows) => rows.map((row) => row.map((text) => /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text).join(",")).join("\n") + "\n",
  LaTeX: (rows) => {
    const plain = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}" };
    const safe = (text) => text.replace(/[\\~^]|[&%$#_{}]/g, (mark) => plain[mark] ?? `\\${mark}`);
    const lines = rows.map((row) => row.map(safe).join(" & ") + " \\\\");
    const columns = "l" + "r".repeat(Math.max(0, rows[0].length - 1));
    return [`\\begin{tabular}{${columns}}`, "\\toprule", lines[0], "\\midrule", ...lines.slice(1), "\\bottomrule", "\\end{tabular}"].join("\n") + "\n";
  },
};
async function copy(button, text) {
  const said = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  button.textContent = "copied";
  setTimeout(() => { button.textContent = said; }, 1200);
}
for (const table of document.querySelectorAll("table[id]")) {
  const tools = document.querySelector(`[data-tools="${table.id}"]`);
  for (const [name, format] of Object.entries(formats)) {
    const button = Object.assign(document.createElement("button"), { textContent: `copy as ${name}` });
    button.addEventListener("click", () => copy(button, format(cells(table))));
    tools.append(button);
  }
}
for (const button of document.querySelectorAll("button[data-copies]")) {
  button.addEventListener("click", () => copy(button, document.getElementById(button.dataset.copies).textContent));
}
