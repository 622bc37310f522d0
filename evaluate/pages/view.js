// The page of `tocsin view`: counts, filters and the marked texts of predictions.

const PER_PAGE = 50;
const WIDE = matchMedia("(min-width: 40.01rem)");
const FEW = WIDE.matches ? 10 : 5; // bars shown before "more"
const { types: TYPES, groups: GROUPS, tooltips: TOOLTIPS } = DATA;

const SPELLINGS = new Map();

const RECORDS = DATA.records.map(([id, doc, lang, text, events, entities, roles]) => ({
  id,
  doc,
  lang,
  text,
  events: events.map(([type, score]) => ({ type, score })),
  spans: [
    ...entities.map(([start, end, label]) => ({ start, end, label, layer: "entity" })),
    ...roles.map(([start, end, label]) => ({ start, end, label, layer: "role" })),
  ],
  searched: folded(`${text}\n${id}`),
  places: mentions(text, entities, "location"),
  dates: mentions(text, entities, "date"),
}));

/** The different mentions of one kind of entity, in lower case; SPELLINGS keeps how each was first written. */
function mentions(text, entities, label) {
  const spans = entities.filter((span) => span[2] === label);
  if (!spans.length) return [];
  const points = Array.from(text);
  const found = spans.map(([start, end]) => {
    const written = points.slice(start, end).join("");
    const key = folded(written);
    if (!SPELLINGS.has(key)) SPELLINGS.set(key, written);
    return key;
  });
  return [...new Set(found)];
}

const chosen = { type: "", lang: "", words: "", score: 0, place: "", date: "" };
const expanded = new Set();
const multiple = new Set(); // documents with more than one record
{
  const seen = new Set();
  for (const { doc } of RECORDS) (seen.has(doc) ? multiple : seen).add(doc);
}

const reported = (record) => record.events.filter((event) => event.score >= chosen.score);

function isChosen(record) {
  if (chosen.lang && record.lang !== chosen.lang) return false;
  if (chosen.place && !record.places.includes(chosen.place)) return false;
  if (chosen.date && !record.dates.includes(chosen.date)) return false;
  if (chosen.words && !chosen.words.split(/\s+/).every((word) => record.searched.includes(word))) return false;
  if (chosen.type === "" && chosen.score === 0) return true;
  const events = reported(record);
  if (chosen.type === "none") return events.length === 0;
  if (chosen.type === "any" || chosen.type === "") return events.length > 0; // a probability asks for what reaches it
  return events.some(({ type }) => type === chosen.type || `group:${TYPES[type].group}` === chosen.type);
}

const tally = (lists) => {
  const counts = new Map();
  for (const list of lists) for (const name of list) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
};

function showBars(id, entries, filter, describe) {
  const list = byId(id);
  const shown = expanded.has(id) ? entries : entries.slice(0, FEW);
  const most = entries[0]?.[1] ?? 1;
  const bars = shown.map(([name, number]) => {
    const { text, title, group } = describe(name);
    const fill = el("span", { class: "fill" });
    fill.style.width = `${(100 * number) / most}%`;
    return el("li", {}, el("button", {
      class: `bar ${group}`, type: "button", title, "aria-pressed": String(chosen[filter] === name),
      onclick: () => choose({ [filter]: chosen[filter] === name ? "" : name }, `#${id}`),
    }, fill, el("bdi", { class: "name" }, text), el("span", { class: "number" }, number.toLocaleString("en"))));
  });
  if (!entries.length) bars.push(el("li", { class: "meta" }, "None"));
  if (entries.length > FEW) {
    const text = expanded.has(id) ? "Show fewer" : `Show ${count(entries.length - FEW, "more", "more")}`;
    bars.push(el("li", { class: "screen-only" }, el("button", { class: "plain more", type: "button", onclick: () => {
      if (!expanded.delete(id)) expanded.add(id);
      showBars(id, entries, filter, describe);
      list.querySelector(".more").focus();
    } }, text)));
  }
  list.replaceChildren(...bars);
}

function chip({ type, score }) {
  const { group, definition } = TYPES[type];
  return el("li", { class: `chip ${group}`, title: definition }, plainName(type), el("span", { class: "score" }, percentOf(score)));
}

function renderRecord(record, index, all) {
  const events = reported(record);
  const link = el("a", { href: `#${encodeURIComponent(record.id)}`, title: "Link to this record" }, el("bdi", {}, record.id));
  const card = el("article", { class: "record", tabindex: "-1" },
    events.length ? el("ul", { class: "chips" }, events.map(chip)) : el("p", { class: "no-event" }, "No event"),
    el("p", { class: "meta" }, `${languageName(record.lang)} · `, link),
    markedText(record.text, record.lang, record.spans, TOOLTIPS));
  card.record = record;
  const first = multiple.has(record.doc) && (index === 0 || index % PER_PAGE === 0 || all[index - 1].doc !== record.doc);
  const head = first ? el("h3", { class: "document" }, el("bdi", {}, record.doc)) : null;
  const fragment = document.createDocumentFragment();
  fragment.append(...[head, card].filter(Boolean));
  return fragment;
}

const pager = new Pager(byId("records"), byId("pager"), PER_PAGE, renderRecord);

function update() {
  const shown = RECORDS.filter(isChosen);
  const events = shown.map((record) => reported(record).map(({ type }) => type));
  const places = tally(shown.map((record) => record.places));
  const reporting = events.filter((list) => list.length).length;
  const kinds = tally(events);
  const figures = [
    ["record", "records", shown.length],
    ["reports an event", "report an event", reporting],
    ["kind of event", "kinds of event", kinds.length],
    ["place named", "places named", places.length],
    ["language", "languages", new Set(shown.map((record) => record.lang)).size],
  ];
  byId("headline").replaceChildren(...figures.map(([one, many, number]) =>
    el("div", {}, el("dt", {}, number === 1 ? one : many), el("dd", {}, number.toLocaleString("en")))));
  showBars("by-type", kinds, "type", (type) => ({ text: plainName(type), title: TYPES[type].definition, group: TYPES[type].group }));
  showBars("by-place", places, "place", (key) => ({ text: SPELLINGS.get(key), title: null, group: "location" }));
  showBars("by-date", tally(shown.map((record) => record.dates)), "date", (key) => ({ text: SPELLINGS.get(key), title: null, group: "date" }));
  byId("records-title").textContent = shown.length === RECORDS.length
    ? count(RECORDS.length, "record")
    : `${shown.length.toLocaleString("en")} of ${count(RECORDS.length, "record")}`;
  byId("chosen").replaceChildren(...["place", "date"].filter((filter) => chosen[filter]).map((filter) =>
    el("button", { class: "plain", type: "button", onclick: () => choose({ [filter]: "" }, "#words") },
      `${plainName(filter)}: `, el("bdi", {}, SPELLINGS.get(chosen[filter])), " ✕", el("span", { class: "visually-hidden" }, " remove"))));
  pager.show(shown);
}

/** Sets filters, shows what they leave, and gives the focus back to the control that `focus` names. */
function choose(filters, focus) {
  Object.assign(chosen, filters);
  byId("type").value = chosen.type;
  byId("lang").value = chosen.lang;
  update();
  if (focus) (document.querySelector(`${focus} [aria-pressed="true"]`) ?? document.querySelector(`${focus} button`) ?? document.querySelector(focus)).focus();
}

/** Shows the record that the address names, whatever the filters were. */
function follow() {
  let id;
  try {
    id = decodeURIComponent(location.hash.slice(1));
  } catch {
    return;
  }
  const record = id && RECORDS.find((other) => other.id === id);
  if (!record) return;
  if (!pager.items.includes(record)) byId("filters").reset();
  pager.show(pager.items, Math.floor(pager.items.indexOf(record) / PER_PAGE));
  const card = [...pager.list.querySelectorAll(".record")].find((node) => node.record === record);
  card.classList.add("linked");
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "center" });
}

byId("title").textContent = DATA.title;
byId("about").textContent = `Read by Tocsin${DATA.models.length ? ` (model ${DATA.models.join(", ")})` : ""}: `
  + "what a text reports, not what happened. The percentage beside a type is the probability that the text reports it."
  + (DATA.untested.length ? ` The model was not tested in ${DATA.untested.map(languageName).join(", ")}.` : "");
const seenTypes = Object.keys(TYPES).filter((type) => RECORDS.some((record) => record.events.some((event) => event.type === type)));
fillSelect(byId("type"), [
  ["", "Everything"], ["any", "Any event"], ["none", "No event"],
  { label: "Groups", options: Object.keys(GROUPS).map((group) => [`group:${group}`, plainName(group)]) },
  ...typeOptions(seenTypes, TYPES, GROUPS),
]);
const languages = tally(RECORDS.map((record) => [record.lang]));
fillSelect(byId("lang"), [["", "All"], ...languages.map(([lang, number]) => [lang, `${languageName(lang)} (${number.toLocaleString("en")})`])]);
byId("legend").append(...Object.entries(TOOLTIPS).map(([label, meaning]) => {
  const layer = DATA.roles.includes(label) ? "role" : "entity";
  return el("li", {}, el("span", { class: `${layer} ${label}` }, label), ` ${meaning}`);
}));

byId("type").addEventListener("change", (event) => choose({ type: event.target.value }));
byId("lang").addEventListener("change", (event) => choose({ lang: event.target.value }));
byId("words").addEventListener("input", settled(() => choose({ words: folded(byId("words").value).trim() })));
byId("score").addEventListener("input", () => {
  const score = Number(byId("score").value);
  byId("score-shown").textContent = score ? `${score} %` : "any";
  choose({ score: score / 100 });
});
for (const layer of ["entities", "roles"])
  byId(layer).addEventListener("change", (event) => byId("records").classList.toggle(`hide-${layer}`, !event.target.checked));
byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("filters").addEventListener("reset", () => {
  Object.assign(chosen, { type: "", lang: "", words: "", score: 0, place: "", date: "" });
  byId("score-shown").textContent = "any";
  byId("records").classList.remove("hide-entities", "hide-roles");
  update();
});
window.addEventListener("hashchange", follow);
byId("filter").open = WIDE.matches;
WIDE.addEventListener("change", () => (byId("filter").open = WIDE.matches));
update();
follow();
