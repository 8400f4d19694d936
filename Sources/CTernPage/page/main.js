
/* The page around list and image: head, keys, languages, files. */
const settings = { advances: true, hasKeys: true };
const wide = window.matchMedia("(min-width: 880px)");
const isWide = () => wide.matches;

function stored(key, value) {
  try {
    if (value === undefined) return localStorage.getItem(`tern.page ${key}`);
    localStorage.setItem(`tern.page ${key}`, value);
  } catch {
    return null;
  }
  return null;
}

function openImage(image, { focuses = false, pushes = true } = {}) {
  showImage(image, { focuses });
  markRow(image);
  if (!image) return;
  if (!isWide()) {
    if (!document.body.classList.contains("reading")) list.scroll = window.scrollY;
    document.body.classList.add("reading");
    window.scrollTo(0, 0);
    if (pushes && location.hash !== "#image") history.pushState(null, "", "#image");
  }
  announce(`${image.name}: ${headline(image)}`);
}

function closeImage() {
  if (location.hash === "#image") history.back();
  else leaveImage();
}
function leaveImage() {
  document.body.classList.remove("reading");
  window.scrollTo(0, list.scroll ?? 0);
  drawRows();
  if (detail.image) document.querySelector(`.row-button[data-id="${CSS.escape(detail.image.id)}"]`)?.focus({ preventScroll: true });
}

function moveBy(step) {
  const index = list.shown.indexOf(detail.image);
  const image = list.shown[index + step];
  if (image) openImage(image, { focuses: !isWide() });
}

/* Draws everything in the reader's language. */
function drawPage() {
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  const shownFolder = visibleName(report.data.folder ?? "");
  const folder = shownFolder.split("/").filter(Boolean).pop() ?? "";
  document.title = `${say("report")} · ${folder} · Tern`;
  const { model } = report;
  const isUnconfirmed = model.confirmed === false || report.images.some((image) => image.findings.some((finding) => finding.operatingPointConfirmed === false));
  const { files, skipped, items } = report.data;
  const warnings = [files > items.length && say("unfinished", items.length, files), skipped?.unreadable > 0 && say("leftOut_unreadable", skipped.unreadable), model.signature === "unsigned" && say("unsigned"), isUnconfirmed && say("unconfirmed")].filter(Boolean);
  document.getElementById("app").replaceChildren(
    element("a", { class: "skip", href: "#detail", onclick: (event) => {
      event.preventDefault();
      openImage(detail.image, { focuses: true });
    } }, say("skip")),
    element("header", { class: "top" }, element("h1", { class: "unseen" }, `${say("report")} ${folder}`),
      element("div", { class: "title" },
        element("span", { class: "name", "aria-hidden": "true" }, say("report")),
        element("span", { class: "folder", "aria-hidden": "true", title: shownFolder }, folder),
        element("p", { class: "caution" }, element("strong", {}, say("human")), " ", say("research"), ...warnings.map((text) => element("span", { class: "warning" }, ` ${text}`)))),
      element("div", { class: "top-tools" },
        element("div", { class: "languages", role: "group", "aria-label": say("language") },
          button(isWide() ? "English" : "EN", () => setLanguage("en"), { "aria-label": "English", "aria-pressed": String(language === "en"), lang: "en" }),
          button("中文", () => setLanguage("zh"), { "aria-pressed": String(language === "zh"), lang: "zh-Hans" })),
        button(say(isWide() ? "model" : "modelName"), openModel), button(say("print"), openPrint), button(say("files"), openFiles),
        button("?", openHelp, { class: "icon-button", "aria-label": say("help"), title: say("help") }))),
    element("section", { class: "summary", "aria-label": say("summary") },
      element("div", { id: "tiles", class: "tiles", role: "group", "aria-label": say("answer") }), element("div", { id: "progress", class: "progress" })),
    element("main", {},
      element("section", { id: "pane", class: "pane", "aria-labelledby": "list-title" },
        element("div", { class: "filters", role: "search", "aria-label": say("filters") }, ...filterControls()),
        element("div", { class: "list-head" },
          element("h2", { id: "list-title" }, say("worklist"), element("small", {}, say("worklistOrder"))),
          element("span", { id: "shown" }),
          button(say("clearFilters"), clearFilters, { id: "clear", class: "link" })),
        element("p", { id: "none", class: "empty-note" }, say(report.images.length ? "nothingShown" : "emptyReport")),
        element("ol", { id: "rows", class: "rows" })),
      element("section", { id: "detail", class: "detail", "aria-label": say("picture"), tabIndex: -1 })));
  list.rows.clear();
  list.height = parseFloat(getComputedStyle(document.getElementById("rows")).getPropertyValue("--row")) || 84;
  refreshList();
}

function setLanguage(name) {
  language = name;
  stored("language", name);
  const image = detail.image;
  drawPage();
  if (image) {
    showImage(image);
    markRow(image);
  } else keepSelection();
  document.querySelector(`.languages [aria-pressed="true"]`)?.focus();
}

function clearFilters() {
  Object.assign(filters, { answer: null, tier: "", reason: "", review: "", search: "" });
  refreshList();
  keepSelection();
  announce(shownText());
}

function openModel() {
  const { model } = report;
  const original = language === "zh" ? { lang: "en" } : {};
  const about = (title, text) => text && element("section", {}, element("h3", {}, title), element("p", original, text));
  openDialog(say("model"), "wide-dialog",
    element("p", { class: "lead", ...original }, model.title || model.name),
    element("p", { class: "quiet" }, say("modelSays")),
    about(say("intendedUse"), model.intendedUse), about(say("notIntendedUse"), model.notIntendedUse),
    model.limits?.length && element("section", {}, element("h3", {}, say("limits")), element("ul", original, ...model.limits.map((limit) => element("li", {}, limit)))),
    element("section", {}, element("h3", {}, say("labels")),
      ...model.labels.filter((label) => label.reported !== false).map((label) => {
        const finding = { label: label.name, operatingPoint: label.operatingPoint?.name, call: "positive", tier: "" };
        return element("div", { class: "model-label" }, element("strong", {}, labelText(label.name)),
          label.operatingPoint && ` · ${say("threshold")} ${label.operatingPoint.threshold}`, label.code && element("span", { class: "quiet" }, ` · ${label.code.scheme} ${label.code.value}`),
          ...measuredLines(finding).map((line) => element("p", { class: "quiet" }, line)));
      }),
      element("p", {}, say("nothingElse"))),
    facts([say("modelName"), model.name], [say("version"), model.version], [say("signature"), model.signature && (isSaid(`signature_${model.signature}`) ? say(`signature_${model.signature}`) : model.signature)],
      [say("digest"), model.digest], [say("folder"), visibleName(report.data.folder ?? "")],
      [say("leftOut"), Object.entries(report.data.skipped ?? {}).filter(([, count]) => count > 0).map(([name, count]) => say(`leftOut_${name}`, count)).join(say("comma"))], [say("time"), say("screened", report.data.program ?? "Tern", timeText(report.data.time))]));
}

function openFiles() {
  const stamp = new Date().toISOString().slice(0, 16).replace(/[:T]/g, "-");
  const write = (name, type, text) => {
    download(name, type, text);
    reviews.isExported = true;
    node.close();
    toast(say("exported", reviews.byId.size, name));
  };
  const chooser = element("input", { type: "file", accept: ".json,application/json", class: "unseen", id: "import", tabIndex: -1, "aria-hidden": "true", onchange: () => take(chooser.files[0]) });
  async function take(file) {
    if (!file) return;
    try {
      const counts = importReviews(await file.text());
      node.close();
      refreshList();
      if (detail.image) drawReview();
      toast(say("imported", counts.taken, counts.older, counts.others));
    } catch (error) {
      node.querySelector(".error").textContent = visible(say("notImported", error.message));
    }
  }
  const node = openDialog(say("files"), "narrow",
    element("p", {}, say(reviews.isKept ? "kept" : "notKept")),
    element("label", { class: "field stacked" }, element("span", {}, say("reviewer")),
      element("input", { id: "reviewer", value: reviews.reviewer, autocomplete: "name", onchange: (event) => { reviews.reviewer = event.target.value.trim(); keepReviews(); } })),
    element("div", { class: "choices" },
      button(say("exportJSON"), () => write(`tern-reviews-${stamp}.json`, "application/json", `${JSON.stringify(exportedReviews(), null, 1)}\n`), { class: "wide", id: "export-json" }),
      button(say("exportCSV"), () => write(`tern-worklist-${stamp}.csv`, "text/csv;charset=utf-8", exportedTable()), { class: "wide", id: "export-csv" }),
      button(say("importJSON"), () => chooser.click(), { class: "wide" }), chooser),
    element("p", { class: "error", role: "alert" }));
}

const keys = [
  [["j", "↓"], "key_next"], [["k", "↑"], "key_previous"], [["a"], "key_accept"], [["r"], "key_reject"], [["m"], "key_amend"], [["n"], "key_note"], [["u"], "key_undo"],
  [["o"], "key_map"], [["b"], "key_boxes"], [["[", "]"], "key_fade"], [["i", "0"], "key_window"], [["+", "−"], "key_zoom"], [["/"], "key_search"], [["?"], "key_help"],
];
function openHelp() {
  const setting = (name, key) => {
    const part = toggle(key, settings[name], (isOn) => { settings[name] = isOn; stored(name, isOn ? "yes" : "no"); });
    return part.node;
  };
  openDialog(say("help"), "narrow",
    element("p", {}, say("helpOrder")), element("p", {}, say("helpWindow")), element("p", {}, say("helpPrivate")),
    element("ul", { class: "marks" }, ...answers.map((answer) => element("li", { class: `answer-${answer}` }, mark(answer), element("strong", {}, say(answer))))),
    setting("advances", "advance"), setting("hasKeys", "keysOn"),
    element("h3", {}, say("helpKeys")),
    element("dl", { class: "keys" }, ...keys.map(([names, text]) => element("div", {}, element("dt", {}, ...names.map((name) => element("kbd", {}, name))), element("dd", {}, say(text))))));
}

const actions = {
  j: () => moveBy(1), k: () => moveBy(-1), a: () => decide("accept"), r: () => decide("reject"), m: startAmending, n: () => detail.image && openNote(), u: withdraw,
  o: () => detail.viewer?.toggleMap?.(), b: () => detail.viewer?.toggleBoxes?.(), "[": () => detail.viewer?.fadeBy?.(-10), "]": () => detail.viewer?.fadeBy?.(10),
  i: () => detail.viewer?.invert?.(), 0: () => detail.viewer?.reset?.(), "+": () => detail.viewer?.zoomBy?.(1.6), "=": () => detail.viewer?.zoomBy?.(1.6), "-": () => detail.viewer?.zoomBy?.(1 / 1.6),
  "/": () => document.getElementById("filter-search").focus(), "?": openHelp,
};
function pressed(event) {
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "p") {
    event.preventDefault();
    return openPrint();
  }
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const isWriting = event.target.closest?.("textarea, select, input:not([type=checkbox]):not([type=range])");
  if (event.key === "Escape" && detail.form) return stopAmending();
  if (event.key === "Escape" && isWriting) return event.target.blur();
  if (isWriting) return;
  const inList = event.target.closest?.("#rows");
  if (inList && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    moveBy(event.key === "ArrowDown" ? 1 : -1);
    document.querySelector(".row-button[aria-current]")?.focus({ preventScroll: true });
    return;
  }
  const action = settings.hasKeys && actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

function start() {
  const wish = stored("language") ?? navigator.language ?? "en";
  language = /^zh/i.test(wish) ? "zh" : "en";
  try {
    readReport();
  } catch (error) {
    document.getElementById("app").append(element("p", { class: "noscript", role: "alert" }, say("damaged")));
    throw error;
  }
  for (const name of ["advances", "hasKeys"]) settings[name] = stored(name) !== "no";
  history.scrollRestoration = "manual";
  restoreReviews();
  drawPage();
  if (isWide()) openImage(list.shown[0] ?? null, { pushes: false });
  else showImage(list.shown[0] ?? null);
  let isDue = false;
  const soon = () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => { isDue = false; drawRows(); });
  };
  document.addEventListener("scroll", soon, { capture: true, passive: true });
  window.addEventListener("resize", soon);
  wide.addEventListener("change", () => { document.body.classList.remove("reading"); drawPage(); keepSelection(); });
  document.addEventListener("keydown", pressed);
  window.addEventListener("popstate", () => { if (location.hash !== "#image" && document.body.classList.contains("reading")) leaveImage(); });
  window.addEventListener("beforeprint", () => { if (!document.querySelector("#paper .sheet")) preparePaper(); });
  window.addEventListener("afterprint", clearPaper);
  window.addEventListener("beforeunload", (event) => { if (!reviews.isKept && !reviews.isExported) event.preventDefault(); });
}
start();
})();
