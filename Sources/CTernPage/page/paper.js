
/* What is printed: one image a page. */
const paper = { scope: null };
/* The browser's own print command cannot be answered with a question: more sheets than these are made only when they were asked for. */
const limitUnaskedSheetCount = 50;

const line = (key, text) => element("span", { class: "write" }, element("strong", {}, say(key), language === "zh" ? "：" : ": "), text || "____________________");

function sheet(image, index, count, all) {
  const { result, item } = image;
  const plane = planeOf(image);
  const review = reviews.byId.get(image.id);
  const picture = item.pictures && element("div", { class: "paper-plane" }, element("img", { src: item.pictures.full ?? item.pictures.thumbnail, alt: "" }));
  const map = image.answer.value === "finding" ? lookedForPrint(image) : null;
  if (picture) {
    picture.style.aspectRatio = `${plane.width} / ${plane.height}`;
    picture.style.setProperty("--ratio", plane.width / plane.height);
  }
  const mapped = picture && map && picture.cloneNode(true);
  if (mapped) {
    // As a picture: a canvas is printed without its smoothing.
    const canvas = mapCanvas(map, plane);
    const layer = lay(element("img", { class: "map", src: canvas.toDataURL(), alt: "" }), map.area, plane);
    layer.style.opacity = 0.6;
    mapped.append(layer, ...regionsOf(image, map.label).map((region, place) => boxNode(region, place, plane)));
  }
  const text = item.words?.[language] ?? item.words?.en;
  // A longer text is set smaller, so that a page is enough.
  const length = (text ?? "").length * (language === "zh" ? 2 : 1) + 300 * image.findings.length;
  return element("article", { class: `sheet ${length > 2500 ? "densest" : length > 1500 ? "dense" : ""}` },
    element("header", {},
      element("div", {}, element("strong", {}, image.shownPath), element("br"), item.study ? `${say("study")} ${item.study}` : line("patient", "")),
      element("div", { class: "right" }, `${report.model.name} ${report.model.version}`, element("br"), result.time ? timeText(result.time) : "")),
    index === 0 && count < all && element("p", { class: "paper-limited" }, element("strong", {}, say("printLimited", count, all))),
    banner(image),
    element("div", { class: "paper-pictures" }, picture, mapped),
    map && element("p", { class: "quiet" }, say("where"), language === "zh" ? "：" : ": ", say(map.method === "token-relevance" ? "mapNote_relevance" : "mapNote_shares", labelText(map.label)),
      " ", regionsOf(image, map.label).map((region, place) => regionText(region, place, map.label)).join("; ")),
    element("div", { class: "paper-scores" }, ...image.findings.map((finding) => element("div", { class: "score" },
      element("div", { class: "score-head" }, element("strong", {}, labelText(finding.label)), element("span", {}, say(`call_${finding.call}`))),
      scoreBar(finding), element("p", {}, scoreSentence(image, finding)),
      ...measuredLines(finding).slice(-1).map((line) => element("p", { class: "quiet" }, line))))),
    text && prose(text, item.words[language] ? language : "en"),
    element("div", { class: "paper-review" },
      line("review", review ? reviewText(image, review) : Object.keys(decided).map((decision) => `☐ ${say(decision)}`).join("   ")),
      line("signed", reviews.reviewer)),
    element("footer", {}, say("human"), " ", say("research"), element("span", { class: "right" }, `${index + 1} / ${count}`, count < all && ` · ${say("shown", count, all)}`)));
}
const lookedForPrint = (image) => mapFor(image, image.lead?.label) ?? mapsOf(image)[0] ?? null;

function preparePaper() {
  const all = paper.scope ?? list.shown;
  const images = paper.scope ?? list.shown.slice(0, limitUnaskedSheetCount);
  document.getElementById("paper").replaceChildren(...images.map((image, index) => sheet(image, index, images.length, all.length)));
}
function clearPaper() {
  paper.scope = null;
  document.getElementById("paper").replaceChildren();
}

async function printImages(images) {
  paper.scope = images;
  preparePaper();
  await Promise.allSettled([...document.querySelectorAll("#paper img")].map((picture) => picture.decode()));
  window.print();
}

function openPrint() {
  const urgent = list.shown.filter((image) => image.answer.value !== "no_finding");
  const choice = (text, images) => images.length > 0 && button(text, () => { node.close(); printImages(images); }, { class: "wide" });
  const node = openDialog(say("print"), "narrow",
    element("p", {}, say("printOne")),
    element("div", { class: "choices" },
      detail.image && choice(say("printThis"), [detail.image]),
      choice(say("printShown", list.shown.length), list.shown),
      urgent.length < list.shown.length && choice(say("printUrgent", urgent.length), urgent)));
}
