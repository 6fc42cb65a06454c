// 画面をかくす, on every page around the talk: at once what is seen and read aloud, then the address. No round trip.
// The same in all tabs; and whatever way leads back here, the server shows the notice until it is opened again.

const TWICE = 800; // ms between two Esc
const notice = document.getElementById("notice"), away = "BroadcastChannel" in window && new BroadcastChannel("engawa");
let escaped = -TWICE;

function hide() {
  dispatchEvent(new Event("hide")); // the talk stops, and forgets what it kept
  document.title = notice.dataset.title;
  document.querySelector("link[rel=icon]").href = "data:,";
  document.body.replaceChildren(notice.content.cloneNode(true));
  const secure = location.protocol === "https:" ? ";secure" : "";
  document.cookie = `engawa_hidden=1;path=/chat;max-age=15552000;samesite=strict${secure}`;
  try { sessionStorage.clear(); } catch { /* there is none */ }
  history.replaceState(null, "", "/chat/hidden");
  if (navigator.onLine) location.replace("/chat/hidden");
}

function hideAll(event) {
  event.preventDefault();
  hide();
  if (away) away.postMessage("hide");
}

if (away) away.onmessage = hide;
document.getElementById("hide").addEventListener("click", hideAll);
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing || event.repeat) return;
  if (event.timeStamp - escaped < TWICE) hideAll(event);
  escaped = event.timeStamp;
});

// A page the browser froze must not come back as it was: it may have been hidden since.
addEventListener("pagehide", ({ persisted }) => { if (persisted) document.body.hidden = true; });
addEventListener("pageshow", ({ persisted }) => { if (persisted) location.reload(); });
