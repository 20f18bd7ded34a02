// Forms of runs and schedules: only the chosen kind of a union is shown; a rule is previewed.
const PAUSE_MS = 350;

export function startForms() {
  for (const choice of document.querySelectorAll("select[data-kinds]")) {
    choice.addEventListener("change", () => showKind(choice));
    showKind(choice);
  }
  for (const form of document.querySelectorAll("form[data-preview]")) previews(form);
  for (const zone of document.querySelectorAll("input[data-own-zone]")) {
    zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
  }
  document.querySelector(".field.wrong input, .field.wrong textarea, .field.wrong select")?.focus();
}

function showKind(choice) {
  for (const part of document.querySelectorAll(`[data-kind-of="${CSS.escape(choice.name)}"]`)) {
    part.hidden = part.dataset.kind !== choice.value;
  }
}

function previews(form) {
  const place = form.querySelector("[data-preview-place]");
  let timer = 0;
  let asked = 0;
  const show = async () => {
    const mine = ++asked;
    const answer = await fetch(form.dataset.preview, { method: "POST", body: new URLSearchParams(new FormData(form)) }).catch(() => null);
    if (answer && mine === asked) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      place.replaceChildren(...fresh.body.childNodes);
      place.dispatchEvent(new CustomEvent("renewed", { bubbles: true }));
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, PAUSE_MS);
  });
}
