// The computer's page while it waits for a phone: draws the QR code anew, shows the number, and goes on at the end.
(() => {
  "use strict";
  const form = document.getElementById("qr-watch");
  if (!form) return;

  const POLL_MS = 2000;
  const SLOW_POLL_MS = 5000; // after an answer that is none
  const DRAW_MS = 30000;
  const OVER = ["approved", "refused", "expired"];
  const picture = document.getElementById("qr-picture");
  const number = document.getElementById("qr-number");
  const left = document.getElementById("qr-left");
  let goodUntil = Date.now() + Number(form.dataset.left) * 1000;
  let isOver = false;
  let state = form.dataset.state;
  let stream = null;
  const timers = [];

  function tell(seen) {
    if (isOver) return;
    goodUntil = Date.now() + seen.left * 1000;
    const isNew = seen.state !== state;
    state = seen.state;
    for (const part of document.querySelectorAll("[data-qr]")) {
      part.hidden = !part.dataset.qr.split(" ").includes(seen.state);
    }
    // Only a change is said aloud.
    if (number && number.textContent !== (seen.number || "")) number.textContent = seen.number || "";
    if (isNew) forget();
    if (OVER.includes(seen.state)) end(seen.state);
  }

  // What was wrong before is so no more; who was there is taken to what is new.
  function forget() {
    const summary = document.getElementById("error-summary");
    if (!summary) return;
    const hadFocus = summary.contains(document.activeElement);
    summary.remove();
    document.title = form.dataset.title;
    if (hadFocus) document.getElementById("qr-said").focus();
  }

  // An approval goes on by itself; of anything else the page says what it was, and waits for the person.
  function end(state) {
    if (isOver) return;
    stop();
    if (state === "approved") form.requestSubmit();
    else window.location.replace(form.action);
  }

  function stop() {
    isOver = true;
    if (stream) stream.close();
    timers.forEach(window.clearInterval);
  }

  function watch() {
    if (!window.EventSource) {
      poll();
      return;
    }
    stream = new EventSource(`${form.action}/events`);
    stream.addEventListener("message", (event) => tell(JSON.parse(event.data)));
    // A stream that ends is opened again by the browser; one that was refused is not.
    stream.addEventListener("error", () => {
      if (stream.readyState === EventSource.CLOSED && !isOver) poll();
    });
  }

  async function poll() {
    if (isOver) return;
    let pause = POLL_MS;
    try {
      const answer = await fetch(`${form.action}/state`, { headers: { Accept: "application/json" } });
      if (answer.ok) tell(await answer.json());
      else if (answer.status === 410) end("expired");
      else pause = SLOW_POLL_MS;
    } catch {
      pause = SLOW_POLL_MS;
    }
    if (!isOver) window.setTimeout(poll, pause);
  }

  function draw() {
    if (!picture || picture.closest("[hidden]")) return;
    const address = new URL(picture.src, window.location.href);
    address.searchParams.set("drawn", String(Date.now()));
    picture.src = address.href;
  }

  function count() {
    const seconds = Math.max(0, Math.ceil((goodUntil - Date.now()) / 1000));
    if (left) left.textContent = String(seconds);
    if (seconds === 0) end("expired");
  }

  timers.push(window.setInterval(draw, DRAW_MS), window.setInterval(count, 1000));
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && !isOver) draw(); // the timers of a page behind another stand still
  });
  form.addEventListener("submit", stop);
  window.addEventListener("pagehide", stop);
  // Back to a page that the browser kept: it shows how the request stands now.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) window.location.reload();
  });
  watch();
})();
