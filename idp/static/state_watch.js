// Asks how something stands and, when that changes, sends the form that waits for it, or else loads the page anew.
(() => {
  "use strict";
  const watched = document.querySelector("[data-watch]");
  if (!watched) return;
  const PAUSE_MS = 2000;
  const LONG_PAUSE_MS = 5000; // after an answer that is none

  async function look() {
    try {
      const answer = await fetch(watched.dataset.watch, { headers: { Accept: "application/json" }, redirect: "error" });
      const { state } = await answer.json();
      if (state === watched.dataset.state && !waiting(state)) window.setTimeout(look, PAUSE_MS);
      else goOn(state);
    } catch {
      window.setTimeout(look, LONG_PAUSE_MS);
    }
  }

  const waiting = (state) => document.querySelector(`form[data-when="${state}"]`);

  function goOn(state) {
    const form = waiting(state);
    if (form) form.requestSubmit();
    else window.location.reload();
  }

  window.setTimeout(look, PAUSE_MS);
  // Back to a page that the browser kept.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) window.location.reload();
  });
})();
