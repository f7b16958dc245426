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

function say(text) {
  if (link.textContent !== text) link.textContent = text;
}

const events = new EventSource(document.body.dataset.events);
events.onmessage = (event) => {
  const { texts, sparks: points } = JSON.parse(event.data);
  for (const [name, text] of Object.entries(texts)) {
    for (const element of fields.get(name) ?? []) {
      if (element.textContent !== text) element.textContent = text;
    }
  }
  for (const [name, line] of Object.entries(points)) sparks.get(name)?.setAttribute("points", line);
  say(link.dataset.live);
};
events.onerror = () => say(link.dataset.lost);
