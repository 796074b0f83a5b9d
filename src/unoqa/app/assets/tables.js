// Tables out and back in: what a corrected table changes is shown before anything is taken.

import { ask } from "/assets/server.js";
import { byId, make, makeGrade } from "/assets/panel.js";

let context;

export function showTables(given) {
  context = given;
  byId("tables-hidden").hidden = !context.hidden;
  byId("tables-shown").hidden = context.hidden;
  byId("undecided").textContent = context.undecided;
  byId("look-undecided").hidden = !context.undecided;
  byId("corrections").replaceChildren();
  byId("table-file").value = "";
  byId("tables").showModal();
}

async function correct(take, adjudicate = false) {
  const [file] = byId("table-file").files;
  const headers = { "Content-Type": "application/octet-stream" };
  const values = { ...context.common, name: file.name, take, adjudicate };
  return ask("/review/correct", values, { method: "POST", headers, body: await file.arrayBuffer() });
}

// Show what an action returns; or what the server, or a file that cannot be read any more, says against it.
async function show(action) {
  const parts = await action().catch((error) => [make("p", error.message, "notice")]);
  byId("corrections").replaceChildren(...parts);
}

const count = (number) => `${number} grade${number === 1 ? "" : "s"}`;

async function look() {
  if (!byId("table-file").files.length) return [];
  const { changes, conflicts, unmatched } = await correct("nothing");
  const parts = [make("p", `The table changes ${count(changes.length)}.${conflicts.length ? ` ${count(conflicts.length)} more are conflicts: others changed them since the export.` : ""}`)];
  if (unmatched) parts.push(make("p", `${unmatched} rows name no image of these results.`));
  if (changes.length) parts.push(tabulate("Changes", { was: "current" }, changes));
  if (conflicts.length) parts.push(tabulate("Conflicts", { exported: "exported", now: "current" }, conflicts));
  const disputed = changes.filter((one) => one.disputed).length;
  if (disputed) parts.push(make("p", `Other readers grade ${disputed} of these images otherwise. Your grade alone leaves them disputed; as a final grade it decides.`, "notice"));
  const buttons = make("p", "", "row");
  if (changes.length) buttons.append(button(`Take ${count(changes.length)}`, "changes", false));
  if (disputed) buttons.append(button("Take as final grades", "changes", true));
  if (conflicts.length) buttons.append(button("Take the conflicts, too", "all", false));
  return [...parts, buttons];
}

function button(text, take, adjudicate) {
  const element = make("button", text, "primary");
  element.addEventListener("click", () => {
    element.disabled = true; // a second press would take nothing
    show(async () => {
      const { taken, changes, conflicts } = await correct(take, adjudicate);
      const disputed = (take === "all" ? [...changes, ...conflicts] : changes).filter((one) => one.disputed).length;
      const left = disputed && !adjudicate ? ` ${disputed} of these images are still disputed.` : "";
      context.done();
      return [make("p", `Taken: ${count(taken)}, as ${adjudicate ? "final grades" : "grades"} of ${context.reader}.${left}`)];
    });
  });
  return element;
}

// A table of corrections; columns are names of grades that each one has.
function tabulate(title, columns, corrections) {
  const table = make("table");
  table.append(make("caption", title));
  const head = table.createTHead().insertRow();
  for (const word of ["image", ...Object.keys(columns), "in the table", "readers"]) head.append(Object.assign(make("th", word), { scope: "col" }));
  const body = table.createTBody();
  for (const one of corrections) {
    const row = body.insertRow();
    row.append(make("td", one.image, "name"));
    for (const column of Object.values(columns)) row.insertCell().append(makeGrade(one[column]));
    row.insertCell().append(makeGrade(one.wanted));
    row.append(make("td", [one.by.length ? `changed by ${one.by.join(", ")}` : "", one.disputed ? "disagree" : ""].filter(Boolean).join("; ")));
  }
  const box = make("div", "", "scroll");
  box.tabIndex = 0;
  box.append(table);
  return box;
}

byId("table-file")?.addEventListener("change", () => show(look));
byId("look-undecided")?.addEventListener("click", () => {
  byId("tables").close();
  context.decide();
});
