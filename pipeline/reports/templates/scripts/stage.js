// The large picture: before and after over each other, with marks and masks on top.

const MODES = [["slide", "Slide"], ["before", "Before"], ["after", "After"], ["blink", "Blink"], ["difference", "Difference"]];
const stage = { element: null, mode: "slide", marks: true, masks: false, near: false, blinking: 0, cut: 50, left: 0, scale: 1 };

function drawStage(card, details) {
  const [width, height] = card.size;
  const changes = Boolean(card.after);
  const both = make("div", { class: "both" }, layer("before", sourceOf(card.before || card.thumb), "before"));
  if (changes) both.append(layer("after", sourceOf(card.after), "after"));
  const top = make("div", { class: "layer tops" });
  const masks = make("div", { class: "layer masks" });
  const sheet = make("div", { class: "sheet" }, both, masks, top);
  stage.element = make("div", { class: "stage", "data-mode": changes ? stage.mode : "still" }, sheet);
  // As large as fits: the width of its column, or the height of the window.
  stage.element.style.aspectRatio = `${width || 4} / ${height || 3}`;
  stage.element.style.maxWidth = `calc(72vh * ${(width || 4) / (height || 3)})`;
  for (const region of details.regions) {
    if (region.mask) masks.append(placed(picture(sourceOf(region.mask), ""), region.window, card.size));
  }
  if (changes) listenToPointer(stage.element);
  drawMarks(card, details);
  setNear(card, stage.near);
  setMasks(stage.masks);
  return stage.element;
}

function layer(name, source, alt) {
  const image = source ? picture(source, `the picture ${alt}`, { class: "whole", loading: "eager" }) : "";
  return make("div", { class: `layer ${name}` }, image);
}

function placed(element, box, [width, height]) {
  const [x0, y0, x1, y1] = box;
  Object.assign(element.style, { left: `${(100 * x0) / width}%`, top: `${(100 * y0) / height}%`,
    width: `${(100 * (x1 - x0)) / width}%`, height: `${(100 * (y1 - y0)) / height}%` });
  return element;
}

function drawMarks(card, details) {
  const top = stage.element.querySelector(".tops"), [width, height] = card.size;
  if (!stage.marks || !width) return top.replaceChildren();
  const boxes = draw("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  const digits = [];
  const rows = stage.mode === "after" && card.after ? details.left : details.findings;
  for (const row of rows) {
    const [x0, y0, x1, y1] = row.box, flawed = row.severity === "error" || row.severity === "warning";
    const kind = isNoFlaw(card, row) ? "excused" : flawed ? "flaw" : "seen";
    boxes.append(draw("rect", { class: kind, x: x0, y: y0, width: x1 - x0, height: y1 - y0 }));
    for (const [label, x, y] of row.marks) {
      const short = label.length <= 2;
      const mark = make("i", { class: short ? "mark" : "mark dot", title: label, "aria-hidden": "true" }, short ? label : "");
      Object.assign(mark.style, { left: `${(100 * x) / width}%`, top: `${(100 * y) / height}%` });
      digits.push(mark);
    }
  }
  top.replaceChildren(boxes, ...digits);
}

function setMode(mode) {
  stage.mode = mode;
  clearInterval(stage.blinking);
  const element = stage.element;
  if (!element || element.dataset.mode === "still") return;
  element.dataset.mode = mode;
  element.classList.remove("off");
  if (mode === "blink") stage.blinking = setInterval(() => element.classList.toggle("off"), 650);
}

// Lays the sheet with all layers so that the place of the flaw fills the stage.
function setNear(card, on) {
  stage.near = on;
  const [width, height] = card.size, [x, y, side] = on && card.focus ? card.focus : [0, 0, 0];
  stage.scale = side ? Math.max(1, Math.min(width, height) / side) : 1;
  const start = (centre, all) => Math.min(0, Math.max(100 - 100 * stage.scale, 50 - (100 * stage.scale * centre) / (all || 1)));
  stage.left = start(x + side / 2, width);
  Object.assign(stage.element.querySelector(".sheet").style, { width: `${100 * stage.scale}%`, height: `${100 * stage.scale}%`,
    left: `${stage.left}%`, top: `${start(y + side / 2, height)}%` });
  setCut(stage.cut);
}

function setCut(percent) {
  stage.cut = Math.max(0, Math.min(100, percent));
  stage.element.style.setProperty("--cut", `${stage.cut}%`);
  stage.element.style.setProperty("--clip", `${(stage.cut - stage.left) / stage.scale}%`);
  const slider = byId("slider");
  if (slider) slider.value = String(100 - stage.cut);
}

function setMasks(on) {
  stage.masks = on;
  stage.element.querySelector(".masks").hidden = !on;
}

// What a pick would look like, laid over the picture as it ended.
function showPicks(card, details) {
  const after = stage.element.querySelector(".after");
  if (!after) return;
  for (const old of after.querySelectorAll(".patch")) old.remove();
  const verdict = decisionOf(card).verdict;
  for (const region of details.regions) {
    const picked = pickedIn(card, region);
    if (!picked && verdict !== "reject") continue;
    const number = verdict === "reject" ? null : picked.number;
    const tried = region.tried.find((one) => one.number === number);
    const source = sourceOf(number === null ? region.before : tried?.picture);
    if (source) after.append(placed(picture(source, "", { class: "patch" }), region.window, card.size));
  }
}

function listenToPointer(element) {
  const follow = (event) => {
    if (stage.mode !== "slide") return;
    const box = element.getBoundingClientRect();
    setCut((100 * (event.clientX - box.left)) / box.width);
  };
  element.addEventListener("pointerdown", follow);
  element.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "mouse" || event.buttons) follow(event);
  });
}
