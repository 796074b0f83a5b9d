// What stands beside the pictures. All text is set as text, never as HTML: names and notes come from outside.

export const byId = (id) => document.getElementById(id);

export function make(tag, text = "", className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

export function makeGrade(word) { return make("span", word || "no grade", `grade ${word || "no-grade"}`); }

export function showDecision(mine, adjudicated, adjudicating) {
  const grade = adjudicating ? adjudicated?.grade : mine.grade;
  for (const button of document.querySelectorAll("[data-grade]")) press(button, button.dataset.grade === grade);
  const faults = splitFaults(mine.findings);
  for (const chip of document.querySelectorAll("[data-fault]")) press(chip, faults.includes(chip.dataset.fault));
  for (const chip of document.querySelectorAll("[data-cause]")) press(chip, chip.dataset.cause === mine.cause);
  byId("note").value = mine.note || "";
  byId("final").hidden = !adjudicating;
  byId("party").hidden = !(adjudicating && mine.grade);
  byId("decision-title").textContent = adjudicating ? "Final grade" : "Your grade";
  byId("others-title").textContent = adjudicating ? "Readers" : "Other readers";
}

// Nothing that was said of one image stands beside the next while the server is asked for it.
export function clearPanel(grade, adjudicating) {
  showDecision({ grade }, null, adjudicating);
  showMachine(null, false);
  for (const id of ["others", "trail"]) byId(id).replaceChildren();
  byId("trail-note").hidden = true;
}

export function splitFaults(text) { return (text || "").split("; ").filter(Boolean); }

function press(button, on) { button.setAttribute("aria-pressed", String(on)); }

export function showMachine(machine, blind) {
  const box = byId("machine");
  const suggested = machine?.findings || [];
  for (const chip of document.querySelectorAll("[data-fault]")) {
    const found = suggested.some((words) => words.startsWith(chip.dataset.fault) || words === `slightly: ${chip.dataset.fault}`);
    chip.classList.toggle("suggested", found);
    chip.title = found ? "unoqa finds this too" : "";
  }
  byId("suggested-key").hidden = !document.querySelector(".chip.suggested");
  if (!machine) {
    box.replaceChildren(make("p", blind ? "Hidden until you have graded the image." : "…", "muted"));
    return;
  }
  const line = make("p");
  line.append(makeGrade(machine.grade));
  if (machine.certainty !== null) line.append(` certainty ${machine.certainty.toFixed(2)} of 1${machine.unsure ? ", unsure" : ""}`);
  box.replaceChildren(line);
  if (machine.score !== null) box.append(make("p", `Score ${machine.score.toFixed(2)}; outstanding up to ${machine.threshold.toFixed(2)}. Higher is worse.`, "muted"));
  if (machine.error) box.append(make("p", machine.error));
  if (suggested.length) box.append(list(suggested));
}

function list(words) {
  const items = make("ul");
  items.append(...words.map((one) => make("li", one)));
  return items;
}

export function showOthers(others, adjudicated) {
  const box = byId("others");
  if (!others) {
    box.replaceChildren(make("p", "Hidden until you have graded the image.", "muted"));
    return;
  }
  box.replaceChildren(...others.map(describeReader));
  if (adjudicated) {
    const line = make("p", "Final grade, by ");
    line.append(make("b", adjudicated.reader, "name"), ": ", makeGrade(adjudicated.grade));
    box.append(line);
  }
  if (!box.children.length) box.append(make("p", "Nobody else has graded it yet.", "muted"));
}

function describeReader(other) {
  const line = make("p");
  line.append(make("b", other.reader, "name"), ": ", makeGrade(other.grade));
  const more = [other.findings, other.cause && `cause: ${other.cause}`, other.note && `“${other.note}”`].filter(Boolean);
  if (more.length) line.append(make("br"), make("span", more.join(" · "), "muted name"));
  return line;
}

const SEEN = { blind: "saw the image alone before grading", open: "saw what unoqa or other readers say before grading" };

export function showTrail(trail, complete) {
  byId("trail-note").textContent = complete ? "Nobody has decided anything yet." : "What others did is hidden until you have graded the image.";
  byId("trail-note").hidden = complete && trail.length > 0;
  byId("trail").replaceChildren(...trail.map((one) => {
    if (one.field === "view") return make("li", `${new Date(one.time).toLocaleString()} · ${one.reader} · ${SEEN[one.new] ?? one.new}`, "name");
    const change = one.old === null ? one.new : `${one.old} → ${one.new ?? "withdrawn"}`;
    const reason = one.reason ? ` (${one.reason})` : "";
    return make("li", `${new Date(one.time).toLocaleString()} · ${one.reader} · ${one.field}: ${change}${reason}`, "name");
  }));
}

// Who decides where readers disagree, and may have graded nothing, sees the agreement of all.
export function showAgreement(pairs, reader, adjudicating) {
  const box = byId("agreement");
  const isOwn = (pair) => pair.first === reader || pair.second === reader;
  const shown = pairs.filter((pair) => pair.images && (adjudicating || isOwn(pair)));
  if (!shown.length) {
    box.replaceChildren(make("p", adjudicating ? "Nobody has graded an image yet." : "Appears once you have graded images.", "muted"));
    return;
  }
  const table = make("table");
  const head = table.createTHead().insertRow();
  for (const title of [adjudicating ? "between" : "with", "images", "equal", "kappa (95 %)"]) head.append(Object.assign(make("th", title), { scope: "col" }));
  const body = table.createTBody();
  for (const pair of shown) {
    const row = body.insertRow();
    const other = pair.first === reader ? pair.second : pair.first;
    const who = adjudicating ? `${pair.first} and ${pair.second}` : other;
    row.append(Object.assign(make("th", who, "name"), { scope: "row" }), make("td", pair.images), make("td", pair.same), make("td", describeKappa(pair)));
  }
  box.replaceChildren(table);
  const machine = shown.find((pair) => "blind" in pair && isOwn(pair));
  if (machine) box.append(make("p", `${machine.blind} of ${machine.images} graded without seeing what unoqa says.`, "muted"));
}

const FEW = 10; // images of which kappa and its interval say nothing yet

function describeKappa({ images, kappa, low, high }) {
  if (images < FEW) return `from ${FEW} images on`;
  if (kappa === null) return "–";
  return low === null ? kappa.toFixed(2) : `${kappa.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}
