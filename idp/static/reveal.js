/* Shows and hides a password. Without this script the button stays hidden and the field is an ordinary one. */
(() => {
  "use strict";
  for (const button of document.querySelectorAll("button[data-reveal]")) {
    const field = document.getElementById(button.dataset.reveal);
    const label = button.querySelector("[data-reveal-label]");
    if (!field || !label) continue;
    const show = (visible) => {
      field.type = visible ? "text" : "password";
      label.textContent = visible ? button.dataset.hide : button.dataset.show;
    };
    button.addEventListener("click", () => show(field.type === "password"));
    // A password manager only recognises a field of type password.
    if (field.form) field.form.addEventListener("submit", () => show(false));
    button.hidden = false;
  }
})();
