
/* The reader's decision about the image that is open. */
function reviewText(image, review) {
  const parts = [say(decided[review.decision])];
  for (const [label, call] of Object.entries(review.labels ?? {})) parts.push(say("asAmended", labelText(label), say(`call_${call}`)));
  if (review.note) parts.push(`“${review.note}”`);
  return parts.join(language === "zh" ? "；" : "; ");
}

/* Of an image without an answer nothing is right or wrong: to accept it says that a person has seen it. */
const hintOf = (image, decision) => (decision === "accept" && ["needs_review", "not_analysed"].includes(image.answer.value) ? "seen_hint" : `${decision}_hint`);

function drawReview() {
  const place = document.getElementById("review");
  if (!place || !detail.image) return;
  const image = detail.image, review = reviews.byId.get(image.id);
  const draft = detail.form;
  const choice = (decision, action) => button("", action, {
    class: `decide decide-${decision}`, "aria-pressed": String(draft ? decision === "amend" : review?.decision === decision),
  }, mark(decision), element("span", { class: "decide-text" }, element("strong", {}, say(decision)), element("small", {}, say(hintOf(image, decision)))));
  const isNoteOpen = Boolean(draft || detail.isNoting || review?.note);
  place.classList.toggle("noting", isNoteOpen);
  const note = element("textarea", {
    id: "note", rows: 1, value: draft?.note ?? review?.note ?? "", placeholder: say("noteHint"), "aria-label": say("note"), onchange: saveNote,
  });
  note.addEventListener("input", () => { note.style.height = "auto"; note.style.height = `${Math.min(note.scrollHeight, 160)}px`; });
  fill(place,
    element("div", { class: "review-head" },
      element("h3", { id: "review-title" }, say("review")),
      review && !draft && element("span", { class: "review-state" }, mark(review.decision), reviewText(image, { ...review, note: "" })),
      review && !draft && button(say("withdraw"), withdraw, { class: "link" })),
    element("div", { class: "decisions", role: "group", "aria-labelledby": "review-title" },
      choice("accept", () => decide("accept")), choice("reject", () => decide("reject")), choice("amend", startAmending),
      button("", openNote, { class: "decide decide-note", "aria-expanded": String(isNoteOpen), "aria-controls": "note-row" }, mark("note"),
        element("span", { class: "decide-text" }, element("strong", {}, say("note"))))),
    draft && amendForm(image, draft),
    element("div", { class: "note-row", id: "note-row" }, note),
    draft && element("div", { class: "form-buttons" },
      button(say("cancel"), stopAmending, { class: "small" }), button(say("save"), saveAmendment, { class: "primary" })),
    element("p", { id: "review-error", class: "error", role: "alert" }));
}

function amendForm(image, draft) {
  const select = (finding) => element("label", { class: "field" }, element("span", {}, labelText(finding.label)),
    element("select", { onchange: (event) => { if (event.target.value) draft.labels[finding.label] = event.target.value; else delete draft.labels[finding.label]; } },
      element("option", { value: "" }, `${say("unchanged")} (${say(`call_${finding.call}`)})`),
      ...["positive", "negative", "review"].filter((call) => call !== finding.call)
        .map((call) => element("option", { value: call, selected: draft.labels[finding.label] === call }, say(`call_${call}`)))));
  return element("div", { class: "amend" }, ...image.findings.map(select));
}

function openNote() {
  detail.isNoting = true;
  document.getElementById("review").classList.add("noting");
  document.querySelector(".decide-note").setAttribute("aria-expanded", "true");
  document.getElementById("note").focus();
}

const noteText = () => document.getElementById("note")?.value.trim() ?? "";
function refuse(key) {
  document.getElementById("review-error").textContent = say(key);
  return false;
}
const isNoteGood = (note) => new TextEncoder().encode(note).length <= limitNoteByteCount || refuse("noteLong");

function startAmending() {
  if (!detail.image) return;
  const review = reviews.byId.get(detail.image.id);
  detail.form = { labels: { ...(review?.decision === "amend" ? review.labels : {}) }, note: noteText() };
  drawReview();
  (document.querySelector(".amend select") ?? document.getElementById("note")).focus();
}

function stopAmending() {
  detail.form = null;
  drawReview();
  document.querySelector(".decide-amend")?.focus();
}

function saveAmendment() {
  const { labels } = detail.form, note = noteText();
  if (!isNoteGood(note)) return;
  if (!Object.keys(labels).length && !note) return refuse("noteNeeded");
  decide("amend", labels);
}

function decide(decision, labels = {}) {
  const image = detail.image, note = noteText();
  if (!image || !isNoteGood(note)) return;
  const before = reviews.byId.get(image.id);
  setReview(image, decision, labels, note);
  detail.form = null;
  const next = list.shown[list.shown.indexOf(image) + 1];
  refreshList();
  if (settings.advances && next) openImage(next);
  else drawReview();
  toast(say("saved", say(decided[decision]), image.name), { text: say("undo"), run: () => undo(image, before) });
}

function undo(image, before) {
  if (before) {
    reviews.byId.set(image.id, before);
    keepReviews();
  } else removeReview(image);
  refreshList();
  openImage(image);
  announce(say("withdrawn", image.name));
}

function withdraw() {
  const image = detail.image, before = image && reviews.byId.get(image.id);
  if (!before) return;
  removeReview(image);
  refreshList();
  drawReview();
  toast(say("withdrawn", image.name), { text: say("undo"), run: () => { reviews.byId.set(image.id, before); keepReviews(); refreshList(); openImage(image); } });
}

/* A note that is changed after the decision belongs to the decision. */
function saveNote() {
  const image = detail.image, review = reviews.byId.get(image.id), note = noteText();
  if (detail.form) detail.form.note = note;
  else if (review && (review.note ?? "") !== note && isNoteGood(note)) {
    if (review.decision === "amend" && !note && !Object.keys(review.labels ?? {}).length) return refuse("noteNeeded");
    setReview(image, review.decision, review.labels, note);
    refreshList();
    announce(say("noteSaved"));
  }
}
