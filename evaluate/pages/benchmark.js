// The page of `tocsin benchmark report`.

const PER_PAGE = 20;
const { types: TYPES, groups: GROUPS, tooltips: TOOLTIPS, kinds: KINDS } = DATA;
const SCORES = Object.entries(DATA.scores); // [heading, key of figures]
const COSTS = Object.entries(DATA.costs); // [heading, key of cost]
const VERDICTS = { right: "", unknown: "", missed: "missed", extra: "extra", label: "other label", boundary: "other ends" };

let suite; // what the page shows now
let sorted = { column: 1, ascending: false };

const percent = (value) => (value === null || value === undefined ? "–" : (100 * value).toFixed(1));
const plain = (value) => (value === null || value === undefined ? "–" : value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString("en"));
const nameOf = (system) => system.result.system.name;

// ---------------------------------------------------------------- leaderboard

const COLUMNS = [
  { heading: "System", value: nameOf },
  ...SCORES.map(([heading, key]) => ({
    heading, best: Math.max, show: percent, value: ({ result }) => result.figures[key],
    interval: ({ result }) => result.intervals[key],
  })),
  { heading: "ECE", best: Math.min, show: (value) => value.toFixed(3), value: ({ result }) => result.calibration?.ece_top },
  ...COSTS.map(([heading, key], i) => ({ heading, best: i ? Math.min : Math.max, show: plain, value: ({ result }) => result.cost[key] })),
];

function showBoard() {
  const { value } = COLUMNS[sorted.column];
  const direction = sorted.ascending ? 1 : -1;
  const missing = (system) => value(system) === null || value(system) === undefined;
  const rows = [...suite.systems].sort((a, b) => {
    if (missing(a) || missing(b)) return missing(a) - missing(b); // what was not measured comes last either way
    const [x, y] = [value(a), value(b)];
    return direction * (typeof x === "string" ? x.localeCompare(y) : x - y);
  });
  const best = COLUMNS.map((column) => {
    const values = suite.systems.map(column.value).filter(Number.isFinite);
    return column.best && suite.systems.length > 1 && values.length ? column.best(...values) : undefined;
  });
  const head = COLUMNS.map(({ heading }, i) => el("th", {
    scope: "col", "aria-sort": i !== sorted.column ? "none" : sorted.ascending ? "ascending" : "descending",
  }, el("button", { type: "button", onclick: () => sortBy(i) }, heading)));
  const cells = (system) => COLUMNS.map((column, i) => {
    const found = column.value(system);
    if (i === 0) return el("th", { scope: "row" }, el("bdi", {}, found));
    if (found === null || found === undefined) return el("td", { class: "muted" }, "–");
    const interval = column.interval?.(system);
    return el("td", { class: found === best[i] ? "best" : null }, column.show(found),
      interval ? el("span", { class: "interval" }, `${percent(interval[0])}–${percent(interval[1])}`) : null);
  });
  byId("board").replaceChildren(
    el("thead", {}, el("tr", {}, head)),
    el("tbody", {}, rows.map((system) => el("tr", {}, cells(system)))),
  );
}

function sortBy(column) {
  const again = sorted.column === column;
  // A first click shows the best ahead; names begin with A.
  const ascending = COLUMNS[column].best !== Math.max;
  sorted = { column, ascending: again ? !sorted.ascending : ascending };
  showBoard();
  byId("board").querySelectorAll("thead button")[column].focus();
}

// ---------------------------------------------------------------- plots

function svg(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}
const line = (className, x1, y1, x2, y2) => svg("line", { class: className, x1, y1, x2, y2 });
const text = (className, x, y, anchor, words) => svg("text", { class: className, x, y, "text-anchor": anchor }, words);

/** Round steps that cover low..high in about `wanted` parts. */
function ticks(low, high, wanted) {
  const raw = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw);
  const values = [];
  for (let i = Math.floor(low / step); i <= Math.ceil(high / step); i += 1) values.push(i * step);
  return values;
}

/** Where a label of a point fits best: beside it, else above or below it, ever farther, where nothing else stands. */
function labelBox(cx, cy, width, taken, low, high) {
  const places = [[cx + 9, cy - 7], [cx - 9 - width, cy - 7]];
  for (let far = 8; far < 80; far += 12)
    for (const left of [cx - width / 2, cx + 4, cx - 4 - width]) places.push([left, cy - far - 14], [left, cy + far]);
  const boxes = places.map(([left, top]) => ({ left, right: left + width, top, bottom: top + 14 }));
  const free = (box) => box.left >= low && box.right <= high + 12
    && !taken.some((other) => box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom);
  return boxes.find(free) ?? boxes[0];
}

function showSpeed() {
  const measured = suite.systems
    .map((system) => ({
      name: nameOf(system), speed: system.result.cost.sentences_per_second, f1: system.result.figures.event_micro_f1,
      interval: system.result.intervals.event_micro_f1,
    }))
    .filter(({ speed, f1 }) => speed && Number.isFinite(f1));
  const left = suite.systems.length - measured.length;
  byId("speed-note").textContent = "Event micro-F1 with its interval, and sentences a second. Up and to the right is better."
    + (left ? ` ${count(left, "system")} without both figures ${left === 1 ? "is" : "are"} not shown.` : "");
  if (!measured.length) return byId("speed").replaceChildren();
  const width = Math.max(280, Math.min(560, byId("speed").clientWidth));
  const height = Math.round(width * 0.66);
  const [x0, x1, y0, y1] = [40, width - 12, height - 38, 10];
  const ys = ticks(...[Math.min, Math.max].map((f) => 100 * f(...measured.flatMap(({ f1, interval }) => [f1, ...(interval ?? [])]))), 4);
  const speeds = measured.map(({ speed }) => Math.log10(speed));
  const [slow, fast] = [Math.min(...speeds) - 0.15, Math.max(...speeds) + 0.15];
  const x = (speed) => x0 + ((Math.log10(speed) - slow) / (fast - slow)) * (x1 - x0);
  const y = (share) => y0 + ((100 * share - ys[0]) / (ys.at(-1) - ys[0])) * (y1 - y0);
  const all = [-2, -1, 0, 1, 2, 3, 4].flatMap((power) => [1, 2, 5].map((factor) => factor * 10 ** power));
  const plot = svg("svg", {
    viewBox: `0 0 ${width} ${height}`, width, height, role: "img",
    "aria-label": `Speed against quality: ${measured.map(({ name, speed, f1 }) => `${name} ${percent(f1)} at ${plain(speed)} sentences a second`).join("; ")}`,
  });
  for (const value of ys)
    plot.append(line("grid", x0, y(value / 100), x1, y(value / 100)), text("tick", x0 - 6, y(value / 100) + 4, "end", String(value)));
  for (const value of all.filter((speed) => x(speed) >= x0 && x(speed) <= x1))
    plot.append(line("axis", x(value), y0, x(value), y0 + 4), text("tick", x(value), y0 + 17, "middle", value.toLocaleString("en")));
  plot.append(line("axis", x0, y0, x1, y0), text("tick", x1, y0 + 33, "end", "sentences a second (logarithmic)"));
  const points = measured.map((system) => ({ ...system, cx: x(system.speed), cy: y(system.f1) }));
  for (const { cx, cy, interval } of points) {
    if (interval) plot.append(line("whisker", cx, y(interval[0]), cx, y(interval[1])));
    plot.append(svg("circle", { class: "dot", cx, cy, r: 5 }));
  }
  const taken = points.map(({ cx, cy }) => ({ left: cx - 6, right: cx + 6, top: cy - 6, bottom: cy + 6 }));
  for (const { name, cx, cy } of points) {
    const box = labelBox(cx, cy, 6.8 * name.length, taken, x0, x1);
    taken.push(box);
    plot.append(text("", box.left, box.bottom - 3, "start", name));
  }
  byId("speed").replaceChildren(plot);
}

function reliabilityPlot({ result }) {
  const [size, from] = [150, 26];
  const x = (share) => from + share * size;
  const y = (share) => 6 + (1 - share) * size;
  const bins = result.calibration.reliability;
  const plot = svg("svg", {
    viewBox: `0 0 ${from + size + 12} ${size + 40}`, width: from + size + 12, height: size + 40, role: "img",
    "aria-label": `Said and right, in percent: ${bins.map((bin) => `${percent(bin.confidence)} and ${percent(bin.frequency)}`).join("; ")}`,
  });
  for (const share of [0, 0.5, 1])
    plot.append(
      line("grid", x(0), y(share), x(1), y(share)), line("grid", x(share), y(0), x(share), y(1)),
      text("tick", from - 5, y(share) + 4, "end", String(100 * share)), text("tick", x(share), y(0) + 15, "middle", String(100 * share)),
    );
  plot.append(line("diagonal", x(0), y(0), x(1), y(1)), text("tick", x(1), y(0) + 29, "end", "said, %"), text("tick", x(0) + 4, y(1) + 10, "start", "right, %"));
  plot.append(svg("polyline", { class: "curve", points: bins.map((bin) => `${x(bin.confidence)},${y(bin.frequency)}`).join(" ") }));
  const most = Math.max(...bins.map((bin) => bin.share));
  for (const bin of bins) plot.append(svg("circle", { class: "dot", cx: x(bin.confidence), cy: y(bin.frequency), r: 2.5 + 2.5 * Math.sqrt(bin.share / most) }));
  return plot;
}

function showReliability() {
  const panels = suite.systems.filter(({ result }) => result.calibration).map((system) =>
    el("div", {}, el("h3", {}, el("bdi", {}, nameOf(system))),
      el("p", { class: "meta" }, `ECE ${system.result.calibration.ece_top.toFixed(3)}`), reliabilityPlot(system)));
  byId("reliability").replaceChildren(...(panels.length ? panels : [el("p", { class: "meta" }, "No system here gives probabilities.")]));
}

// ---------------------------------------------------------------- heat maps

/** A table of shares: rows are {head, group, note, values}, null is no value; the best of a row is bold. */
function heatTable(table, corner, columns, rows) {
  const cell = (value, best) => {
    if (value === null || value === undefined) return el("td", { class: "none" }, "–");
    const node = el("td", { class: value === best ? "best" : null }, percent(value));
    node.style.setProperty("--share", value ** 2); // high figures differ by little
    return node;
  };
  const body = rows.map(({ head, group, note, values }) => {
    if (group) return el("tr", { class: `group ${group}` }, el("th", { scope: "rowgroup", colspan: columns.length + 2 }, head));
    const known = values.filter(Number.isFinite);
    const best = known.length > 1 && Math.min(...known) < Math.max(...known) ? Math.max(...known) : undefined;
    return el("tr", {}, el("th", { scope: "row" }, head), el("td", { class: "support" }, note), values.map((value) => cell(value, best)));
  });
  const heads = [corner, "sentences", ...columns].map((name) => el("th", { scope: "col" }, el("bdi", {}, name)));
  table.replaceChildren(el("thead", {}, el("tr", {}, heads)), el("tbody", {}, body));
}

function showLanguages() {
  const key = byId("language-figure").value;
  const rows = Object.entries(suite.info.languages).map(([lang, sentences]) => ({
    head: languageName(lang), note: sentences.toLocaleString("en"),
    values: suite.systems.map(({ result }) => result.figures.per_language?.[lang]?.[key]),
  })).sort((a, b) => a.head.localeCompare(b.head));
  heatTable(byId("languages"), "Language", suite.systems.map(nameOf), rows);
}

function showTypes() {
  const one = byId("type-columns").value; // "" or the number of a system, whose languages are the columns
  const figure = one === "" ? byId("type-figure").value : "f1"; // by language only F1 is measured
  byId("type-figure").disabled = one !== "";
  if (one !== "") byId("type-figure").value = "f1";
  const languages = Object.keys(suite.info.languages);
  const value = (entry) => (entry && (entry.support || entry.f1) ? entry[figure] : null);
  const supports = suite.systems.map(({ result }) => result.figures.per_type ?? {});
  const columns = one === "" ? suite.systems.map(nameOf) : languages;
  const valuesOf = (type) => (one === ""
    ? supports.map((types) => value(types[type]))
    : languages.map((lang) => value(suite.systems[one].result.per_language_per_type?.[lang]?.[type])));
  const rows = Object.entries(GROUPS).flatMap(([group]) => {
    const types = Object.keys(TYPES).filter((type) => TYPES[type].group === group && supports.some((known) => known[type]?.support));
    const typeRows = types.map((type) => ({
      head: el("span", { title: TYPES[type].definition }, plainName(type)),
      note: String(Math.max(...supports.map((known) => known[type]?.support ?? 0))), values: valuesOf(type),
    }));
    return types.length ? [{ head: plainName(group), group }, ...typeRows] : [];
  });
  heatTable(byId("types"), "Event type", columns, rows);
}

// ---------------------------------------------------------------- sentence by sentence

const chosen = { system: 0, kind: "any", type: "", lang: "", words: "" };

const withSentences = () => suite.systems.filter(({ judged }) => judged);

function showErrors() {
  const system = withSentences()[chosen.system];
  if (!system) {
    byId("shown").textContent = "The predictions of this test set are not part of this page.";
    pager.show([]);
    return;
  }
  const passes = (i) => {
    const [id, lang, words, gold] = suite.sentences[i];
    const [kinds, , types] = system.judged[i];
    if (chosen.lang && lang !== chosen.lang) return false;
    if (chosen.type && !gold.includes(chosen.type) && !types.some(([type]) => type === chosen.type)) return false;
    if (chosen.words && !folded(`${words}\n${id}`).includes(chosen.words)) return false;
    return chosen.kind === "any" ? kinds.length > 0 : chosen.kind === "none" ? kinds.length === 0 : chosen.kind === "" || kinds.includes(chosen.kind);
  };
  const shown = suite.sentences.map((_, i) => i).filter(passes);
  byId("shown").textContent = `${shown.length.toLocaleString("en")} of ${count(suite.sentences.length, "sentence")}`;
  pager.show(shown);
}

function renderSentence(i) {
  const system = withSentences()[chosen.system];
  const { layers } = system.result.system;
  const [id, lang, words, types, entities, roles] = suite.sentences[i];
  const [kinds, gold, predictedTypes, predictedEntities, predictedRoles] = system.judged[i];
  const note = (verdict, layer) => (layers.includes(layer) ? VERDICTS[verdict] : "");
  const spans = (list, layer, verdictOf) => list.map((span, n) => ({
    start: span[0], end: span[1], label: span[2], layer: layer === "entities" ? "entity" : "role",
    note: note(verdictOf(span, n), layer) && `✗ ${note(verdictOf(span, n), layer)}:`,
  }));
  const chip = (type, verdict, score) => el("li", {
    class: `chip ${TYPES[type]?.group ?? ""} ${note(verdict, "types") ? "wrong" : ""}`, title: TYPES[type]?.definition,
  }, plainName(type), note(verdict, "types") ? el("span", { class: "verdict" }, ` ✗ ${note(verdict, "types")}`) : null,
  Number.isFinite(score) ? el("span", { class: "score" }, percentOf(score)) : null);
  const chips = (list) => (list.length ? el("ul", { class: "chips" }, list) : el("span", { class: "no-event" }, "No event"));
  const side = (heading, types_, marks) => el("div", {}, el("h3", {}, heading), types_, markedText(words, lang, marks, TOOLTIPS));
  return el("article", { class: "sentence" },
    el("p", { class: "meta" }, `${languageName(lang)} · `, el("bdi", {}, id), " · ",
      kinds.length ? kinds.flatMap((kind, n) => [n ? ", " : "", el("span", { class: "kinds", title: KINDS[kind] }, kind)]) : "no error"),
    el("div", { class: "sides" },
      side("Gold", chips(types.map((type, n) => chip(type, gold.types[n]))), [
        ...spans(entities, "entities", (_, n) => gold.entities[n]), ...spans(roles, "roles", (_, n) => gold.roles[n])]),
      side(nameOf(system), layers.includes("types") ? chips(predictedTypes.map(([type, score, verdict]) => chip(type, verdict, score)))
        : el("span", { class: "no-event" }, "Predicts no types"), [
        ...spans(predictedEntities, "entities", (span) => span[3]), ...spans(predictedRoles, "roles", (span) => span[3])])));
}

const pager = new Pager(byId("errors"), byId("pager"), PER_PAGE, renderSentence);

function fillKinds() {
  const system = withSentences()[chosen.system];
  const number = (kind) => (system ? system.judged.filter(([kinds]) => kinds.includes(kind)).length : 0);
  fillSelect(byId("kind"), [["any", "Any error"], ...Object.keys(KINDS).map((kind) => [kind, `${plainName(kind)} (${number(kind)})`]),
    ["none", "No error"], ["", "All sentences"]]);
  byId("kind").value = chosen.kind;
}

// ---------------------------------------------------------------- the whole page

function showSuite(index) {
  const [first] = DATA.suites[index].systems;
  suite = { ...DATA.suites[index], info: first.result.suite };
  byId("board-title").textContent = suite.name;
  byId("suite-about").textContent = `${count(suite.info.sentences, "sentence")} in ${count(Object.keys(suite.info.languages).length, "language")}, ${count(suite.systems.length, "system")}`;
  fillSelect(byId("type-columns"), [["", "Systems"], ...suite.systems.map((system, i) => [i, `Languages, ${nameOf(system)}`])]);
  fillSelect(byId("system"), withSentences().map((system, i) => [i, nameOf(system)]));
  fillSelect(byId("lang"), [["", "All"], ...Object.keys(suite.info.languages).map((lang) => [lang, languageName(lang)])]);
  const occurring = Object.keys(TYPES).filter((type) => suite.systems.some(({ result }) => result.figures.per_type?.[type]));
  fillSelect(byId("type"), [["", "All"], ...typeOptions(occurring, TYPES, GROUPS)]);
  Object.assign(chosen, { system: 0, kind: "any", type: "", lang: "", words: "" });
  byId("words").value = "";
  fillKinds();
  for (const show of [showBoard, showSpeed, showReliability, showLanguages, showTypes, showErrors]) show();
}

const dates = [...new Set(DATA.suites.flatMap(({ systems }) => systems.map(({ result }) => result.environment.date)))].filter(Boolean).sort();
const systems = new Set(DATA.suites.flatMap(({ systems: all }) => all.map(nameOf)));
byId("about").textContent = `${count(systems.size, "system")}, ${count(DATA.suites.length, "test set")}${dates.length ? `, measured ${[...new Set([dates[0], dates.at(-1)])].join(" to ")}` : ""}.`;
fillSelect(byId("suite"), DATA.suites.map(({ name }, i) => [i, name]));
fillSelect(byId("language-figure"), SCORES.filter(([, key]) => key !== "event_frequent_macro_f1").map(([heading, key]) => [key, heading]));
fillSelect(byId("type-figure"), [["f1", "F1"], ["precision", "Precision"], ["recall", "Recall"]]);

byId("suite").addEventListener("change", (event) => showSuite(event.target.value));
byId("language-figure").addEventListener("change", showLanguages);
for (const id of ["type-columns", "type-figure"]) byId(id).addEventListener("change", showTypes);
for (const id of ["kind", "type", "lang"])
  byId(id).addEventListener("change", (event) => {
    chosen[id] = event.target.value;
    showErrors();
  });
byId("system").addEventListener("change", (event) => {
  chosen.system = Number(event.target.value);
  fillKinds();
  showErrors();
});
byId("words").addEventListener("input", settled(() => {
  chosen.words = folded(byId("words").value).trim();
  showErrors();
}));
for (const form of document.forms) form.addEventListener("submit", (event) => event.preventDefault());
byId("filters").addEventListener("reset", (event) => {
  event.preventDefault(); // the system stays
  Object.assign(chosen, { kind: "any", type: "", lang: "", words: "" });
  for (const id of ["kind", "type", "lang", "words"]) byId(id).value = chosen[id];
  showErrors();
});
window.addEventListener("resize", settled(showSpeed));
showSuite(0);
