// One image, large, beside its heat; and all that is known of it.

const detail = document.getElementById("detail");
const strength = document.getElementById("heat-strength");
let opened = -1;

function openDetail(index) {
  opened = index;
  fillDetail();
  if (!detail.open) detail.showModal();
}

function fillDetail() {
  const image = images[opened];
  document.getElementById("detail-name").textContent = image.name;
  const [left, right] = ["detail-image", "detail-heat"].map((id) => document.getElementById(id));
  showPicture(left, opened, false);
  showPicture(right, opened);
  if (image.heat) showLarge(right, image);
  fadeHeat();
  document.getElementById("detail-words").replaceChildren(...describeImage(image));
}

// Where thumbnails are small, read the overlay that lies beside the page, at the size of the scan.
function showLarge(holder, image) {
  const address = image.heat.split("/").map(encodeURIComponent).join("/");
  const overlay = make("img", { class: "heat", alt: "", src: address });
  overlay.addEventListener("load", () => {
    holder.querySelector(".heat")?.remove();
    holder.append(overlay);
    fadeHeat();
  });
}

function fadeHeat() {
  for (const heat of document.querySelectorAll("#detail-heat .heat")) heat.style.opacity = strength.value / 100;
}

function describeImage(image) {
  const parts = [make("p", {}, make("span", { class: `grade ${classOf(image)}` }, gradeOf(image)))];
  if (image.error) parts.push(make("p", { class: "notice" }, image.error));
  for (const flag of image.flags ?? []) parts.push(make("p", { class: "notice" }, flag));
  if (image.final) parts.push(make("p", {}, "Final grade: ", make("strong", {}, image.final)));
  if (image.certainty !== undefined) parts.push(describeCertainty(image));
  if (image.score !== undefined) {
    const side = image.score > data.threshold ? "above" : "up to";
    parts.push(make("p", {}, `Score ${format(image.score)}, ${side} the threshold ${format(data.threshold)} (higher is worse).`));
  }
  if (image.percentile !== undefined) {
    parts.push(make("p", {}, `At most ${format(100 * image.percentile)} % of outstanding images score as high.`));
  }
  if (image.score !== undefined) parts.push(make("h3", {}, "Findings"), listFindings(image));
  if (image.facts) parts.push(make("h3", {}, "Facts"), listFacts(image.facts));
  return parts;
}

function describeCertainty({ certainty, unsure }) {
  const bar = make("span");
  bar.style.width = `${100 * certainty}%`;
  return make("div", {}, `Certainty ${certainty.toFixed(2)} of 1${unsure ? ": unsure" : ""}`, make("div", { class: "meter" }, bar), make("p"));
}

function listFindings(image) {
  if (!image.findings) return make("p", { class: "muted" }, image.reasons?.[0] ?? "None: outstanding images are not searched for faults.");
  const list = make("ul", { class: "findings" });
  for (const finding of image.findings) {
    const worse = finding.direction > 0 ? "higher is worse" : "lower is worse";
    const place = finding.place ? `${finding.place}; found on ${format(100 * finding.share, 2)} % of the field` : "whole image";
    const item = make("li", {}, make("strong", {}, finding.words), ` – ${place}`);
    if (finding.unit) {
      const words = `${finding.place ? "there " : ""}${format(finding.value)} (outstanding: ${format(finding.low)} to ${format(finding.high)}); ${finding.unit}; ${worse}`;
      item.append(drawRange(finding), make("small", { class: "muted" }, words));
    }
    list.append(item);
  }
  return list;
}

// The value of a finding on a line, with the range of outstanding images as a band.
function drawRange(finding) {
  const ends = findEnds([finding.value, finding.low, finding.high]);
  const x = makeScale(...ends, 4, 296);
  const svg = makeSvg("svg", { viewBox: "0 0 300 30", preserveAspectRatio: "none", "aria-hidden": "true" });
  svg.append(
    makeSvg("line", { class: "track", x1: 0, x2: 300, y1: 15, y2: 15 }),
    makeSvg("rect", { class: "range", x: x(finding.low), y: 8, width: Math.max(2, x(finding.high) - x(finding.low)), height: 14 }),
    makeSvg("rect", { class: "value", x: x(finding.value) - 2, y: 4, width: 4, height: 22 }),
  );
  return svg;
}

function listFacts(facts) {
  const list = make("dl", { class: "facts" });
  for (const [name, [value, source]] of Object.entries(facts)) {
    list.append(make("dt", {}, name), make("dd", {}, value, " ", make("small", { class: "muted" }, source)));
  }
  return list;
}

function step(by) {
  const at = view.order.indexOf(opened);
  const next = view.order[at + by];
  if (next !== undefined) openDetail(next);
}

function toggleHeat() {
  strength.value = Number(strength.value) > 0 ? 0 : 100;
  fadeHeat();
}

strength.addEventListener("input", fadeHeat);
document.getElementById("previous").addEventListener("click", () => step(-1));
document.getElementById("next").addEventListener("click", () => step(1));
document.getElementById("close").addEventListener("click", () => detail.close());
detail.addEventListener("click", (event) => event.target === detail && detail.close());
detail.addEventListener("keydown", (event) => {
  if (event.target === strength && event.key.startsWith("Arrow")) return;
  if (event.key === "ArrowRight") step(1);
  else if (event.key === "ArrowLeft") step(-1);
  else if (event.key === "h" || event.key === "H") toggleHeat();
  else return;
  event.preventDefault();
});
