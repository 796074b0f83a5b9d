// The first page: forms, what there is below the folder, and the work.

import { ask } from "/assets/server.js";
import { byId, make } from "/assets/panel.js";
import { linkPage, linkReview } from "/assets/links.js";
import { nameFolder, startPicker } from "/assets/picker.js";
import { tell } from "/assets/telling.js";
import { showJobs } from "/assets/work.js";

const POLL = 800, SEARCH = 15000; // milliseconds

const post = (path, body, values = {}) => ask(path, values, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

// --- forms

function read(form) { return { action: form.dataset.action, ...Object.fromEntries(new FormData(form)) }; }

async function showCommand(form) {
  const box = form.querySelector(".command");
  if (!box) return;
  const { command } = await post("/start/command", read(form));
  box.hidden = !command; // not everything is chosen yet
  box.querySelector("code").textContent = command || "";
}

// A server that is away is told of where the work is followed.
const showCommandTold = (form) => showCommand(form).catch(() => {});

async function start(event) {
  event.preventDefault();
  const form = event.target;
  await tell(form.querySelector(".mistake") || byId("refused"), async () => {
    await begin(read(form));
  });
}

async function begin(wish) {
  const { missing } = await post("/start/jobs", wish);
  if (missing) throw new Error(missing);
  await follow();
  byId("jobs").scrollIntoView({ block: "nearest" });
}

// --- what there is, and what is going on

let last = "";
let looked = 0; // when the folder was searched

async function follow() {
  const jobs = await ask("/start/jobs");
  byId("away").hidden = true;
  const states = jobs.map((job) => job.name + job.state).join();
  const text = JSON.stringify(jobs);
  if (states !== follow.states || Date.now() - looked > SEARCH) await search();
  if (states !== follow.states) byId("refused").hidden = true; // what was refused then may be possible now
  follow.states = states;
  if (text === last) return;
  last = text;
  showJobs(jobs, follow);
}

async function search() {
  looked = Date.now();
  const { models, results, pages } = await ask("/start/outputs");
  for (const select of document.querySelectorAll("[data-models]")) fill(select, models);
  for (const id of ["fit-output", "settle-output"]) suggest(byId(id), models.map((one) => one.name));
  suggest(byId("qualify-output"), pages.map((one) => one.name));
  suggest(byId("grade-output"), results.map((one) => one.name));
  suggest(byId("demo-output"), results.map((one) => one.name.replace(/\/results$/, "")));
  byId("results").replaceChildren(...(results.length ? results.map(describeResults) : [make("li", "No results yet.", "muted")]));
  byId("pages").replaceChildren(...pages.map(describePage));
}

function fill(select, models) {
  const before = select.value;
  if (document.activeElement === select) return; // it is open
  select.replaceChildren(...models.map(({ name, settled }) => Object.assign(make("option", settled ? `${name} – settled` : name), { value: name })));
  for (const [at, { settled }] of models.entries()) select.options[at].dataset.settled = settled;
  if (!models.length) select.append(Object.assign(make("option", "fit a model first"), { value: "" }));
  if (models.some((one) => one.name === before)) select.value = before;
  showModel();
  showCommandTold(select.form);
}

function showModel() {
  const { settled } = byId("grade-model").selectedOptions[0]?.dataset ?? {};
  byId("model-text").textContent = { true: "This model is settled: it grades each image by itself, even a single one.", false: "This model is not settled: it needs a cohort of at least ten images, and ten that it refuses." }[settled] ?? "";
}

// Suggest a name that is not taken, as long as the user has written none.
function suggest(field, taken) {
  field.dataset.first ??= field.value;
  if (field.value !== (field.dataset.suggested ?? field.dataset.first)) return;
  let name = field.dataset.first;
  for (let number = 2; taken.includes(name); number += 1) name = `${field.dataset.first}-${number}`;
  if (name === field.value) return;
  field.dataset.suggested = field.value = name;
  showCommandTold(field.form);
}

function describeResults({ name, report }) {
  const item = make("li");
  const box = make("span", "", "row");
  if (report) box.append(linkPage(name, "report.html", "report"));
  if (report !== "new") box.append(offerReport(name, report ? "renew the report" : "make the report"));
  box.append(linkReview(name));
  item.append(make("span", nameFolder(name), "name"), box);
  if (report === "old") item.append(make("small", "The review has gone on since the report was made.", "muted"));
  return item;
}

function offerReport(results, text) {
  const button = make("button", text);
  button.setAttribute("aria-label", `${text[0].toUpperCase()}${text.slice(1)} of ${results || "the top folder"}`);
  button.addEventListener("click", () => tell(byId("refused"), () => begin({ action: "report", output: results || "." })));
  return button;
}

function describePage({ name, page, title }) {
  const item = make("li");
  item.append(make("span", nameFolder(name), "name"), linkPage(name, page, title));
  return item;
}

async function keepFollowing() {
  try {
    await follow();
  } catch (error) {
    byId("away").textContent = error.status === 401 ? error.message : "The server does not answer. Work that was started goes on; start unoqa again to see it.";
    byId("away").hidden = false;
  }
  setTimeout(keepFollowing, POLL);
}

for (const form of document.querySelectorAll("form[data-action]")) {
  form.addEventListener("submit", start);
  form.addEventListener("input", () => showCommandTold(form));
}
const recipe = byId("fit-recipe");
const showRecipe = () => { byId("recipe-text").textContent = recipe.selectedOptions[0].dataset.text; };
recipe.addEventListener("change", showRecipe);
showRecipe();
byId("grade-model").addEventListener("change", showModel);
startPicker(showCommandTold);
keepFollowing();
