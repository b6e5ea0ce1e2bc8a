// Everything can be done without a mouse.

const KEYS = [
  ["\u2190 \u2191 \u2193 \u2192", "move over the wall; in the large view, the picture before or the next"],
  ["Enter", "open the picture"], ["Esc", "close it"], ["/", "search by name"],
  ["S B D", "slide, blink, difference"], ["1 2", "before, after"], [", .", "move the slider"],
  ["M", "masks"], ["X", "boxes and digits"], ["A", "accept"], ["R", "reject, keep the original"], ["Z", "close-up: on the wall, and in the large view"], ["?", "this list"],
];

function showHelp() {
  const list = make("dl", {});
  for (const [keys, words] of KEYS) list.append(make("dt", {}, make("kbd", {}, keys)), make("dd", {}, words));
  const help = byId("help");
  help.replaceChildren(make("h2", { id: "help-title" }, "Keys"), list, make("button", { type: "button", on: { click: () => help.close() } }, "Close"));
  help.showModal();
}

function isTyping(event) {
  return event.target.matches("input:not([type=checkbox]):not([type=range]), select, textarea");
}

function onWallKey(event) {
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -wall.columns, ArrowDown: wall.columns,
    PageUp: -3 * wall.columns, PageDown: 3 * wall.columns, Home: -Infinity, End: Infinity };
  if (!(event.key in steps)) return;
  event.preventDefault();
  const inWall = wall.list.contains(document.activeElement) && document.activeElement !== wall.list;
  focusCard(inWall ? wall.focus + steps[event.key] : wall.focus);
}

const VIEWER_KEYS = {
  ArrowLeft: () => stepTo(-1), ArrowRight: () => stepTo(1),
  s: () => chooseMode("slide"), b: () => chooseMode(stage.mode === "blink" ? "slide" : "blink"),
  d: () => chooseMode(stage.mode === "difference" ? "slide" : "difference"),
  1: () => chooseMode("before"), 2: () => chooseMode("after"),
  ",": () => setCut(stage.cut + 5), ".": () => setCut(stage.cut - 5),
  z: () => byId("show-near")?.click(), m: () => byId("show-masks")?.click(), x: () => byId("show-marks")?.click(),
  a: () => viewer.dialog.querySelector(".decide .accept")?.click(),
  r: () => viewer.dialog.querySelector(".decide .reject")?.click(),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || byId("help").open) return;
  if (event.key === "?") return showHelp();
  if (viewer.dialog.open) {
    const slides = event.target.matches("input[type=range]") && event.key.startsWith("Arrow");
    const act = VIEWER_KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act || slides) return;
    event.preventDefault();
    return act();
  }
  if (event.key === "/") {
    event.preventDefault();
    return byId("search").focus();
  }
  if (event.key.toLowerCase() === "z") return byId("close").click();
  const free = [document.body, wall.list].includes(document.activeElement);
  if (free || wall.list.contains(document.activeElement)) onWallKey(event);
}
