// What remains: first tiles, copying, theme, printing.

document.addEventListener("click", (event) => {
  const index = indexOf(event.target);
  if (index >= 0) openDetail(index);
  const copied = event.target.closest?.("[data-copy]");
  if (copied) copy(copied);
});

// Copy as a selection, so that a word processor receives a table and a text editor its text.
function copy(button) {
  const selection = window.getSelection();
  const range = document.createRange();
  range.selectNodeContents(document.getElementById(button.dataset.copy));
  selection.removeAllRanges();
  selection.addRange(range);
  button.textContent = document.execCommand("copy") ? "Copied" : "Selected: press Ctrl-C";
  setTimeout(() => (button.textContent = "Copy"), 2000);
}

const theme = document.getElementById("theme");

function setTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  nameTheme(dark);
}

// The button says what it would do.
function nameTheme(dark) {
  theme.textContent = dark ? "Light" : "Dark";
}

nameTheme(matchMedia("(prefers-color-scheme: dark)").matches);
theme.addEventListener("click", () => setTheme(theme.textContent === "Dark"));
document.getElementById("print").addEventListener("click", () => window.print());
// Paper does not scroll: every tile that was laid out shows its picture.
window.addEventListener("beforeprint", () => {
  for (const tile of mosaic.children) showPicture(tile.querySelector(".scan"), Number(tile.dataset.image));
  document.getElementById("shown").textContent = `${mosaic.children.length} of ${images.length} images are printed`;
});
window.addEventListener("afterprint", showCount);

addFilters();
addPlots();
applyFilters();
for (const tile of document.querySelectorAll(".hints [data-image]")) inSight.observe(tile);
