// Bring new e-mails without reloading while nothing changed: a reload would lose the place and the selection.
// Without JavaScript the page reloads itself every three seconds.
"use strict";

const INTERVAL_MS = 2000;

async function look() {
  try {
    const messages = await (await fetch("/messages")).json();
    const newest = String(messages.length ? messages[0].id : 0);
    if (newest !== document.body.dataset.newest) {
      const page = new DOMParser().parseFromString(await (await fetch("/")).text(), "text/html");
      document.getElementById("messages").replaceChildren(...page.getElementById("messages").childNodes);
      document.body.dataset.newest = page.body.dataset.newest;
    }
  } catch {
    // The demo was stopped: keep what is shown, and look again.
  }
  setTimeout(look, INTERVAL_MS);
}

setTimeout(look, INTERVAL_MS);
