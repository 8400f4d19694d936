
/* The worklist: as many rows as fit are in the page, whatever the number of images. */
const list = { shown: [], rows: new Map(), height: 84 };
const filters = { answer: null, tier: "", reason: "", review: "", search: "" };
const isFiltered = () => filters.answer || filters.tier || filters.reason || filters.review || filters.search;

function passes(image, but) {
  if (but !== "answer" && filters.answer && image.answer.value !== filters.answer) return false;
  if (filters.tier && image.tier !== filters.tier) return false;
  if (filters.reason && image.answer.reason?.value !== filters.reason) return false;
  if (filters.review) {
    const decision = reviews.byId.get(image.id)?.decision;
    if (filters.review === "open" ? decision : filters.review === "done" ? !decision : decision !== filters.review) return false;
  }
  return !filters.search || filters.search.toLowerCase().split(/\s+/).every((word) => image.text.includes(word));
}

function setFilter(name, value) {
  filters[name] = value;
  refreshList();
  keepSelection();
  announce(shownText());
}

const shownText = () => (isFiltered() ? say("shown", list.shown.length, report.images.length) : say("allShown", report.images.length));

/* The open image stays open while it is shown; otherwise the first one is opened, where list and image stand side by side. */
function keepSelection() {
  if (list.shown.includes(detail.image)) return showSteps();
  if (isWide()) openImage(list.shown[0] ?? null, { pushes: false });
}
function showSteps() {
  document.querySelector(".steps")?.replaceWith(navigation());
}

function refreshList() {
  list.shown = report.images.filter((image) => passes(image));
  drawSummary();
  drawFilters();
  document.getElementById("rows").style.height = `${list.shown.length * list.height}px`;
  document.getElementById("shown").textContent = shownText();
  document.getElementById("none").hidden = list.shown.length > 0;
  for (const row of list.rows.values()) row.remove();
  list.rows.clear();
  drawRows();
}

function drawSummary() {
  const counts = Object.fromEntries(answers.map((answer) => [answer, 0]));
  for (const image of report.images) counts[image.answer.value] += 1;
  const tile = (answer) => button("", () => setFilter("answer", filters.answer === answer ? null : answer), {
    class: `tile answer-${answer}`, "aria-pressed": String(filters.answer === answer), "data-answer": answer,
  }, mark(answer), element("span", { class: "tile-count" }, String(counts[answer])),
    element("span", { class: "tile-text" }, element("strong", {}, say(`${answer}_count`)), element("small", {}, say(`${answer}_hint`))));
  const focused = document.activeElement?.dataset?.answer;
  document.getElementById("tiles").replaceChildren(...answers.map(tile));
  if (focused) document.querySelector(`.tile[data-answer="${focused}"]`)?.focus();
  const done = report.images.filter((image) => reviews.byId.has(image.id)).length;
  const bar = document.getElementById("progress");
  fill(bar, element("span", {}, say("reviewedOf", done, report.images.length)),
    element("progress", { value: done, max: Math.max(1, report.images.length), "aria-label": say("reviewed") }));
}

function drawFilters() {
  document.getElementById("clear").hidden = !isFiltered();
  for (const name of ["tier", "reason", "review", "search"]) {
    const control = document.getElementById(`filter-${name}`);
    // What is being typed stays as it is typed.
    if (control && control !== document.activeElement && control.value !== filters[name]) control.value = filters[name];
  }
}

function filterControls() {
  const select = (name, title, options) => element("label", { class: "field" }, element("span", {}, title),
    element("select", { id: `filter-${name}`, onchange: (event) => setFilter(name, event.target.value) },
      element("option", { value: "" }, say("any")), ...options.map(([value, text]) => element("option", { value, selected: filters[name] === value }, text))));
  const terms = new Map(report.images.filter((image) => image.answer.reason).map((image) => [image.answer.reason.value, image.answer.reason]));
  const chosen = [...terms.values()].map((term) => [term.value, upperFirst(explained(term).text)]).sort((a, b) => a[1].localeCompare(b[1]));
  return [
    element("label", { class: "field search" }, element("span", { class: "unseen" }, say("search")),
      element("input", { id: "filter-search", type: "search", value: filters.search, placeholder: say("searchHint"), autocomplete: "off", spellcheck: false,
        oninput: (event) => setFilter("search", event.target.value.trim()) })),
    element("details", { class: "more-filters", open: isWide() || Boolean(filters.tier || filters.reason || filters.review) },
      element("summary", {}, say("filters")), element("div", { class: "selects" },
      select("review", say("reviewState"), [["open", say("notReviewed")], ["done", say("reviewed")], ...Object.entries(decided).map(([decision, key]) => [decision, say(key)])]),
      select("tier", say("tier"), tiers.map((tier) => [tier, say(`tier_${tier}`)])),
      chosen.length ? select("reason", say("reason"), chosen) : null)),
  ];
}

/* Draws the rows that can be seen, and one page above and below them. */
function drawRows() {
  const rows = document.getElementById("rows");
  const { height } = list;
  const pane = isWide() ? document.getElementById("pane").getBoundingClientRect() : { top: 0, height: window.innerHeight };
  const top = pane.top - rows.getBoundingClientRect().top;
  const first = Math.max(0, Math.floor((top - pane.height) / height));
  const last = Math.min(list.shown.length, Math.ceil((top + 2 * pane.height) / height));
  const kept = list.shown.indexOf(detail.image);
  for (const [index, row] of list.rows) {
    if ((index < first || index >= last) && index !== kept && !row.contains(document.activeElement)) {
      row.remove();
      list.rows.delete(index);
    }
  }
  for (let index = first; index < last; index++) drawRow(index);
  if (kept >= 0) drawRow(kept);
}

function drawRow(index) {
  if (list.rows.has(index)) return;
  const image = list.shown[index], review = reviews.byId.get(image.id);
  const { pictures } = image.item;
  const row = element("li", { class: `row answer-${image.answer.value}`, "aria-setsize": list.shown.length, "aria-posinset": index + 1 },
    button("", () => openImage(image, { focuses: !isWide() }), { class: "row-button", "aria-current": detail.image === image ? "true" : null, "data-id": image.id },
      element("span", { class: "thumb" }, pictures?.thumbnail ? element("img", { src: pictures.thumbnail, alt: "", decoding: "async" }) : mark("not_analysed")),
      element("span", { class: "row-text" },
        element("span", { class: "row-answer" }, mark(image.answer.value), element("strong", {}, say(image.answer.value)),
          image.lead && image.answer.value === "finding" && element("span", { class: "row-score" }, scoreText(image.lead.score, image.lead.threshold))),
        element("span", { class: "row-gist" }, gist(image)),
        element("span", { class: "row-name" }, image.name)),
      review ? element("span", { class: `badge badge-${review.decision}` }, mark(review.decision), element("span", { class: "unseen" }, say(decided[review.decision]))) : null));
  row.style.transform = `translateY(${index * list.height}px)`;
  list.rows.set(index, row);
  // In the order of the list, so that Tab goes from row to row.
  const after = [...list.rows.keys()].filter((other) => other > index).sort((a, b) => a - b)[0];
  document.getElementById("rows").insertBefore(row, after === undefined ? null : list.rows.get(after));
}

function markRow(image) {
  for (const row of document.querySelectorAll(".row-button[aria-current]")) row.removeAttribute("aria-current");
  const index = list.shown.indexOf(image);
  if (index < 0) return;
  drawRow(index);
  list.rows.get(index).firstChild.setAttribute("aria-current", "true");
  if (!isWide()) return;
  const pane = document.getElementById("pane"), rows = document.getElementById("rows");
  const top = rows.offsetTop + index * list.height;
  if (top < pane.scrollTop + 4) pane.scrollTop = Math.max(0, top - list.height);
  else if (top + 2 * list.height > pane.scrollTop + pane.clientHeight) pane.scrollTop = top + 2 * list.height - pane.clientHeight;
  drawRows();
}
