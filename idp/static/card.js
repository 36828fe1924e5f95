/* Signing in with a card: one state at a time is visible, and nothing that a person has to decide happens by itself. */
import * as extension from "./card_extension.js";
import { ANSWER_MS, find, isLocalPage, knock, permission } from "./card_reader.js";

const LOOK_AGAIN_MS = 2000; // the first time; then twice as long each time
const LOOK_AGAIN_AT_MOST_MS = 20000;
const WATCH_MS = 1000;
const FIRST_ANSWER_MS = 60000; // the browser may ask the person first, without telling this page
const ENOUGH_MS = 120000; // left of the nonce before the PIN is asked
const ASKED_BEFORE = "card-asked";
const NO_MORE = ["stale", "several_helpers"]; // nothing that comes of itself changes them

class CardPage {
  constructor(root) {
    this.root = root;
    this.values = root.dataset;
    this.goodUntil = Date.now() + Number(this.values.leftS) * 1000;
    this.facts = new Set(); // what parts of the page may hang on, whatever the state: data-if
    this.forget();
    this.isTurning = false;
    this.isHeld = true; // no quiet turn: the person is asked something, or the permission is not there
    this.mayBeAsking = false;
    this.timer = 0;
    this.leaving = null;
  }

  start(ticket) {
    this.root.hidden = false;
    this.on("card-continue", () => this.knock());
    this.on("card-retry", () => this.retry());
    this.on("card-allow", () => this.allow());
    this.on("card-sign", () => this.sign());
    this.on("card-web-eid", () => this.signElsewhere());
    this.form("card-dialog-form")?.addEventListener("submit", () => this.hold());
    document.addEventListener("visibilitychange", () => this.turn());
    window.addEventListener("pagehide", () => this.leaving?.abort());
    window.addEventListener("pageshow", (event) => {
      // Back to a page that the browser kept: what it had was spent meanwhile.
      if (event.persisted) window.location.replace(this.form("card-token").action);
    });
    if (ticket) {
      this.send("ticket", ticket);
      return;
    }
    extension.isThere().then((there) => {
      this.know("web_eid", there);
      this.show(this.state);
    });
    this.begin();
  }

  /* The browser's permission first: asked only by a press of the person, who knows why. */
  async begin() {
    this.hold();
    this.state = this.state || "starting";
    const state = await this.permission();
    this.mayBeAsking = state === null;
    if (state === "denied") this.show("denied");
    else if (state === "prompt" && window.sessionStorage.getItem(ASKED_BEFORE) !== "yes") this.show("ask");
    else this.goOn();
  }

  /* Where nothing is asked the permission stays "prompt", and requests get through: that is explained once. */
  async knock() {
    this.show("asking");
    const isThrough = await knock(Number(this.values.firstPort)) || isLocalPage;
    const state = await this.permission();
    if (state === "prompt" && isThrough) window.sessionStorage.setItem(ASKED_BEFORE, "yes");
    if (state === "denied") this.show("denied");
    else if (state === "prompt" && !isThrough) this.show("unanswered"); // to look again would be to ask again
    else this.goOn();
  }

  async permission() {
    const state = await permission();
    this.know("unsure", state !== "granted" && !isLocalPage);
    return state;
  }

  retry() {
    this.forget();
    if (this.isFresh()) this.begin();
    else this.renew();
  }

  /* The helper is gone, perhaps to start again, and what the person decided there with it. */
  forget() {
    this.reader = null;
    this.wasRefused = false;
    this.pauseMs = LOOK_AGAIN_MS;
  }

  goOn() {
    if (!this.reader) this.show("searching");
    this.isHeld = false;
    this.turn();
  }

  hold() {
    this.isHeld = true;
    window.clearTimeout(this.timer);
  }

  /* One quiet look, and the next one after a while; none while the page is hidden. */
  async turn() {
    if (this.isHeld || this.isTurning || document.hidden) return;
    window.clearTimeout(this.timer);
    this.isTurning = true;
    const state = await this.look().finally(() => {
      this.isTurning = false;
    });
    if (this.isHeld) return;
    this.show(state);
    if (NO_MORE.includes(state)) this.hold();
    else this.timer = window.setTimeout(() => this.turn(), this.reader ? WATCH_MS : this.nextPause());
  }

  nextPause() {
    const pause = this.pauseMs;
    this.pauseMs = Math.min(2 * pause, LOOK_AGAIN_AT_MOST_MS);
    return pause;
  }

  /* The state that the helper and the card are in. */
  async look() {
    if (!this.isFresh()) return "stale";
    if (!this.reader) {
      const first = Number(this.values.firstPort), last = Number(this.values.lastPort);
      const found = await find(first, last, this.mayBeAsking ? FIRST_ANSWER_MS : ANSWER_MS);
      this.mayBeAsking = false;
      if (!found.isOnlyOne) return "several_helpers";
      if (!found.reader) return "missing";
      this.reader = found.reader;
      this.complain("");
    }
    const seen = await this.reader.status(ANSWER_MS).catch(() => null);
    if (!seen) {
      this.forget();
      return "searching";
    }
    this.tell(seen.card === "present" ? seen.tries : "");
    return this.stateOf(seen);
  }

  stateOf(seen) {
    if (!seen.allowed) return this.wasRefused ? "refused" : "allow";
    if (seen.card === "absent") return seen.reason === "no_reader" ? "no_reader" : "insert";
    if (seen.card === "present") return "ready";
    return [seen.card, seen.reason].reverse().find((name) => this.knows(name)) || "unreadable";
  }

  async allow() {
    this.hold();
    this.complain("");
    this.show("allowing");
    const said = await this.reader.allow(this.values.lang).catch(() => ({ error: "reader_gone" }));
    if (said.error) this.complain(said.error);
    else this.wasRefused = !said.allowed;
    this.goOn();
  }

  /* One try, at a press. Whatever comes of it, the person presses again. */
  async sign() {
    if (this.leaving) return;
    this.hold();
    this.complain("");
    if (!this.isFresh()) {
      this.renew();
      return;
    }
    this.show("pin");
    this.leaving = new AbortController();
    const { nonce, number, service, lang } = this.values;
    const request = { nonce, number, service: service.slice(0, 200), lang };
    const said = await this.reader.sign(request, this.leaving.signal).catch(() => ({ error: "reader_gone" }));
    this.leaving = null;
    if (said.token) this.send("token", JSON.stringify(said.token));
    else await this.failed(said.error);
  }

  async signElsewhere() {
    this.hold();
    this.complain("");
    if (!this.isFresh()) {
      this.renew();
      return;
    }
    this.show("web_eid");
    try {
      this.send("token", JSON.stringify(await extension.authenticate(this.values.nonce, this.values.lang)));
    } catch {
      this.complain("web_eid");
      this.begin();
    }
  }

  /* A helper that does not allow this site any more answers nothing that a page may read, but still says so. */
  async failed(code) {
    this.show("starting");
    const seen = await this.reader.status(ANSWER_MS).catch(() => null);
    if (!seen) this.forget();
    if (!seen || seen.allowed) this.complain(seen && code === "reader_gone" ? "failed" : code);
    this.goOn();
  }

  send(name, value) {
    this.hold();
    this.show("sending");
    const form = this.form("card-token");
    form.elements[name].value = value;
    form.requestSubmit();
  }

  isFresh() {
    return this.goodUntil - Date.now() > ENOUGH_MS;
  }

  /* The server draws another nonce and another number: at a press only. */
  renew() {
    this.hold();
    this.form("card-renew").requestSubmit();
  }

  show(state) {
    const before = document.activeElement;
    this.state = state;
    for (const part of this.root.querySelectorAll("[data-state]")) {
      const isMissingFact = part.dataset.if && !this.facts.has(part.dataset.if);
      part.hidden = isMissingFact || !part.dataset.state.split(" ").includes(state);
    }
    if (before && before !== document.body && before.closest("[hidden]")) this.root.querySelector("#card-status").focus();
  }

  know(fact, isTrue) {
    if (isTrue) this.facts.add(fact);
    else this.facts.delete(fact);
  }

  knows(state) {
    return Boolean(state && this.root.querySelector(`[data-state~="${CSS.escape(state)}"]`));
  }

  /* How many tries of the PIN the card has left, before the person presses. */
  tell(tries) {
    for (const part of this.root.querySelectorAll("[data-tries]")) part.hidden = part.dataset.tries !== tries;
  }

  complain(code) {
    const parts = [...this.root.querySelectorAll("[data-error]")];
    const isKnown = parts.some((part) => part.dataset.error.split(" ").includes(code));
    const shown = code && !isKnown ? "failed" : code;
    for (const part of parts) part.hidden = !part.dataset.error.split(" ").includes(shown);
    this.root.querySelector("#card-error").hidden = !shown;
  }

  form(id) {
    return document.getElementById(id);
  }

  on(id, act) {
    document.getElementById(id).addEventListener("click", act);
  }
}

if (window.location.hash) window.history.replaceState(null, "", window.location.pathname + window.location.search);
const root = document.getElementById("cps-card");
if (root) new CardPage(root).start(window.cardTicket); // of ticket.js
