/* The helper that reads cards on this workstation: found on loopback, asked over HTTP. docs/card.md has the contract. */

const PRODUCT = "sesame-reader";
const ASKED = { mode: "cors", credentials: "omit", cache: "no-store", redirect: "error", referrerPolicy: "no-referrer" };

export const ANSWER_MS = 4000; // Windows takes two seconds to say that nobody listens on a port

/* A page of this very machine: browsers ask nobody before it reaches loopback, and say "prompt" all the same. */
export const isLocalPage = /^(127\.0\.0\.1|\[::1\]|(.+\.)?localhost)$/.test(window.location.hostname);

/* "granted", "prompt" or "denied"; null where the browser does not know such a permission. */
export async function permission() {
  for (const name of ["loopback-network", "local-network-access"]) {
    try {
      return (await navigator.permissions.query({ name })).state;
    } catch {
      // Not known under this name, or no Permissions API.
    }
  }
  return null;
}

/* A request that makes the browser ask the person, and waits for what they say: whether an answer got through. */
export function knock(port) {
  return ask(port, "status", 120000).then(() => true, () => false);
}

/* { reader, isOnlyOne }: the helper that allows this site already, else the first that answers, else null. Where two
   allow it, one may be a stranger's, that signs in with a card of its own: all ports are heard before one is chosen. */
export async function find(firstPort, lastPort, timeoutMs) {
  const ports = Array.from({ length: lastPort - firstPort + 1 }, (_, index) => firstPort + index);
  const found = [];
  await new Promise((resolve) => {
    const looks = ports.map(async (port) => {
      const reader = new Reader(port);
      const seen = await reader.status(timeoutMs);
      found.push({ reader, isAllowed: seen.allowed === true });
      window.setTimeout(resolve, ANSWER_MS); // one answer came, so the browser asks nobody: no other takes longer
    });
    Promise.allSettled(looks).then(resolve);
  });
  found.sort((one, other) => one.reader.port - other.reader.port);
  const allowed = found.filter((each) => each.isAllowed);
  const chosen = allowed[0] || found[0];
  return { reader: chosen ? chosen.reader : null, isOnlyOne: allowed.length < 2 };
}

class Reader {
  constructor(port) {
    this.port = port;
  }

  /* What the helper says of itself and, if this site is allowed, of the card. */
  async status(timeoutMs) {
    const { said } = await ask(this.port, "status", timeoutMs);
    if (said.product !== PRODUCT) throw new Error("something else listens here");
    return said;
  }

  /* Whether the person, asked by the helper, allows this site. A helper that asks somebody already says `busy`. */
  async allow(lang) {
    const { ok, said } = await ask(this.port, "allow", 120000, { lang });
    return ok ? { allowed: said.allowed === true } : { error: "busy" };
  }

  /* A token, or the code of an error: one try of the PIN, in the helper's own window. */
  async sign(request, signal) {
    const { ok, said } = await ask(this.port, "authenticate", 120000, request, signal);
    return ok && said.token ? { token: said.token } : { error: said.error || "failed" };
  }
}

/* { ok, said }: the answer, read to its end within the time. Rejects if there is none, or none that is JSON. */
async function ask(port, name, timeoutMs, body, signal) {
  const limit = new AbortController();
  const timer = window.setTimeout(() => limit.abort(), timeoutMs);
  if (signal) signal.addEventListener("abort", () => limit.abort(), { once: true });
  const sent = body
    ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }
    : {};
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/${name}`, { ...ASKED, ...sent, signal: limit.signal });
    return { ok: answer.ok, said: await answer.json() };
  } finally {
    window.clearTimeout(timer);
  }
}
