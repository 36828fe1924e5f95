/* Says that a file is too large before it is sent. Without this script the server refuses it. */
(() => {
  "use strict";
  for (const input of document.querySelectorAll("input[data-max-bytes]")) {
    const told = document.getElementById(input.dataset.tooLarge);
    input.addEventListener("change", () => {
      const isTooLarge = [...input.files].some((file) => file.size > Number(input.dataset.maxBytes));
      told.hidden = !isTooLarge;
      if (isTooLarge) input.value = "";
    });
  }
})();
