
/* What the reader says of the images. A review is { id, sha256, path, time, decision, labels: { name: call }, note }. */
const reviews = { byId: new Map(), isKept: false, isExported: true, reviewer: "" };
const limitNoteByteCount = 8192;
const decided = { accept: "accepted", reject: "rejected", amend: "amended" };

function storageKey() {
  return `tern.reviews/1 ${report.model.digest ?? ""} ${report.data.folder ?? ""}`;
}

function restoreReviews() {
  try {
    const probe = "tern.probe";
    localStorage.setItem(probe, "1");
    localStorage.removeItem(probe);
    reviews.isKept = true;
    const stored = JSON.parse(localStorage.getItem(storageKey()) ?? "null");
    reviews.reviewer = typeof stored?.reviewer === "string" ? stored.reviewer : "";
    for (const entry of stored?.reviews ?? []) {
      const image = report.byId.get(entry?.id);
      const review = image && readEntry({ ...entry, bodies: bodiesOf(entry) }, image);
      if (review) reviews.byId.set(image.id, review);
    }
  } catch {
    /* What is stored is not ours, or nothing is stored at all: the report works without it. */
  }
}

function keepReviews() {
  reviews.isExported = false;
  try {
    localStorage.setItem(storageKey(), JSON.stringify({ reviewer: reviews.reviewer, reviews: [...reviews.byId.values()] }));
    reviews.isKept = true;
  } catch {
    reviews.isKept = false;
  }
}

function setReview(image, decision, labels, note) {
  const review = { id: image.id, sha256: image.result.input?.sha256 ?? null, path: image.path, time: new Date().toISOString(), decision, labels, note };
  reviews.byId.set(image.id, review);
  keepReviews();
  return review;
}

function removeReview(image) {
  const review = reviews.byId.get(image.id);
  reviews.byId.delete(image.id);
  keepReviews();
  return review;
}

/* The bodies of POST /v1/findings/ID/review that say the same as a review. */
function bodiesOf(review) {
  const note = review.note ? { note: review.note } : {};
  const changed = Object.entries(review.labels ?? {});
  if (review.decision !== "amend" || !changed.length) return [{ decision: review.decision, ...note }];
  return changed.map(([label, call], index) => ({ decision: "amend", label, call, ...(index ? {} : note) }));
}

function exportedReviews() {
  const { name, version, digest } = report.model;
  const list = report.images.filter((image) => reviews.byId.has(image.id)).map((image) => {
    const review = reviews.byId.get(image.id);
    return { id: image.id, path: image.path, sha256: image.result.input?.sha256 ?? null, time: review.time, bodies: bodiesOf(review) };
  });
  return {
    schema: "tern.reviews/1", time: new Date().toISOString(), folder: report.data.folder ?? null, reviewer: reviews.reviewer || null,
    model: { name, version, digest }, reviews: list,
  };
}

/* Reads what `exportedReviews` wrote. Of two reviews of an image the newer one stays. Returns counts; throws for what is no such file. */
function importReviews(text) {
  const file = JSON.parse(text);
  if (file?.schema !== "tern.reviews/1" || !Array.isArray(file.reviews)) throw new Error("tern.reviews/1");
  const counts = { taken: 0, older: 0, others: 0 };
  for (const entry of file.reviews) {
    const image = report.byId.get(entry?.id) ?? report.images.find((image) => image.path === entry?.path && image.result.input?.sha256 && image.result.input.sha256 === entry?.sha256);
    const review = image && file.model?.digest === report.model.digest ? readEntry(entry, image) : null;
    if (!review) counts.others += 1;
    else if ((reviews.byId.get(image.id)?.time ?? "") > review.time) counts.older += 1;
    else {
      counts.taken += 1;
      reviews.byId.set(image.id, review);
    }
  }
  if (counts.taken) keepReviews();
  return counts;
}

const isDecision = (decision) => typeof decision === "string" && Object.hasOwn(decided, decision);

/* A review as a file or the storage has it, or null for what this page would not have written: anyone can write either. */
function readEntry(entry, image) {
  const bodies = Array.isArray(entry.bodies) ? entry.bodies : [];
  const decision = bodies[0]?.decision;
  if (!isDecision(decision) || bodies.some((body) => body?.decision !== decision)) return null;
  if (typeof entry.time !== "string" || isNaN(new Date(entry.time))) return null;
  const labels = {};
  for (const body of bodies) {
    if (body.label === undefined) continue;
    if (decision !== "amend") return null;
    if (!image.findings.some((finding) => finding.label === body.label) || !["positive", "negative", "review"].includes(body.call)) return null;
    labels[body.label] = body.call;
  }
  const note = bodies.map((body) => body.note).filter((note) => typeof note === "string").join("\n");
  if (new TextEncoder().encode(note).length > limitNoteByteCount) return null;
  if (decision === "amend" && !note && !Object.keys(labels).length) return null;
  return { id: image.id, sha256: image.result.input?.sha256 ?? null, path: image.path, time: new Date(entry.time).toISOString(), decision, labels, note };
}

/* RFC 4180; a spreadsheet takes none of it for a formula. */
function cellText(value) {
  let text = value === null || value === undefined ? "" : String(value);
  if (/^[=+\-@\t\r]/.test(text) && !/^-?\d+(\.\d+)?$/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function exportedTable() {
  const labels = [...new Set(report.images.flatMap((image) => image.findings.map((finding) => finding.label)))];
  const head = ["path", "study", "answer", "reason", "tier", ...labels.flatMap((label) => [`${label} score`, `${label} threshold`, `${label} call`]),
    "review", ...labels.map((label) => `${label} reviewed call`), "note", "review time", "reviewer", "result", "sha256", "model", "model digest"];
  const rows = report.images.map((image) => {
    const review = reviews.byId.get(image.id);
    const of = (label) => image.findings.find((finding) => finding.label === label);
    return [image.path, image.item.study, image.answer.value, image.answer.reason?.value, image.tier,
      ...labels.flatMap((label) => [of(label)?.score, of(label)?.threshold, of(label)?.call]),
      review?.decision, ...labels.map((label) => review?.labels?.[label]), review?.note, review?.time, review ? reviews.reviewer : "", image.id,
      image.result.input?.sha256, `${report.model.name} ${report.model.version}`, report.model.digest];
  });
  return "\uFEFF" + [head, ...rows].map((row) => row.map(cellText).join(",")).join("\r\n") + "\r\n";
}

function download(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = element("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
