/* The Web eID extension of the browser, where people have it: asked by messages in this window (web-eid.js, MIT). */

const FIELDS = ["unverifiedCertificate", "algorithm", "signature", "format", "appVersion"];
const LIBRARY = "2.0.0"; // of the protocol of messages that is spoken here

/* True if the extension and its application are there; false after a second without an answer. */
export async function isThere() {
  if (!window.isSecureContext) return false;
  return send("status", {}, 6000).then(() => true, () => false);
}

/* A token for this nonce. Rejects if the person gave up, or the application did. */
export async function authenticate(nonce, lang) {
  const said = await send("authenticate", { challengeNonce: nonce, options: { lang } }, 126000);
  return Object.fromEntries(FIELDS.map((name) => [name, said[name]]));
}

function send(name, values, timeoutMs) {
  const action = `web-eid:${name}`;
  return new Promise((resolve, reject) => {
    const end = (settle, value) => {
      window.removeEventListener("message", receive);
      window.clearTimeout(unheard);
      window.clearTimeout(late);
      settle(value);
    };
    const receive = (event) => {
      if (event.source !== window || !event.data) return;
      if (event.data.action === `${action}-ack`) window.clearTimeout(unheard);
      if (event.data.action === `${action}-success`) end(resolve, event.data);
      if (event.data.action === `${action}-failure`) end(reject, new Error("the extension refused"));
    };
    const unheard = window.setTimeout(() => end(reject, new Error("no extension")), 1000);
    const late = window.setTimeout(() => end(reject, new Error("too late")), timeoutMs);
    window.addEventListener("message", receive);
    window.postMessage({ action, libraryVersion: LIBRARY, ...values }, window.location.origin);
  });
}
