// Puts the page together.

function drawFirst() {
  const list = byId("first");
  if (!list) return;
  const statuses = ["failed", "quarantined", "unreadable", "kept", "flawed"];
  const first = cards.filter((card) => statuses.includes(card.status) && card.thumb).slice(0, 6);
  list.append(...first.map((card) => make("li", {}, cardFor(card))));
}

function showPending() {
  const many = changed.size;
  byId("pending").hidden = SERVED || !many;
  byId("pending-text").textContent = `${many} ${many === 1 ? "decision" : "decisions"} not saved`;
}

async function afterDecision(card) {
  redrawCard(card);
  redrawViewer(false);
  showPending();
  if (!SERVED || !card) return;
  try {
    const said = await send(card);
    for (const fresh of said.pictures) takeIn(fresh);
    viewer.told = said.told;
  } catch (error) {
    viewer.told = `Not written down: ${error.message}`;
  }
  redrawCard(card);
  redrawViewer(viewer.card?.digest === card.digest && !viewer.told.startsWith("Not"));
}

// What the server made of a picture takes the place of what was there.
function takeIn(fresh) {
  const place = placeOf.get(fresh.card.id);
  if (place === undefined) return;
  const card = cards[place];
  for (const name of ["after", "thumbAfter", "cost", "gain", "problem", "decided"]) delete card[name];
  Object.assign(card, fresh.card);
  detailsOf.set(place, fresh.details);
  if (viewer.card === card) viewer.details = fresh.details;
}

function openFromAddress() {
  const place = placeOf.get(location.hash.slice(1));
  if (place !== undefined && viewer.card !== cards[place]) openViewer(cards[place]);
}

function start() {
  listenToFilters(redrawWall);
  drawFirst();
  redrawWall();
  showPending();
  whenDecided.push(afterDecision);
  byId("close").addEventListener("change", (event) => {
    wall.closeUps = event.target.checked;
    redrawWall();
  });
  byId("save").addEventListener("click", download);
  byId("forget").addEventListener("click", forget);
  let waiting = false;
  addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; fillWall(); });
  }, { passive: true });
  new ResizeObserver(() => measureWall()).observe(document.body);
  viewer.dialog.addEventListener("close", () => {
    if (viewer.dialog.open) return; // opened again before the event came
    setMode(stage.mode === "blink" ? "slide" : stage.mode);
    const place = wall.shown.indexOf(viewer.card);
    viewer.card = viewer.details = null;
    leaveAddress();
    if (place >= 0) focusCard(place);
  });
  document.addEventListener("keydown", onKey);
  addEventListener("hashchange", openFromAddress);
  openFromAddress();
}

start();
