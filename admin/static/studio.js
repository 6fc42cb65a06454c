// Keeps what is being written every few seconds, counts characters, and tells when somebody else was first.
const PAUSE = 4000;

for (const form of document.querySelectorAll("form[data-autosave]")) {
  let timer, sent = new URLSearchParams(new FormData(form)).toString();
  const kept = document.getElementById("kept");
  const keep = async () => {
    const data = new URLSearchParams(new FormData(form));
    if (data.toString() === sent) return;
    const answer = await fetch(form.action, {
      method: "POST", body: data, headers: { "X-Fragment": "1", "X-Active": "1" },
    }).catch(() => null);
    if (!answer) return;
    if (answer.ok) {
      const { revision, said } = await answer.json();
      for (const field of document.querySelectorAll("input[name=revision]")) field.value = revision;
      sent = new URLSearchParams(new FormData(form)).toString();
      kept.textContent = said;
    } else if (answer.status === 409) {
      form.requestSubmit();
    }
  };
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(keep, PAUSE); });
}

for (const field of document.querySelectorAll("[data-most]")) {
  const most = Number(field.dataset.most), line = document.getElementById(`${field.id}-n`);
  if (!line) continue;
  const plain = line.textContent;
  const count = () => {
    const longest = Math.max(...field.value.split(/\n\s*\n/).map((part) => [...part.trim()].length));
    line.textContent = `${longest} / ${most}　${plain}`;
    line.classList.toggle("over", longest > most);
  };
  field.addEventListener("input", count);
  count();
}
