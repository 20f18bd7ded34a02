// Theme, times in the reader's own zone, copying, hints of charts, "choose all".
import { say } from "./saying.js";

export function startSmall() {
  document.addEventListener("click", onClick);
  document.addEventListener("change", onChange);
  document.addEventListener("renewed", (event) => localTimes(event.target));
  for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, tip);
  document.addEventListener("pointerout", () => (document.getElementById("tip").hidden = true));
  document.querySelectorAll(".needs-script").forEach((each) => (each.hidden = false));
  localTimes(document);
}

async function onClick(event) {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    await navigator.clipboard?.writeText(copy.dataset.copy);
    say("Copied.");
  }
}

function onChange(event) {
  const all = event.target.closest("input[data-all]");
  if (all) {
    for (const box of document.querySelectorAll(`input[name="${all.dataset.all}"]`)) box.checked = all.checked;
  }
  if (event.target.matches("select[data-theme-choice]")) chooseTheme(event.target);
  if (event.target.matches("form[data-sends] select, form[data-sends] input")) event.target.form.requestSubmit();
}

function chooseTheme(select) {
  const root = document.documentElement;
  if (select.value === "auto") delete root.dataset.theme;
  else root.dataset.theme = select.value;
  fetch(select.form.action, { method: "POST", body: new URLSearchParams(new FormData(select.form)) });
}

function localTimes(within) {
  for (const time of within.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    const local = moment.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
    time.title = `${local} (${time.dateTime.replace("T", " ").replace(/\.\d+Z$/, " UTC")})`;
  }
}

function tip(event) {
  const box = document.getElementById("tip");
  const bar = event.target.closest?.("svg a[data-tip]");
  box.hidden = !bar;
  if (!bar) return;
  box.textContent = bar.dataset.tip;
  const at = bar.getBoundingClientRect();
  const left = Math.min(at.left, innerWidth - box.offsetWidth - 8);
  box.style.left = `${Math.max(8, left)}px`;
  box.style.top = `${at.top > 90 ? at.top - box.offsetHeight - 6 : at.bottom + 6}px`;
}
