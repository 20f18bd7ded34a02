// Forms marked data-act are sent in place: the answer is said, and the page shows what is true now.
import { refresh } from "./live.js";
import { say } from "./saying.js";

export function startActions() {
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("form[data-act]")) return;
    event.preventDefault();
    const button = event.submitter;
    if (button?.getAttribute("aria-busy") === "true") return;
    const question = button?.dataset.ask ?? form.dataset.ask;
    if (question && !(await asked(question, button?.textContent.trim() ?? "Go on"))) return;
    await send(form, button);
  });
}

async function send(form, button) {
  const body = new FormData(form);
  if (button?.name) body.set(button.name, button.value);
  button?.setAttribute("aria-busy", "true");
  const place = button?.formAction && button.hasAttribute("formaction") ? button.formAction : form.action;
  try {
    const answer = await fetch(place, { method: "POST", body: new URLSearchParams(body), headers: { Accept: "application/json" } });
    const told = await answer.json();
    say(told.text ?? told.detail ?? `The server answered ${answer.status}.`, answer.ok && told.ok !== false);
    if (answer.ok && told.place && "leaves" in form.dataset) location.assign(told.place);
    else await refresh();
  } catch {
    say("The server does not answer: it is not known whether this was done. Look again when it is back.", false);
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

function asked(question, word) {
  const dialog = document.getElementById("ask");
  dialog.querySelector("p").textContent = question;
  const yes = dialog.querySelector("button[value=yes]");
  yes.textContent = word;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
