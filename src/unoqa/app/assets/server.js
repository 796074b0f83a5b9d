// Asking the server, and keeping decisions until it has them: what is decided while it is away waits in the browser.

export class Refusal extends Error {}

export async function ask(path, values = {}, options = {}) {
  const answer = await fetch(`${path}?${new URLSearchParams(values)}`, options);
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const text = await answer.text();
  let sentence = text;
  try { sentence = JSON.parse(text).error; } catch { /* plain text */ }
  const refusal = new Refusal(sentence || `The server answered ${answer.status}.`);
  refusal.status = answer.status;
  throw refusal;
}

const RETRY = 1500; // milliseconds

// Decisions on their way, sent in the order in which they were made. Each has an entry of its own in the browser's
// storage, so that tabs that write at once lose none. One tab at a time sends, also what others made, and tells them.
export class Outbox {
  constructor(folder, results, { saved, refused, waiting }) {
    this.prefix = `unoqa decision ${folder} `; // the folder: results of the same name elsewhere are others
    this.results = results;
    this.tell = { saved, refused, waiting };
    this.sending = false;
    this.stuck = false; // the server is away, or cannot save
    this.number = 0;
    this.tabs = new BroadcastChannel(this.prefix);
    this.tabs.addEventListener("message", ({ data }) => this.tell[data.what](...data.words));
  }

  tellAll(what, ...words) {
    this.tell[what](...words);
    this.tabs.postMessage({ what, words });
  }

  keys() { return Object.keys(localStorage).filter((key) => key.startsWith(this.prefix)).sort(); }

  list() { return this.keys().map((key) => JSON.parse(localStorage.getItem(key))); }

  add(decision) {
    this.number += 1;
    const order = [Date.now(), this.number].map((number) => String(number).padStart(15, "0"));
    localStorage.setItem(`${this.prefix}${order.join("-")}-${crypto.randomUUID()}`, JSON.stringify(decision));
    this.send();
  }

  // Wait until nothing is on its way; false if decisions wait for a server that does not take them.
  async settle() {
    while (!this.stuck && (this.sending || this.keys().length)) await new Promise((done) => setTimeout(done, 20));
    return !this.stuck;
  }

  async send() {
    if (this.sending) return;
    this.sending = true;
    try {
      await navigator.locks.request(this.prefix, () => this.sendAll());
    } finally {
      this.sending = false;
    }
    if (!this.stuck && this.keys().length) this.send(); // added meanwhile
  }

  async sendAll() {
    for (let [key] = this.keys(); key; [key] = this.keys()) {
      const decision = JSON.parse(localStorage.getItem(key));
      try {
        await this.post(decision);
      } catch (error) {
        const refused = error instanceof Refusal && error.status !== 401 && error.status < 500;
        if (!refused) {
          this.stuck = true;
          this.tell.waiting(this.keys().length, error);
          setTimeout(() => this.send(), RETRY);
          return;
        }
        localStorage.removeItem(key);
        this.tellAll("refused", decision, error.message);
        continue;
      }
      localStorage.removeItem(key);
      this.tellAll("saved", decision);
    }
    this.stuck = false;
    this.tell.waiting(0);
  }

  post(decision) {
    const headers = { "Content-Type": "application/json" };
    return ask("/review/decide", { results: this.results }, { method: "POST", headers, body: JSON.stringify(decision) });
  }
}
