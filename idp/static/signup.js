/* Shows « Profession (autre) » when « - Autre - » is chosen, and suggests the department of a postal code. Without this
   script the field is always there, and the server suggests. */
(() => {
  "use strict";
  const profession = document.getElementById("signup-profession");
  const other = document.querySelector('[data-field="profession_other"]');
  if (profession && profession.tagName === "SELECT" && other) {
    const show = () => { other.hidden = profession.value !== "autre"; };
    profession.addEventListener("change", show);
    show();
  }
  const code = document.getElementById("signup-postal_code");
  const department = document.getElementById("signup-department");
  if (code && department && department.tagName === "SELECT") {
    let suggested = "";
    code.addEventListener("change", () => {
      const typed = code.value.replace(/\s/g, "");
      if (!/^\d{5}$/.test(typed) || (department.value && department.value !== suggested)) return;
      const corsica = typed < "20200" ? "2A" : "2B";
      for (const value of [typed.slice(0, 3), typed.startsWith("20") ? corsica : typed.slice(0, 2)]) {
        if ([...department.options].some((option) => option.value === value)) {
          department.value = value;
          suggested = value;
          return;
        }
      }
    });
  }
})();
