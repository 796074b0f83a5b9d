// Asking the server, and keeping decisions until it has them: what is decided while it is away waits in the browser.

export class Refusal extends Error {}

export async function ask(path, values = {}, options = {}) {
  const answer = await fetch(`${path}?${new URLSearchParams(values)}`, options);
  if (answer.ok) return answer.json();
  const text = await answer.text();
  let sentence = text;
  try { sentence = JSON.parse(text).error; } catch { /* plain text */ }
  const refusal = new Refusal(sentence || `The server answered ${answer.status}.`);
  refusal.status = answer.status;
  throw refusal;
}

const RETRY = 1500; // milliseconds

// Decisions on their way. They are sent one after the other, in the order in which they were made.
export class Outbox {
  constructor(results, { saved, refused, waiting }) {
    this.key = `unoqa decisions ${results}`;
    this.results = results;
    this.tell = { saved, refused, waiting };
    this.sending = false;
  }

  list() { return JSON.parse(localStorage.getItem(this.key) || "[]"); }

  add(decision) {
    localStorage.setItem(this.key, JSON.stringify([...this.list(), { ...decision, id: crypto.randomUUID() }]));
    this.send();
  }

  remove(id) {
    localStorage.setItem(this.key, JSON.stringify(this.list().filter((one) => one.id !== id)));
  }

  async settle() { // resolves when nothing is on its way
    while (this.sending || this.list().length) await new Promise((done) => setTimeout(done, 20));
  }

  async send() {
    if (this.sending) return;
    this.sending = true;
    try {
      for (let first = this.list()[0]; first; first = this.list()[0]) {
        const { id, ...decision } = first;
        try {
          await this.post(decision);
          this.remove(id);
          this.tell.saved(decision);
        } catch (error) {
          if (!(error instanceof Refusal) || error.status === 401 || error.status >= 500) {
            this.tell.waiting(this.list().length, error.status === 401);
            setTimeout(() => this.send(), RETRY);
            return;
          }
          this.remove(id);
          this.tell.refused(decision, error.message);
        }
      }
      this.tell.waiting(0, false);
    } finally {
      this.sending = false;
    }
  }

  post(decision) {
    const headers = { "Content-Type": "application/json" };
    return ask("/review/decide", { results: this.results }, { method: "POST", headers, body: JSON.stringify(decision) });
  }
}
