// 縁側, the web chat. The page is whole without this file; with it, answers arrive by themselves and nothing written is
// lost: what is not sent lies in this tab's storage until it is, or the screen is hidden. The markup built here is that
// of templates/chat.html: change both together.

const API = "/chat/api", LIMIT = 5000, FULL = 50; // code points of one message; so many messages in one answer: there may be more
const SLOW = 2000, PATIENCE = 20000, SILENCE = 60000, FIRST = 500; // ms: say that it is sending; give up; doubt a silent stream; ask again

const $ = (id) => document.getElementById(id);
const { body } = document, { lang } = document.documentElement;
const [log, scroll, tail, form, field, note, newer] = ["log", "scroll", "tail", "say", "text", "note", "newer"].map($);
const take = (name) => { const value = JSON.parse(body.dataset[name]); delete body.dataset[name]; return value; };
const words = take("words");
let state = take("state");
const from = new URLSearchParams(location.search).get("from"); // the place a link stood at: counted in total only
if (from) history.replaceState(null, "", "/chat");

// ——— kept over a reload, in this tab only: what is being written, and what has not arrived ———

let hidden = false;

function keep() {
  const kept = { draft: field.value, unsent: unsent.map(({ what, shown }) => ({ what, shown })) };
  try {
    if (hidden || !(kept.draft || kept.unsent.length)) forget();
    else sessionStorage.setItem("kept", JSON.stringify(kept));
  } catch { /* there is no storage, or it is full: then only a reload loses it */ }
}

function forget() {
  try { sessionStorage.removeItem("kept"); } catch { /* there is none */ }
}

function restore() {
  let kept = null;
  try { kept = JSON.parse(sessionStorage.getItem("kept")); } catch { /* there is none */ }
  if (!field.value && kept?.draft) field.value = kept.draft;
  for (const { what, shown } of kept?.unsent ?? []) queue(what, shown); // with the client_id they had: taken once
  fit();
}

// ——— markup: whatever is said goes in as text ———

function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value != null) element.setAttribute(name, value);
  element.append(...children.flat().filter((child) => child != null && child !== ""));
  return element;
}

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
const paragraphs = (text) => (text || "").replaceAll("\r\n", "\n").split("\n\n").filter((part) => part.trim())
  .map((part) => h("p", {}, part.replace(/^\n+|\n+$/g, "")));

function cardOf({ kind, title, subtitle, date, facts = [], unknown = [], links = [] }) {
  const mark = () => h("span", { class: "unk" }, words.unknown);
  const rows = [...facts.filter(([label]) => label), ...(unknown.length === 1 ? [[unknown[0], mark()]] : [])];
  const head = [h("h2", { class: "ttl" }, title), subtitle && h("p", { class: "s q" }, subtitle),
    facts.filter(([label]) => !label).map(([, value]) => h("p", { class: "s" }, value))].flat();
  return h("article", { class: "card" },
    !date ? head : h("div", { class: "day" },
      h("p", { class: "d" }, h("span", {}, words.months[date.month - 1]), h("b", {}, date.day), h("span", {}, date.weekday)),
      h("div", {}, head)),
    !date && kind === "event" ? h("p", { class: "s" }, words.rough_date) : null,
    rows.length ? h("dl", { class: "facts" }, rows.flatMap(([label, value]) => [h("dt", {}, label), h("dd", {}, value)])) : null,
    unknown.length > 1 ? h("p", { class: "s q unks" }, fill(words.unknown_many, { labels: unknown.join(words.joiner) }), mark()) : null,
    links.length ? h("p", { class: "foot" }, links.filter(({ url }) => /^(https?:\/\/|tel:|sms:|mailto:|\/)/.test(url)).map(({ label, url }) =>
      h("a", { class: "btn plain", href: url, ...(url.startsWith("http") && { target: "_blank", rel: "noopener noreferrer" }) }, label))) : null);
}

function timeOf(iso) { // with its day, unless that is today
  const today = iso.startsWith(new Date().toLocaleDateString("sv")); // which writes 2026-11-21
  return h("time", { datetime: iso }, today ? "" : fill(words.day_of, { m: +iso.slice(5, 7), d: +iso.slice(8, 10) }) + " ", iso.slice(11, 16));
}

function turnOf({ seq, from, kind, name, text, at, cards, choices }) {
  const own = (choices ?? []).filter(({ id }) => !id.startsWith("exit/")); // the exits have their fixed place
  const who = (...inside) => h("p", { class: "who", lang }, ...inside);
  const slip = h("div", { class: "slip" }, paragraphs(text));
  return h("div", { class: `turn ${from}`, "data-seq": seq, "data-kind": kind },
    from === "person" ? h("div", { class: "say me" }, h("p", { class: "sr", lang }, words.who_me), slip)
      : from === "counselor" ? h("div", { class: "say staff" },
        who(h("span", {}, words.who_staff + (name ? "　" + name : "")), at && timeOf(at)), slip)
        : text ? h("div", { class: "say bot" }, who(words.who_bot), paragraphs(text)) : null,
    (cards ?? []).map(cardOf),
    own.length ? h("div", { class: "choices", role: "group", "aria-label": words.choices }, own.map(({ id, label }) =>
      h("button", { class: "btn", form: "say", name: "choice_id", value: id }, label))) : null);
}

// ——— the log ———

const seqOf = (turn) => Number(turn.dataset.seq ?? Infinity); // what has not arrived yet stands at the end
const find = (seq) => log.querySelector(`[data-seq="${seq}"]`), clear = () => log.querySelectorAll("[data-seq]").forEach((turn) => turn.remove());
let last = Math.max(0, ...[...log.children].map(seqOf)), atEnd = true; // the newest received; is the end in sight?

function place(turn) {
  const after = [...log.children].find((other) => other !== turn && seqOf(other) > seqOf(turn)) ?? null;
  if (!turn.parentNode || turn.nextElementSibling !== after) log.insertBefore(turn, after);
}

function tidy() { // who writes from where on; and only the newest question can be answered
  let human = false;
  const heard = [...log.children].filter((turn) => !turn.matches(".person")).pop();
  for (const turn of log.children) {
    const staff = turn.matches(".counselor"), guide = turn.matches(".bot") && !turn.dataset.kind;
    const mark = turn.querySelector(":scope > .mark-line"), due = staff ? !human : guide && human;
    if (!due) mark?.remove();
    else if (!mark) turn.prepend(h("p", { class: staff ? "mark-line wood" : "mark-line", lang }, staff ? words.from_human : words.from_bot));
    if (staff || guide) human = staff;
    if (turn !== heard) turn.querySelector(".choices")?.remove();
  }
}

const toEnd = () => tail.scrollIntoView({ block: "end" });

function show(turn, follow) {
  const before = log.lastElementChild, top = before?.getBoundingClientRect().top;
  place(turn);
  tidy();
  if (follow) {
    toEnd();
    const cut = turn.getBoundingClientRect().top < Math.max(0, scroll.getBoundingClientRect().top);
    if (cut && !turn.matches(".person")) turn.scrollIntoView({ block: "start" }); // longer than the window: begin at its beginning
  } else {
    const mover = scroll.scrollHeight > scroll.clientHeight ? scroll : document.scrollingElement;
    if (before) mover.scrollTop += before.getBoundingClientRect().top - top; // what is being read stays where it is
    newer.hidden = false;
  }
}

new IntersectionObserver(([{ isIntersecting }]) => { atEnd = isIntersecting; newer.hidden ||= atEnd; }).observe(tail);
newer.addEventListener("click", () => { toEnd(); scroll.focus({ preventScroll: true }); });

function showState(reached, next = state) {
  state = next;
  if (hidden) return;
  const human = state.mode === "human", line = reached ? state.line : words.offline;
  if ($("line").textContent !== line) $("line").textContent = line;
  $("state").classList.toggle("lit", reached && human);
  $("person").textContent = human ? words.exit_change : words.exit_person;
  $("close").hidden = state.mode === "bot";
}

// ——— sending: one at a time, in order, until it has arrived ———

const unsent = []; // {what: {client_id, text | choice_id}, turn}
const kept = []; // {turn, shown}: taken while the thread cannot be written; their seq is known when they come back
const held = []; // the person's own words, come back by the stream before we know which seq they have
let sending = false, again, pause = 1000;

async function call(path, data) {
  const post = data && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(data), keepalive: true };
  const send = () => fetch(API + path, { ...post, signal: AbortSignal.timeout?.(PATIENCE) });
  const answer = await send();
  if (answer.status !== 401 || path === "/session") return answer;
  await newSession();
  return send();
}

async function newSession() {
  const answer = await call("/session", from ? { from } : {});
  if (!answer.ok) throw new Error(`session: ${answer.status}`);
  const { seq } = await answer.json();
  if (seq === null || seq >= last) return;
  clear(); // another talk: the earlier one is out of reach
  last = 0;
}

const uuid = () => crypto.randomUUID?.() ?? // which plain http does not have
  "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (c) => (c ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (c / 4)))).toString(16));

function queue(what, shown) {
  const turn = turnOf({ from: "person", text: shown });
  unsent.push({ what, shown, turn });
  show(turn, true);
}

function say(what, shown) {
  queue({ client_id: uuid(), ...what }, shown);
  keep();
  flush();
}

function tell(turn, text) { // the line under a slip that has not arrived
  const line = turn.querySelector(".sent") ?? turn.querySelector(".say").appendChild(h("p", { class: "sent", lang }));
  if (line.textContent !== text) line.textContent = text;
}

async function flush() {
  clearTimeout(again);
  if (sending || !unsent.length) return;
  sending = true;
  const { what, shown, turn } = unsent[0], slow = setTimeout(tell, SLOW, turn, words.sending);
  const response = await call("/messages", what).catch(() => null), answer = await response?.json().catch(() => null);
  const status = response?.ok && !answer ? 0 : response?.status ?? 0; // 0: no connection, or half an answer
  clearTimeout(slow);
  sending = false;
  if (!status || status >= 500 || [401, 408, 425].includes(status)) { // kept, and tried again
    for (const { turn } of unsent) tell(turn, words.unsent);
    if (!status) showState(false);
    again = setTimeout(flush, pause * (0.8 + 0.4 * Math.random()));
    pause = Math.min(pause * 2, 30000);
    return;
  }
  unsent.shift();
  pause = 1000;
  turn.querySelector(".sent")?.remove();
  if (status >= 400 || (answer.seq !== null && find(answer.seq))) turn.remove(); // refused, or the stream was quicker
  else if (answer.seq === null) { kept.push({ turn, shown }); tell(turn, words.kept); }
  else { turn.dataset.seq = answer.seq; place(turn); }
  showState(true);
  if (status >= 400) { // what was written goes back to where it was written
    if (what.text) giveBack(what.text);
    complain(answer?.message || words.failed);
  }
  keep();
  held.splice(0).forEach(receive);
  flush();
}

let back = ""; // what came back already stands first, in its order

function giveBack(text) {
  const rest = field.value.startsWith(back) ? field.value.slice(back.length) : field.value;
  back = (field.value === rest ? "" : back) + text + "\n";
  field.value = back + rest;
}

function complain(message, remedy) {
  note.replaceChildren(...[message, remedy].filter(Boolean));
  note.hidden = !message;
  field.setAttribute("aria-invalid", Boolean(message && field.value));
  fit();
}

function sayText(text = field.value, rest = "") {
  const letters = [...text], number = (n) => n.toLocaleString(lang);
  if (!text.trim()) return field.focus();
  if (letters.length > LIMIT) {
    const start = letters.slice(0, LIMIT).join(""), cut = start.search(/[\n。．.?？][^\n。．.?？]*$/) + 1;
    const part = cut > LIMIT / 2 ? start.slice(0, cut) : start; // to the end of a sentence, if one is near
    const remedy = h("button", { class: "btn plain", type: "button" }, fill(words.send_part, { n: number([...part].length) }));
    remedy.addEventListener("click", () => { sayText(part, text.slice(part.length).trimStart()); field.focus(); });
    return complain(fill(words.too_long, { n: number(letters.length) }), remedy);
  }
  field.value = rest;
  complain(null);
  say({ text }, text);
}

function fit() { // the field grows with what is written, where CSS alone cannot do it
  if (CSS.supports("field-sizing", "content")) return;
  for (field.rows = 1; field.rows < 6 && field.scrollHeight > field.clientHeight + 2;) field.rows += 1;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = event.submitter;
  if (button?.name !== "choice_id") return sayText();
  if (unsent.some(({ what }) => what.choice_id === button.value)) return; // tapped twice
  if (log.contains(button)) { button.parentNode.remove(); scroll.focus({ preventScroll: true }); } // it becomes the person's slip
  say({ choice_id: button.value }, button.textContent);
});
field.addEventListener("input", () => { keep(); if (note.hidden) fit(); else complain(null); });
field.addEventListener("keydown", ({ key, isComposing, ctrlKey, metaKey }) => {
  if (key === "Enter" && !isComposing && (ctrlKey || metaKey)) sayText();
});

// ——— receiving: a stream; while there is none, asking now and then ———

let stream, watch, next, reading, between = FIRST;

function receive(message) {
  last = Math.max(last, message.seq);
  if (message.kind === "erased") { clear(); last = 0; forget(); } // and this says so; what is written next begins anew
  if (message.from === "person" && unsent.length) held.push(message);
  else if (!find(message.seq)) {
    const place = message.from === "person" ? kept.findIndex(({ shown }) => shown === message.text) : -1;
    if (place >= 0) kept.splice(place, 1)[0].turn.remove();
    show(turnOf(message), atEnd);
  }
}

const refresh = () => hidden ? Promise.resolve(false) : (reading ??= read().then(() => true, () => showState(false)).finally(() => { reading = null; }));

async function read() {
  for (let from = -1, count = FULL; from < last && count >= FULL;) {
    from = last;
    const answer = await call(`/messages?after=${last}`);
    if (!answer.ok) throw new Error(`messages: ${answer.status}`);
    const { messages, state } = await answer.json();
    messages.forEach(receive);
    showState(true, state);
    count = messages.length;
  }
}

function listen() {
  stream?.close();
  stream = new EventSource(`${API}/stream?after=${last}`); // later the browser sends Last-Event-ID
  const alive = () => { clearTimeout(watch); watch = setTimeout(() => { stream.close(); ask(0); }, SILENCE); };
  for (const kind of ["open", "message", "state", "heartbeat"]) stream.addEventListener(kind, alive);
  stream.addEventListener("open", () => { between = FIRST; refresh(); flush(); });
  stream.addEventListener("message", ({ data }) => { receive(JSON.parse(data)); showState(true); });
  stream.addEventListener("state", ({ data }) => showState(true, JSON.parse(data)));
  stream.addEventListener("error", () => { clearTimeout(watch); ask(between); });
}

function ask(delay) {
  clearTimeout(next);
  next = setTimeout(async () => {
    if (stream?.readyState === EventSource.OPEN) return;
    const there = await refresh();
    if (there && stream?.readyState !== EventSource.CONNECTING) listen();
    between = Math.min(between * 1.5, there ? 10000 : 30000);
    ask(between);
  }, delay);
}

function wake() { // someone looks at the page again, or the line is back
  flush();
  if (document.hidden || hidden) return;
  between = FIRST;
  refresh();
  if (stream?.readyState !== EventSource.OPEN) listen();
}

document.addEventListener("visibilitychange", wake);
addEventListener("online", wake);
addEventListener("offline", () => showState(false));
addEventListener("pagehide", () => unsent.forEach(({ what }) => call("/messages", what).catch(() => {}))); // one more try, as it closes

addEventListener("hide", () => { // 画面をかくす (hide.js): nothing of this stays
  stream?.close();
  [next, watch, again].forEach(clearTimeout);
  log.replaceChildren();
  hidden = true;
});

form.elements.client_id.remove(); // for the page without script
restore();
newSession().catch(() => showState(false)).then(() => ask(0));
