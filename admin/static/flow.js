// The flow editor. Pages are whole without this file; with it the form saves itself when a field is left, the phone
// plays without a new page, and the map is moved by keys, pulled and zoomed. Nothing is kept in the browser.

const $ = (id) => document.getElementById(id);
const ZOOM = [0.3, 2]; // of the drawn size
const ours = window.trustedTypes?.createPolicy("flow", { createHTML: (text) => text }); // as in console.js
const parsed = (text) => new DOMParser().parseFromString(ours ? ours.createHTML(text) : text, "text/html");
let zoom = 1, saving = Promise.resolve();

// ——— what the server says anew is put in place; fields keep what is being written ———

async function post(form, button) {
  const body = new URLSearchParams(new FormData(form));
  if (button?.name) body.append(button.name, button.value);
  const answer = await fetch(form.action || location.href, {
    method: "POST", body, headers: { "X-Fragment": "1", "X-Active": "1" },
  });
  return { ok: answer.ok, page: parsed(await answer.text()), sent: body };
}

function swap(page, only) {
  const scroll = { x: $("fl-pan")?.scrollLeft ?? 0, y: $("fl-pan")?.scrollTop ?? 0 }, focus = document.activeElement?.id;
  for (const fresh of page.querySelectorAll("[data-swap]")) {
    const here = $(fresh.id);
    if (here && (!only || only.includes(fresh.id))) here.replaceWith(fresh);
  }
  if (focus && document.activeElement === document.body) $(focus)?.focus({ preventScroll: true });
  drawn();
  $("fl-pan")?.scrollTo(scroll.x, scroll.y);
}

async function save(form) {
  const { ok, page, sent } = await post(form);
  const theirs = page.querySelector("[role=alert]");
  if (!ok && !page.querySelector("#step-form")) return; // no editor came back: what is written stays, and the button works
  for (const mark of document.querySelectorAll("[name=seen]")) mark.value = page.querySelector("[name=seen]")?.value ?? mark.value;
  $("fl-alert")?.remove();
  if (theirs) {
    theirs.id = "fl-alert";
    $("step-form").before(theirs);
    return;
  }
  const rows = $("fl-choices"), fresh = page.querySelector("#fl-choices");
  if (rows && fresh && rows.dataset.rows !== fresh.dataset.rows) {
    const focus = document.activeElement?.id;
    const since = [...rows.querySelectorAll("input:not([type]), select")].filter((one) => one.value !== sent.get(one.name));
    rows.replaceWith(fresh);
    for (const one of since) if ($(one.id)) $(one.id).value = one.value; // what was written while it was on its way
    if (focus) $(focus)?.focus();
  }
  swap(page);
}

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form?.matches("[data-auto]")) saving = saving.then(() => save(form)).catch(() => {}); // offline: the button still saves
  else if (event.target.closest(".pv-c")) play(form, form.querySelector("[name=again][value='1']"));
});

// ——— counters ———

document.addEventListener("input", ({ target }) => {
  const most = target.dataset?.most, told = most && $(`n-${target.id}`);
  if (!told) return;
  const n = [...target.value].length;
  told.textContent = told.textContent.replace(/\d+/, n);
  told.classList.toggle("over", n > Number(most));
});

// ——— the phone ———

async function play(form, button) {
  await saving;
  try {
    const { page } = await post(form, button);
    swap(page, ["fl-phone", "fl-map"]);
    $("fl-phone").querySelector(".ph-b").scrollTop = 1e6;
    document.querySelector(".nd.at")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  } catch { form.submit(); }
}

document.addEventListener("submit", (event) => {
  if (event.target.id !== "pv") return;
  event.preventDefault();
  play(event.target, event.submitter);
});

// ——— the map: zoom, pull, keys ———

function drawn() {
  const map = document.querySelector(".map");
  if (!map) return;
  const [, , wide, high] = map.getAttribute("viewBox").split(" ").map(Number);
  map.setAttribute("width", wide * zoom);
  map.setAttribute("height", high * zoom);
}

function scaled(by) {
  const pan = $("fl-pan"), x = (pan.scrollLeft + pan.clientWidth / 2) / zoom, y = (pan.scrollTop + pan.clientHeight / 2) / zoom;
  zoom = Math.min(ZOOM[1], Math.max(ZOOM[0], zoom * by));
  drawn();
  pan.scrollTo(x * zoom - pan.clientWidth / 2, y * zoom - pan.clientHeight / 2);
}

document.addEventListener("click", ({ target }) => {
  const by = target.closest("[data-zoom]")?.dataset.zoom;
  if (by) scaled(Number(by));
});

document.addEventListener("wheel", (event) => {
  if (!event.ctrlKey || !event.target.closest?.("#fl-pan")) return;
  event.preventDefault();
  scaled(event.deltaY < 0 ? 1.1 : 0.9);
}, { passive: false });

let pulled;
document.addEventListener("pointerdown", (event) => {
  const pan = event.target.closest?.("#fl-pan");
  if (pan && event.pointerType === "mouse" && !event.target.closest("a")) pulled = { pan, x: event.clientX, y: event.clientY };
});
document.addEventListener("pointermove", (event) => {
  if (!pulled) return;
  pulled.pan.scrollBy(pulled.x - event.clientX, pulled.y - event.clientY);
  Object.assign(pulled, { x: event.clientX, y: event.clientY });
});
document.addEventListener("pointerup", () => { pulled = undefined; });

const WAYS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
document.addEventListener("keydown", (event) => {
  const way = WAYS[event.key], here = event.target.closest?.(".nd");
  if (!way || !here) return;
  event.preventDefault();
  const middle = (one) => { const r = one.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; };
  const [x, y] = middle(here);
  let best, least = Infinity;
  for (const one of document.querySelectorAll(".nd")) {
    const [ox, oy] = middle(one), along = (ox - x) * way[0] + (oy - y) * way[1], aside = Math.abs((ox - x) * way[1] + (oy - y) * way[0]);
    if (one !== here && along > 4 && along + 2 * aside < least) { best = one; least = along + 2 * aside; }
  }
  best?.focus();
  best?.scrollIntoView({ block: "nearest", inline: "nearest" });
});

document.querySelector(".nd.on")?.scrollIntoView({ block: "center", inline: "center" });
