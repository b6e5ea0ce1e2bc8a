// What the page shows: the wall's cards are in the page, details may lie beside it.

const report = JSON.parse(byId("data").textContent);
const embedded = JSON.parse(byId("embedded").textContent);
const cards = report.cards;
const placeOf = new Map(cards.map((card, place) => [card.id, place]));
const detailsOf = new Map(report.details.map((one, place) => [place, one]));
const asked = new Map();

function sourceOf(name) {
  if (!name) return "";
  return Object.hasOwn(embedded, name) ? embedded[name] : name;
}

// A page on disk may not fetch files, but its own script may load scripts.
function fetchDetails(place) {
  if (detailsOf.has(place) || !report.files.length) return Promise.resolve(detailsOf.get(place));
  const part = Math.floor(place / report.perFile);
  if (!asked.has(part)) asked.set(part, loadPart(part));
  return asked.get(part).then(() => detailsOf.get(place));
}

// Each of those scripts calls this, and does nothing else.
globalThis.nightmendDetails = (part, details) => {
  details.forEach((one, number) => detailsOf.set(part * report.perFile + number, one));
};

function loadPart(part) {
  return new Promise((resolve, reject) => {
    const script = make("script", { src: report.files[part] });
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => {
      asked.delete(part);
      reject(new Error(`${report.files[part]} is missing beside the page`));
    });
    document.head.append(script);
  });
}
