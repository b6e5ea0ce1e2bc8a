// The wall: only the cards in view are in the document, so ten thousand cost no more
// than forty.

const NARROWEST = 270, GAP = 12, ABOUT = 70, SPARE_ROWS = 2;
const wall = { list: byId("wall"), shown: [], made: new Map(), columns: 1, width: 0, height: 0, focus: 0, closeUps: true };

function redrawWall() {
  wall.shown = chosenCards();
  wall.focus = Math.min(wall.focus, Math.max(wall.shown.length - 1, 0));
  for (const item of wall.made.values()) item.remove();
  wall.made.clear();
  const all = cards.length.toLocaleString("en"), some = wall.shown.length.toLocaleString("en");
  byId("count").textContent = wall.shown.length === cards.length ? `${all} pictures` : `${some} of ${all} pictures`;
  measureWall();
}

function measureWall() {
  const room = wall.list.clientWidth;
  wall.columns = Math.max(1, Math.floor((room + GAP) / (NARROWEST + GAP)));
  wall.width = Math.floor((room - GAP * (wall.columns - 1)) / wall.columns);
  wall.height = Math.round(wall.width * 0.62) + ABOUT;
  const rows = Math.ceil(wall.shown.length / wall.columns);
  wall.list.style.height = `${Math.max(rows * (wall.height + GAP) - GAP, 60)}px`;
  for (const [place, item] of wall.made) putInPlace(item, place);
  fillWall();
}

function fillWall() {
  const top = -wall.list.getBoundingClientRect().top, step = wall.height + GAP;
  const first = Math.max(0, Math.floor(top / step) - SPARE_ROWS) * wall.columns;
  // The first rows are always there, for who comes by keyboard or has it read out.
  const rows = Math.max(Math.ceil((top + innerHeight) / step), 0) + SPARE_ROWS;
  const last = Math.min(wall.shown.length, rows * wall.columns);
  for (const [place, item] of wall.made) {
    if ((place < first || place >= last) && !item.contains(document.activeElement)) {
      item.remove();
      wall.made.delete(place);
    }
  }
  for (let place = first; place < last; place += 1) if (!wall.made.has(place)) addToWall(place);
}

function addToWall(place) {
  const item = make("li", { "aria-posinset": place + 1, "aria-setsize": wall.shown.length }, cardFor(wall.shown[place], place));
  putInPlace(item, place);
  // In the order of the places, so that Tab and readers go the way the eye goes.
  const after = [...wall.made.keys()].filter((other) => other > place).sort((a, b) => a - b)[0];
  wall.list.insertBefore(item, after === undefined ? null : wall.made.get(after));
  wall.made.set(place, item);
}

function putInPlace(item, place) {
  const column = place % wall.columns, row = Math.floor(place / wall.columns);
  item.style.width = `${wall.width}px`;
  item.style.height = `${wall.height}px`;
  item.style.transform = `translate(${column * (wall.width + GAP)}px, ${row * (wall.height + GAP)}px)`;
}

function cardFor(card, place) {
  const halves = make("span", { class: "pics" });
  const before = cropFor(card, card.before, card.thumb, card.after ? "before" : "");
  if (before) halves.append(before);
  if (card.after) halves.append(cropFor(card, card.after, card.thumbAfter, "after"));
  if (!before) halves.append(make("span", { class: "none" }, card.problem ?? "no picture is kept"));
  const kinds = card.kinds.join(", ");
  const gain = card.cost ? `${fixed(card.cost[0])} \u2192 ${fixed(card.cost[1])}` : "";
  const mine = isDecided(card) ? make("span", { class: "mine" }, decidedWord(card)) : "";
  const words = [card.name, card.status, kinds, gain && `cost ${gain}`, mine && mine.textContent].filter(Boolean).join(", ");
  return make("button",
    { type: "button", class: "card", "aria-label": words, title: card.name, "data-id": card.id,
      tabindex: place === undefined || place === wall.focus ? 0 : -1, on: { click: () => openViewer(card) } },
    halves,
    make("span", { class: "about" },
      make("span", { class: "line" }, badge(card.status), mine, make("span", { class: "gain" }, gain)),
      make("span", {}, make("bdi", {}, card.name)),
      make("span", { class: "quiet" }, kinds || card.problem || "")));
}

function decidedWord(card) {
  const held = decisionOf(card);
  if (held.verdict) return `${held.verdict}ed`;
  return held.picks.length ? "picked" : "not a flaw";
}

// A square of the picture: around the flaw, or the whole of it.
function cropFor(card, large, small, word) {
  const [width, height] = card.size, near = wall.closeUps && card.focus;
  const source = sourceOf(near && large ? large : small || large);
  if (!source || !width) return null;
  const crop = make("span", { class: "crop" }, picture(source, ""), word && make("span", { class: "word" }, word));
  new ResizeObserver(() => fitCrop(crop, width, height, near)).observe(crop);
  return crop;
}

function fitCrop(crop, width, height, near) {
  const image = crop.querySelector("img"), room = crop.getBoundingClientRect();
  if (!image || !room.width) return;
  // As much as fits around the focus; without one, the whole picture.
  const side = near ? near[2] : 0;
  const scale = near ? Math.min(room.width, room.height) / side : Math.min(room.width / width, room.height / height);
  const [x, y] = near ? [near[0] + side / 2, near[1] + side / 2] : [width / 2, height / 2];
  const at = (centre, all, seen) => {
    const start = seen / 2 - centre * scale, least = seen - all * scale;
    return least > 0 ? least / 2 : Math.min(0, Math.max(least, start));
  };
  Object.assign(image.style, { width: `${width * scale}px`, height: `${height * scale}px`,
    left: `${at(x, width, room.width)}px`, top: `${at(y, height, room.height)}px` });
}

function focusCard(place) {
  if (!wall.shown.length) return;
  const old = wall.made.get(wall.focus)?.querySelector(".card");
  if (old) old.tabIndex = -1;
  wall.focus = Math.max(0, Math.min(place, wall.shown.length - 1));
  if (!wall.made.has(wall.focus)) {
    const row = Math.floor(wall.focus / wall.columns), step = wall.height + GAP;
    scrollTo({ top: scrollY + wall.list.getBoundingClientRect().top + row * step - innerHeight / 3 });
    fillWall();
  }
  const card = wall.made.get(wall.focus)?.querySelector(".card");
  if (!card) return;
  card.tabIndex = 0;
  card.focus();
  card.scrollIntoView({ block: "nearest" });
}

function redrawCard(card) {
  for (const [place, item] of wall.made) {
    if (card && wall.shown[place].digest !== card.digest) continue;
    const had = item.contains(document.activeElement);
    item.replaceChildren(cardFor(wall.shown[place], place));
    if (had) item.firstChild.focus();
  }
}
