// Tables out and back in: corrected grades are shown with their conflicts before anything is taken.

import { ask } from "/assets/server.js";
import { byId, make, makeGrade } from "/assets/panel.js";

let context;

export function showTables(given) {
  context = given;
  byId("corrections").replaceChildren();
  byId("table-file").value = "";
  byId("tables").showModal();
}

async function correct(take) {
  const [file] = byId("table-file").files;
  const headers = { "Content-Type": "application/octet-stream" };
  const values = { results: context.results, reader: context.reader, take };
  return ask("/review/correct", values, { method: "POST", headers, body: await file.arrayBuffer() });
}

// Show what an action returns; or what the server, or a file that cannot be read any more, says against it.
async function show(action) {
  const parts = await action().catch((error) => [make("p", error.message, "notice")]);
  byId("corrections").replaceChildren(...parts);
}

async function look() {
  if (!byId("table-file").files.length) return [];
  const found = await correct("nothing");
  const parts = [make("p", `${found.changes.length} grades are changed in the table; ${found.conflicts.length} conflicts.`)];
  if (found.unmatched) parts.push(make("p", `${found.unmatched} rows name no image of these results.`));
  if (found.conflicts.length) parts.push(tabulate(found.conflicts));
  if (found.changes.length) parts.push(button(`Take ${found.changes.length} grades`, "changes"));
  if (found.conflicts.length) parts.push(" ", button("Take the conflicts, too", "all"));
  return parts;
}

function button(text, take) {
  const element = make("button", text, "primary");
  element.addEventListener("click", () => {
    element.disabled = true; // a second press would take nothing
    show(async () => {
      const { taken } = await correct(take);
      context.done();
      return [make("p", `${taken} grades taken, as decisions of ${context.reader}.`)];
    });
  });
  return element;
}

function tabulate(conflicts) {
  const table = make("table");
  table.append(make("caption", "Changed since the export"));
  const head = table.createTHead().insertRow();
  for (const title of ["image", "exported", "now", "by", "in the table"]) head.append(Object.assign(make("th", title), { scope: "col" }));
  const body = table.createTBody();
  for (const one of conflicts) {
    const row = body.insertRow();
    row.append(make("td", one.image, "name"));
    for (const content of [makeGrade(one.exported), makeGrade(one.current), one.by.join(", "), makeGrade(one.wanted)]) row.insertCell().append(content);
  }
  return table;
}

byId("table-file")?.addEventListener("change", () => show(look));
