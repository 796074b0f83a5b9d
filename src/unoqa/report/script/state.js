"use strict";

// What is shown, and who must know of a change. Every part reads `view` and is told by `changed`.

const data = JSON.parse(document.getElementById("data").textContent);
const images = data.images;

const view = {
  filters: new Map(), // name of a filter -> function(image, index) that keeps an image
  order: [], // indices of the images that pass, sorted
  passes: new Uint8Array(images.length).fill(1),
  sort: "doubt",
  near: -1, // image that the pointer or the keyboard is at
};

const listeners = { filter: [], near: [] };

function changed(what) {
  for (const listen of listeners[what]) listen();
}

const SORTS = {
  doubt: ["least certain first", (image) => image.certainty ?? -1],
  worst: ["worst score first", (image) => -(image.score ?? -Infinity)],
  best: ["best score first", (image) => image.score ?? Infinity],
  finding: ["strongest finding first", (image) => -(image.findings?.[0]?.strength ?? -Infinity)],
  name: ["by name", (image) => image.name],
  listed: ["as listed", () => 0],
};

function setFilter(name, keep) {
  if (keep) view.filters.set(name, keep);
  else view.filters.delete(name);
  applyFilters();
}

function applyFilters() {
  const filters = [...view.filters.values()];
  for (let index = 0; index < images.length; index++) {
    view.passes[index] = filters.every((keep) => keep(images[index], index)) ? 1 : 0;
  }
  view.order = sortAll(view.sort).filter((index) => view.passes[index]);
  changed("filter");
}

const sorted = new Map(); // all images in each order that was asked for

function sortAll(name) {
  if (!sorted.has(name)) {
    const keys = images.map(SORTS[name][1]);
    const order = images.map((_, index) => index);
    sorted.set(name, order.sort((a, b) => (keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : a - b)));
  }
  return sorted.get(name);
}

function setNear(index) {
  if (view.near === index) return;
  view.near = index;
  changed("near");
}

function gradeOf(image) {
  return data.grades[image.grade ?? 0];
}

function classOf(image) {
  return gradeOf(image).replace(" ", "-");
}

// Text is only ever set as text, so that a name is never read as markup.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") element.className = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function makeSvg(tag, attributes = {}, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

function format(value, digits = 3) {
  return value === undefined || value === null ? "–" : String(Number(value.toPrecision(digits)));
}
