// Has the key of this phone sign what is approved (idp.domain.phone_request.signed_parts), and sends it with the form.
(() => {
  "use strict";
  const form = document.getElementById("phone-approve");
  if (!form) return;
  const button = document.getElementById("approve-yes");

  function tell(name) {
    for (const problem of form.querySelectorAll("[data-problem]")) problem.hidden = problem.dataset.problem !== name;
  }

  // The script sends the form; submit_once.js must not take the press that only has it signed.
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    if (button.getAttribute("aria-disabled") !== "true") run();
  });

  async function run() {
    tell("");
    button.setAttribute("aria-disabled", "true");
    const { challenge, number, signature } = form.elements;
    const { issuer, request, key } = form.dataset;
    try {
      signature.value = await window.sesamePhone.sign(key, [issuer, "approve", request, challenge.value, number.value.trim()]);
      form.submit();
    } catch (error) {
      tell(error.name === "NotFoundError" ? "lost" : "failed");
      button.removeAttribute("aria-disabled");
    }
  }

  // Back to a page that the browser kept: what it would sign was answered.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) window.location.reload();
  });
})();
