/* The helper that reads cards on this workstation: found on loopback, asked over HTTP. docs/card.md has the contract. */

const PRODUCT = "sesame-reader";
const ASKED = { mode: "cors", credentials: "omit", cache: "no-store", redirect: "error", referrerPolicy: "no-referrer" };

/* A page of this very machine: browsers ask nobody before it reaches loopback. */
export const isLocalPage = ["localhost", "127.0.0.1", "[::1]"].includes(window.location.hostname);

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

/* A request that makes the browser ask the person, and waits for what they say. What answers does not matter. */
export async function knock(port) {
  await ask(port, "status", 120000).catch(() => undefined);
}

/* The helper that allows this site already, else the first that answers; null if none does. */
export async function find(firstPort, lastPort, timeoutMs) {
  const ports = Array.from({ length: lastPort - firstPort + 1 }, (_, index) => firstPort + index);
  const found = [];
  await new Promise((resolve) => {
    let waiting = ports.length;
    for (const port of ports) {
      const reader = new Reader(port);
      reader.status(timeoutMs).then((seen) => {
        found.push({ reader, seen });
        if (seen.allowed) resolve();
      }, () => undefined).finally(() => {
        waiting -= 1;
        if (waiting === 0) resolve();
      });
    }
  });
  found.sort((one, other) => one.reader.port - other.reader.port);
  const chosen = found.find((each) => each.seen.allowed) || found[0];
  return chosen ? chosen.reader : null;
}

class Reader {
  constructor(port) {
    this.port = port;
  }

  /* What the helper says of itself and, if this site is allowed, of the card. */
  async status(timeoutMs) {
    const said = await (await ask(this.port, "status", timeoutMs)).json();
    if (said.product !== PRODUCT) throw new Error("something else listens here");
    return said;
  }

  /* Whether the person, asked by the helper, allows this site. A helper that asks somebody already says `busy`. */
  async allow(lang) {
    const answer = await ask(this.port, "allow", 120000, { lang });
    return answer.ok ? { allowed: (await answer.json()).allowed === true } : { error: "busy" };
  }

  /* A token, or the code of an error: one try of the PIN, in the helper's own window. */
  async sign(request, signal) {
    const answer = await ask(this.port, "authenticate", 120000, request, signal);
    const said = await answer.json();
    return answer.ok && said.token ? { token: said.token } : { error: said.error || "failed" };
  }
}

function ask(port, name, timeoutMs, body, signal) {
  const limit = new AbortController();
  const timer = window.setTimeout(() => limit.abort(), timeoutMs);
  if (signal) signal.addEventListener("abort", () => limit.abort(), { once: true });
  const sent = body
    ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }
    : {};
  const answer = fetch(`http://127.0.0.1:${port}/v1/${name}`, { ...ASKED, ...sent, signal: limit.signal });
  return answer.finally(() => window.clearTimeout(timer));
}
