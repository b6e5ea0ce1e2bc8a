// The regions of one picture: every variation with what it costs, and the findings.

function drawRegions(card, details) {
  const parts = details.regions.map((region) => drawRegion(card, details, region));
  if (parts.length) parts.unshift(make("section", {}, make("h3", {}, "Regions and variations"), legend()));
  parts.push(drawFindings(card, details), drawFacts(card, details));
  return parts;
}

const COST_PARTS = ["flaw", "seam", "drift", "blur"];

function legend() {
  const parts = COST_PARTS.map((name) => make("span", {}, make("i", { class: name }), name));
  return make("p", { class: "legend quiet" }, "Cost, lower is better:", ...parts);
}

function drawRegion(card, details, region) {
  const picked = pickedIn(card, region);
  const now = picked ? picked.number : region.winner;
  const rejected = decisionOf(card).verdict === "reject";
  const one = (given) => drawTry(card, region, { ...given, won: given.number === region.winner, picked: !rejected && Boolean(picked) && given.number === now });
  const tries = region.tried.map((tried) => one({ ...tried, title: `variation ${tried.number}` }));
  const mask = region.mask && make("li", { class: "try" }, picture(sourceOf(region.mask), "the mask: white is repainted"), make("span", { class: "words" }, make("b", {}, "mask")));
  return make("section", { class: "region" },
    make("h3", {}, region.kinds.join(", "), " ", make("span", { class: "quiet" }, `pass ${region.pass}, region ${region.patch + 1}`)),
    make("p", {}, region.reason),
    make("ul", { class: "tries" },
      one({ number: null, title: "original", cost: region.cost, picture: region.before }), mask, ...tries),
    make("details", {}, make("summary", {}, "How it was painted"),
      make("p", { class: "quiet" }, region.how),
      region.prompt && make("p", { class: "quiet" }, "Prompt: ", make("bdi", {}, region.prompt)),
      region.negative && make("p", { class: "quiet" }, "Negative: ", make("bdi", {}, region.negative))));
}

function drawTry(card, region, tried) {
  const source = sourceOf(tried.picture);
  const name = tried.won && tried.number !== null ? `${tried.title}, chosen` : tried.won ? `${tried.title}, kept` : tried.title;
  const facts = tried.seed === undefined ? "" :
    [`seed ${tried.seed}`, `strength ${fixed(tried.strength)}`, lasting(tried.took), ...tried.notes].join("; ");
  const able = source && (tried.number === null || tried.cost);
  const button = able && make("button", { type: "button", "aria-pressed": tried.picked ? "true" : "false",
    "aria-label": `Pick ${tried.title} of region ${region.patch + 1}, pass ${region.pass}`,
    on: { click: () => decide(card, (held) => pick(held, region, tried.number)) } }, tried.picked ? "Picked" : "Pick");
  return make("li", { class: `try${tried.won ? " won" : ""}${tried.picked ? " picked" : ""}` },
    source && picture(source, tried.title),
    make("span", { class: "words" }, make("b", {}, name), costSplit(tried.cost),
      tried.problem && make("span", { class: "trouble" }, tried.problem),
      facts && make("span", { class: "quiet" }, facts), button));
}

function costSplit(cost) {
  if (!cost) return "";
  const bar = make("span", { class: "split", "aria-hidden": "true" });
  const whole = Math.max(1, COST_PARTS.reduce((sum, name) => sum + cost[name], 0));
  for (const name of COST_PARTS) bar.append(make("i", { class: name, style: { width: `${(100 * cost[name]) / whole}%` } }));
  const words = `${fixed(cost.total, 3)} = ${COST_PARTS.map((name) => `${name} ${fixed(cost[name])}`).join(", ")}`;
  return make("span", {}, bar, words);
}

function drawFindings(card, details) {
  const rows = details.findings.map((row) => {
    const flawed = row.severity === "error" || row.severity === "warning";
    const none = isNoFlaw(card, row);
    const button = flawed || none ? make("button", { type: "button", "aria-pressed": none ? "true" : "false",
      "aria-label": `${row.kind} is not a flaw`, on: { click: () => decide(card, (held) => toggleNoFlaw(held, row)) } }, "Not a flaw") : "";
    return make("li", {}, make("span", { class: "kind" }, row.kind),
      make("span", { class: "quiet" }, `flawed: ${fixed(row.sure)}; ${row.box[2] - row.box[0]} \u00d7 ${row.box[3] - row.box[1]} at ${row.box[0]}, ${row.box[1]}`),
      row.message && make("span", {}, make("bdi", {}, row.message)), button);
  });
  if (!rows.length) return make("section", {}, make("h3", {}, "Looked at"), make("p", { class: "quiet" }, "No place was singled out."));
  return make("section", {}, make("h3", {}, "Looked at"), make("ul", { class: "found" }, ...rows));
}

function drawFacts(card, details) {
  const list = make("dl", { class: "facts" });
  const add = (name, ...value) => list.append(make("dt", {}, name), make("dd", {}, ...value));
  if (details.stages.length) add("Time", `${lasting(card.took)}: ` + details.stages.filter(([, s]) => s >= 0.05).map(([name, s]) => `${name} ${lasting(s)}`).join(", "));
  for (const [name, value] of details.facts) add(name, make("bdi", {}, value));
  const section = make("section", {}, make("h3", {}, "About this picture"), list);
  if (details.redo) {
    const command = make("pre", { tabindex: "0" }, details.redo);
    section.append(make("h3", {}, "Do it again"), make("div", { class: "redo" }, command,
      make("button", { type: "button", on: { click: (event) => copy(details.redo, command, event.target) } }, "Copy")));
  }
  return section;
}

async function copy(text, element, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    // A page on disk may be refused the clipboard: then Ctrl+C is one key away.
    getSelection().selectAllChildren(element);
    button.textContent = "Selected";
  }
}
