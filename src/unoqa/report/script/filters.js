// The row of filters: grade, finding, facts, flags, name, score; each is a function that keeps an image.

const filterRow = document.getElementById("filters");
const resets = [];

function addChips() {
  filterRow.append(make("span", {}, "show:"));
  const off = new Set();
  for (const [number, grade] of data.grades.entries()) {
    const count = images.filter((image) => (image.grade ?? 0) === number).length;
    if (!count) continue;
    const chip = make("button", { type: "button", class: "chip", "aria-pressed": "true" });
    chip.append(make("span", { class: `grade ${grade.replace(" ", "-")}` }, grade), ` ${count}`);
    chip.addEventListener("click", () => {
      if (off.has(number)) off.delete(number);
      else off.add(number);
      chip.setAttribute("aria-pressed", String(!off.has(number)));
      setFilter("grade", off.size ? (image) => !off.has(image.grade ?? 0) : null);
    });
    resets.push(() => {
      off.clear();
      chip.setAttribute("aria-pressed", "true");
    });
    filterRow.append(chip);
  }
}

// Add a choice among the values that images have; values(image) lists those of one image.
function addChoice(name, values) {
  const counts = new Map();
  for (const image of images) for (const value of new Set(values(image))) counts.set(value, (counts.get(value) ?? 0) + 1);
  if (!counts.size || counts.size > 40) return;
  const ordered = [...counts].sort((a, b) => b[1] - a[1]);
  const select = make("select", { "aria-label": name }, make("option", { value: "" }, "any"));
  for (const [value, count] of ordered) select.append(make("option", { value }, `${value} (${count})`));
  select.addEventListener("change", () => {
    const chosen = select.value;
    setFilter(name, chosen ? (image) => values(image).includes(chosen) : null);
  });
  resets.push(() => (select.value = ""));
  filterRow.append(make("label", {}, name, select));
}

function addSearch() {
  const field = make("input", { type: "search", "aria-label": "Search by name", placeholder: "name contains …" });
  field.addEventListener("input", () => {
    const wanted = field.value.toLocaleLowerCase();
    setFilter("name", wanted ? (image) => image.name.toLocaleLowerCase().includes(wanted) : null);
  });
  resets.push(() => (field.value = ""));
  filterRow.append(field);
}

let rangeEnds = [];

// Show what was brushed in the fields of the score.
function fillRange(...values) {
  rangeEnds.forEach((end, number) => (end.value = values[number] === undefined ? "" : format(values[number], 4)));
}

function addRange() {
  const ends = rangeEnds = ["from", "to"].map((word) => make("input", { type: "number", step: "any", "aria-label": `Score ${word}` }));
  const change = () => {
    const [low, high] = ends.map((end, number) => (end.value === "" ? [-Infinity, Infinity][number] : Number(end.value)));
    clearBrushes();
    const all = low === -Infinity && high === Infinity;
    setFilter("range", all ? null : (image) => image.score >= low && image.score <= high);
  };
  for (const end of ends) end.addEventListener("change", change);
  resets.push(() => ends.forEach((end) => (end.value = "")));
  filterRow.append(make("span", { class: "row" }, "score", ends[0], "–", ends[1]));
}

function addSort() {
  const select = make("select", { "aria-label": "Sort" });
  for (const [name, [words]] of Object.entries(SORTS)) select.append(make("option", { value: name }, words));
  select.addEventListener("change", () => {
    view.sort = select.value;
    applyFilters();
  });
  filterRow.append(make("label", {}, "Sort", select));
}

function addButtons() {
  const heat = make("input", { type: "checkbox", checked: "" });
  heat.addEventListener("change", () => document.body.classList.toggle("no-heat", !heat.checked));
  const clear = make("button", { type: "button", id: "clear" }, "Clear filters");
  clear.addEventListener("click", () => {
    for (const reset of resets) reset();
    view.filters.clear();
    applyFilters();
  });
  filterRow.append(make("label", {}, heat, "heat on tiles"), clear);
}

function addFilters() {
  addChips();
  addSearch();
  addChoice("finding", (image) => (image.findings ?? []).map((finding) => finding.words));
  const facts = new Set(images.flatMap((image) => Object.keys(image.facts ?? {})));
  for (const fact of facts) {
    const values = new Set(images.map((image) => image.facts?.[fact]?.[0]));
    if (values.size > 1) addChoice(fact, (image) => (image.facts?.[fact] ? [image.facts[fact][0]] : []));
  }
  addChoice("flag", (image) => [...(image.flags ?? []), ...(image.unsure ? ["unsure"] : []), ...(image.error ? ["failed"] : [])]);
  addRange();
  addSort();
  addButtons();
}
