// The tube page: which result is chosen, the abnormal-only filter, curves, print. It stays as it is while the sheet is replaced under it.
(() => {
  "use strict";
  const $ = (sel, from = document) => from.querySelector(sel);
  const $$ = (sel, from = document) => [...from.querySelectorAll(sel)];
  const typing = (e) => /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName);
  let chosen = null, only = false, top = 0, drawn = [];

  const rows = () => $$("#results tr[data-number]").filter((row) => row.offsetParent);
  const row = () => chosen && document.getElementById(chosen);

  function mark(one) {
    $$("#results tr[aria-selected]").forEach((other) => other.removeAttribute("aria-selected"));
    chosen = one ? one.id : null;
    if (one) one.setAttribute("aria-selected", "true");
  }
  function open(one) {
    mark(one);
    $(".v a", one).click();
  }
  function move(step) {
    const all = rows(), at = all.indexOf(row());
    const next = all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + step))];
    if (!next) return;
    mark(next);
    next.scrollIntoView({ block: "nearest" });
    $(".v a", next).focus({ preventScroll: true });
  }
  function filter() {
    const table = $("#results"), button = $("[data-abnormal]");
    if (button) button.setAttribute("aria-pressed", String(only));
    if (!table) return;
    table.classList.toggle("abnormal-only", only);
    $$("tbody", table).forEach((body) => { body.hidden = only && !$("tr.h, tr.l, tr.c, tr.x, tr.k", body); });
  }

  // ── holding back and moving
  function hold() {
    const dialog = $("#hold"), one = row() && row().dataset.standing === "reported" ? row() : rows().find((other) => other.dataset.standing === "reported");
    if (!one || !$("[data-hold]")) return;
    if (!row()) mark(one);
    $("form", dialog).reset();
    dialog.dataset.row = one.id;
    $("[data-hold-what]", dialog).textContent = one.dataset.what;
    dialog.showModal();
  }
  function numbers(dialog) {
    const one = document.getElementById(dialog.dataset.row), scope = $("[data-hold-scope]", dialog).value;
    if (!one || scope === "one") return one ? [one.dataset.number] : [];
    return $$("#results tr[data-standing=reported]").filter((other) => scope === "tube" || other.dataset.analyzer === one.dataset.analyzer).map((other) => other.dataset.number);
  }
  function wrong(button) {
    const dialog = $("#move");
    $("form", dialog).reset();
    $("[name=hold]", dialog).value = button.dataset.move || "";
    dialog.showModal();
  }

  // ── curves
  function draw() {
    drawn.forEach((plot) => plot.destroy());
    drawn = [];
    const css = getComputedStyle(document.documentElement), color = (name) => css.getPropertyValue(name).trim();
    $$(".draw[data-points]").forEach((place) => {
      const [xs, ys] = JSON.parse(place.dataset.points), bars = "bars" in place.dataset;
      const wide = xs.length > 1 && xs[0] > 0 && xs[xs.length - 1] / xs[0] > 20 && !bars;
      const axis = (label) => ({ label, stroke: color("--ink-2"), grid: { stroke: color("--line") }, ticks: { stroke: color("--line") }, size: 44, labelSize: 16, font: "11px sans-serif", labelFont: "11px sans-serif" });
      drawn.push(new uPlot({
        width: Math.min(360, place.clientWidth || 360), height: 210, legend: { show: false }, cursor: { show: false },
        scales: { x: { time: false, distr: wide ? 3 : 1 } }, axes: [axis(place.dataset.x), axis(place.dataset.y)],
        series: [{}, { stroke: color("--accent"), width: 2, fill: bars ? color("--accent-wash") : undefined, points: { show: xs.length < 20 } }],
      }, [xs, ys], place));
    });
  }

  function renewed(e) {
    if (e.detail.target.id !== "sheet") return;
    filter();
    mark(row());
    const scroll = $(".results > .scroll");
    if (scroll) scroll.scrollTop = top;
  }

  document.addEventListener("click", (e) => {
    const at = (sel) => e.target.closest(sel);
    if (at("[data-abnormal]")) { only = !only; filter(); }
    if (at("[data-print]")) print();
    if (at("[data-hold]")) hold();
    if (at("[data-move]")) wrong(at("[data-move]"));
    if (at("[data-close]")) { $("#prov").classList.remove("up"); mark(null); }
    const one = at("#results tr[data-number]");
    if (one && at("a")) { mark(one); } else if (one) open(one); // gloves: the whole row is the target
  });
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.altKey || e.metaKey || typing(e) || $("dialog[open]")) return;
    const key = e.key.toLowerCase(), act = {
      a: () => { only = !only; filter(); }, p: () => print(), h: hold,
      r: () => { const button = $("[data-key-r]"); if (button) button.click(); },
      arrowdown: () => move(1), arrowup: () => move(-1),
      escape: () => { $("#prov").classList.remove("up"); mark(null); },
      enter: () => { if (row() && !e.target.closest("a, button")) open(row()); else return true; },
    }[key];
    if (act && !act()) { if (key !== "enter" || !e.target.closest("a, button")) e.preventDefault(); }
  });
  document.addEventListener("htmx:configRequest", (e) => {
    const dialog = e.detail.elt.closest && e.detail.elt.closest("#hold");
    if (dialog) e.detail.formData ? numbers(dialog).forEach((one) => e.detail.formData.append("number", one)) : e.detail.parameters.number = numbers(dialog);
  });
  document.addEventListener("htmx:beforeSwap", (e) => {
    if (e.detail.target.id === "sheet") { const scroll = $(".results > .scroll"); top = scroll ? scroll.scrollTop : 0; }
  });
  document.addEventListener("htmx:afterSwap", (e) => {
    if (e.detail.target.id === "prov") $("#prov").classList.add("up");
    if (e.detail.target.classList.contains("charts-wrap")) draw();
    renewed(e);
  });
  document.addEventListener("htmx:afterSettle", renewed); // until then new elements wear the old ones' attributes
  document.addEventListener("click", (e) => { if (e.target.closest("[data-theme-toggle]")) draw(); });
  addEventListener("DOMContentLoaded", () => { // #hold=TEST: the work list's H
    const [, test] = decodeURIComponent(location.hash).split("#hold=");
    const one = test && rows().find((other) => other.dataset.what.split(" ")[0] === test && other.dataset.standing === "reported");
    if (one) { mark(one); hold(); }
  });
})();
