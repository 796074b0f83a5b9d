// The first page: folders are chosen, commands shown and started, their progress followed.

import { ask } from "/assets/server.js";
import { byId, make } from "/assets/panel.js";

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

// Do something that the server may refuse; what it says then stands in a box until the next try.
async function tell(box, action) {
  box.hidden = true;
  try {
    await action();
  } catch (error) {
    box.textContent = error.message;
    box.hidden = false;
  }
}

// --- choosing a folder

let chosenFor = null;
let shown = null;

async function browse(path) {
  shown = await ask("/start/folders", { path });
  byId("here").textContent = shown.path || "the folder that was opened";
  byId("up").disabled = shown.parent === null;
  byId("holds").textContent = count(shown.images);
  const items = shown.folders.map((folder) => {
    const button = make("button");
    button.type = "button";
    button.append(make("span", folder.name, "name"), make("span", describeFolder(folder), "muted"));
    button.addEventListener("click", () => browseTold(folder.path));
    const item = make("li");
    item.append(button);
    return item;
  });
  if (!items.length) items.push(make("li", "There are no folders in it.", "nothing muted"));
  if (shown.more) items.push(make("li", `… and ${shown.more} more`, "nothing muted"));
  byId("folders").replaceChildren(...items);
}

const count = (number, what = "image") => `${number} ${what}${number === 1 ? "" : "s"}`;

// What a folder is or holds: of a folder of folders, not that it has no images.
function describeFolder({ kind, images, folders }) {
  return kind || (images || !folders ? count(images) : count(folders, "folder"));
}

async function open(field) {
  chosenFor = byId(field);
  shown = null;
  byId("browser").returnValue = "";
  byId("browser").showModal();
  await browseTold(chosenFor.value === "." ? "" : chosenFor.value);
}

const browseTold = (path) => tell(byId("unreadable"), () => browse(path));

function choose() {
  if (byId("browser").returnValue !== "choose" || !shown) return;
  chosenFor.value = shown.path || ".";
  showCommandTold(chosenFor.form);
}

// --- what there is, and what is going on

let last = "";
let looked = 0; // when the folder was searched
const opened = new Set(); // jobs whose messages are unfolded

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
  if (jobs.length) byId("jobs").replaceChildren(...jobs.map(describeJob));
}

async function search() {
  looked = Date.now();
  const { models, results } = await ask("/start/outputs");
  fill(byId("grade-model"), models);
  suggest(byId("fit-output"), models);
  suggest(byId("grade-output"), results.map((one) => one.name));
  suggest(byId("demo-output"), results.map((one) => one.name.replace(/\/results$/, "")));
  byId("results").replaceChildren(...(results.length ? results.map(describeResults) : [make("li", "No results yet.", "muted")]));
}

function fill(select, names) {
  const before = select.value;
  if (document.activeElement === select) return; // it is open
  select.replaceChildren(...names.map((name) => Object.assign(make("option", name), { value: name })));
  if (!names.length) select.append(Object.assign(make("option", "fit a model first"), { value: "" }));
  if (names.includes(before)) select.value = before;
  showCommandTold(select.form);
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
  item.append(make("span", name || "the folder that was opened", "name"), links(name, report));
  return item;
}

function links(results, hasReport) {
  const box = make("span", "", "row");
  const review = Object.assign(make("a", "review"), { href: `/review?${new URLSearchParams({ results })}` });
  review.setAttribute("aria-label", `Review ${results}`);
  box.append(hasReport ? linkReport(results) : offerReport(results), review);
  return box;
}

function linkReport(results) {
  const report = Object.assign(make("a", "report"), { href: `/start/report?${new URLSearchParams({ results })}`, target: "_blank" });
  report.setAttribute("aria-label", `Report of ${results}`);
  return report;
}

function offerReport(results) {
  const button = make("button", "make report");
  button.setAttribute("aria-label", `Make the report of ${results}`);
  button.addEventListener("click", () => tell(byId("refused"), () => begin({ action: "report", output: results || "." })));
  return button;
}

function describeJob(job) {
  const box = make("div", "", "job");
  const head = make("div", "", "row spread");
  const state = make("p", "", "row");
  state.append(make("span", job.state, "state"), make("code", job.command));
  head.append(state, action(job));
  box.append(head);
  for (const task of job.progress) {
    const line = make("p", "", "muted");
    const bar = Object.assign(document.createElement("progress"), { max: Math.max(1, task.total), value: task.done });
    bar.setAttribute("aria-label", task.title);
    line.append(`${task.title}: ${task.done} of ${task.total}`);
    box.append(line, bar);
  }
  if (job.state === "running" && !job.progress.length) box.append(make("p", "working …", "muted"));
  if (job.state.startsWith("done") && job.action !== "fit") box.append(links(job.action === "demo" ? `${job.output}/results` : job.output, true));
  if (job.log.trim()) box.append(messages(job));
  return box;
}

function messages(job) {
  const details = document.createElement("details");
  details.open = opened.has(job.name) || job.state === "not done";
  details.addEventListener("toggle", () => (details.open ? opened.add(job.name) : opened.delete(job.name)));
  const text = make("pre", job.log.trim());
  text.tabIndex = 0;
  details.append(make("summary", "What was noticed"), text);
  return details;
}

function action(job) {
  const words = { running: ["Stop", "stop"], stopped: ["Resume", "resume"] }[job.state];
  if (!words) return make("span");
  const button = make("button", words[0]);
  button.setAttribute("aria-label", `${words[0]}: ${job.command}`);
  button.addEventListener("click", async () => {
    button.disabled = true;
    await tell(byId("refused"), async () => {
      await ask(`/start/${words[1]}`, { name: job.name }, { method: "POST" });
      await follow();
    });
    button.disabled = false;
  });
  return button;
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
for (const button of document.querySelectorAll("[data-browse]")) button.addEventListener("click", () => open(button.dataset.browse));
byId("up").addEventListener("click", () => shown && browseTold(shown.parent));
byId("browser").addEventListener("close", choose);
keepFollowing();
