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

async function look() {
  const box = byId("corrections");
  try {
    const found = await correct("nothing");
    box.replaceChildren(make("p", `${found.changes.length} grades are changed in the table; ${found.conflicts.length} conflicts.`));
    if (found.unmatched) box.append(make("p", `${found.unmatched} rows name no image of these results.`));
    if (found.conflicts.length) box.append(tabulate(found.conflicts));
    if (found.changes.length) box.append(button(`Take ${found.changes.length} grades`, "changes"));
    if (found.conflicts.length) box.append(" ", button("Take the conflicts, too", "all"));
  } catch (error) {
    box.replaceChildren(make("p", error.message, "notice"));
  }
}

function button(text, take) {
  const element = make("button", text, "primary");
  element.addEventListener("click", async () => {
    const { taken } = await correct(take);
    byId("corrections").replaceChildren(make("p", `${taken} grades taken, as decisions of ${context.reader}.`));
    context.done();
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

byId("table-file")?.addEventListener("change", look);
