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

  // The page as it is now; what stands in the way is said as well as it is known.
  async function ask() {
    const answer = await fetch(location.href, {credentials: "same-origin", redirect: "manual"});
    if (answer.type === "opaqueredirect") throw new Error("You are signed out: load the page again to sign in.");
    if (!answer.ok) throw new Error("The service answers " + answer.status + ".");
    return answer.text();
  }

  // What is shown is of before, and that is said; "" when it is of now again.
  function tell(part, error) {
    const id = part.id + "-old";
    const why = error instanceof TypeError ? "The service does not answer." : error && error.message;
    let said = document.getElementById(id);
    part.classList.toggle("polder-old", Boolean(why));
    if (!said && why) {
      said = document.createElement("p");
      said.id = id;
      said.className = "polder-title polder-red";
      said.setAttribute("role", "status");
      part.before(said);
    }
    const told = why ? why + " This is how it was." : "";
    if (said && said.textContent !== told) said.textContent = told;
  }

  async function refresh(part) {
    try {
      const page = new DOMParser().parseFromString(await ask(), "text/html");
      const fresh = page.getElementById(part.id);
      if (fresh && !part.contains(document.activeElement)) part.innerHTML = fresh.innerHTML;
      tell(part, null);
    } catch (error) {
      tell(part, error);
    }
  }

  // An answer holds one event and says when to ask again; the browser does so by itself.
  function follow(part) {
    const said = document.getElementById(part.dataset.said);
    let source = null, last = Date.now();
    function open() {
      if (document.hidden || (source && source.readyState !== EventSource.CLOSED)) return;
      source = new EventSource(part.dataset.live);
      source.onmessage = function (event) {
        last = Date.now();
        part.innerHTML = event.data;
        tell(part, null);
        const now = part.firstElementChild.dataset.saidNow;
        if (said && said.textContent !== now) said.textContent = now; // read out, once
      };
    }
    open();
    setInterval(function () {
      if (Date.now() - last > 10000 && !document.hidden) {
        ask().then(() => tell(part, new Error("Nothing has come for a while.")), (error) => tell(part, error));
      }
      open(); // again, where the server refused
    }, 5000);
    document.addEventListener("visibilitychange", function () {
      if (document.hidden && source) source.close();
      open();
    });
  }

  // The zone of the times that are shown: UTC, the browser's own, or any other.
  function offerZones(select) {
    const found = /(?:^|; )polder_zone=([^;]*)/.exec(document.cookie);
    const chosen = found ? found[1] : "UTC";
    const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const all = Intl.supportedValuesOf ? Intl.supportedValuesOf("timeZone") : [];
    for (const zone of new Set(["UTC", own, chosen, ...all])) {
      select.add(new Option(zone, zone, false, zone === chosen));
    }
    select.addEventListener("change", function () {
      document.cookie = "polder_zone=" + select.value + "; path=/; max-age=31536000; samesite=lax";
      location.reload();
    });
  }

  // Unfold's pictures that a click works on: a keyboard reaches them too, and each has a name.
  const NAMES = {dock_to_right: "Sidebar", more_vert: "More", water: "Overview"};
  function makeReachable() {
    for (const one of document.querySelectorAll("[x-on\\:click]:not(a[href], button, input, label, select)")) {
      one.tabIndex = 0;
      one.setAttribute("role", "button");
    }
    for (const one of document.querySelectorAll("a, button, [role=button]")) {
      const [icon, ...more] = one.querySelectorAll(".material-symbols-outlined");
      const drawn = one.matches(".material-symbols-outlined") ? one : icon;
      if (!drawn || more.length || one.hasAttribute("aria-label") || one.textContent.trim() !== drawn.textContent.trim()) continue;
      const name = drawn.textContent.trim();
      one.setAttribute("aria-label", one.title || NAMES[name] || name.replaceAll("_", " "));
    }
    for (const one of document.querySelectorAll("input:not([type=hidden])")) {
      if (one.labels.length || one.hasAttribute("aria-label")) continue;
      const row = one.closest(".form-row"), label = row && row.querySelector("label");
      one.setAttribute("aria-label", one.placeholder || (label ? label.textContent.trim() : one.name));
    }
  }

  document.addEventListener("keydown", function (event) {
    if ((event.key !== "Enter" && event.key !== " ") || !event.target.matches("[role=button]:not(button, a[href])")) return;
    event.preventDefault();
    event.target.click();
  });

  document.addEventListener("DOMContentLoaded", function () {
    makeReachable();
    document.querySelectorAll("[data-zones]").forEach(offerZones);
    document.querySelectorAll("[data-live]").forEach(follow);
    for (const part of document.querySelectorAll("[data-refresh]")) {
      setInterval(function () {
        if (!document.hidden) refresh(part);
      }, 1000 * Number(part.dataset.refresh));
    }
  });
})();
