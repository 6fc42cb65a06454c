// 縁側, writing a reply: the draft is kept on the server while one writes, and comes back with a word about its words.
// Phrases and places are put in where the cursor is. Without this file the same is done by buttons of the form.

const PAUSE = 900, FIND = 300, WAIT = 10000; // ms
const $ = (id) => document.getElementById(id);
const ours = window.trustedTypes?.createPolicy("writing", { createHTML: (text) => text }); // as in console.js
const parsed = (text) => new DOMParser().parseFromString(ours ? ours.createHTML(text) : text, "text/html");
const draftAddress = document.querySelector("[data-draft]")?.dataset.draft;

let timer, kept = $("text")?.defaultValue, saving = false;

async function keep() {
  const field = $("text"), form = field?.form;
  if (!field || saving || form.dataset.sent || field.value === kept) return;
  saving = true;
  const text = field.value;
  try {
    const body = new URLSearchParams({ csrf: form.elements.csrf.value, text });
    const headers = { "X-Fragment": "1", "X-Active": "1" };
    const answer = await fetch(draftAddress, { method: "POST", body, headers, signal: AbortSignal.timeout(WAIT) });
    if (answer.ok) {
      kept = text;
      const page = parsed(await answer.text());
      const hints = page.getElementById("hints");
      if (hints && $("hints") && hints.innerHTML !== $("hints").innerHTML) $("hints").replaceChildren(...hints.childNodes);
    }
  } catch { /* no connection: the text stands in the field, and the next stroke tries again */ }
  saving = false;
  if (field.isConnected && field.value !== text) later();
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(keep, PAUSE);
}

document.addEventListener("input", ({ target }) => {
  if (target.id === "text") later();
  if (target.id === "place-q") { clearTimeout(seeking); seeking = setTimeout(seek, FIND); }
});
addEventListener("visibilitychange", () => { if (document.hidden) keep(); });
addEventListener("online", keep);
if ($("text")?.value !== kept) later(); // somebody was quicker than this script

let touched = false; // whether the cursor was ever put somewhere; else what is put in goes to the end
document.addEventListener("focusin", ({ target }) => { touched ||= target.id === "text"; });

function put(said) {
  const field = $("text");
  if (!touched) field.setSelectionRange(field.value.length, field.value.length);
  const before = field.value.slice(0, field.selectionStart).trimEnd(), after = field.value.slice(field.selectionEnd).trimStart();
  const at = before ? before.length + 2 : 0;
  field.value = [before, said, after].filter(Boolean).join("\n\n");
  field.focus();
  const blank = said.indexOf("〔"); // the first place to fill in is selected
  if (blank >= 0) field.setSelectionRange(at + blank, at + said.indexOf("〕") + 1);
  else field.setSelectionRange(at + said.length, at + said.length);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

// What waits to be sent does not leave while the way to take it back has the focus; for two minutes, lest a desk left
// alone keeps it for good.
const HOLD = 4000, LONGEST = 120000;
let holding, heldSince;

async function hold() {
  const form = document.hasFocus() && document.activeElement?.closest("[data-due] form");
  if (!form || Date.now() - heldSince > LONGEST) { clearInterval(holding); holding = undefined; return; }
  const body = new URLSearchParams({ csrf: form.elements.csrf.value });
  try { await fetch(form.action.replace(/take-back$/, "hold"), { method: "POST", body, headers: { "X-Fragment": "1" } }); } catch { /* it leaves at its time */ }
}

document.addEventListener("focusin", ({ target }) => {
  if (!target.closest("[data-due] form") || holding) return;
  heldSince = Date.now();
  holding = setInterval(hold, HOLD);
  hold();
});

let seeking;
async function seek() {
  const asked = $("place-q").value.trim();
  if (!asked) { $("place-found").replaceChildren(); return; }
  try {
    const answer = await fetch(`${$("place-q").dataset.find}?q=${encodeURIComponent(asked)}`, { headers: { "X-Fragment": "1" } });
    if (!answer.ok || asked !== $("place-q").value.trim()) return;
    $("place-found").replaceChildren(...parsed(await answer.text()).body.childNodes);
  } catch { /* the list stays as it was */ }
}

document.addEventListener("click", (event) => {
  const phrase = event.target.closest("[data-text]"), entry = event.target.closest("[data-entry]");
  if (phrase && $("text")) {
    event.preventDefault();
    $("phrases").open = false;
    put(phrase.dataset.text);
  } else if (entry) {
    Object.assign($("entry"), { value: entry.dataset.entry, disabled: false });
    $("entry-name").textContent = entry.textContent;
    $("entry-chosen").hidden = false;
    $("places").open = false;
    $("text").focus();
  } else if (event.target.id === "entry-drop") {
    Object.assign($("entry"), { value: "", disabled: true });
    $("entry-chosen").hidden = true;
    $("text").focus();
  } else for (const open of document.querySelectorAll(".pop[open]")) if (!open.contains(event.target)) open.open = false;
});

document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && document.querySelector(".pop[open]");
  if (open) { open.open = false; open.querySelector("summary").focus(); }
  if (event.key === "Enter" && event.target.id === "place-q") { event.preventDefault(); seek(); }
});
