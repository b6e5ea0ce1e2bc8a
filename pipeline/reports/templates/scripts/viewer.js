// The large view of one picture.

const viewer = { dialog: byId("viewer"), card: null, details: null, told: "" };

// A view that is closed is not named in the address, or a reload would open it again. The
// dialog says that it was closed only in a later turn, and a reload may come before that.
const leaveAddress = () => history.replaceState(null, "", location.pathname + location.search);

function closeViewer() {
  leaveAddress();
  viewer.dialog.close();
}

async function openViewer(card) {
  viewer.card = card;
  viewer.details = null;
  viewer.told = "";
  history.replaceState(null, "", `#${card.id}`);
  if (!viewer.dialog.open) viewer.dialog.showModal();
  drawViewer(make("p", { class: "quiet", role: "status" }, "Loading"));
  let details;
  try {
    details = await fetchDetails(placeOf.get(card.id));
  } catch (error) {
    return drawViewer(make("p", { class: "trouble", role: "alert" }, error.message));
  }
  if (viewer.card !== card) return;
  viewer.details = details;
  redrawViewer(true);
}

function redrawViewer(fresh) {
  const { card, details } = viewer;
  if (!details) return;
  const side = make("div", { class: "side" }, ...drawRegions(card, details));
  if (!fresh && stage.element?.isConnected) {
    // The picture and what has the focus stay; only what tells of decisions is new.
    const old = viewer.dialog.querySelector(".side"), spot = spotOf(document.activeElement);
    old.replaceWith(side);
    viewer.dialog.querySelector(".decide").replaceWith(drawDecide(card));
    drawMarks(card, details);
    showPicks(card, details);
    spot?.();
    return;
  }
  const look = make("div", { class: "look" }, drawDecide(card));
  if (card.before || card.thumb) {
    look.append(drawStage(card, details), drawBars(card, details));
    showPicks(card, details);
    setMode(stage.mode);
  }
  look.append(make("p", {}, make("bdi", {}, details.sentence)));
  drawViewer(make("div", { class: "body", tabindex: "-1" }, look, side));
}

// Finds the same button again after its part was drawn anew.
function spotOf(element) {
  const label = element?.getAttribute("aria-label") ?? element?.textContent;
  if (!element || !viewer.dialog.contains(element) || element.tagName !== "BUTTON") return null;
  return () => [...viewer.dialog.querySelectorAll("button")].find((one) => (one.getAttribute("aria-label") ?? one.textContent) === label)?.focus();
}

function drawViewer(body) {
  const { card } = viewer, place = wall.shown.indexOf(card);
  const step = (words, by, label) => make("button", { type: "button", "aria-label": label, disabled: !wall.shown[place + by], on: { click: () => stepTo(by) } }, words);
  viewer.dialog.replaceChildren(
    make("div", { class: "head" }, badge(card.status),
      make("h2", { id: "viewer-name" }, make("bdi", {}, card.name)),
      make("span", { class: "quiet" }, place < 0 ? "" : `${(place + 1).toLocaleString("en")} of ${wall.shown.length.toLocaleString("en")}`),
      step("\u2190", -1, "Picture before"), step("\u2192", 1, "Next picture"),
      make("button", { type: "button", id: "close-viewer", on: { click: closeViewer } }, "Close")),
    body);
  (viewer.dialog.querySelector(".body") ?? viewer.dialog).focus({ preventScroll: true });
}

function stepTo(by) {
  const next = wall.shown[wall.shown.indexOf(viewer.card) + by];
  if (next) openViewer(next);
}

function drawBars(card, details) {
  const bars = make("div", {});
  if (card.after) {
    const modes = MODES.map(([mode, word]) => make("button", { type: "button", "data-mode": mode, "aria-pressed": mode === stage.mode ? "true" : "false", on: { click: () => chooseMode(mode) } }, word));
    const slider = make("input", { id: "slider", type: "range", min: 0, max: 100, value: 50, "aria-label": "Slide between before and after", on: { input: (event) => { chooseMode("slide"); setCut(100 - event.target.value); } } });
    bars.append(make("div", { class: "slide" }, make("span", {}, "before"), slider, make("span", {}, "after")),
      make("div", { class: "bars" }, make("div", { class: "modes", role: "group", "aria-label": "Compare by" }, ...modes)));
  }
  const tick = (name, word, on, act) => make("label", {}, make("input", { type: "checkbox", id: name, checked: on, on: { change: (event) => act(event.target.checked) } }), word);
  const ticks = make("div", { class: "bars" },
    tick("show-marks", "boxes and digits", stage.marks, (on) => { stage.marks = on; drawMarks(card, details); }),
    card.focus && tick("show-near", "close-up", stage.near, (on) => setNear(card, on)),
    details.regions.length && tick("show-masks", "masks", stage.masks, setMasks));
  if (details.passes.length > 1) ticks.append(drawPasses(card, details));
  bars.append(ticks);
  return bars;
}

// The picture as it stood after each pass, in the place of what it is now.
function drawPasses(card, details) {
  const choose = make("select", { on: { change: (event) => {
    const image = stage.element.querySelector(".after > .whole");
    const pass = Number(event.target.value);
    if (image) image.src = sourceOf(pass < 0 ? card.after : details.passes[pass]);
  } } }, make("option", { value: -1 }, "the end"), ...details.passes.map((_, pass) => make("option", { value: pass }, `pass ${pass + 1}`)));
  return make("label", {}, "after ", choose);
}

function chooseMode(mode) {
  if (!viewer.card?.after || !stage.element) return;
  setMode(mode);
  for (const button of viewer.dialog.querySelectorAll(".modes button")) pressed(button, button.dataset.mode === mode);
  drawMarks(viewer.card, viewer.details);
}

function drawDecide(card) {
  const held = decisionOf(card);
  if (!["repaired", "kept", "clean", "flawed"].includes(card.status)) return make("div", { class: "decide", hidden: true });
  const say = (verdict, word, title) => make("button", { type: "button", class: verdict, title, "aria-pressed": held.verdict === verdict ? "true" : "false", on: { click: () => chooseVerdict(verdict) } }, word);
  const reject = card.after || decidedBefore(card) ? say("reject", "Reject, keep the original", "The repair is worse (R)") : "";
  const note = make("input", { type: "text", id: "note", maxlength: 2000, placeholder: "note", "aria-label": "Note", autocomplete: "off", on: { change: (event) => decide(card, (one) => { one.note = event.target.value; }) } });
  note.value = held.note;
  const told = viewer.told || (changed.has(card.digest) && !SERVED ? "Decided; save the decisions when you are done." : "");
  return make("div", { class: "decide", role: "group", "aria-label": "Your decision" },
    say("accept", "Accept", "It is fine as it is now (A)"), reject, note, make("p", { class: "told quiet", role: "status" }, told));
}

const decidedBefore = (card) => Boolean(card.decided);

function chooseVerdict(verdict) {
  decide(viewer.card, (held) => {
    held.verdict = held.verdict === verdict ? "" : verdict;
    if (held.verdict === "reject") held.picks = [];
  });
}
