// The page is asked for again and again, and its parts (data-part) are replaced where they differ:
// the server's HTML is the only truth. One tab per browser listens for news and tells the others.
const EVERY_MS = 2000;
const EVERY_WITH_NEWS_MS = 5000;
const LEAST_MS = 700;
const ALIVE_MS = 15000;
const FRESH_MS = 40000;
const PATIENCE_MS = 20000;

let running = null;
let again = false;
let failures = 0;
let timer = 0;
let heard = 0;
let lastAt = 0;

export function refresh() {
  if (running) {
    again = true;
    return running;
  }
  running = look().finally(() => {
    running = null;
    if (again) {
      again = false;
      schedule(LEAST_MS);
    }
  });
  return running;
}

export function startLive() {
  if (!document.querySelector("[data-part]")) return;
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
  hear();
  schedule();
}

async function look() {
  clearTimeout(timer);
  lastAt = Date.now();
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.redirected && new URL(answer.url).pathname === "/login") return location.assign(answer.url);
    if (answer.status === 503) throw new Error("no server");
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    replaceParts(fresh);
    away(false);
  } catch {
    away(true);
  }
  schedule();
}

function schedule(after) {
  clearTimeout(timer);
  const told = Date.now() - heard < FRESH_MS && !document.querySelector("main progress");
  const pause = told ? EVERY_WITH_NEWS_MS : EVERY_MS;
  timer = setTimeout(() => (document.hidden ? schedule() : refresh()), after ?? pause * (failures ? 1.5 : 1));
}

function away(now) {
  failures = now ? failures + 1 : 0;
  document.documentElement.classList.toggle("is-stale", failures > 0);
  document.getElementById("away").hidden = failures === 0;
}

function replaceParts(fresh) {
  for (const part of document.querySelectorAll("[data-part]")) {
    const next = fresh.querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
    if (!next) {
      part.replaceChildren();
    } else if (next.innerHTML !== part.dataset.was && next.innerHTML !== part.innerHTML) {
      if (isBusy(part)) continue;
      replace(part, next);
    }
  }
}

// Somebody is typing in it, or has a menu open: it stays until the next look.
function isBusy(part) {
  const at = document.activeElement;
  return part.contains(at) && at.matches("input:not([type=checkbox]), textarea, select");
}

function replace(part, next) {
  const html = next.innerHTML;
  const open = [...part.querySelectorAll("details[open][id]")].map((each) => each.id);
  const checked = [...part.querySelectorAll("input[type=checkbox]:checked")].map((each) => each.value);
  const focus = part.contains(document.activeElement) ? pathOf(document.activeElement) : null;
  part.replaceChildren(...next.childNodes);
  part.dataset.was = html;
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  for (const box of part.querySelectorAll("input[type=checkbox]")) box.checked ||= checked.includes(box.value);
  if (focus) part.querySelector(focus)?.focus({ preventScroll: true });
  part.dispatchEvent(new CustomEvent("renewed", { bubbles: true }));
}

function pathOf(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  if (element.value && element.name) return `[name="${CSS.escape(element.name)}"][value="${CSS.escape(element.value)}"]`;
  return element.getAttribute("href") ? `[href="${CSS.escape(element.getAttribute("href"))}"]` : null;
}

// News say only "look again"; without them we look every few seconds.
function hear() {
  const channel = new BroadcastChannel("orchestrator-news");
  const news = (at) => {
    heard = Date.now();
    if (at === "news" && !document.hidden) schedule(Math.max(0, lastAt + LEAST_MS - Date.now()));
  };
  channel.onmessage = (message) => news(message.data);
  navigator.locks?.request("orchestrator-news", () => new Promise(() => {
    const stream = new EventSource(document.body.dataset.news);
    const tell = (what) => {
      news(what);
      channel.postMessage(what);
    };
    stream.onopen = () => tell("open");
    stream.addEventListener("event", () => tell("news"));
    stream.addEventListener("reset", () => tell("news"));
    setInterval(() => stream.readyState === EventSource.OPEN && tell("alive"), ALIVE_MS);
  }));
}
