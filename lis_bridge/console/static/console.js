// lis-bridge console: what HTML and htmx do not do. No inline handlers, so a strict CSP holds; listeners sit on the document, because fragments are replaced whole.
(() => {
  "use strict";
  const root = document.documentElement;
  const $ = (sel, from = document) => from.querySelector(sel);
  const $$ = (sel, from = document) => [...from.querySelectorAll(sel)];
  const typing = (e) => /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName);
  const store = {
    get(name) { try { return localStorage.getItem(name); } catch (_) { return null; } },
    set(name, value) { try { localStorage.setItem(name, value); } catch (_) { /* private window */ } },
  };

  // ── light and dark
  function theme() {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    store.set("theme", root.dataset.theme);
  }

  // ── the work list: one item is chosen and open; it stays chosen while the list is replaced under it. Behind one's own decision the next is chosen;
  // where somebody else decided about the chosen one, none is: a key that was meant for it must not hit its neighbour
  let chosen = null, place = 0, focused = false, decided = null;
  const items = () => $$("[data-list] > .item");
  function choose(item, focus) {
    if (!item) return;
    items().forEach((one) => {
      const is = one === item;
      one.classList.toggle("open", is);
      one.tabIndex = is ? 0 : -1;
      if (is) one.setAttribute("aria-current", "true"); else one.removeAttribute("aria-current");
    });
    chosen = item.id;
    place = items().indexOf(item);
    if (focus) item.focus();
  }
  function restore() {
    const all = items();
    if (!all.length) { chosen = null; return; }
    const same = all.find((one) => one.id === chosen), near = all[Math.min(place, all.length - 1)];
    if (same || !chosen) choose(same || all[0], focused);
    else if (chosen === decided) choose(near, focused);
    else all.forEach((one) => { one.classList.remove("open"); one.removeAttribute("aria-current"); one.tabIndex = one === near ? 0 : -1; });
  }
  function move(step) {
    const all = items(), at = all.findIndex((one) => one.classList.contains("open")), to = at < 0 ? place : at + step;
    choose(all[Math.min(all.length - 1, Math.max(0, to))], true);
  }
  function press(key) {
    const button = $(`[data-list] > .open [data-key="${key}"]`) || (key === "enter" && $("[data-list] > .open .btn"));
    if (button) button.click();
    return Boolean(button);
  }

  // ── critical values: a sound, and a number in the title, on every page and at the locked door
  const AGAIN = 60000;
  let sound = null, rung = 0, ringing = false;
  const muted = () => store.get("mute") === "1";
  function ring(heard) {
    if (muted()) { heard(); return; }
    if (ringing) return;
    ringing = true;
    sound = sound || new Audio(root.dataset.sound);
    sound.play().then(() => {
      rung = Date.now();
      root.dataset.rang = String(Number(root.dataset.rang || 0) + 1);
      heard();
    }, () => { /* no sound before somebody touched the page: it is tried again then */ }).finally(() => { ringing = false; });
  }
  function badge() {
    const mute = $("[data-mute]"), counts = $("#counts[data-raised], #waiting[data-raised]"), told = $("#work") || counts;
    if (mute) mute.setAttribute("aria-pressed", String(muted()));
    if (told) document.title = (Number(told.dataset.criticals) ? `(${told.dataset.criticals}) ` : "") + document.title.replace(/^\(\d+\) /, "");
    if (!counts) return;
    const { criticals, raised } = counts.dataset;
    $$("[data-count]").forEach((one) => { one.textContent = counts.dataset[one.dataset.count] || ""; });
    const fresh = raised !== store.get("raised"), locked = counts.id === "waiting";
    if (!Number(criticals)) store.set("raised", raised);
    else if (fresh || (locked && Date.now() - rung > AGAIN)) ring(() => store.set("raised", raised));
  }

  // ── a critical value's call
  function call(button) {
    const dialog = $("#call"), form = $("form", dialog);
    form.reset();
    form.setAttribute("hx-post", button.dataset.action || `/criticals/${button.dataset.call}/call`);
    htmx.process(form);
    $("[data-call-value]", dialog).textContent = button.dataset.value;
    $("[data-call-who]", dialog).textContent = button.dataset.who;
    dialog.showModal();
  }

  function closeBehind({ elt, verb }) {
    const dialog = verb === "post" && elt.closest("dialog[open]");
    if (dialog) dialog.close();
  }

  // ── time: the laboratory's clock, and how long ago
  const server = $("[data-clock]");
  const ahead = server ? new Date(server.dateTime) - Date.now() : 0;
  const zone = server ? server.dataset.zone : undefined;
  const clock = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const ago = new Intl.RelativeTimeFormat(root.lang, { style: "narrow" });
  function tick() {
    const now = Date.now() + ahead;
    if (server) server.textContent = clock.format(now);
    $$("time[data-ago]").forEach((one) => {
      const s = Math.max(0, Math.round((now - new Date(one.dateTime)) / 1000));
      one.textContent = s < 60 ? ago.format(-s, "second") : s < 3600 ? ago.format(-Math.floor(s / 60), "minute") : ago.format(-Math.floor(s / 3600), "hour");
    });
  }

  // ── the live stream: a page that hears nothing says which moment it shows
  const SILENCE = 12000;
  let heard = Date.now();
  function alive() { heard = Date.now(); const bar = $("#stale"); if (bar) bar.hidden = true; }
  function watch() {
    const bar = $("#stale");
    if (!bar || !bar.hidden || Date.now() - heard < SILENCE) return;
    $("[data-stale-words]", bar).textContent = `${document.body.dataset.stale} ${clock.format(heard + ahead)}`;
    bar.hidden = false;
  }

  // ── an analyzer's line: new chunks come below; whoever scrolled up, or paused, keeps what he reads
  let below = true;
  const paused = () => Boolean($("[data-pause][aria-pressed='true']"));
  const toggle = (button) => button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
  function pause(button) { toggle(button); if (!paused()) htmx.trigger("#line", "sse:line"); }
  function hex(button) { toggle(button); $("[data-log]").classList.toggle("hex"); }
  function follow() { const log = $("[data-log]"); if (log && below) log.scrollTop = log.scrollHeight; }

  const leave = () => location.assign("/login");

  // ── somebody is there: the session goes on
  let told = Date.now();
  function here() {
    if (!server || Date.now() - told < 60000) return;
    told = Date.now();
    htmx.ajax("POST", "/here", { swap: "none" });
  }

  // ── live fragments. An answer takes the place of the element that asked: what htmx queues at that element meanwhile is lost with it, and so is an
  // answer to an element that left the page. So a fragment is fetched only while nothing else is on its way to its place, is left alone while somebody
  // decides or presses in it, and is fetched once more after that.
  const LONGEST_PRESS = 1000;
  const coming = new WeakMap(), placed = new WeakSet(), late = new Set();
  let pressed = null, lifting = 0;
  const topic = (elt) => (elt.getAttribute("hx-trigger") || "").split(/,\s*/).find((one) => one.startsWith("sse:"));
  const isPressed = (elt) => Boolean(pressed) && elt.contains(pressed);
  const expect = (elt, more) => coming.set(elt, (coming.get(elt) || 0) + more);
  function catchUp() {
    [...late].forEach((id) => {
      const one = id && document.getElementById(id), is = one && topic(one);
      if (is && (coming.get(one) || isPressed(one))) return;
      late.delete(id);
      if (is) htmx.trigger(one, is);
    });
  }
  function lift() { clearTimeout(lifting); pressed = null; catchUp(); }
  document.addEventListener("pointerdown", (e) => { pressed = e.target; clearTimeout(lifting); lifting = setTimeout(lift, LONGEST_PRESS); });
  ["pointerup", "pointercancel"].forEach((name) => document.addEventListener(name, () => setTimeout(lift))); // after its click
  document.addEventListener("htmx:confirm", (e) => {
    const { elt } = e.detail;
    if (topic(elt) && (coming.get(elt) || isPressed(elt))) { late.add(elt.id); e.preventDefault(); }
  });
  document.addEventListener("htmx:beforeSend", (e) => {
    const { target, xhr, requestConfig: { verb, path } } = e.detail;
    if (verb === "post" && path !== "/here") decided = chosen;
    expect(target, 1);
    xhr.addEventListener("loadend", () => {
      expect(target, -1);
      if (xhr.status && !(placed.has(xhr) && topic(target))) late.add(target.id);
      catchUp();
    });
  });
  document.addEventListener("htmx:beforeSwap", (e) => {
    const { xhr, target, requestConfig: { elt } } = e.detail;
    placed.add(xhr);
    if (elt !== target || !topic(elt) || !(coming.get(elt) > 1 || isPressed(elt))) return;
    e.detail.shouldSwap = false;
    late.add(elt.id);
  });
  document.addEventListener("htmx:afterRequest", (e) => { if (e.detail.successful) closeBehind(e.detail.requestConfig); });

  // ── tables: arrows go from row to row, Enter opens; a letter presses the button of the row, else of the page
  const rows = () => $$("[data-rows] > [data-row]");
  function step(by) {
    const all = rows(), at = all.findIndex((one) => one.contains(document.activeElement));
    const to = all[Math.min(all.length - 1, Math.max(0, at + by))];
    if (to) to.focus();
  }
  function pressIn(key) {
    const row = document.activeElement.closest("[data-row]");
    const button = (row && (key === "enter" ? $("[data-open]", row) : $(`[data-key="${key}"]`, row))) || (key !== "enter" && $$(`main [data-key="${key}"]`).find((one) => !one.closest("[data-row]")));
    if (button) button.click();
    return Boolean(button);
  }

  document.addEventListener("click", (e) => {
    badge();
    const at = (sel) => e.target.closest(sel);
    if (at("[data-theme-toggle]")) theme();
    if (at("[data-mute]")) { store.set("mute", muted() ? "0" : "1"); badge(); }
    if (at("[data-call]")) call(at("[data-call]"));
    if (at("[data-open-dialog]")) $(`#${at("[data-open-dialog]").dataset.openDialog}`).showModal();
    if (at("[data-pause]")) pause(at("[data-pause]"));
    if (at("[data-hex]")) hex(at("[data-hex]"));
    if (at("[data-close-dialog]")) at("dialog").close();
    if (at("[data-list] > .item") && !at("a, button")) choose(at(".item"), true);
    here();
  });
  document.addEventListener("keydown", (e) => {
    badge();
    here();
    if (e.ctrlKey || e.altKey || e.metaKey || $("dialog[open]")) return;
    if (e.key === "/" && !typing(e)) { e.preventDefault(); const q = $("#q"); if (q) q.select(); return; }
    const key = e.key.toLowerCase(), button = typing(e) ? null : $({ p: "[data-pause]", x: "[data-hex]" }[key] || "[data-none]");
    if (button) { button.click(); return; }
    if (!$("[data-list]")) {
      if (key === "escape" || !typing(e)) {
        if (key === "arrowdown" || key === "arrowup") { if (rows().length) { e.preventDefault(); step(key === "arrowdown" ? 1 : -1); } }
        else if ((key !== "enter" || e.target.matches("[data-row]")) && pressIn(key)) e.preventDefault();
      }
      return;
    }
    if (typing(e)) return;
    if (key === "arrowdown" || key === "arrowup") { e.preventDefault(); move(key === "arrowdown" ? 1 : -1); }
    else if (key === "enter" ? e.target.matches("[data-list] > .item, body, main") : key.length === 1) { if (press(key)) e.preventDefault(); }
  });
  document.addEventListener("focusin", (e) => { focused = Boolean(e.target.closest("[data-list]")); });

  document.addEventListener("htmx:beforeRequest", (e) => { if (e.detail.elt.id === "line" && paused()) e.preventDefault(); });
  document.addEventListener("htmx:beforeSwap", (e) => {
    const log = $("[data-log]");
    if (log) below = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    if (e.detail.target.id === "work") focused = Boolean(document.activeElement && document.activeElement.closest("[data-list]"));
  });
  document.addEventListener("htmx:afterSwap", (e) => {
    const said = $("#said"), main = $("main.now");
    if (e.detail.target.id === "line") follow();
    if (main) main.classList.toggle("has-word", Boolean(said && said.firstElementChild));
    if (e.detail.target.id === "said") return;
    closeBehind(e.detail.requestConfig);
    if (said && e.detail.requestConfig.verb === "post") said.replaceChildren();
    badge();
    tick();
  });
  document.addEventListener("htmx:afterSettle", restore); // until then new elements wear the old ones' classes, and their buttons are dead: the delay of settling is 0
  let stream = null;
  addEventListener("pagehide", () => { if (stream) stream.close(); }); // leaving is no error
  document.addEventListener("htmx:sseOpen", (e) => {
    alive();
    e.detail.source.addEventListener("beat", alive); // the same listener twice is once
    e.detail.source.addEventListener("ended", leave);
    stream = e.detail.source;
    if (root.dataset.live) $$("[hx-trigger^='sse:']").forEach((one) => htmx.trigger(one, one.getAttribute("hx-trigger"))); // what was missed meanwhile
    root.dataset.live = "1";
  });

  addEventListener("DOMContentLoaded", () => {
    restore();
    badge();
    tick();
    follow();
    setInterval(() => { tick(); watch(); }, 1000);
  });
})();
