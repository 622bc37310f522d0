"use strict";
// Shared by all pages: elements, marked text, the pager, the theme. Texts of records enter the document as text nodes and
// attributes only, never as markup.

const DATA = JSON.parse(document.getElementById("data").textContent);

/** An element with attributes (functions become properties, null and false are left out) and children. */
function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node[name] = value;
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

const byId = (id) => document.getElementById(id);
const count = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
const isLabel = (name) => /^[a-z_]+$/.test(name); // only such names become CSS classes
const languageNames = new Intl.DisplayNames(["en"], { type: "language", fallback: "code" });

/** Text as searches compare it. */
const folded = (text) => text.normalize("NFKC").toLowerCase();

/** "fr" as "French"; what is no language code stays as it is. */
function languageName(code) {
  try {
    return languageNames.of(code);
  } catch {
    return code;
  }
}

/** "property_destruction" as "Property destruction". */
function plainName(name) {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A probability in whole percent that does not claim certainty. */
function percentOf(score) {
  const rounded = Math.round(100 * score);
  return rounded >= 100 ? ">99 %" : rounded <= 0 ? "<1 %" : `${rounded} %`;
}

/** Letters that join or combine must not be parted by a label: it waits for the end of the word. */
function labelPlace(points, end) {
  const joins = (point) => point !== undefined && /[\p{L}\p{M}\p{N}\u200c\u200d]/u.test(point);
  const alone = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/u;
  let place = end;
  while (joins(points[place - 1]) && joins(points[place]) && !alone.test(points[place - 1]) && !alone.test(points[place]))
    place += 1;
  while (place < points.length && /[\p{M}\u200d\ufe0f\u{1f3fb}-\u{1f3ff}]/u.test(points[place])) place += 1;
  return place;
}

/**
 * A paragraph with the text and its spans marked. Spans are {start, end, label, layer, note}: half-open offsets in code
 * points (JavaScript's own are UTF-16 units), layer "entity" or "role", note set ahead of the label of a wrong span.
 * Spans may nest and overlap.
 */
function markedText(text, lang, spans, tooltips) {
  const points = Array.from(text);
  const cuts = new Set([0, points.length]);
  const labels = new Map();
  for (const span of [...spans].sort((a, b) => a.end - b.end || b.start - a.start)) {
    const place = labelPlace(points, span.end);
    if (!labels.has(place)) labels.set(place, []);
    labels.get(place).push(span);
    for (const cut of [span.start, span.end, place]) cuts.add(cut);
  }
  const paragraph = el("p", { class: "text", dir: "auto", lang: lang || null });
  const places = [...cuts].sort((a, b) => a - b);
  const longestFirst = [...spans].sort((a, b) => b.end - b.start - (a.end - a.start));
  const ordered = ["entity", "role"].flatMap((layer) => longestFirst.filter((span) => span.layer === layer));
  for (let i = 0; i + 1 < places.length; i += 1) {
    const [start, end] = [places[i], places[i + 1]];
    const outer = document.createDocumentFragment();
    let inner = outer;
    for (const span of ordered) {
      if (span.start >= end || span.end <= start) continue;
      const mark = el("span", { class: `${span.layer} ${isLabel(span.label) ? span.label : ""}`, title: tooltips[span.label] });
      inner.append(mark);
      inner = mark;
    }
    inner.append(points.slice(start, end).join(""));
    paragraph.append(outer);
    for (const span of labels.get(end) ?? []) {
      const classes = `label of-${span.layer} ${isLabel(span.label) ? span.label : ""} ${span.note ? "bad" : ""}`;
      paragraph.append(el("span", { class: classes, dir: "ltr" }, (span.note ? `${span.note} ` : "") + span.label));
    }
  }
  return paragraph;
}

/** A list shown page by page: `render` makes the node of one item, `show` takes the items and the page to begin with. */
class Pager {
  constructor(list, bar, perPage, render) {
    Object.assign(this, { list, bar, perPage, render, items: [], page: 0 });
  }

  show(items, page = 0) {
    this.items = items;
    const last = Math.max(0, Math.ceil(items.length / this.perPage) - 1);
    this.page = Math.min(page, last);
    const first = this.page * this.perPage;
    const shown = items.slice(first, first + this.perPage);
    this.list.replaceChildren(...shown.map((item, i) => this.render(item, first + i, items)));
    const step = (text, to, disabled) =>
      el("button", { class: "plain", type: "button", disabled, onclick: () => this.turn(to) }, text);
    this.bar.replaceChildren(
      step("← Previous", this.page - 1, this.page === 0),
      step("Next →", this.page + 1, this.page === last),
      el("span", { class: "muted" }, items.length ? `${first + 1}–${first + shown.length} of ${items.length.toLocaleString("en")}` : ""),
    );
  }

  turn(page) {
    this.show(this.items, page);
    this.list.focus({ preventScroll: true });
    this.list.scrollIntoView({ block: "start" });
  }
}

/** Fills a select with [value, text] pairs, or {label, options} for a group of them. */
function fillSelect(select, entries) {
  const option = ([value, text]) => el("option", { value }, text);
  select.replaceChildren(
    ...entries.map((entry) => (Array.isArray(entry) ? option(entry) : el("optgroup", { label: entry.label }, entry.options.map(option)))),
  );
}

/** The event types that occur, by group, as options of a select. */
function typeOptions(names, types, groups) {
  return Object.keys(groups)
    .map((group) => ({
      label: plainName(group),
      options: names.filter((name) => types[name].group === group).map((name) => [name, plainName(name)]),
    }))
    .filter((entry) => entry.options.length);
}

/** Runs `action` once the reader pauses typing. */
function settled(action, milliseconds = 120) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  };
}

{
  const root = document.documentElement;
  const button = byId("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const name = () => (button.textContent = dark() ? "Light mode" : "Dark mode");
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    name();
  });
  system.addEventListener("change", name);
  name();
}
