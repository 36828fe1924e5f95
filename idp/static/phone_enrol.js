// The page where a phone makes its key: a passkey where it verifies its user itself, else a key with a PIN.
(() => {
  "use strict";
  const form = document.getElementById("enrol-pin");
  if (!form) return;
  const ways = [...document.querySelectorAll("[data-way]")];
  let isBusy = false;

  function show(name) {
    for (const way of ways) way.hidden = way.dataset.way !== name;
  }

  function tell(name) {
    for (const problem of document.querySelectorAll("[data-problem]")) problem.hidden = problem.dataset.problem !== name;
  }

  async function verifiesItself() {
    const asked = window.PublicKeyCredential;
    if (!asked || !asked.isUserVerifyingPlatformAuthenticatorAvailable) return false;
    return asked.isUserVerifyingPlatformAuthenticatorAvailable().catch(() => false);
  }

  document.getElementById("enrol-to-pin").addEventListener("click", () => {
    tell("");
    show("pin");
    document.getElementById("phone-pin").focus();
  });

  // The form is sent by the script alone, once the key is made and has signed.
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    if (isBusy || !form.reportValidity()) return;
    tell("");
    isBusy = true; // the button keeps the focus
    try {
      const made = await window.sesamePhone.make();
      form.elements.key.value = made.key;
      form.elements.signature.value = await window.sesamePhone.sign(made.id, JSON.parse(form.dataset.parts));
      form.submit();
    } catch {
      tell("pin-failed");
      isBusy = false;
    }
  });

  async function begin() {
    const isPin = "first" in form.closest("[data-way]").dataset || !(await verifiesItself());
    if (isPin) tell(""); // what the other way's script has said
    show(isPin ? "pin" : "passkey");
    if (!window.sesamePhone.isAble) {
      document.getElementById("enrol-to-pin").hidden = true;
      if (isPin) tell("pin-failed");
    }
  }
  begin();
  // Back to a page that the browser kept.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) window.location.reload();
  });
})();
