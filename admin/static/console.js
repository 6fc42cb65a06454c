// 縁側, the console. Pages are whole without this file; with it they renew themselves. What is being written, what has
// the focus and where one has scrolled to stay as they are. Nothing is kept in the browser but two switches: for the
// keys, and for being told.
// What belongs to writing a reply is in writing.js.

const POLL = 10000, MINUTE = 60000, AGAIN = 60000, RETRY = 5000; // ms
const $ = (id) => document.getElementById(id);
// Only pages of our own become elements: everything else that could is shut by the policy (Trusted Types).
const WORKER = "/admin/static/told.js";
const ours = window.trustedTypes?.createPolicy("console", { createHTML: (text) => text, createScriptURL: () => WORKER });
const parsed = (text) => new DOMParser().parseFromString(ours ? ours.createHTML(text) : text, "text/html");
const place = document.querySelector("[data-topic]");
const { topic, ticket } = place?.dataset ?? {};

// ——— switches: kept as cookies of this console ———

const isSet = (name, value) => document.cookie.split("; ").includes(`${name}=${value}`);
function keep(name, value) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${value}; Path=/admin; Max-Age=31536000; SameSite=Strict${secure}`;
}

// ——— renewing: the same address again, its live parts put in place of those that changed ———

const asServed = new WeakMap(); // elements as the server wrote them, whatever was opened or typed since
const note = (element) => asServed.set(element, element.outerHTML);
let busy = false, again = false, pressed = false, active = false, retrying;

async function renew() {
  if (busy || pressed) { again = true; return; }
  busy = true; again = false;
  const used = active, asked = here(); active = false;
  try {
    const headers = { "X-Fragment": "1", ...(used && { "X-Active": "1" }) };
    const answer = await fetch(asked, { headers, signal: AbortSignal.timeout(POLL) });
    if (answer.status === 401 || answer.status === 404) ended(answer.status);
    else if (answer.ok) {
      const page = parsed(await answer.text());
      if (asked === here()) swap(page);
      else again = true; // older lines came meanwhile, of which this answer does not know
    }
    else active ||= used;
  } catch { // no connection: what is there stays, and it is tried again
    active ||= used;
    clearTimeout(retrying);
    retrying = setTimeout(renew, RETRY);
  }
  busy = false;
  if (again) renew();
}

function here() { // a thread: from the first line that is shown, so that nothing falls between old and new
  const query = new URLSearchParams(location.search), first = $("th-log")?.dataset.first;
  if (first && !query.has("before")) query.set("since", first);
  return location.pathname + (query.size ? `?${query}` : "");
}

function swap(page) {
  if ($("lapsed")) $("lapsed").hidden = true;
  document.title = page.title;
  const focus = document.activeElement?.id, on = document.querySelector(".is-on")?.id;
  for (const fresh of page.querySelectorAll("[data-live]")) {
    const here = $(fresh.id);
    if (!here) continue;
    for (const mark of here.querySelectorAll("[name=csrf]")) mark.value = fresh.querySelector("[name=csrf]")?.value ?? mark.value;
    if (fresh.dataset.keep && fresh.dataset.keep === here.dataset.keep) continue;
    if ("keyed" in fresh.dataset) weave(here, fresh);
    else if (asServed.get(here) !== fresh.outerHTML) {
      asServed.set(here, fresh.outerHTML);
      here.dataset.keep = fresh.dataset.keep ?? "";
      here.replaceChildren(...fresh.childNodes);
    }
  }
  dispatchEvent(new Event("renewed"));
  if (on && $(on)) mark($(on));
  if (focus && document.activeElement === document.body) $(focus)?.focus({ preventScroll: true });
}

function weave(here, fresh) { // a log: lines that are as they were stay untouched
  const scroll = here.parentElement, before = scroll.scrollHeight;
  const lines = [...fresh.children];
  lines.forEach((line, at) => {
    const old = $(line.id), same = old && asServed.get(old) === line.outerHTML;
    if (!same) note(line);
    const kept = same ? old : line;
    if (old && !same) {
      const opened = [old, ...old.querySelectorAll("details")], now = [kept, ...kept.querySelectorAll("details")];
      now.forEach((part, n) => { if (opened[n]?.open) part.setAttribute("open", ""); });
      old.replaceWith(kept);
    }
    if (here.children[at] !== kept) here.insertBefore(kept, here.children[at] ?? null);
  });
  while (here.children.length > lines.length) here.lastElementChild.remove();
  if (scroll.scrollTop < -40) scroll.scrollTop -= scroll.scrollHeight - before; // reading further up: stay there
}

function ended(status) { // signed out: nothing of the person stays on the screen, what is being written does
  if (status === 404) location.reload(); // somebody else has it now; the page says so
  else if (!$("text")?.value.trim()) location.assign("/admin/login");
  else $("lapsed").hidden = false;
  for (const part of ["th-log", "th-side"].map($)) if (part) { asServed.delete(part); part.replaceChildren(); }
}

// ——— when to look: told by the stream; else every ten seconds; each minute for the words of time ———

let stream, polling;
function listen() {
  stream?.close();
  stream = new EventSource(`/admin/stream?topic=${topic}${ticket ? `&ticket=${ticket}` : ""}`);
  stream.onopen = () => { clearInterval(polling); polling = undefined; renew(); };
  stream.addEventListener("changed", renew);
  stream.onerror = () => {
    polling ??= setInterval(renew, POLL);
    if (stream.readyState === EventSource.CLOSED) { setTimeout(listen, AGAIN); renew(); }
  };
}

if (topic) {
  for (const part of document.querySelectorAll("[data-live], [data-keyed] > *")) note(part);
  listen();
  setInterval(renew, MINUTE);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) renew(); });
  addEventListener("pageshow", (event) => { if (event.persisted) renew(); });
  addEventListener("online", renew);
  addEventListener("pointerdown", () => { pressed = active = true; });
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => setTimeout(() => { pressed = false; if (again) renew(); }));
  addEventListener("keydown", () => { active = true; });
}

// ——— writing ———

document.addEventListener("submit", (event) => {
  const form = event.target, field = form.querySelector("[data-limit]"), button = event.submitter;
  if (form.dataset.sent) { event.preventDefault(); return; } // twice is once
  if (field && [...field.value.trim()].length > +field.dataset.limit) {
    event.preventDefault();
    Object.assign($("mend"), { textContent: $("mend").dataset.tooLong, hidden: false });
    field.setAttribute("aria-invalid", "true");
    field.focus();
    return;
  }
  form.dataset.sent = "1";
  if (button?.dataset.busy) button.textContent = button.dataset.busy;
});
addEventListener("pageshow", () => { for (const form of document.forms) delete form.dataset.sent; });

// ——— older lines: put before what is there, without moving it ———

document.addEventListener("click", async (event) => {
  const link = event.target.closest("#older");
  if (!link || !topic || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  try {
    const answer = await fetch(link.href, { headers: { "X-Fragment": "1" }, signal: AbortSignal.timeout(POLL) });
    const older = parsed(await answer.text()).getElementById("th-log");
    if (!answer.ok || !older) throw answer.status;
    older.querySelector("#l-newest")?.remove();
    $("l-start").replaceWith(...older.children);
    for (const line of $("th-log").children) if (!asServed.has(line)) note(line);
    $("th-log").dataset.first = older.dataset.first;
    ($("older") ?? $("th-log").parentElement).focus({ preventScroll: true });
  } catch { location.assign(link.href); }
});

// ——— a free reply that is over is told, and words that have left ———

let free;
function watchCost() {
  clearTimeout(free);
  const waits = [...document.querySelectorAll("[data-due], [data-free]")].map(({ dataset }) => +(dataset.due ?? dataset.free));
  const soonest = Math.min(...waits.filter((seconds) => seconds > 0));
  if (Number.isFinite(soonest)) free = setTimeout(renew, (soonest + 1) * 1000);
}
addEventListener("renewed", watchCost);
watchCost();

// ——— told while one looks elsewhere: that something is new, never what, and without a sound ———

const TELL = { tag: "engawa", silent: true, lang: document.documentElement.lang, icon: "/admin/static/icon-192.png" };
const canTell = "Notification" in window && "serviceWorker" in navigator;
const tells = () => canTell && Notification.permission === "granted" && isSet("engawa_tell", "on");
const newest = () => document.querySelector("[data-news]")?.dataset ?? {};
let known = +(newest().news ?? 0);

async function worker() { // what it is called is fixed above, and who may show something is who is active
  const found = await navigator.serviceWorker.register(ours ? ours.createScriptURL("") : WORKER);
  const coming = found.installing ?? found.waiting;
  if (!found.active) await new Promise((done) => coming.addEventListener("statechange", () => { if (found.active) done(); }));
  return found;
}

addEventListener("renewed", async () => {
  const { news = 0, quiet } = newest(), isNew = +news > known;
  known = Math.max(known, +news);
  if (isNew && quiet === undefined && !document.hasFocus() && tells()) {
    await (await worker()).showNotification(document.body.dataset.told, TELL);
  }
});
addEventListener("focus", async () => { // it was seen
  if (tells()) for (const shown of await (await worker()).getNotifications(TELL)) shown.close();
});

function sayTold() {
  const now = !canTell ? "none" : Notification.permission === "denied" ? "denied" : tells() ? "on" : "off";
  $("tell-state").textContent = $("tell-state").dataset[now];
  $("tell").textContent = $("tell").dataset[now] ?? $("tell").dataset.off;
  $("tell").disabled = now === "none" || now === "denied";
}
if ($("tell")) sayTold();
$("tell")?.addEventListener("click", async () => {
  const wanted = !tells();
  if (wanted && await Notification.requestPermission() === "granted") await worker();
  keep("engawa_tell", wanted && Notification.permission === "granted" ? "on" : "off");
  sayTold();
});

// ——— keys ———

const SWITCH = "engawa_keys";
const keysOn = () => !isSet(SWITCH, "off");
const mark = (row) => { document.querySelector(".is-on")?.classList.remove("is-on"); row.classList.add("is-on"); };

function step(by) {
  const rows = [...document.querySelectorAll("[data-row]")], at = rows.findIndex((row) => row.matches(".is-on"));
  const row = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
  if (!row) return;
  mark(row);
  row.querySelector("a, button")?.focus();
}

const does = {
  j: () => step(1),
  k: () => step(-1),
  n: () => $("next")?.click(),
  g: () => location.assign("/admin"),
  r: () => ($("text") ?? $("seen") ?? $("take"))?.focus(),
  "?": () => $("help")?.showModal(),
};

addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (key === "Enter" && (event.ctrlKey || event.metaKey) && target.form?.id === "reply" && !event.isComposing) {
    event.preventDefault();
    if (target.value.trim() || !$("entry")?.disabled) target.form.requestSubmit($("send"));
  }
  if (!keysOn() || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (target.closest("input, textarea, select, dialog, [contenteditable]")) return;
  const act = does[key.toLowerCase()], on = document.querySelector(".is-on a");
  if (act) { event.preventDefault(); act(); }
  else if (key === "Enter" && target === document.body && on) on.click();
});

if ($("keys-on")) $("keys-on").checked = keysOn();
$("keys-on")?.addEventListener("change", ({ target }) => {
  keep(SWITCH, target.checked ? "on" : "off");
});
