// Sends what an operator's button says to the API, tells what came of it, and shows the page anew.
"use strict";

const told = document.getElementById("done");

async function act(form) {
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch(form.dataset.action, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: form.dataset.body,
    });
    const text = await answer.text();
    if (answer.ok) {
      told.textContent = told.dataset.done;
      location.reload();
      return;
    }
    told.textContent = text.startsWith("{") ? JSON.parse(text).detail : `${answer.status} ${text.slice(0, 200)}`;
  } catch (error) {
    told.textContent = String(error);
  }
  button.disabled = false;
}

for (const form of document.querySelectorAll("form[data-action]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!form.dataset.confirm || confirm(form.dataset.confirm)) act(form);
  });
}
