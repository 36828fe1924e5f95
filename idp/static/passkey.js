// Has the browser make or use a passkey as the page says (WebAuthn Level 3 §5.1), and sends what came of it with the form.
(() => {
  "use strict";
  const form = document.getElementById("passkey");
  if (!form) return;
  const button = document.getElementById("passkey-use");
  const waiting = document.getElementById("passkey-waiting");
  const MADE = "sesame-passkey-made"; // the id of the last key that was made here, until the provider has kept it

  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const described = (list) => (list || []).map((each) => ({ ...each, id: bytes(each.id) }));

  const PROBLEMS = { InvalidStateError: "known", ConstraintError: "incapable", NotAllowedError: "cancelled", AbortError: "cancelled" };

  function tell(name) {
    let isTold = false;
    for (const problem of document.querySelectorAll("[data-problem]")) {
      problem.hidden = problem.dataset.problem !== name;
      isTold = isTold || !problem.hidden;
    }
    if (name && !isTold) tell("failed");
  }

  // The button keeps the focus while the browser's window is open; a second press does nothing.
  const isBusy = () => button.getAttribute("aria-disabled") === "true";
  function wait(isWaiting) {
    button.setAttribute("aria-disabled", isWaiting);
    if (waiting) waiting.textContent = isWaiting ? waiting.dataset.text : "";
  }

  async function made(options) {
    const user = { ...options.user, id: bytes(options.user.id) };
    const asked = { ...options, user, challenge: bytes(options.challenge), excludeCredentials: described(options.excludeCredentials) };
    const found = await navigator.credentials.create({ publicKey: asked });
    const { clientDataJSON, attestationObject } = found.response;
    const transports = found.response.getTransports ? found.response.getTransports() : [];
    sessionStorage.setItem(MADE, found.id);
    return [found, { clientDataJSON: text(clientDataJSON), attestationObject: text(attestationObject), transports }];
  }

  // `options` may have hints (§5.8.7): a browser that does not know them ignores them.
  async function used(options) {
    const asked = { ...options, challenge: bytes(options.challenge), allowCredentials: described(options.allowCredentials) };
    const found = await navigator.credentials.get({ publicKey: asked });
    const { clientDataJSON, authenticatorData, signature, userHandle } = found.response;
    const given = { clientDataJSON: text(clientDataJSON), authenticatorData: text(authenticatorData), signature: text(signature) };
    return [found, userHandle && userHandle.byteLength ? { ...given, userHandle: text(userHandle) } : given];
  }

  // The form is sent by the script alone; submit_once.js must not take the press that only opens the browser's window.
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    if (!isBusy() && form.reportValidity()) run();
  });

  async function run() {
    tell("");
    wait(true);
    try {
      const options = JSON.parse(form.dataset.options);
      const [found, response] = await (form.dataset.ceremony === "create" ? made(options) : used(options));
      form.elements.credential.value = JSON.stringify({ id: found.id, rawId: text(found.rawId), type: found.type, response });
      form.submit();
    } catch (error) {
      tell(PROBLEMS[error.name] || "failed");
      wait(false);
    }
  }

  // A key that was made and refused would be offered at each login: say that nobody knows it (§5.1.10).
  const unknown = form.dataset.ceremony === "create" ? sessionStorage.getItem(MADE) : null;
  if (unknown) sessionStorage.removeItem(MADE);
  if (unknown && form.dataset.refused && window.PublicKeyCredential && PublicKeyCredential.signalUnknownCredential) {
    const rpId = JSON.parse(form.dataset.options).rp.id;
    PublicKeyCredential.signalUnknownCredential({ rpId, credentialId: unknown }).catch(() => {});
  }

  if (!window.PublicKeyCredential) {
    tell("unsupported");
    button.setAttribute("aria-disabled", "true");
  }
  // Back to a page that the browser kept.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted && window.PublicKeyCredential) wait(false);
  });
})();
