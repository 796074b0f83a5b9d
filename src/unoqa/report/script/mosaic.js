// The mosaic: tiles are added as they are needed, pictures are read as they come into sight.

const CHUNK = 36;
const PER_BLOCK = Number(document.body.dataset.block);
const blocks = new Map();
const mosaic = document.getElementById("mosaic");
const more = document.getElementById("more");
let laidOut = 0;

// Return the JPEG and the heat layer of an image; null while the page is still being read.
function findPicture(index) {
  const number = Math.floor(index / PER_BLOCK);
  if (!blocks.has(number)) {
    const block = document.getElementById(`pictures-${number}`);
    if (!block || (document.readyState === "loading" && !block.nextSibling)) return null;
    blocks.set(number, JSON.parse(block.textContent));
  }
  return blocks.get(number)[index % PER_BLOCK];
}

function showPicture(holder, index, withHeat = true) {
  const picture = findPicture(index);
  if (!picture) {
    document.addEventListener("DOMContentLoaded", () => showPicture(holder, index, withHeat), { once: true });
    return;
  }
  const [thumbnail, heat] = picture;
  if (!thumbnail) {
    holder.replaceChildren(make("span", { class: "none" }, images[index].error ? "could not be read" : "no picture"));
    return;
  }
  holder.replaceChildren(make("img", { src: `data:image/jpeg;base64,${thumbnail}`, alt: "" }));
  if (withHeat && heat) holder.append(make("img", { class: "heat", src: `data:image/png;base64,${heat}`, alt: "" }));
}

const inSight = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      inSight.unobserve(entry.target);
      showPicture(entry.target.querySelector(".scan"), Number(entry.target.dataset.image));
    }
  },
  { rootMargin: "400px" },
);

function makeTile(index) {
  const image = images[index];
  const score = format(image.score);
  const tile = make(
    "button",
    { type: "button", class: "tile", "data-image": index, "aria-label": `${image.name}, ${gradeOf(image)}, score ${score}` },
    make("span", { class: "scan" }),
    make(
      "span",
      { class: "caption" },
      make("span", { class: `grade ${classOf(image)}` }, gradeOf(image)),
      make("span", { class: "score" }, image.score === undefined ? "" : image.score.toFixed(2)),
      make("span", { class: "name", title: image.name }, make("bdi", {}, image.name)),
    ),
  );
  inSight.observe(tile);
  return tile;
}

function addTiles() {
  const fresh = view.order.slice(laidOut, laidOut + CHUNK);
  mosaic.append(...fresh.map(makeTile));
  laidOut += fresh.length;
  more.hidden = laidOut >= view.order.length;
}

function layOut() {
  mosaic.replaceChildren();
  laidOut = 0;
  addTiles();
  showCount();
  mosaic.parentElement.scrollTop = 0;
}

function showCount() {
  const all = view.order.length === images.length ? "" : ` of ${images.length}`;
  document.getElementById("shown").textContent = `${view.order.length}${all} images`;
}

// Arrow keys move within the mosaic; the columns are as many as have the first tile's height on the page.
function moveInMosaic(event) {
  const tiles = [...mosaic.children];
  const at = tiles.indexOf(document.activeElement);
  if (at < 0) return;
  const columns = Math.max(1, tiles.filter((tile) => tile.offsetTop === tiles[0].offsetTop).length);
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
  if (!step) return;
  event.preventDefault();
  if (at + step >= tiles.length) addTiles();
  mosaic.children[Math.min(Math.max(at + step, 0), mosaic.children.length - 1)].focus();
}

function markNear() {
  for (const tile of document.querySelectorAll(".tile.near")) tile.classList.remove("near");
  mosaic.querySelector(`[data-image="${view.near}"]`)?.classList.add("near");
}

function indexOf(target) {
  const tile = target.closest?.("[data-image]");
  return tile ? Number(tile.dataset.image) : -1;
}

listeners.filter.push(layOut);
listeners.near.push(markNear);
more.addEventListener("click", addTiles);
mosaic.addEventListener("keydown", moveInMosaic);
mosaic.addEventListener("pointerover", (event) => setNear(indexOf(event.target)));
mosaic.addEventListener("pointerleave", () => setNear(-1));
mosaic.addEventListener("focusin", (event) => setNear(indexOf(event.target)));
new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && addTiles(), {
  root: mosaic.parentElement,
  rootMargin: "600px",
}).observe(more);
