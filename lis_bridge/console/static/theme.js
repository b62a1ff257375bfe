// Before the first paint: the light or dark that was chosen on this machine.
(() => {
  "use strict";
  try {
    const saved = localStorage.getItem("theme");
    if (saved) document.documentElement.dataset.theme = saved;
  } catch (_) { /* private window */ }
})();
