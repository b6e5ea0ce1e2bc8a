// What the person decides, by the digest of the original picture.

const SERVED = location.protocol === "http:";
const KEPT_AT = `nightmend-decisions-${report.run}`;
const decisions = new Map();
const changed = new Set();
const whenDecided = [];

for (const card of cards) if (card.decided) decisions.set(card.digest, structuredClone(card.decided));
restore();

function decisionOf(card) {
  return decisions.get(card.digest) ?? { verdict: "", picks: [], not_flaws: [], note: "" };
}

function isDecided(card) {
  const held = decisions.get(card.digest);
  return Boolean(held && (held.verdict || held.picks.length || held.not_flaws.length));
}

function decide(card, change) {
  const held = structuredClone(decisionOf(card));
  change(held);
  decisions.set(card.digest, held);
  changed.add(card.digest);
  keep();
  for (const act of whenDecided) act(card);
}

function pick(held, region, number) {
  const same = (one) => one.pass_number === region.pass && one.patch === region.patch;
  const before = held.picks.find(same);
  held.picks = held.picks.filter((one) => !same(one));
  if (!before || before.number !== number) held.picks.push({ pass_number: region.pass, patch: region.patch, number });
  if (held.verdict === "reject") held.verdict = "";
}

function pickedIn(card, region) {
  return decisionOf(card).picks.find((one) => one.pass_number === region.pass && one.patch === region.patch);
}

function isNoFlaw(card, finding) {
  return decisionOf(card).not_flaws.some((one) => one.kind === finding.kind && String(one.box) === String(finding.box));
}

function toggleNoFlaw(held, finding) {
  const same = (one) => one.kind === finding.kind && String(one.box) === String(finding.box);
  if (held.not_flaws.some(same)) held.not_flaws = held.not_flaws.filter((one) => !same(one));
  else held.not_flaws.push({ kind: finding.kind, box: finding.box });
}

function form(digest) {
  const card = cards.find((one) => one.digest === digest);
  return { digest, name: card ? card.name : "", ...decisions.get(digest) };
}

function fileText() {
  const wanted = [...changed].sort().map(form);
  return JSON.stringify({ format: "nightmend-review-1", run: report.run, decisions: wanted }, null, 1) + "\n";
}

function download() {
  const address = URL.createObjectURL(new Blob([fileText()], { type: "application/json" }));
  make("a", { href: address, download: "nightmend-review.json" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

// Served by `nightmend review`: written down at once.
async function send(card) {
  const body = JSON.stringify({ format: "nightmend-review-1", run: report.run, decisions: [form(card.digest)] });
  const answer = await fetch("decisions", { method: "POST", headers: { "Content-Type": "application/json" }, body });
  const said = await answer.json();
  if (!answer.ok || said.problem) throw new Error(said.problem || `the server answered ${answer.status}`);
  changed.delete(card.digest);
  return said;
}

// So that a reload loses nothing; a browser may refuse to keep anything for a file.
function keep() {
  if (SERVED) return;
  try {
    localStorage.setItem(KEPT_AT, JSON.stringify([...changed].map((digest) => [digest, decisions.get(digest)])));
  } catch { /* Then it is kept until the page is closed. */ }
}

function restore() {
  if (SERVED) return;
  try {
    for (const [digest, held] of JSON.parse(localStorage.getItem(KEPT_AT) ?? "[]")) {
      decisions.set(digest, held);
      changed.add(digest);
    }
  } catch { /* As above. */ }
}

function forget() {
  for (const digest of changed) {
    const card = cards.find((one) => one.digest === digest);
    if (card?.decided) decisions.set(digest, structuredClone(card.decided));
    else decisions.delete(digest);
  }
  changed.clear();
  keep();
  for (const act of whenDecided) act(null);
}
