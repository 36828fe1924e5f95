/* Sends the answer to the service at once. Without this script the person presses « Continuer ». */
(() => {
  "use strict";
  const form = document.getElementById("form-post");
  if (form) form.submit();
})();
