/* Counts down before a new code may be asked for. Without this script the button is enabled and the server decides. */
(() => {
  "use strict";
  for (const button of document.querySelectorAll("button[data-wait-s]")) {
    const until = Date.now() + Number(button.dataset.waitS) * 1000;
    const ready = button.textContent;
    const status = document.querySelector("[data-resend-status]");
    if (!(until > Date.now())) continue;
    const tick = () => {
      const left = Math.ceil((until - Date.now()) / 1000);
      if (left > 0) {
        button.disabled = true;
        button.textContent = (button.dataset.waitLabel || ready).replace("{s}", String(left));
        window.setTimeout(tick, 500);
      } else {
        button.disabled = false;
        button.textContent = ready;
        if (status) status.textContent = status.dataset.resendStatus;
      }
    };
    tick();
  }
})();
