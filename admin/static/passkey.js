// 縁側, passkeys: asks the browser for one and posts what it says. Without this file the other ways are there.

const form = document.querySelector("form[data-passkey]");

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const ids = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

async function asked(way, options) {
  const publicKey = { ...options, challenge: bytes(options.challenge) };
  if (way === "get") publicKey.allowCredentials = ids(options.allowCredentials);
  else {
    publicKey.user = { ...options.user, id: bytes(options.user.id) };
    publicKey.excludeCredentials = ids(options.excludeCredentials);
  }
  const { id, rawId, type, response } = await navigator.credentials[way]({ publicKey });
  const said = { clientDataJSON: text(response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"])
    if (response[name]) said[name] = text(response[name]);
  return JSON.stringify({ id, rawId: text(rawId), type, response: said });
}

form?.addEventListener("submit", async (event) => {
  if (form.elements.passkey.value) return;
  event.preventDefault();
  form.querySelector("[data-failed]").hidden = true;
  try {
    form.elements.passkey.value = await asked(form.dataset.passkey, JSON.parse(form.dataset.options));
    form.submit();
  } catch { // taken back, or no passkey here
    form.elements.passkey.value = "";
    form.querySelector("[data-failed]").hidden = false;
  }
});
