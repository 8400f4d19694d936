
/* Everything about one image: the answer, the picture, the scores, the words, the review. */
const detail = { image: null, viewer: null, form: null };

function showImage(image, { focuses = false } = {}) {
  detail.image = image;
  detail.form = null;
  detail.isNoting = false;
  const place = document.getElementById("detail");
  if (!image) {
    detail.viewer = null;
    place.replaceChildren(element("p", { class: "empty-note" }, say(report.images.length ? "nothingShown" : "emptyReport")));
    return;
  }
  detail.viewer = makeViewer(image);
  const heading = element("h2", { id: "image-name", tabIndex: -1, title: image.shownPath }, image.name);
  place.replaceChildren(
    element("div", { class: "detail-head" }, element("div", { class: "detail-title" }, heading, subtitle(image)), navigation()),
    banner(image),
    element("div", { class: "columns" },
      detail.viewer.node,
      element("div", { class: "facts-column" }, scores(image), words(image), framesTable(image), details(image))),
    element("section", { class: "review", id: "review", "aria-labelledby": "review-title" }));
  drawReview();
  place.scrollTop = 0;
  if (focuses) heading.focus({ preventScroll: true });
}

function navigation() {
  const index = list.shown.indexOf(detail.image);
  const step = (by, name, title) => button("", () => moveBy(by), {
    class: "icon-button", "aria-label": title, title, disabled: !list.shown[index + by] }, mark(name));
  return element("nav", { class: "steps", "aria-label": say("worklist") },
    button(say("back"), closeImage, { class: "back" }, mark("back")),
    element("span", { class: "position" }, say("position", index + 1, list.shown.length)),
    step(-1, "back", say("previous")), step(1, "next", say("next")));
}

function subtitle(image) {
  const { item, result } = image;
  const study = item.study && report.studies.get(item.study).length > 1 ? report.studies.get(item.study) : null;
  return element("div", { class: "subtitle" },
    image.folder && element("span", { class: "path" }, `${image.folder}/`),
    result.input?.kind && element("span", {}, result.input.kind.toUpperCase()),
    result.quality?.width && element("span", {}, `${result.quality.width} × ${result.quality.height}`),
    result.input?.modality?.value && element("span", {}, result.input.modality.value),
    result.input?.image?.viewPosition && element("span", {}, result.input.image.viewPosition),
    study && button(say("sameStudy", study.length), () => { setFilter("search", item.study); }, { class: "link" }));
}

function banner(image) {
  const { value, reason } = image.answer;
  const lines = [];
  if (value === "needs_review") lines.push(`${upperFirst(explained(reason).text)}${language === "zh" ? "。" : "."}`);
  if (value === "not_analysed") lines.push(explained(reason).advice);
  lines.push(say(`note_${value}`));
  if (image.result.reason && value !== "not_analysed") lines.push(`${upperFirst(explained(image.result.reason).text)}${language === "zh" ? "。" : "."}`);
  return element("section", { class: `banner answer-${value}`, "aria-labelledby": "answer-title" },
    mark(value),
    element("div", {},
      element("p", { class: "kicker" }, say(value)),
      element("h3", { id: "answer-title" }, headline(image)),
      ...lines.map((line) => element("p", {}, line))));
}

function scores(image) {
  if (!image.findings.length) return null;
  const sorted = [...image.findings].sort((a, b) => (b.call === "positive") - (a.call === "positive") || b.score - a.score);
  return element("section", { class: "card", "aria-labelledby": "scores-title" },
    element("h3", { id: "scores-title" }, say("scores")),
    ...sorted.map((finding) => scoreRow(image, finding)), conformal(image));
}

const callAnswer = { positive: "finding", negative: "no_finding", review: "needs_review" };

function scoreBar(finding) {
  const bar = element("div", { class: `bar call-${finding.call}`, "aria-hidden": "true" });
  const fill = element("div", { class: "fill" });
  fill.style.width = `${100 * finding.score}%`;
  bar.append(fill);
  if (typeof finding.threshold === "number") {
    const tick = element("div", { class: "tick" });
    tick.style.left = `${100 * finding.threshold}%`;
    bar.append(tick);
  }
  return bar;
}

/* Score and threshold in one sentence. */
function scoreSentence(image, finding) {
  const { score, threshold } = finding;
  const hasThreshold = typeof threshold === "number";
  if (finding.call === "review" && image.answer.reason && hasThreshold) return say("scoreVoid", scoreText(score), explained(image.answer.reason).text);
  if (!hasThreshold) return say("scoreNone", scoreText(score));
  return say(score >= threshold ? "scoreAbove" : "scoreBelow", scoreText(score, threshold), thresholdText(threshold, score));
}

function scoreRow(image, finding) {
  return element("div", { class: "score" },
    element("div", { class: "score-head" },
      element("strong", {}, labelText(finding.label)),
      element("span", { class: `call answer-${callAnswer[finding.call]}` }, mark(callAnswer[finding.call]), say(`call_${finding.call}`))),
    scoreBar(finding),
    element("p", {}, scoreSentence(image, finding), finding.frame ? ` · ${say("inFrame", finding.frame)}` : ""),
    finding.call !== "review" && element("p", { class: "quiet" }, say("sureness", say(`tier_${finding.tier}`), say(`tier_long_${finding.tier}`))),
    figures(finding, finding.call === "positive" || image.findings.length === 1));
}

/* What was measured, the plain sentence in sight where the finding matters. */
function figures(finding, isPlain) {
  const lines = measuredLines(finding).map((line) => element("p", { class: "quiet" }, line));
  const plain = isPlain && lines.length > 1 ? lines.slice(0, -1) : [];
  const rest = lines.slice(plain.length);
  return element("div", {}, ...plain, rest.length > 0 && element("details", { class: "figures" }, element("summary", {}, say("figures")), ...rest));
}

const shareText = (share) => (share.low === undefined || share.low === null ? percent(share.value, 1) : say("interval", percent(share.value, 1), percent(share.low, 1), percent(share.high, 1)));

/* What was measured at the operating point: first for 100 people, then as figures. */
function measuredLines(finding) {
  if (finding.call === "review") return [];
  const label = labelNamed(finding.label), point = label?.operatingPoint;
  const name = finding.operatingPoint ?? point?.name;
  const lines = finding.calibrated === false ? [say("notCalibrated")] : [];
  const tier = (label?.tiers ?? []).find((tier) => tier.tier === finding.tier);
  const [right, count] = finding.call === "positive" ? [tier?.rightPositives, tier?.positives] : [tier?.rightNegatives, tier?.negatives];
  if (count) lines.push(say("tierMeasured", right, count));
  const sensitivity = shareValue(point?.sensitivity), specificity = shareValue(point?.specificity);
  if (!name || (point && point.name !== name)) return lines;
  if (!sensitivity || !specificity) return [...lines, say("unmeasured", name)];
  const found = Math.round(100 * sensitivity.value);
  lines.push(say("finds", found, 100 - found) + (language === "zh" ? "" : " ") + say("alarms", Math.round(100 - 100 * specificity.value)));
  lines.push(point.positives
    ? say("measuredOn", name, point.positives, point.negatives, shareText(sensitivity), shareText(specificity))
    : say("measured", name, shareText(sensitivity), shareText(specificity)));
  return lines;
}

function conformal(image) {
  const { conformal } = image.result;
  if (!conformal) return null;
  const level = percent(conformal.level);
  return element("p", { class: "quiet" }, conformal.set.length ? say("conformalSet", level, conformal.set.map(labelText).join(say("comma"))) : say("conformalEmpty", level));
}

function words(image) {
  const text = image.item.words?.[language] ?? image.item.words?.en;
  if (!text) return null;
  return folded("words", say("inWords"), prose(text, image.item.words[language] ? language : "en"));
}

/* A part that is folded up, or as the reader left the last one of its kind. */
const unfolded = new Set();
function folded(kind, title, ...content) {
  return element("details", {
    class: "card", open: unfolded.has(kind), ontoggle: (event) => { if (event.target.open) unfolded.add(kind); else unfolded.delete(kind); },
  }, element("summary", {}, title), ...content);
}

/* Text with empty lines between its paragraphs; a line of its own before a text is a heading. */
function prose(text, tongue) {
  const node = element("div", { class: "prose", lang: tongue });
  for (const part of String(text).split(/\n\s*\n/)) {
    const lines = part.split("\n").map((line) => line.trim()).filter(Boolean);
    if (!lines.length) continue;
    if (lines.length > 1 && !/[.。!?:：]$/.test(lines[0])) node.append(element("h4", {}, lines.shift()));
    node.append(element("p", {}, ...lines.flatMap((line, index) => (index ? [element("br"), line] : [line]))));
  }
  return node;
}

function framesTable(image) {
  const { frames } = image.result;
  if (!frames?.length) return null;
  const labels = image.findings.map((finding) => finding.label);
  const cell = (frame, label) => {
    const finding = frame.findings.find((finding) => finding.label === label);
    return element("td", {}, finding ? `${scoreText(finding.score)} · ${say(`call_${finding.call}`)}` : "");
  };
  const read = image.result.input?.frames;
  return folded("frames", say("framesTable") + (read ? ` · ${say("framesAnalysed", read.analysed, frames.length)}` : ""),
    element("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": say("framesTable") }, element("table", {},
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, say("frame")), ...labels.map((label) => element("th", { scope: "col" }, labelText(label))))),
      element("tbody", {}, ...frames.map((frame) => element("tr", {}, element("th", { scope: "row" }, String(frame.frame)),
        ...(frame.reason ? [element("td", { colSpan: labels.length || 1 }, explained(frame.reason).text)] : labels.map((label) => cell(frame, label)))))))));
}

function details(image) {
  const { result, item } = image, { input, quality, outOfDistribution: odd } = result;
  const modality = input?.modality;
  const hidden = ["assessed", "width", "height", "channels", "bitsStored"];
  const measures = Object.entries(quality ?? {}).filter(([name, value]) => !hidden.includes(name) && value !== null);
  return folded("details", say("details"), facts(
    [say("file"), image.shownPath],
    [say("reason"), image.answer.reason && `${image.answer.reason.meaning} (${image.answer.reason.value})`],
    [say("modality"), modality && (modality.value ?? say("modalityUnchecked"))],
    [say("view"), input?.image?.viewPosition], [say("laterality"), input?.image?.laterality],
    [say("outOfDistribution"), odd && say("oddScore", odd.score === null ? "∞" : odd.score.toFixed(2), odd.threshold.toFixed(2))],
    [say("quality"), quality && (quality.assessed ? (result.status === "failed" ? measures.map(([name, value]) => `${name} ${Number(value.toFixed(3))}`).join(say("comma")) : say("qualityGood")) : say("qualityNone"))],
    [say("study"), item.study], [say("series"), item.series], [say("instance"), input?.sopInstanceUID],
    [say("identifier"), result.id], [say("sha256"), input?.sha256], [say("time"), result.time && timeText(result.time)],
    [say("took"), result.timing?.total_us && `${(result.timing.total_us / 1000).toFixed(1)} ms`],
    ["", result.answeredFrom && say("repeats")]));
}
