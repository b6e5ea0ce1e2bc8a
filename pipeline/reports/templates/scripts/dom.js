"use strict";
// Makes elements. Strangers' text only ever becomes text nodes and attributes that hold
// no code, so nothing in a file name or a prompt can run.

const SVG = "http://www.w3.org/2000/svg";
const byId = (id) => document.getElementById(id);

function make(tag, given = {}, ...children) {
  return filled(document.createElement(tag), given, children);
}

function draw(tag, given = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), given, children);
}

function filled(element, given, children) {
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
    else if (name === "style") for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
    else if (name === "class") element.setAttribute("class", value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child instanceof Node || typeof child === "string" && child));
  return element;
}

function picture(source, alt, given = {}) {
  const image = make("img", { src: source, alt, loading: "lazy", decoding: "async", draggable: "false", ...given });
  image.addEventListener("error", () => image.remove(), { once: true });
  return image;
}

function badge(status) {
  return make("span", { class: `badge ${status}` }, status);
}

function pressed(button, on) {
  button.setAttribute("aria-pressed", on ? "true" : "false");
}

const fixed = (number, digits = 2) => number.toFixed(digits);

function lasting(seconds) {
  if (seconds < 10) return `${fixed(seconds, 1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
