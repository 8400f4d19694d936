
/* What the report holds, in the order in which it is to be worked through. */
const answers = ["finding", "needs_review", "not_analysed", "no_finding"];
const tiers = ["high", "medium", "review"];

/* The answer of a result as tern.result/1 words it; for one without it the same rule. */
function answerOf(result) {
  if (result.answer && answers.includes(result.answer.value)) return { value: result.answer.value, reason: result.answer.reason ?? null };
  const own = (value, meaning) => ({ scheme: "99TERN", value, meaning });
  if (result.status !== "succeeded" && result.status !== "partially_succeeded") {
    return { value: "not_analysed", reason: result.reason ?? own("NOT-ATTEMPTED", "The analysis was not attempted") };
  }
  const findings = result.findings ?? [];
  const review = (value, meaning) => ({ value: "needs_review", reason: own(value, meaning) });
  if (findings.some((finding) => finding.call === "positive")) return { value: "finding", reason: null };
  if (!findings.length) return review("NO-LABELS", "The model reports no label");
  if (findings.some((finding) => finding.operatingPointConfirmed === false)) return review("UNCONFIRMED", "The thresholds are not confirmed");
  if (result.outOfDistribution?.flagged) return review("OUT-OF-DISTRIBUTION", "The image is unlike those that the model was made for");
  if (findings.some((finding) => finding.threshold === null)) return review("NO-OPERATING-POINT", "A label has no operating point");
  if (result.status === "partially_succeeded") return review("FRAMES-REFUSED", "Some frames were not analysed");
  if ((result.frames ?? []).some((frame) => frame.outOfDistribution?.flagged)) return review("FRAMES-OUT-OF-DISTRIBUTION", "Some frames are unlike the model's");
  if (findings.some((finding) => finding.tier === "review")) return review("NEAR-THRESHOLD", "A score is too near to its threshold");
  return { value: "no_finding", reason: null };
}

/* The finding that decides where an image stands: positive before others, the surest tier, the highest score. */
function leadOf(findings) {
  const weight = (finding) => (finding.call === "positive" ? 0 : 10) + tiers.indexOf(finding.tier);
  return [...findings].sort((a, b) => (a.call === "positive" || b.call === "positive" ? weight(a) - weight(b) : 0) || b.score - a.score)[0] ?? null;
}

/* One image of the report. */
function imageOf(item) {
  const result = item.result;
  const findings = result.findings ?? [];
  const answer = answerOf(result);
  const lead = leadOf(findings);
  const path = String(item.path);
  // As a file `path` is exported and compared; what is read is `shownPath`, `name` and `folder`.
  const shownPath = visibleName(path);
  const image = {
    item, result, findings, answer, lead, path, shownPath, id: result.id, name: shownPath.split("/").pop(), folder: shownPath.split("/").slice(0, -1).join("/"),
    tier: lead && answer.value !== "not_analysed" ? lead.tier : "",
    positives: findings.filter((finding) => finding.call === "positive"),
  };
  image.text = [path, shownPath, item.study, item.series, result.id, answer.reason?.value, answer.reason?.meaning, ...findings.flatMap((finding) => [finding.label, labelNamed(finding.label)?.chineseName])]
    .filter(Boolean).join("\n").toLowerCase();
  return image;
}

/* Finding, needs a person, not analysed, no finding; of findings the surest tier first, of "no finding" the least sure; then the score. */
function byUrgency(a, b) {
  const order = answers.indexOf(a.answer.value) - answers.indexOf(b.answer.value);
  if (order) return order;
  const tier = tiers.indexOf(a.tier) - tiers.indexOf(b.tier);
  if (tier) return a.answer.value === "no_finding" ? -tier : tier;
  return (b.lead?.score ?? 0) - (a.lead?.score ?? 0) || a.item.index - b.item.index;
}

const report = { data: null, model: { labels: [] }, images: [], byId: new Map(), studies: new Map() };

function readReport() {
  const data = JSON.parse(document.getElementById("tern-data").textContent);
  report.data = data;
  report.model = { name: "", version: "", labels: [], limits: [], ...data.model };
  report.model.labels ??= [];
  report.images = data.items.map(imageOf).sort(byUrgency);
  report.images.forEach((image, index) => {
    image.rank = index;
    report.byId.set(image.id, image);
    if (!image.item.study) return;
    if (!report.studies.has(image.item.study)) report.studies.set(image.item.study, []);
    report.studies.get(image.item.study).push(image);
  });
}

const labelNamed = (name) => report.model.labels.find((label) => label.name === name);
/* A label's name in the reader's language. */
function labelText(name) {
  const label = labelNamed(name);
  return (language === "zh" && label?.chineseName) || name;
}
const reportedLabels = () => report.model.labels.filter((label) => label.reported !== false).map((label) => label.name);

/* The one sentence that says what an image's answer is. */
function headline(image) {
  const { value, reason } = image.answer;
  if (value === "finding") return say("heading_finding", listed(image.positives.map((finding) => labelText(finding.label))));
  if (value === "needs_review") return say("heading_needs_review");
  if (value === "not_analysed") return say("heading_not_analysed", explained(reason).text);
  const names = image.findings.map((finding) => labelText(finding.label));
  return say("heading_no_finding", listed(names.length ? names : reportedLabels().map(labelText), "or"));
}

/* The short line of the list: what for, or why. */
function gist(image) {
  const { value, reason } = image.answer;
  if (value === "finding") return listed(image.positives.map((finding) => labelText(finding.label)));
  if (reason) return upperFirst(explained(reason).text);
  return image.tier ? `${say("tier")}${language === "zh" ? "：" : ": "}${say(`tier_${image.tier}`)}` : "";
}
/* Of a file with several frames the one in the picture: that of the highest finding. */
function shownFrame(image) {
  if (!image.result.frames?.length || !image.item.pictures) return null;
  return image.item.pictures.frame ?? [...image.findings].sort((a, b) => b.score - a.score)[0]?.frame ?? null;
}
const shareValue = (share) => (share === null || share === undefined ? null : typeof share === "number" ? { value: share } : share);
