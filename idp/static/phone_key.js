// The key of a phone without a passkey: made by WebCrypto, never to be exported, kept by this browser in IndexedDB.
//
//   sesamePhone.isAble                   true where this browser can make and keep such a key
//   await sesamePhone.make()             { id, key }: a new key; key is its public half (SPKI), for the provider
//   await sesamePhone.holds(id)          true if this browser has the key with this id (Phone.key_id)
//   await sesamePhone.sign(id, parts)    the signature of idp.domain.phone.signed_text(*parts): r, then s
//
// Ids, keys and signatures are base64url without padding. `sign` throws a NotFoundError for a key that is not here.
(() => {
  "use strict";
  const CURVE = { name: "ECDSA", namedCurve: "P-256" };
  const SIGNING = { name: "ECDSA", hash: "SHA-256" };
  const DATABASE = "sesame-phone";
  const KEYS = "keys";
  const SIGNED = "sesame phone 1";

  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

  const settled = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });

  async function opened() {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(KEYS);
    return settled(request);
  }

  async function find(id) {
    const database = await opened();
    try {
      return await settled(database.transaction(KEYS).objectStore(KEYS).get(id));
    } finally {
      database.close();
    }
  }

  async function keep(id, key) {
    const database = await opened();
    try {
      const transaction = database.transaction(KEYS, "readwrite");
      const written = new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = () => reject(transaction.error);
      });
      transaction.objectStore(KEYS).put(key, id);
      await written;
    } finally {
      database.close();
    }
  }

  async function make() {
    const pair = await crypto.subtle.generateKey(CURVE, false, ["sign", "verify"]);
    const spki = await crypto.subtle.exportKey("spki", pair.publicKey);
    const id = text(await crypto.subtle.digest("SHA-256", spki));
    await keep(id, pair.privateKey);
    // Asked, not awaited: a browser that may clear what a page keeps is asked not to.
    if (navigator.storage && navigator.storage.persist) navigator.storage.persist().catch(() => {});
    return { id, key: text(spki) };
  }

  async function sign(id, parts) {
    const key = await find(id);
    if (!key) throw new DOMException("no such key in this browser", "NotFoundError");
    const message = new TextEncoder().encode([SIGNED, ...parts].join("\n"));
    return text(await crypto.subtle.sign(SIGNING, key, message));
  }

  window.sesamePhone = Object.freeze({
    isAble: Boolean(window.indexedDB && window.crypto && window.crypto.subtle),
    make,
    holds: async (id) => Boolean(await find(id)),
    sign,
  });
})();
