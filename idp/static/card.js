/* Signing in with a card: one state at a time is visible, and nothing that a person has to decide happens by itself. */
import * as extension from "./card_extension.js";
import { find, isLocalPage, knock, permission } from "./card_reader.js";

const LOOK_AGAIN_MS = 2000;
const WATCH_MS = 1000;
const ANSWER_MS = 4000; // Windows takes two seconds to say that nobody listens on a port
const FIRST_ANSWER_MS = 60000; // the browser may ask the person first, without telling this page
const ENOUGH_MS = 120000; // left of the nonce before the PIN is asked
const ASKED_BEFORE = "card-asked";

class CardPage {
  constructor(root) {
    this.root = root;
    this.values = root.dataset;
    this.goodUntil = Date.now() + Number(this.values.leftS) * 1000;
    this.reader = null;
    this.isTurning = false;
    this.isHeld = true; // no quiet turn: the person is asked something, or the permission is not there
    this.mayBeAsking = false;
    this.timer = 0;
    this.leaving = null;
  }

  start() {
    this.root.hidden = false;
    this.on("card-continue", () => this.knock());
    this.on("card-retry", () => this.begin());
    this.on("card-allow", () => this.allow());
    this.on("card-sign", () => this.sign());
    this.on("card-web-eid", () => this.signElsewhere());
    document.addEventListener("visibilitychange", () => this.turn());
    window.addEventListener("pagehide", () => this.leaving?.abort());
    window.addEventListener("pageshow", (event) => {
      // Back to a page that the browser kept: what it had was spent meanwhile.
      if (event.persisted) window.location.replace(this.form("card-token").action);
    });
    extension.isThere().then((there) => {
      if (there) this.root.querySelector("[data-web-eid]").removeAttribute("data-web-eid");
      if (there) this.show(this.state);
    });
    this.begin();
  }

  /* The browser's permission first: asked only by a press of the person, who knows why. */
  async begin() {
    this.hold();
    this.state = this.state || "starting";
    const state = await permission();
    this.mayBeAsking = state === null;
    if (state === "denied") this.show("denied");
    else if (state === "prompt" && !this.wasAskedHere()) this.show("ask");
    else this.goOn();
  }

  async knock() {
    this.show("asking");
    await knock(Number(this.values.firstPort));
    const state = await permission();
    if (state === "denied") this.show("denied");
    else if (state === "prompt" && !isLocalPage) this.show("ask"); // the question was closed without an answer
    else this.goOn();
  }

  /* A page of this machine is asked nothing, and its permission stays "prompt": it is explained once. */
  wasAskedHere() {
    return isLocalPage && window.sessionStorage.getItem(ASKED_BEFORE) === "yes";
  }

  goOn() {
    if (isLocalPage) window.sessionStorage.setItem(ASKED_BEFORE, "yes");
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
    try {
      const state = await this.look();
      if (!this.isHeld) this.show(state);
    } finally {
      this.isTurning = false;
    }
    const delay = this.reader ? WATCH_MS : LOOK_AGAIN_MS;
    if (!this.isHeld) this.timer = window.setTimeout(() => this.turn(), delay);
  }

  /* The state that the helper and the card are in. */
  async look() {
    if (!this.reader) {
      const first = Number(this.values.firstPort), last = Number(this.values.lastPort);
      this.reader = await find(first, last, this.mayBeAsking ? FIRST_ANSWER_MS : ANSWER_MS);
      this.mayBeAsking = false;
      if (!this.reader) return "missing";
      this.complain("");
    }
    let seen;
    try {
      seen = await this.reader.status(ANSWER_MS);
    } catch {
      this.reader = null;
      return "searching";
    }
    this.tell(seen.card === "present" ? seen.tries : "");
    return this.stateOf(seen);
  }

  stateOf(seen) {
    if (!seen.allowed) return this.wasRefused ? "refused" : "allow";
    if (seen.card === "absent") return "insert";
    if (seen.card === "present") return this.isFresh() ? "ready" : this.renew();
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
    if (said.token) this.send(said.token);
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
      this.send(await extension.authenticate(this.values.nonce, this.values.lang));
    } catch {
      this.complain("web_eid");
      this.begin();
    }
  }

  /* A helper that does not allow this site any more answers nothing that a page may read, but still says so. */
  async failed(code) {
    this.show("starting");
    const seen = await this.reader.status(ANSWER_MS).catch(() => null);
    if (!seen) this.reader = null;
    if (!seen || seen.allowed) this.complain(seen && code === "reader_gone" ? "failed" : code);
    this.goOn();
  }

  send(token) {
    this.show("sending");
    const form = this.form("card-token");
    form.elements.token.value = JSON.stringify(token);
    form.requestSubmit();
  }

  isFresh() {
    return this.goodUntil - Date.now() > ENOUGH_MS;
  }

  /* The server draws another nonce and another number. */
  renew() {
    this.hold();
    this.form("card-renew").requestSubmit();
    return "starting";
  }

  show(state) {
    const before = document.activeElement;
    this.state = state;
    for (const part of this.root.querySelectorAll("[data-state]")) {
      part.hidden = !part.dataset.state.split(" ").includes(state) || "webEid" in part.dataset;
    }
    if (before && before !== document.body && before.closest("[hidden]")) this.root.querySelector("#card-status").focus();
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

const root = document.getElementById("cps-card");
if (root) new CardPage(root).start();
