// Which cards the wall shows, and in which order.

const wanted = { statuses: new Set(), kind: "", reviewed: "", sort: "worst", search: "" };

const ORDERS = {
  worst: () => 0,
  gain: (a, b) => (b.gain ?? -1) - (a.gain ?? -1),
  cost: (a, b) => (b.cost?.[1] ?? -1) - (a.cost?.[1] ?? -1),
  took: (a, b) => b.took - a.took,
  name: (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
};

function chosenCards() {
  const search = wanted.search.toLowerCase();
  const shown = cards.filter((card) =>
    (!wanted.statuses.size || wanted.statuses.has(card.status)) &&
    (!wanted.kind || card.kinds.includes(wanted.kind)) &&
    (!wanted.reviewed || isDecided(card) === (wanted.reviewed === "yes")) &&
    (!search || card.name.toLowerCase().includes(search)));
  // The cards come worst first, and sorting keeps the order of equals.
  return wanted.sort === "worst" ? shown : shown.sort(ORDERS[wanted.sort]);
}

function listenToFilters(redraw) {
  for (const chip of document.querySelectorAll(".chip")) {
    chip.addEventListener("click", () => {
      const status = chip.dataset.status;
      if (!wanted.statuses.delete(status)) wanted.statuses.add(status);
      pressed(chip, wanted.statuses.has(status));
      redraw();
    });
  }
  for (const name of ["kind", "reviewed", "sort"]) {
    byId(name).addEventListener("change", (event) => {
      wanted[name] = event.target.value;
      redraw();
    });
  }
  let waiting = 0;
  byId("search").addEventListener("input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      wanted.search = event.target.value;
      redraw();
    }, 120);
  });
  byId("tools").addEventListener("submit", (event) => event.preventDefault());
}
