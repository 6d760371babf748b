"use strict";

// The page can be read without this: it adds the filter, sorting, and folds opened on paper.

const SEVERITIES = ["critical", "high", "medium", "low", "info"];

const form = document.querySelector(".filter");
const table = document.querySelector("table.adapters");

/** What the filter asks of a row or of a subject of a task. */
function asked() {
  const value = (name) => form.elements[name].value;
  return {
    words: value("text").toLowerCase().split(/\s+/).filter(Boolean),
    base: value("base"),
    owner: value("owner"),
    severity: value("severity") ? SEVERITIES.indexOf(value("severity")) : SEVERITIES.length,
    grade: value("grade"),
  };
}

/** Reads once what can be asked of an element; its task's words count as its own. */
function entry(element) {
  const { owners, base, severity, grade } = element.dataset;
  const task = element.closest(".task");
  const words = task ? [task.querySelector(".title"), task.querySelector(".message"), element] : [element];
  return {
    element,
    task,
    text: `${words.map((one) => one.textContent).join(" ")} ${base} ${owners}`.toLowerCase(),
    owners: JSON.parse(owners),
    base,
    severity: severity ? SEVERITIES.indexOf(severity) : SEVERITIES.length,
    grade,
    wanted: true,
  };
}

function matches(one, wanted) {
  return one.severity <= wanted.severity
    && (!wanted.base || one.base === wanted.base)
    && (!wanted.grade || one.grade === wanted.grade)
    && (!wanted.owner || (wanted.owner === "-" ? !one.owners.length : one.owners.includes(wanted.owner)))
    && wanted.words.every((word) => one.text.includes(word));
}

let coming = 0;

/** Shows a windowful now and the rest frame by frame: laying out all at once is what takes time. */
function reveal(elements, atOnce = 80) {
  cancelAnimationFrame(coming);
  for (const one of elements.slice(0, atOnce)) one.classList.remove("out");
  const rest = elements.slice(atOnce);
  if (rest.length) coming = requestAnimationFrame(() => reveal(rest, 2 * atOnce));
}

/** Hides what is not wanted and returns what has to appear. */
function sift(entries) {
  const appearing = [];
  for (const { element, wanted } of entries) {
    const out = element.classList.contains("out");
    if (wanted && out) appearing.push(element);
    if (!wanted && !out) element.classList.add("out");
  }
  return appearing;
}

function startFilter(rows) {
  const subjects = Array.from(document.querySelectorAll(".subjects > li"), entry);
  const tasks = Map.groupBy(subjects, (one) => one.task);
  const status = form.querySelector(".shown");

  function apply() {
    const wanted = asked();
    for (const one of [...rows, ...subjects]) one.wanted = matches(one, wanted);
    for (const [task, each] of tasks) task.classList.toggle("out", !each.some((one) => one.wanted));
    reveal([...sift(rows), ...sift(subjects)]);
    const shown = rows.filter((one) => one.wanted).length;
    const found = subjects.filter((one) => one.wanted).length;
    const all = shown === rows.length && found === subjects.length;
    status.textContent = all
      ? "" : `${of(shown, rows)} versions and ${of(found, subjects)} findings shown`;
    remember();
  }

  function of(number, all) {
    return `${number.toLocaleString("en")} of ${all.length.toLocaleString("en")}`;
  }

  /** Keeps the filter in the address, so that it can be handed on. */
  function remember() {
    const kept = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    const hash = kept.size ? `#${kept}` : "";
    if (hash !== location.hash && (hash || location.hash.includes("="))) {
      history.replaceState(null, "", hash || location.pathname);
    }
  }

  function fill(kept) {
    for (const name of ["text", "base", "owner", "severity", "grade"]) {
      form.elements[name].value = kept.get(name) ?? "";
    }
    apply();
  }

  function recall() {
    if (!location.hash.includes("=")) return;
    const kept = new URLSearchParams(location.hash.slice(1));
    fill(kept);
    document.getElementById("adapters").scrollIntoView();
  }

  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    fill(new URLSearchParams());
  });
  window.addEventListener("hashchange", recall);
  recall();
}

/** What a cell is sorted by: nothing known comes last, whatever the direction. */
function key(row, column, by) {
  if (by === "severity") {
    return row.dataset.severity ? SEVERITIES.indexOf(row.dataset.severity) : null;
  }
  const text = row.cells[column].textContent.trim();
  if (text === "–") return null;
  return by === "number" ? Number(text.replace("−", "-").replace(/[^\d-]/g, "")) : text.toLowerCase();
}

function sortBy(header, rows) {
  const descending = header.ariaSort === "ascending";
  const sign = descending ? -1 : 1;
  const keys = new Map(rows.map((one) => [one, key(one.element, header.cellIndex, header.dataset.by)]));
  rows.sort((one, other) => {
    const [a, b] = [keys.get(one), keys.get(other)];
    if (a === null || b === null) return (a === null) - (b === null);
    return a < b ? -sign : a > b ? sign : 0;
  });
  const elements = rows.map((one) => one.element);
  for (const element of elements) element.classList.add("out");
  table.tBodies[0].append(...elements);
  reveal(sift(rows));
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.ariaSort = descending ? "descending" : "ascending";
}

function startSorting(rows) {
  for (const header of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    button.addEventListener("click", () => sortBy(header, rows));
    header.append(button);
  }
}

if (form && table) {
  const rows = Array.from(table.tBodies[0].rows, entry);
  startFilter(rows);
  startSorting(rows);
}

// Browsers that cannot unfold by style sheet print what is open.
window.addEventListener("beforeprint", () => {
  for (const each of document.querySelectorAll("details")) each.open = true;
});
