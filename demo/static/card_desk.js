// Bring what changed without reloading while nothing did: a reload would lose the place, and the code half typed.
// Without JavaScript the page reloads itself every three seconds, and the code is typed on a keyboard.
"use strict";

const INTERVAL_MS = 400;

function prepare() {
  const pin = document.getElementById("pin");
  if (!pin) return;
  const keys = document.querySelector(".keys");
  keys.hidden = false;
  keys.addEventListener("click", (event) => {
    if (event.target.dataset.key && pin.value.length < pin.maxLength) pin.value += event.target.dataset.key;
    pin.focus();
  });
  pin.focus();
}

async function bring() {
  const page = new DOMParser().parseFromString(await (await fetch("/")).text(), "text/html");
  document.getElementById("desk").replaceChildren(...page.getElementById("desk").childNodes);
  document.body.dataset.state = page.body.dataset.state;
  document.title = page.title;
  prepare();
}

async function look() {
  try {
    const { state } = await (await fetch("/state")).json();
    if (state !== document.body.dataset.state) await bring();
  } catch {
    // The demo was stopped: keep what is shown, and look again.
  }
  setTimeout(look, INTERVAL_MS);
}

prepare();
setTimeout(look, INTERVAL_MS);
