// The page of review: a queue of images, one decision a key, the next image at once.

import { Outbox, Refusal, ask } from "/assets/server.js";
import { byId, clearPanel, showAgreement, showDecision, showMachine, showOthers, showTrail, splitFaults } from "/assets/panel.js";
import { showTables } from "/assets/tables.js";
import { Viewer } from "/assets/viewer.js";

const { folder, results, reader, blind } = document.body.dataset;
const AHEAD = 3; // images that are fetched before they are wanted

const state = { images: [], pairs: [], unsure: 0, disagreements: [], hidden: 0, at: 0, adjudicating: false, seen: false, details: new Map(), pictures: new Map(), final: new Map() };
const common = { results, reader, ...(blind ? { blind: "1" } : {}) };

const viewer = reader ? new Viewer(byId("panes"), byId("zoom")) : null;
const outbox = new Outbox(folder, results, {
  saved: (decision) => { forget(decision.position); refreshSoon(); },
  refused: (decision, sentence) => { forget(decision.position); say(`Not taken: ${sentence}`); reload(); },
  waiting: showWaiting,
});

// --- which image

const queue = () => (state.adjudicating ? state.images.filter((one) => state.disagreements.includes(one.position)) : state.images);
const current = () => queue()[state.at];
const mode = () => (state.adjudicating ? { adjudicating: "1" } : {});
const isDone = (one) => (state.adjudicating ? state.final.has(one.position) : one.mine !== null);

function findOpen(from) {
  const all = queue();
  const order = [...all.slice(from), ...all.slice(0, from)];
  return order.findIndex((one) => !isDone(one)) === -1 ? -1 : (from + order.findIndex((one) => !isDone(one))) % all.length;
}

function go(at) {
  leaveNote();
  if (document.activeElement?.closest(".panel .chip")) document.activeElement.blur(); // its ring is about the image before
  byId("final-reason").value = "";
  const all = queue();
  if (!all.length) return show();
  state.at = (at + all.length) % all.length;
  return show();
}

function goOn() {
  const open = findOpen(state.at + 1);
  if (open >= 0) return go(open);
  say(state.adjudicating ? "All disagreements have a final grade." : `All ${state.images.length} images are graded. Thank you.`);
  return go(state.at);
}

// --- showing it

// What the server says of an image. An answer from before a decision that was saved meanwhile is asked for again.
async function details(position) {
  const key = `${position} ${state.adjudicating}`;
  for (;;) {
    if (!state.details.has(key)) {
      const values = { ...common, position, ...mode() };
      state.details.set(key, ask("/review/image", values));
      state.details.get(key).catch(() => state.details.delete(key));
    }
    const asked = state.details.get(key);
    const shown = await asked;
    if (state.details.get(key) === asked) return shown;
  }
}

// What the reader said of an image: what the server has, and over it what is on its way there.
function recall(shown) {
  const waiting = outbox.list().filter((one) => one.position === shown.position && one.reader === reader);
  return { ...shown.mine, ...Object.fromEntries(waiting.map((one) => [one.field, one.value])) };
}

function forget(position) { for (const adjudicating of [true, false]) state.details.delete(`${position} ${adjudicating}`); }

// Pictures are kept by the browser, but only for this page: one that was made anew meanwhile has another address.
function address(kind, position) {
  const shared = { results, position, page: performance.timeOrigin };
  return `/review/${kind}?${new URLSearchParams(kind === "heat" ? { ...common, ...shared, ...mode() } : shared)}`;
}

// A decoded picture, so that the browser paints it in the frame in which it is asked for.
function fetchPicture(kind, position) {
  const url = address(kind, position);
  if (!state.pictures.has(url)) {
    const picture = new Image();
    picture.src = url;
    state.pictures.set(url, picture.decode().catch(() => state.pictures.delete(url)));
    if (state.pictures.size > 40) state.pictures.delete(state.pictures.keys().next().value);
  }
  return url;
}

function sayNoDisagreement() {
  return state.hidden ? `No readers disagree about images that you have graded; about ${state.hidden} more they do.` : "No readers disagree.";
}

async function show() {
  const one = current();
  byId("place").textContent = one ? `${state.at + 1} of ${queue().length}` : "";
  byId("name").textContent = one ? one.name : state.adjudicating ? sayNoDisagreement() : "There are no images.";
  for (const id of ["panes", "previous", "next"]) byId(id).hidden = !one;
  document.querySelectorAll(".grade-key").forEach((button) => { button.disabled = !one; });
  showProgress();
  if (!one) return;
  byId("image-missing").hidden = true;
  setSeen(false);
  for (const id of ["image", "heat"]) byId(id).removeAttribute("src"); // never one image beside the heat of another
  clearPanel(one.mine, state.adjudicating);
  byId("image").src = fetchPicture("picture", one.position);
  byId("image").alt = `Scan ${one.name}`;
  let shown;
  try {
    shown = await details(one.position);
  } catch (error) {
    say(error.message);
    return;
  }
  if (current() !== one) return; // the reader has gone on
  showHeat(shown);
  showDecision(recall(shown), shown.adjudicated, state.adjudicating);
  showMachine(shown.machine, blind);
  showOthers(shown.others, shown.adjudicated);
  showTrail(shown.trail, shown.others !== null);
  document.body.dataset.shown = one.position; // complete: for those who wait for it
  fetchAhead();
}

// Only an image that was seen may be graded.
function setSeen(seen) {
  state.seen = seen;
  document.body.dataset.seen = seen ? "yes" : "no"; // for those who wait for it
}

function showHeat(shown) {
  const heat = byId("heat");
  byId("heat-missing").hidden = shown.heat;
  byId("heat-key").hidden = byId("toggle").disabled = !shown.heat;
  byId("heat-missing").textContent = shown.machine ? "There is no heat of this image." : "Heat is hidden until you have graded the image.";
  if (shown.heat) heat.src = fetchPicture("heat", shown.position);
  else heat.removeAttribute("src");
  viewer.setHeat(shown.heat);
  heat.alt = shown.heat ? `Heat of ${shown.name}` : "";
}

// An image that cannot be read may be graded; one that the server has not sent may not.
async function explainMissing() {
  const [one, source] = [current(), byId("image").getAttribute("src")];
  if (!one || !source) return; // the picture was taken away, as there is no image to show
  const sentence = await askWhyMissing(source);
  if (current() !== one) return; // the reader has gone on
  byId("image-missing").textContent = sentence ?? "The image has not come; reload the page.";
  byId("image-missing").hidden = false;
  setSeen(sentence !== null);
}

async function askWhyMissing(source) {
  try {
    const answer = await fetch(source);
    return (answer.ok ? null : (await answer.json()).error) ?? null;
  } catch { // the server is away, or what it said is no sentence of ours
    return null;
  }
}

function fetchAhead() {
  let at = state.at;
  for (let step = 0; step < AHEAD; step += 1) {
    at = findOpen(at + 1);
    if (at < 0) return;
    const { position } = queue()[at];
    fetchPicture("picture", position);
    details(position).then((one) => one.heat && fetchPicture("heat", position)).catch(() => {});
  }
}

function showProgress() {
  const all = state.adjudicating ? queue() : state.images;
  const done = all.filter(isDone).length;
  byId("progress").max = Math.max(1, all.length);
  byId("progress").value = done;
  byId("count").textContent = `${done} of ${all.length} ${state.adjudicating ? "decided" : "graded"}${describeOrder()}`;
  byId("disagreements").textContent = state.adjudicating ? all.length - done : state.disagreements.length;
}

function describeOrder() {
  if (state.adjudicating) return "";
  if (blind) return "; in an order of chance";
  return `; the most doubtful first, as in the report${state.unsure ? ` (${state.unsure} are unsure)` : ""}`;
}

function showWaiting(count, error) {
  const box = byId("unsaved");
  box.hidden = !count;
  if (!count) return;
  const closed = error.status === 401 ? "The server was started anew: open the address that it printed, in this browser." : error.message;
  const why = error instanceof Refusal ? closed : "The server does not answer.";
  box.textContent = `${why} ${count} decision${count === 1 ? " waits" : "s wait"} in this browser and will be saved.`;
}

let quiet;
function say(sentence) {
  byId("status").textContent = sentence;
  clearTimeout(quiet);
  quiet = setTimeout(() => { byId("status").textContent = ""; }, 6000);
}

// --- deciding

async function decide(grade) {
  const one = current();
  if (!one) return;
  if (!state.seen) { // also stops the second of two quick presses
    say("The image is not shown yet.");
    return;
  }
  const before = state.adjudicating ? state.final.get(one.position) ?? (await details(one.position)).adjudicated?.grade ?? null : one.mine;
  if (current() !== one) return;
  let reason = "";
  if (state.adjudicating) reason = byId("final-reason").value.trim();
  if (before !== null && before !== grade) {
    reason = await askWhy(before, grade, reason);
    if (!reason) return;
  }
  if (state.adjudicating) state.final.set(one.position, grade);
  else one.mine = grade;
  if (before !== grade) send(one, state.adjudicating ? "adjudication" : "grade", grade, reason);
  if (state.adjudicating) say(`Final grade of ${one.name}: ${grade}.`);
  goOn();
}

function send(one, field, value, reason = "") {
  outbox.add({ position: one.position, name: one.name, reader, field, value: value || null, reason });
}

function askWhy(before, grade, reason) {
  const dialog = byId("why");
  const was = state.adjudicating ? "The final grade is" : "You graded this image";
  byId("why-text").textContent = `${was} ${before}; it becomes ${grade}. Both stay in the record.`;
  byId("why-reason").value = reason;
  dialog.returnValue = "";
  dialog.showModal();
  byId("why-reason").focus();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => answer(dialog.returnValue === "save" ? byId("why-reason").value.trim() : ""), { once: true });
  });
}

async function undo() {
  if (!(await outbox.settle())) return say("Undo is possible once the server has the decisions that wait.");
  const { undone } = await ask("/review/undo", { results, reader }, { method: "POST" });
  if (!undone) return say("There is nothing to undo.");
  forget(undone.position);
  state.final.delete(undone.position);
  await refresh();
  const at = queue().findIndex((one) => one.position === undone.position);
  await go(at >= 0 ? at : state.at);
  return say(`Undone: ${undone.field} of ${state.images.find((one) => one.position === undone.position).name}.`);
}

async function toggleFault(fault) {
  const one = current();
  if (!one) return;
  const shown = await details(one.position);
  const before = splitFaults(recall(shown).findings);
  const after = before.includes(fault) ? before.filter((name) => name !== fault) : [...before, fault];
  change(one, shown, "findings", after.join("; "));
  say(after.includes(fault) ? `Marked: ${fault}.` : `No longer marked: ${fault}.`);
}

async function toggleCause(cause) {
  const one = current();
  if (!one) return;
  const shown = await details(one.position);
  change(one, shown, "cause", recall(shown).cause === cause ? null : cause);
}

function change(one, shown, field, value) {
  send(one, field, value);
  if (current() === one) showDecision(recall(shown), shown.adjudicated, state.adjudicating);
}

let noted = null; // the image whose note is being written
function leaveNote() {
  if (!noted) return;
  const { one, before } = noted;
  noted = null;
  if (byId("note").value.trim() !== before) send(one, "note", byId("note").value.trim());
}

// --- what others did meanwhile

let pending;
function refreshSoon() {
  clearTimeout(pending);
  pending = setTimeout(() => refresh().catch(() => {}), 300);
}

async function refresh() {
  const [next, pairs] = await Promise.all([ask("/review/queue", common), ask("/review/agreement", { results })]);
  const waiting = new Map(outbox.list().filter((one) => one.field === "grade" && one.reader === reader).map((one) => [one.position, one.value]));
  const grades = new Map(next.images.map((one) => [one.position, one.mine]));
  if (next.images.length !== state.images.length) state.images = next.images;
  state.unsure = next.unsure;
  for (const one of state.images) one.mine = waiting.get(one.position) ?? grades.get(one.position) ?? null;
  if (!state.adjudicating) [state.disagreements, state.hidden] = [next.disagreements, next.hidden];
  state.pairs = pairs;
  showProgress();
  showAgreement(pairs, reader, state.adjudicating);
}

async function reload() {
  await refresh();
  await show();
}

async function setMode(adjudicating) {
  leaveNote();
  if (!(await outbox.settle())) return say("Disagreements can be shown once the server has the decisions that wait.");
  state.adjudicating = false;
  await refresh();
  state.adjudicating = adjudicating;
  state.final.clear();
  showAgreement(state.pairs, reader, adjudicating);
  byId("mode-read").setAttribute("aria-pressed", String(!adjudicating));
  byId("mode-adjudicate").setAttribute("aria-pressed", String(adjudicating));
  state.at = Math.max(0, findOpen(0));
  return show();
}

// --- keys and buttons

const KEYS = {
  arrowleft: () => go(state.at - 1),
  arrowright: () => go(state.at + 1),
  u: undo,
  h: () => viewer.cycle(),
  f: () => viewer.reset(),
  n: () => byId("note").focus(),
  "+": () => viewer.zoom(1.3),
  "-": () => viewer.zoom(1 / 1.3),
  "?": () => byId("help").showModal(),
};

function press(event) {
  const writing = event.target.closest("textarea, select, input:not([type=range])");
  if (event.key === "Escape" && writing) writing.blur();
  if (writing || document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.type === "range" && event.key.startsWith("Arrow")) return;
  const buttons = document.querySelectorAll("[data-grade]");
  const key = event.key.toLowerCase();
  const fault = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  const grade = /^[1-9]$/.test(key) && buttons[key - 1];
  const action = grade ? () => decide(grade.dataset.grade) : fault ? () => toggleFault(fault.dataset.fault) : KEYS[key];
  if (!action) return;
  event.preventDefault();
  if (!event.repeat || event.key.startsWith("Arrow")) Promise.resolve(action()).catch((error) => say(error.message));
}

function bind(id, action) {
  byId(id).addEventListener("click", () => Promise.resolve(action()).catch((error) => say(error.message)));
}

async function start() {
  viewer.bind(byId("contrast"), "--contrast");
  viewer.bind(byId("brightness"), "--brightness");
  document.addEventListener("keydown", press);
  for (const [id, key] of Object.entries({ previous: "arrowleft", next: "arrowright", undo: "u", toggle: "h", fit: "f", "zoom-in": "+", "zoom-out": "-", "open-help": "?" })) bind(id, KEYS[key]);
  bind("mode-read", () => setMode(false));
  bind("mode-adjudicate", () => setMode(true));
  bind("open-tables", () => showTables({ common, reader, done: reload, decide: () => setMode(true), undecided: state.disagreements.length + state.hidden, hidden: Boolean(blind) && state.images.some((one) => one.mine === null) }));
  document.querySelectorAll("[data-grade]").forEach((one) => one.addEventListener("click", () => decide(one.dataset.grade)));
  document.querySelectorAll("[data-fault]").forEach((one) => one.addEventListener("click", () => toggleFault(one.dataset.fault)));
  document.querySelectorAll("[data-cause]").forEach((one) => one.addEventListener("click", () => toggleCause(one.dataset.cause)));
  byId("why-usual").addEventListener("click", (event) => { if (event.target.matches("button")) byId("why-reason").value = event.target.textContent; });
  byId("note").addEventListener("focus", () => { noted = { one: current(), before: byId("note").value.trim() }; });
  byId("note").addEventListener("blur", leaveNote);
  window.addEventListener("pagehide", leaveNote);
  byId("image").addEventListener("load", () => setSeen(true));
  byId("image").addEventListener("error", explainMissing);
  outbox.send();
  await refresh();
  state.at = Math.max(0, findOpen(0));
  await show();
}

if (reader) start().catch((error) => say(error.message));
