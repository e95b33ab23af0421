// Ids are copied by a click on their button; pages that say so are fetched anew while they are seen.
(function () {
  "use strict";

  document.addEventListener("click", function (event) {
    const button = event.target.closest("[data-copy]");
    if (!button || !navigator.clipboard) return;
    navigator.clipboard.writeText(button.dataset.copy).then(function () {
      button.classList.add("polder-copied");
      setTimeout(() => button.classList.remove("polder-copied"), 1200);
    });
  });

  async function refresh(part) {
    try {
      const answer = await fetch(location.href, {credentials: "same-origin", redirect: "error"});
      if (!answer.ok) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(part.id);
      if (fresh && !part.contains(document.activeElement)) part.innerHTML = fresh.innerHTML;
      part.classList.remove("polder-old");
    } catch (error) {
      part.classList.add("polder-old"); // what is shown is of before
    }
  }

  document.addEventListener("DOMContentLoaded", function () {
    for (const part of document.querySelectorAll("[data-refresh]")) {
      setInterval(function () {
        if (!document.hidden) refresh(part);
      }, 1000 * Number(part.dataset.refresh));
    }
  });
})();
