
/* Characters that are not seen and can turn the order of the others around are shown by their numbers: a file has the name that it seems to have. */
const numbered = (character) => `\\u{${character.codePointAt(0).toString(16).toUpperCase()}}`;
const unseenCharacters = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;
const visible = (text) => String(text).replace(unseenCharacters, numbered);
/* The same for names, which are of one line. */
const visibleName = (name) => visible(name).replace(/[\t\n\r\u2028\u2029]/g, numbered);

/* What of an element is read; other properties, such as an address or the value of a field, stay as they are. */
const readProperties = ["title", "alt", "placeholder", "aria-label"];
const childrenOf = (children) => children.flat().filter((child) => child !== null && child !== undefined && child !== false)
  .map((child) => (child instanceof Node ? child : visible(child)));

/* Elements are made, never written as markup: no text of a file can become part of the page. */
function element(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, given] of Object.entries(properties)) {
    if (given === undefined || given === null || given === false) continue;
    const value = readProperties.includes(key) ? visible(given) : given;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "class" || key.includes("-") || !(key in node)) node.setAttribute(key, value === true ? "" : value);
    else node[key] = value;
  }
  node.append(...childrenOf(children));
  return node;
}

/* Puts other children into a node; what is nothing is left out. */
const fill = (node, ...children) => node.replaceChildren(...childrenOf(children));

const graphics = "http://www.w3.org/2000/svg";
function mark(name, title) {
  const node = document.createElementNS(graphics, "svg");
  node.setAttribute("class", `mark mark-${name}`);
  node.setAttribute("focusable", "false");
  if (title) {
    node.setAttribute("role", "img");
    node.setAttribute("aria-label", title);
  } else node.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(graphics, "use");
  use.setAttribute("href", `#mark-${name}`);
  node.append(use);
  return node;
}

const button = (text, action, properties = {}, ...more) => element("button", { type: "button", onclick: action, ...properties }, ...more, text);

function announce(text) {
  const place = document.getElementById("announcer");
  place.textContent = "";
  requestAnimationFrame(() => { place.textContent = visible(text); });
}

/* A short message that goes away, with one thing to do about it. */
let toastTimer = 0;
function toast(text, action) {
  document.querySelector(".toast")?.remove();
  clearTimeout(toastTimer);
  announce(text);
  const node = element("div", { class: "toast" }, element("span", {}, text));
  if (action) node.append(button(action.text, () => { node.remove(); action.run(); }));
  document.body.append(node);
  toastTimer = setTimeout(() => node.remove(), 8000);
}

/* A window over the page; Escape and its last button close it. */
function openDialog(title, className, ...content) {
  document.querySelector("dialog")?.remove();
  const heading = element("h2", { id: "dialog-title" }, title);
  const node = element("dialog", { class: className, "aria-labelledby": "dialog-title" },
    element("div", { class: "dialog-head" }, heading, button("", () => node.close(), { class: "icon-button", "aria-label": say("close") }, mark("reject"))),
    element("div", { class: "dialog-body" }, ...content));
  node.addEventListener("click", (event) => { if (event.target === node) node.close(); });
  const opener = document.activeElement;
  node.addEventListener("close", () => { node.remove(); opener?.focus?.(); });
  document.body.append(node);
  node.showModal();
  return node;
}

/* A list of terms and what they are; rows without a value are left out. */
const facts = (...rows) => element("dl", { class: "facts" }, ...rows.filter(([, value]) => value !== null && value !== undefined && value !== "")
  .map(([term, value]) => element("div", {}, element("dt", {}, term), element("dd", {}, value))));
