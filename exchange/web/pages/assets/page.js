// Replaces the texts that change as the exchange tells them; without it the page shows the figures it was loaded with.
"use strict";

const fields = new Map();
for (const element of document.querySelectorAll("[data-field]")) {
  const name = element.dataset.field;
  if (!fields.has(name)) fields.set(name, []);
  fields.get(name).push(element);
}
const sparks = new Map(Array.from(document.querySelectorAll("[data-spark]"), (line) => [line.dataset.spark, line]));
const link = document.getElementById("link");
const notUpdated = link.textContent;
const receivers = document.querySelector("[data-receivers]");
const columns = ["why", "probe", "waiting", "held_up"];

function say(text) {
  if (link.textContent !== text) link.textContent = text;
}

function element(name, text, parent, classes = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (classes) made.className = classes;
  parent.append(made);
  return made;
}

function receiverRow(row) {
  const line = document.createElement("tr");
  line.className = row.kind;
  const head = element("th", "", line);
  head.scope = "row";
  element("a", row.name, head).href = `/partners/${row.receiver}?lang=${document.documentElement.lang}`;
  head.append(" ");
  element("code", row.receiver, head);
  element("span", row.states, element("td", "", line), "condition");
  element("small", row.since, element("td", row.lasts, line, "time"));
  for (const column of columns) element("td", row[column], line, ["waiting", "held_up"].includes(column) ? "number" : "");
  return line;
}

// A row that stays keeps its link, so that nobody's focus is lost each second.
function showReceivers(rows) {
  rows.map(receiverRow).forEach((line, index) => {
    const old = receivers.rows[index];
    if (old?.querySelector("code").textContent !== rows[index].receiver) {
      if (old) old.replaceWith(line);
      else receivers.append(line);
      return;
    }
    old.className = line.className;
    for (let cell = 1; cell < old.cells.length; cell += 1) {
      old.cells[cell].replaceChildren(...line.cells[cell].childNodes);
    }
  });
  while (receivers.rows.length > rows.length) receivers.deleteRow(-1);
  document.getElementById("receivers-table").hidden = rows.length === 0;
  document.getElementById("all-up").hidden = rows.length > 0;
}

function showSpans(spans) {
  for (const search of document.querySelectorAll("a[data-span]")) {
    const [since, until] = spans[search.dataset.span];
    const address = new URL(search.href);
    address.searchParams.set("since", since);
    if (until) address.searchParams.set("until", until);
    if (search.href !== address.href) search.href = address.href;
  }
}

const events = new EventSource(document.body.dataset.events);
events.onmessage = (event) => {
  const { texts, sparks: points, spans, receivers: rows } = JSON.parse(event.data);
  for (const [name, text] of Object.entries(texts)) {
    for (const element of fields.get(name) ?? []) {
      if (element.textContent !== text) element.textContent = text;
    }
  }
  for (const [name, line] of Object.entries(points)) sparks.get(name)?.setAttribute("points", line);
  showReceivers(rows);
  showSpans(spans);
  say(link.dataset.live);
};
// A browser does not come again after a refusal: the session has ended, or too many watch.
events.onerror = () => say(events.readyState === EventSource.CLOSED ? notUpdated : link.dataset.lost);
