// Plots: SVG of few paths, one a grade and state, so that a brush over thousands of images stays quick.

const MARGIN = { left: 44, right: 10, top: 8, bottom: 30 };
const MARKS = [
  (x, y) => `M${x - 2.6} ${y}a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0 -5.2 0`,
  (x, y) => `M${x - 2.3} ${y - 2.3}h4.6v4.6h-4.6z`,
  (x, y) => `M${x} ${y - 3.1}l3 5.4h-6z`,
  (x, y) => `M${x - 2} ${y - 2}l4 4m0 -4l-4 4`,
];

// Return a function from values to pixels, and its inverse.
function makeScale(low, high, from, to) {
  const span = high - low || 1;
  const scale = (value) => from + ((value - low) / span) * (to - from);
  scale.invert = (pixel) => low + ((pixel - from) / (to - from)) * span;
  scale.ends = [low, high];
  return scale;
}

function chooseTicks([low, high], count = 5) {
  const rough = (high - low || 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
  const ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + step / 1e6; tick += step) ticks.push(tick);
  return ticks;
}

// A plot: axes, layers, a focus and a brush. `name` is also the name of its filter.
class Plot {
  constructor(name, label, xs, ys, options) {
    Object.assign(this, { name, xs, ys, options });
    this.box = document.getElementById(`plot-${name}`);
    this.width = this.box.clientWidth || 400;
    this.height = this.box.clientHeight || 218;
    this.svg = makeSvg("svg", { viewBox: `0 0 ${this.width} ${this.height}`, role: "img", "aria-label": label });
    this.x = makeScale(...options.xEnds, MARGIN.left, this.width - MARGIN.right);
    this.y = makeScale(...options.yEnds, this.height - MARGIN.bottom, MARGIN.top);
    this.layers = makeSvg("g");
    this.brush = makeSvg("rect", { class: "brush", visibility: "hidden" });
    this.focus = makeSvg("circle", { class: "focus", r: 7, visibility: "hidden" });
    this.tip = make("div", { class: "tip", hidden: "" });
    this.svg.append(this.layers, this.brush, this.focus);
    this.box.replaceChildren(this.svg, this.tip);
    this.drawAxes();
    this.listen();
    listeners.filter.push(() => this.drawMarks());
    listeners.near.push(() => this.showNear());
  }

  drawAxes() {
    const bottom = this.height - MARGIN.bottom;
    const axes = makeSvg("g");
    for (const tick of chooseTicks(this.x.ends)) {
      axes.append(makeSvg("text", { x: this.x(tick), y: bottom + 14, "text-anchor": "middle" }, format(tick)));
    }
    for (const tick of chooseTicks(this.y.ends, 4)) {
      axes.append(makeSvg("line", { class: "axis", x1: MARGIN.left, x2: this.width - MARGIN.right, y1: this.y(tick), y2: this.y(tick) }));
      axes.append(makeSvg("text", { x: MARGIN.left - 6, y: this.y(tick) + 4, "text-anchor": "end" }, format(tick)));
    }
    axes.append(makeSvg("text", { x: (this.width + MARGIN.left) / 2, y: this.height - 2, "text-anchor": "middle" }, this.options.xLabel));
    axes.append(
      makeSvg("text", { x: 12, y: this.height / 2 - 10, "text-anchor": "middle", transform: `rotate(-90 12 ${this.height / 2 - 10})` }, this.options.yLabel),
    );
    this.svg.prepend(axes);
    for (const [value, words, side, axis] of this.options.limits ?? []) {
      const along = axis === "x";
      const at = along ? this.x(value) : this.y(value);
      const ends = along ? { x1: at, x2: at, y1: MARGIN.top, y2: bottom } : { x1: MARGIN.left, x2: this.width - MARGIN.right, y1: at, y2: at };
      this.svg.append(makeSvg("line", { class: "limit", ...ends }));
      const crowded = side < 0 && at < MARGIN.left + 66; // no room left of the line
      const place = along
        ? { x: crowded ? at + 4 : at + 4 * side, y: MARGIN.top + (crowded ? 22 : 8), "text-anchor": side < 0 && !crowded ? "end" : "start" }
        : { x: this.width - MARGIN.right, y: side < 0 ? at + 12 : at - 4, "text-anchor": "end" };
      this.svg.append(makeSvg("text", { class: "limit-word", ...place }, words));
    }
  }

  drawMarks() {
    if (this.options.draw) return this.options.draw(this);
    this.marks ??= images.map((image, index) => this.makeMark(image, index));
    const paths = data.grades.map(() => ["", ""]);
    for (let index = 0; index < images.length; index++) {
      paths[images[index].grade ?? 0][view.passes[index]] += this.marks[index];
    }
    this.layers.replaceChildren();
    for (const state of [0, 1]) {
      paths.forEach((pair, grade) => {
        const name = `fill-${data.grades[grade].replace(" ", "-")}`;
        if (pair[state]) this.layers.append(makeSvg("path", { class: state ? name : `${name} faint`, d: pair[state] }));
      });
    }
  }

  makeMark(image, index) {
    if (this.ys[index] === null) return "";
    return MARKS[image.grade ?? 0](Math.round(this.x(this.xs[index])), Math.round(this.y(this.ys[index])));
  }

  place(event) {
    const box = this.svg.getBoundingClientRect();
    return [((event.clientX - box.left) * this.width) / box.width, ((event.clientY - box.top) * this.height) / box.height];
  }

  listen() {
    this.svg.addEventListener("pointerdown", (event) => {
      this.start = this.place(event);
      this.svg.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    this.svg.addEventListener("pointermove", (event) => {
      if (this.start) this.drawSoon(this.place(event));
      else setNear(this.findNearest(this.place(event)));
    });
    this.svg.addEventListener("pointerup", (event) => {
      if (!this.start) return;
      const [x, y] = this.place(event);
      const clicked = Math.hypot(x - this.start[0], y - this.start[1]) < 4;
      if (!clicked) this.drag([x, y]);
      this.start = null;
      if (!clicked) return;
      this.clearBrush();
      const nearest = this.findNearest([x, y]);
      if (nearest >= 0) openDetail(nearest);
    });
    this.svg.addEventListener("pointerleave", () => !this.start && setNear(-1));
    resets.push(() => this.brush.setAttribute("visibility", "hidden"));
  }

  // A pointer may move more often than the page is drawn: the last place within a frame counts.
  drawSoon(place) {
    if (!this.dragged) requestAnimationFrame(() => this.dragged && this.drag(this.dragged));
    this.dragged = place;
  }

  drag([x, y]) {
    this.dragged = null;
    if (!this.start) return;
    const flat = this.options.flat;
    const [left, right] = [Math.min(x, this.start[0]), Math.max(x, this.start[0])];
    const [top, bottom] = flat ? [MARGIN.top, this.height - MARGIN.bottom] : [Math.min(y, this.start[1]), Math.max(y, this.start[1])];
    const box = { x: left, y: top, width: right - left, height: bottom - top, visibility: "visible" };
    for (const [name, value] of Object.entries(box)) this.brush.setAttribute(name, value);
    const [x0, x1, y0, y1] = [this.x.invert(left), this.x.invert(right), this.y.invert(bottom), this.y.invert(top)];
    const { xs, ys } = this;
    if (this.name === SCORES) {
      setFilter("range", null);
      fillRange(x0, x1 < this.x.ends[1] ? x1 : undefined);
    }
    setFilter(this.name, (_, index) => {
      const value = xs[index];
      return value !== null && value >= x0 && value <= x1 && (flat || (ys[index] !== null && ys[index] >= y0 && ys[index] <= y1));
    });
  }

  clearBrush() {
    this.brush.setAttribute("visibility", "hidden");
    if (this.name === SCORES && view.filters.has(SCORES)) fillRange();
    setFilter(this.name, null);
  }

  findNearest([x, y]) {
    let [best, least] = [-1, 12 ** 2];
    if (this.options.flat) return best;
    for (let index = 0; index < images.length; index++) {
      if (!view.passes[index] || this.ys[index] === null) continue;
      const far = (this.x(this.xs[index]) - x) ** 2 + (this.y(this.ys[index]) - y) ** 2;
      if (far < least) [best, least] = [index, far];
    }
    return best;
  }

  showNear() {
    const index = view.near;
    const known = index >= 0 && this.xs[index] !== null && (this.options.flat || this.ys[index] !== null);
    this.focus.setAttribute("visibility", known ? "visible" : "hidden");
    this.tip.hidden = !known;
    if (!known) return;
    const x = Math.min(this.x(this.xs[index]), this.width - MARGIN.right);
    const y = this.options.flat ? this.height - MARGIN.bottom : this.y(this.ys[index]);
    this.focus.setAttribute("cx", x);
    this.focus.setAttribute("cy", y);
    this.tip.textContent = images[index].name;
    this.tip.style.left = `${Math.max(0, Math.min(x + 10, this.width - 170))}px`;
    this.tip.style.top = `${y > this.height / 2 ? y - 40 : y + 12}px`;
  }
}

const SCORES = "scores"; // the plot whose brush is a range of scores
let scoresPlot = null;

// A range of scores is typed, or brushed in the plot of scores: the last one counts.
function clearBrushes() {
  scoresPlot?.brush.setAttribute("visibility", "hidden");
  view.filters.delete(SCORES);
}

// Bars of all images, stacked by grade; those that pass the filters in full colour.
function drawBars(plot) {
  const { edges, counts, reference } = data.scores;
  const passing = counts.map((row) => row.map(() => 0));
  const last = edges.length - 2;
  const width = (edges[last + 1] - edges[0]) / (last + 1);
  images.forEach((image, index) => {
    if (image.score === undefined || !view.passes[index]) return;
    passing[image.grade ?? 0][Math.min(last, Math.max(0, Math.floor((image.score - edges[0]) / width)))]++;
  });
  const most = plot.options.yEnds[1];
  const scale = most / Math.max(1, ...reference);
  const bar = (bin, from, to) => {
    const [left, right] = [plot.x(edges[bin]) + 0.5, plot.x(edges[bin + 1]) - 0.5];
    return `M${left} ${plot.y(from)}V${plot.y(to)}H${right}V${plot.y(from)}z`;
  };
  const draw = (name, values, bases) => {
    const path = values.map((value, bin) => (value ? bar(bin, bases[bin], bases[bin] + value) : "")).join("");
    plot.layers.append(makeSvg("path", { class: name, d: path }));
  };
  plot.layers.replaceChildren();
  const zero = edges.slice(1).map(() => 0);
  draw("reference", reference.map((count) => 0.9 * count * scale), zero);
  for (const [rows, faint] of [[counts, " faint"], [passing, ""]]) {
    const bases = [...zero];
    rows.forEach((row, grade) => {
      draw(`fill-${data.grades[grade].replace(" ", "-")}${faint}`, row, bases);
      row.forEach((count, bin) => (bases[bin] += count));
    });
  }
}

function findEnds(values) {
  const known = values.filter((value) => value !== null);
  const [low, high] = known.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
  const room = (high - low || 1) * 0.04;
  return known.length ? [low - room, high + room] : [0, 1];
}

function addPlots() {
  const scores = images.map((image) => image.score ?? null);
  const { edges, counts } = data.scores;
  const limits = (axis) => [
    [data.threshold, `${axis === "x" ? "←" : "↓"} outstanding`, -1, axis],
    ...(data.border === null ? [] : [[data.border, axis === "x" ? "ungradable →" : "↑ ungradable", 1, axis]]),
  ];
  if (edges.length) {
    const totals = edges.slice(1).map((_, bin) => counts.reduce((sum, row) => sum + row[bin], 0));
    const options = { xEnds: [edges[0], edges[edges.length - 1]], yEnds: [0, Math.max(1, ...totals)], flat: true, draw: drawBars, limits: limits("x") };
    const capped = scores.map((score) => (score === null ? null : Math.min(score, edges[edges.length - 1])));
    scoresPlot = new Plot(SCORES, "Distribution of scores by grade, with the threshold", capped, scores, { ...options, xLabel: data.axis, yLabel: "images" });
  }
  if (data.embedding) {
    document.getElementById("sentence-embedding").textContent = `${data.embedding.sentence} Drag to select, click to open.`;
    const [xs, ys] = [0, 1].map((axis) => data.embedding.places.map((place) => (place ? place[axis] : null)));
    new Plot("embedding", "Images on a plane; alike ones lie near one another", xs, ys, { xEnds: findEnds(xs), yEnds: findEnds(ys), xLabel: "first component", yLabel: "second component" });
  } else document.getElementById("figure-embedding").hidden = true;
  document.getElementById("sentence-order").textContent = `${data.order.sentence} Drag to select, click to open.`;
  const dates = data.order.dates.map((date) => (date ? Date.parse(date) / 31557600000 + 1970 : null));
  const xs = dates.length ? dates.map((date) => (Number.isFinite(date) ? date : null)) : images.map((_, index) => index + 1);
  const ys = scores.map((score, index) => (xs[index] === null ? null : score));
  const words = dates.length ? "year" : "position in the list";
  if (dates.length) document.getElementById("title-order").textContent = "Score by date";
  new Plot("order", "Score of each image in order of time", xs, ys, { xEnds: findEnds(xs), yEnds: findEnds(ys), xLabel: words, yLabel: "score", limits: limits("y") });
}
