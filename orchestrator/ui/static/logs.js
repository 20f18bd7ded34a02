// The log of a run: follows its end, loads what is above, and keeps only so many lines on the page.
const EVERY_MS = 1000;
const MOST_LINES = 3000;
const NEAR = 40;

export function startLogs() {
  const box = document.querySelector("[data-log]");
  if (box) new Log(box).start();
}

class Log {
  constructor(box) {
    this.box = box;
    this.lines = box.querySelector("ol");
    this.follow = document.querySelector("[data-follow]");
    this.earlier = document.querySelector("[data-earlier]");
    this.status = document.querySelector("[data-log-status]");
    this.turn = Promise.resolve();
  }

  start() {
    this.toEnd();
    this.follow.hidden = false;
    this.box.addEventListener("scroll", () => this.onScroll());
    this.follow.querySelector("input").addEventListener("change", () => this.isFollowing && this.catchUp());
    this.earlier?.addEventListener("click", (event) => {
      event.preventDefault();
      this.above();
    });
    this.tick();
  }

  get isFollowing() {
    return this.follow.querySelector("input").checked;
  }

  async tick() {
    if (!document.hidden && this.isFollowing) await this.catchUp();
    if (!("over" in this.lines.dataset)) setTimeout(() => this.tick(), EVERY_MS);
  }

  async catchUp() {
    const fresh = await this.load(() => ({ after: this.lines.dataset.last }));
    if (!fresh) return;
    this.lines.dataset.last = fresh.dataset.last;
    if ("over" in fresh.dataset) this.lines.dataset.over = "";
    if (fresh.children.length === 0) return;
    this.lines.append(...fresh.children);
    while (this.lines.children.length > MOST_LINES) {
      this.lines.firstElementChild.remove();
      this.lines.dataset.first = this.lines.firstElementChild.dataset.at;
      if (this.earlier) this.earlier.hidden = false;
    }
    if (this.isFollowing) this.toEnd();
    this.count();
    if ("more" in fresh.dataset) await this.catchUp();
  }

  async above() {
    const height = this.box.scrollHeight;
    const fresh = await this.load(() => ({ before: this.lines.dataset.first }));
    if (!fresh) return;
    this.follow.querySelector("input").checked = false;
    this.lines.dataset.first = fresh.dataset.first;
    this.lines.prepend(...fresh.children);
    while (this.lines.children.length > MOST_LINES) {
      this.lines.lastElementChild.remove();
      this.lines.dataset.last = this.lines.lastElementChild.dataset.at;
      delete this.lines.dataset.over;
    }
    this.box.scrollTop = this.box.scrollHeight - height;
    this.earlier.hidden = "begin" in fresh.dataset;
    this.count();
  }

  // One after the other: what is above and what comes meanwhile both know their place.
  load(place) {
    const mine = this.turn.then(() => this.ask(place()));
    this.turn = mine;
    return mine;
  }

  async ask(place) {
    const address = new URL(this.box.dataset.log, location.href);
    for (const [name, text] of Object.entries(place)) if (text) address.searchParams.set(name, text);
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" } });
      if (!answer.ok) return null;
      return new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("ol");
    } catch {
      return null;
    }
  }

  onScroll() {
    const below = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight;
    if (below > NEAR && this.isFollowing && this.box.scrollTop < this.was) this.follow.querySelector("input").checked = false;
    this.was = this.box.scrollTop;
  }

  toEnd() {
    this.box.scrollTop = this.box.scrollHeight;
    this.was = this.box.scrollTop;
  }

  count() {
    this.status.textContent = `${this.lines.children.length} lines shown`;
  }
}
