"use strict";
for (const mark of document.querySelectorAll(".mark")) {
  mark.style.left = mark.dataset.x + "%";
  mark.style.top = mark.dataset.y + "%";
}
for (const figure of document.querySelectorAll(".compare")) {
  const stage = figure.querySelector(".stage");
  const slider = figure.querySelector("input[type=range]");
  const show = (percent) => stage.style.setProperty("--cut", percent + "%");
  if (slider) {
    // The left part shows the picture before, the right part after.
    const follow = () => show(100 - slider.value);
    slider.addEventListener("input", follow);
    stage.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse" && event.buttons === 0) return;
      const box = stage.getBoundingClientRect();
      slider.value = 100 - (100 * (event.clientX - box.left)) / box.width;
      follow();
    });
    follow();
  }
  figure.querySelector(".boxes").addEventListener("change", (event) => {
    stage.classList.toggle("hide-boxes", !event.target.checked);
  });
}
const buttons = [...document.querySelectorAll("[data-filter]")];
for (const button of buttons) {
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    for (const other of buttons) other.setAttribute("aria-pressed", other === button && on);
    for (const card of document.querySelectorAll(".card")) {
      card.hidden = on && card.dataset.status !== button.dataset.filter;
    }
  });
}
