// Lets the browser install the pages of /qr as an application, and show one of them without a network.
if ("serviceWorker" in navigator) {
  window.addEventListener("load", () => navigator.serviceWorker.register("/qr/sw.js", { scope: "/qr" }).catch(() => {}));
}
