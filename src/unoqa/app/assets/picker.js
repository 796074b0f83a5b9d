// Choosing a folder, and saying how many images a command would read of it.

import { ask } from "/assets/server.js";
import { byId, make } from "/assets/panel.js";
import { tell } from "/assets/telling.js";

const FEWEST = { fit: 9, grade: 1, settle: 10, qualify: 5 }, BETTER = { fit: 60, qualify: 50, settle: 50 };

const top = document.body.dataset.top;
let chosenFor = null;
let shown = null;
let chosen = () => {};

export const count = (number, what = "image") => `${number} ${what}${number === 1 ? "" : "s"}`;

export const nameFolder = (path) => path || `${top} (top folder)`;

async function browse(path) {
  shown = await ask("/start/folders", { path });
  byId("here").textContent = nameFolder(shown.path);
  byId("up").disabled = shown.parent === null;
  byId("holds").textContent = describeImages(shown);
  const items = shown.folders.map((folder) => {
    const button = make("button");
    button.type = "button";
    button.append(make("span", folder.name, "name"), make("span", folder.kind || describeImages(folder), "muted"));
    button.addEventListener("click", () => browseTold(folder.path));
    const item = make("li");
    item.append(button);
    return item;
  });
  if (!items.length) items.push(make("li", "There are no folders in it.", "nothing muted"));
  if (shown.more) items.push(make("li", `… and ${shown.more} more`, "nothing muted"));
  byId("folders").replaceChildren(...items);
}

// All images that lie in a folder, at any depth: these are read if it is chosen.
function describeImages({ direct, images, all }) {
  const below = images - direct;
  const where = !below ? "" : direct ? `, ${below} of them in subfolders` : ", all in subfolders";
  return `${all ? "" : "more than "}${count(images)}${where}`;
}

const browseTold = (path) => tell(byId("unreadable"), () => browse(path));

async function open(field) {
  chosenFor = byId(field);
  shown = null;
  byId("browser").returnValue = "";
  byId("browser").showModal();
  const before = hidden(chosenFor).value;
  await browseTold(before === "." ? "" : before);
}

// What a form sends stands in a field before the one that is seen.
const hidden = (field) => field.previousElementSibling;

function choose() {
  if (byId("browser").returnValue !== "choose" || !shown) return;
  chosenFor.value = nameFolder(shown.path);
  hidden(chosenFor).value = shown.path || ".";
  sayImages(chosenFor.form);
  chosen(chosenFor.form);
}

// Said before anything runs: what a command would read, and whether that is enough.
export async function sayImages(form) {
  const box = form.querySelector(".reads");
  const path = form.querySelector("[name=images]").value;
  if (!path) return;
  box.classList.remove("notice");
  box.textContent = "counting …";
  let found;
  try {
    found = await ask("/start/images", { path: path === "." ? "" : path });
  } catch (error) {
    box.textContent = error.message;
    box.classList.add("notice");
    return;
  }
  const { images, direct, folders, more } = found;
  const names = [...folders.map((one) => `${one.name} (${one.images})`), ...(more ? [`${more} more`] : [])];
  const parts = [folders.length ? `${count(images)} would be read: ${direct ? `${direct} in the folder itself, and ` : ""}all in its subfolders ${names.join(", ")}.` : `${count(images)} would be read.`];
  const [fewest, better] = [FEWEST[form.dataset.action], BETTER[form.dataset.action]];
  if (images < fewest) parts.push(`At least ${fewest} are needed.`);
  else if (images < better) parts.push(`Better ${better} or more.`);
  box.textContent = parts.join(" ");
  box.classList.toggle("notice", folders.length > 0 || images < fewest);
}

export function startPicker(whenChosen) {
  chosen = whenChosen;
  for (const button of document.querySelectorAll("[data-browse]")) button.addEventListener("click", () => open(button.dataset.browse));
  byId("up").addEventListener("click", () => shown && browseTold(shown.parent));
  byId("browser").addEventListener("close", choose);
}
