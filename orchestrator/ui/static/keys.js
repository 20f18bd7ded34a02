// Shortcuts. "?" shows them; they never work while somebody types.
const PLACES = { h: "/", d: "/deployments", r: "/runs", n: "/runners", e: "/events" };

let first = "";

export function startKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (first === "g" && PLACES[event.key]) location.assign(PLACES[event.key]);
    else if (event.key === "/") focusSearch(event);
    else if (event.key === "?") document.getElementById("keys").showModal();
    else if (event.key === "j" || event.key === "k") walk(event.key === "j" ? 1 : -1);
    first = event.key;
  });
  document.querySelector("[data-keys]")?.addEventListener("click", () => document.getElementById("keys").showModal());
}

function isTyping(element) {
  return element.matches("input:not([type=checkbox]):not([type=radio]), textarea, select, dialog *");
}

function focusSearch(event) {
  const field = document.querySelector("input[type=search]");
  if (field) {
    event.preventDefault();
    field.focus();
  }
}

function walk(by) {
  const links = [...document.querySelectorAll("a[data-row]")];
  const at = links.indexOf(document.activeElement);
  links[at < 0 ? 0 : at + by]?.focus();
}
