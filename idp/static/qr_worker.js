// The service worker of /qr: where there is no network, one page says so. It keeps no page with data.
// CACHE, the name of what is kept, and KEPT, its addresses, stand before this (idp/flows/qr/web_app.py).
"use strict";

self.addEventListener("install", (event) => {
  // Without cookies: the same page for everybody.
  const fresh = KEPT.map((path) => new Request(path, { credentials: "omit", cache: "reload" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(fresh)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const forget = (names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
  event.waitUntil(caches.keys().then(forget).then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const path = new URL(request.url).pathname;
  const kept = request.mode === "navigate" ? KEPT[0] : path;
  if (request.mode !== "navigate" && !KEPT.includes(path)) return;
  event.respondWith(
    fetch(request).catch(async (error) => {
      const found = await caches.match(kept, { ignoreVary: true });
      if (!found) throw error;
      return found;
    }),
  );
});
