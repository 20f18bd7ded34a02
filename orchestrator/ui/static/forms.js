// Forms of runs and schedules: only the chosen kind of a union is shown; rows come and go in place; a
// moment says what it means; a rule is previewed.
import { say } from "./saying.js";

const PAUSE_MS = 350;

export function startForms() {
  prepare(document);
  for (const form of document.querySelectorAll("form[data-preview]")) previews(form);
  document.addEventListener("click", onClick);
  document.querySelector(".field.wrong input:not([type=hidden]), .field.wrong textarea, .field.wrong select")?.focus();
}

function prepare(within) {
  for (const choice of within.querySelectorAll("select[data-kinds]")) {
    choice.addEventListener("change", () => showKind(choice));
    showKind(choice);
  }
  for (const zone of within.querySelectorAll("input[data-own-zone]")) {
    zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
  }
  for (const moment of within.querySelectorAll("[data-moment]")) explains(moment);
}

function showKind(choice) {
  for (const part of document.querySelectorAll(`[data-kind-of="${CSS.escape(choice.name)}"]`)) {
    part.hidden = part.dataset.kind !== choice.value;
  }
}

function previews(form) {
  const place = form.querySelector("[data-preview-place]");
  answers(form, place, () => fetch(form.dataset.preview, { method: "POST", body: new URLSearchParams(new FormData(form)) }));
}

function explains(moment) {
  const [at, zone] = moment.querySelectorAll("input");
  answers(moment, moment.querySelector("[data-meaning]"), () => fetch(`/moment?${new URLSearchParams({ at: at.value, zone: zone.value || zone.dataset.else })}`));
}

// Asks the server a moment after each change, and shows its newest answer.
function answers(source, place, ask) {
  let timer = 0;
  let asked = 0;
  const show = async () => {
    const mine = ++asked;
    const answer = await ask().catch(() => null);
    if (answer?.ok && mine === asked) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      place.replaceChildren(...fresh.body.childNodes);
      place.dispatchEvent(new CustomEvent("renewed", { bubbles: true }));
    }
  };
  source.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, PAUSE_MS);
  });
}

const wishes = [];
let isChanging = false;

function onClick(event) {
  const button = event.target.closest?.("button[name=rows]");
  if (!button) return;
  event.preventDefault();
  wishes.push(button.value);
  if (!isChanging) grant(button.form);
}

// One wish after the other: each is about the rows that the one before has left.
async function grant(form) {
  isChanging = true;
  while (wishes.length) {
    const wish = wishes.shift();
    if (!(await changeRows(form, wish))) continue;
    for (const each of wishes.splice(0)) {
      const name = nameAfter(each.slice(1), wish);
      if (name) wishes.push(each[0] + name);
    }
  }
  isChanging = false;
}

// The server makes the fields with one row more or less. Secrets are not on its pages, nor is what
// was typed while it answered: both are put into its fields here.
async function changeRows(form, wish) {
  const place = form.querySelector("[data-fields]");
  const sent = new Map([...place.querySelectorAll("input:not([type=hidden]), select, textarea")].map((each) => [each, each.type === "password" ? "" : each.value]));
  const body = new URLSearchParams(new FormData(form));
  body.set("rows", wish);
  try {
    const answer = await fetch(form.getAttribute("action"), { method: "POST", body, headers: { Accept: "text/html" } });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-fields]");
    if (!answer.ok || !fresh) throw new Error("no form");
    const busyWith = document.activeElement;
    place.replaceWith(fresh);
    prepare(fresh);
    for (const [each, value] of sent) if (each.value !== value) carryOver(each, wish);
    if (sent.has(busyWith)) goOnIn(busyWith, wish);
    else if (busyWith === document.body || busyWith.name === "rows") focusAfter(wish);
    return true;
  } catch {
    say("The server does not answer: the form is as it was.", false);
    return false;
  }
}

function carryOver(old, wish) {
  const field = document.getElementById(nameAfter(old.id, wish));
  if (!field) return;
  field.value = old.value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change"));
}

function goOnIn(old, wish) {
  const field = document.getElementById(nameAfter(old.id, wish));
  field?.focus();
  if (field && old.selectionStart != null) field.setSelectionRange(old.selectionStart, old.selectionEnd);
}

// What a field is called once a row is gone: those behind it have moved up.
function nameAfter(name, wish) {
  const cut = wish.lastIndexOf("/") + 1;
  const list = wish.slice(1, cut);
  if (wish[0] === "+" || !name.startsWith(list)) return name;
  const rest = name.slice(list.length);
  const [at, gone] = [parseInt(rest, 10), Number(wish.slice(cut))];
  if (at === gone) return "";
  return at > gone ? list + (at - 1) + rest.slice(String(at).length) : name;
}

function focusAfter(wish) {
  const list = document.getElementById(wish[0] === "+" ? wish.slice(1) : wish.slice(1, wish.lastIndexOf("/")));
  const rows = list?.querySelectorAll(":scope > .group-row") ?? [];
  const field = wish[0] === "+" ? rows[rows.length - 1]?.querySelector("input:not([type=hidden]), select, textarea, button") : null;
  (field ?? list?.querySelector(":scope > div:last-child > button"))?.focus();
}
