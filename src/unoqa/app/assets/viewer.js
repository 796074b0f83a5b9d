// Two pictures side by side that are zoomed and moved as one.

const VIEWS = ["both", "image", "heat"];
const MOST = 12;

export class Viewer {
  constructor(panes, zoomText) {
    this.panes = panes;
    this.zoomText = zoomText;
    this.sliders = [];
    this.reset();
    panes.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, event);
    }, { passive: false });
    panes.addEventListener("pointerdown", (event) => this.drag(event));
    panes.addEventListener("dblclick", () => this.reset());
  }

  bind(slider, property) {
    this.sliders.push(slider);
    slider.addEventListener("input", () => this.panes.style.setProperty(property, 3 ** slider.value)); // a third to three times
  }

  reset() {
    this.scale = 1;
    this.x = this.y = 0;
    for (const slider of this.sliders) {
      slider.value = 0;
      slider.dispatchEvent(new Event("input"));
    }
    this.draw();
  }

  cycle() {
    if (this.panes.dataset.heat !== "no") this.show(VIEWS[(VIEWS.indexOf(this.view) + 1) % VIEWS.length]);
  }

  // Without heat the image has all the room, whatever was chosen for images with heat.
  setHeat(hasHeat) {
    this.panes.dataset.heat = hasHeat ? "yes" : "no";
    this.draw();
  }

  show(view) {
    this.panes.dataset.view = view;
    this.draw();
  }

  get view() { return this.panes.dataset.view || "both"; }

  // Keep the point below the pointer where it is: p = (q − x) / scale before and after.
  zoom(factor, event) {
    const scale = Math.min(MOST, Math.max(1, this.scale * factor));
    const box = this.box(event);
    const [px, py] = event ? [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2] : [0, 0];
    this.x = px - (px - this.x) * (scale / this.scale);
    this.y = py - (py - this.y) * (scale / this.scale);
    this.scale = scale;
    this.draw();
  }

  drag(down) {
    if (this.scale === 1 || down.button) return;
    const start = [this.x - down.clientX, this.y - down.clientY];
    const move = (event) => { this.x = start[0] + event.clientX; this.y = start[1] + event.clientY; this.draw(); };
    const up = () => {
      this.panes.classList.remove("dragging");
      window.removeEventListener("pointermove", move);
    };
    this.panes.classList.add("dragging");
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", up, { once: true });
  }

  box(event) {
    const figure = event?.target.closest?.("figure") || [...this.panes.children].find((one) => one.offsetWidth);
    return figure.getBoundingClientRect();
  }

  draw() {
    const box = this.box();
    const [limitX, limitY] = [(box.width * (this.scale - 1)) / 2, (box.height * (this.scale - 1)) / 2];
    this.x = Math.max(-limitX, Math.min(limitX, this.x));
    this.y = Math.max(-limitY, Math.min(limitY, this.y));
    const set = (name, value) => this.panes.style.setProperty(name, value);
    set("--zoom", this.scale);
    set("--x", `${this.x}px`);
    set("--y", `${this.y}px`);
    this.zoomText.textContent = `${this.scale.toFixed(1).replace(".0", "")}×`;
  }
}
