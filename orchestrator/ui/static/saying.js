// Sentences about what an action came to, for eyes and for screen readers.
const STAYS_MS = { good: 6000, bad: 15000 };

export function say(text, good = true) {
  const place = document.getElementById("said");
  const box = document.createElement("div");
  box.className = `say ${good ? "good" : "bad"}`;
  box.setAttribute("role", good ? "status" : "alert");
  box.textContent = text;
  place.append(box);
  setTimeout(() => box.remove(), good ? STAYS_MS.good : STAYS_MS.bad);
}
