
/* The picture with its window, and the map and boxes over it. The picture is never read back, so it may lie in a file of its own. */
const view = { wantsMap: true, isMapOn: true, fade: 0.85, hasBoxes: true, label: null };
/* The colours of TernRegions: dark blue, purple, orange, light yellow, in equal steps for the eye. */
const mapColours = [
  [57, 35, 142], [96, 53, 143], [134, 70, 143], [170, 90, 141], [201, 113, 136], [228, 139, 129], [247, 169, 117], [255, 200, 99], [255, 231, 71],
];

/* The size that maps and boxes are stated in: that of the decoded image. */
function planeOf(image) {
  const { quality } = image.result, { pictures } = image.item;
  return { width: quality?.width ?? pictures?.width ?? 1, height: quality?.height ?? pictures?.height ?? 1 };
}
const mapsOf = (image) => image.item.maps ?? [];
const mapFor = (image, label) => mapsOf(image).find((map) => map.label === label) ?? null;
const lookedFor = (image) => mapFor(image, view.label) ?? mapFor(image, image.lead?.label) ?? mapsOf(image)[0] ?? null;

/* Places an element over a part of the plane, whatever size that is shown at. */
function lay(node, { x, y, width, height }, plane) {
  node.style.left = `${(100 * x) / plane.width}%`;
  node.style.top = `${(100 * y) / plane.height}%`;
  node.style.width = `${(100 * width) / plane.width}%`;
  node.style.height = `${(100 * height) / plane.height}%`;
  return node;
}

/* Colour means concentration, on one scale for every picture, as in TernRegions: what a patch holds of all that speaks for or against, from the even share,
   which has no colour, to six times as much. Between the centres of patches values go over into each other in a straight line. */
const fullConcentration = 6;
function mapWeights(map) {
  const even = map.values.reduce((sum, value) => sum + Math.abs(value), 0) / map.values.length;
  return map.values.map((value) => (value > even ? Math.min((value - even) / (even * (fullConcentration - 1)), 1) : 0));
}

function mapCanvas(map, plane) {
  const weights = mapWeights(map);
  const factor = Math.max(1, Math.round(256 / Math.max(map.columns, map.rows)));
  const canvas = element("canvas", { class: "map", width: map.columns * factor, height: map.rows * factor, "aria-hidden": "true" });
  const places = (count) => Array.from({ length: count * factor }, (_, pixel) => {
    const place = Math.min(Math.max((pixel + 0.5) / factor - 0.5, 0), count - 1);
    return [Math.floor(place), Math.min(Math.floor(place) + 1, count - 1), place - Math.floor(place)];
  });
  const columns = places(map.columns), rows = places(map.rows);
  const pixels = new ImageData(canvas.width, canvas.height);
  let target = 0;
  for (const [top, bottom, down] of rows) {
    for (const [left, right, across] of columns) {
      const at = (row) => weights[row * map.columns + left] * (1 - across) + weights[row * map.columns + right] * across;
      const weight = at(top) * (1 - down) + at(bottom) * down;
      const stop = Math.min(Math.floor(weight * 8), 7), part = weight * 8 - stop;
      for (let channel = 0; channel < 3; channel++) pixels.data[target + channel] = mapColours[stop][channel] * (1 - part) + mapColours[stop + 1][channel] * part;
      // A weak colour hides little: half of the scale hides as much as any.
      pixels.data[target + 3] = 255 * Math.min(2 * weight, 1);
      target += 4;
    }
  }
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return lay(canvas, map.area, plane);
}

const findingOf = (image, label) => image.findings.find((finding) => finding.label === label);
/* Of a finding that is in another frame than the one shown, nothing can be drawn. */
function locationOf(image, label) {
  const finding = findingOf(image, label);
  return finding?.frame === undefined || finding.frame === shownFrame(image) ? finding?.location : undefined;
}
const regionsOf = (image, label) => locationOf(image, label)?.regions ?? [];
const boxNode = (region, index, plane) => lay(element("div", { class: "box", "aria-hidden": "true" }, element("span", {}, String(index + 1))), region, plane);

function regionText(region, index, label) {
  const parts = [say("region", index + 1, percent(region.share), labelText(label))];
  if (region.side) parts.push(say(`side_${region.side}`));
  const scale = region.millimetres;
  if (scale) parts.push(say(scale.at === "detector" ? "size_detector" : "size_patient", Math.round(scale.width), Math.round(scale.height)));
  return parts.join(say("comma"));
}

function legend(map, hasRegions) {
  const isRelevance = map.method === "token-relevance";
  return [
    element("p", { class: "legend" }, say("scaleEven"), element("span", { class: "swatch" }), say("scaleFull")),
    element("p", {}, say(isRelevance ? "mapNote_relevance" : "mapNote_shares", labelText(map.label)), hasRegions ? null : ` ${say("noRegion")}`),
  ];
}

/* The viewer of one image: a node, and what keys may do with it. */
function makeViewer(image) {
  const plane = planeOf(image);
  const window_ = { brightness: 0, contrast: 0, isInverted: false };
  const place = { zoom: 1, x: 0, y: 0 };
  const { pictures } = image.item;
  view.isMapOn = view.wantsMap && image.answer.value === "finding";
  view.label = null;

  const layer = element("div", { class: "plane" });
  layer.style.aspectRatio = `${plane.width} / ${plane.height}`;
  layer.style.setProperty("--ratio", plane.width / plane.height);
  const stage = element("div", { class: "stage" }, layer);
  if (!pictures) return { node: element("figure", { class: "viewer" }, element("div", { class: "stage empty" }, element("p", {}, say("noPicture")))) };

  const picture = element("img", {
    class: "picture", src: pictures.full ?? pictures.thumbnail, decoding: "async", draggable: "false",
    alt: say("pictureOf", image.name, plane.width, plane.height),
    onerror: () => stage.replaceChildren(element("p", { class: "missing" }, say("pictureMissing"))),
  });
  const over = element("div", { class: "over" });
  layer.append(picture, over);

  const fade = range("fade", 0, 100, Math.round(100 * view.fade), (value) => { view.fade = value / 100; if (!view.isMapOn) switchMap(true); drawMap(); }, (value) => `${value} %`);
  const mapSwitch = toggle("where", view.isMapOn, switchMap);
  const boxSwitch = toggle("boxes", view.hasBoxes, (isOn) => { view.hasBoxes = isOn; drawMap(); });
  const regions = element("ol", { class: "regions" });
  const explanation = element("div", { class: "map-note" });

  function switchMap(isOn) {
    view.isMapOn = isOn;
    if (image.answer.value === "finding") view.wantsMap = isOn;
    drawMap();
  }
  function drawMap() {
    const map = lookedFor(image);
    over.replaceChildren();
    mapSwitch.input.checked = view.isMapOn;
    boxSwitch.input.checked = view.hasBoxes;
    const label = map?.label ?? image.lead?.label;
    const list = regionsOf(image, label);
    if (map && view.isMapOn) {
      const canvas = mapCanvas(map, plane);
      canvas.style.opacity = view.fade;
      over.append(canvas);
    }
    if (view.isMapOn && view.hasBoxes) over.append(...list.map((region, index) => boxNode(region, index, plane)));
    boxSwitch.node.hidden = !list.length;
    regions.hidden = !view.isMapOn || !view.hasBoxes || !list.length;
    regions.replaceChildren(...list.map((region, index) => element("li", {}, regionText(region, index, label))));
    explanation.replaceChildren();
    if (map && view.isMapOn) explanation.append(...legend(map, list.length > 0 || !locationOf(image, label)));
  }

  const brightness = range("brightness", -100, 100, 0, (value) => { window_.brightness = value; shade(); });
  const contrast = range("contrast", -100, 100, 0, (value) => { window_.contrast = value; shade(); });
  const invert = toggle("invert", false, (isOn) => { window_.isInverted = isOn; shade(); });
  /* The window is a straight line through the grey values, turned round when inverted. */
  function shade() {
    const slope = 2 ** (window_.contrast / 40);
    const start = 0.5 - slope / 2 + window_.brightness / 100;
    const [factor, offset] = window_.isInverted ? [-slope, 1 - start] : [slope, start];
    for (const part of document.querySelectorAll("#window feFuncR, #window feFuncG, #window feFuncB")) {
      part.setAttribute("slope", factor);
      part.setAttribute("intercept", offset);
    }
    const isPlain = factor === 1 && offset === 0;
    // A filter that is changed is drawn again only when it is set again.
    picture.style.filter = "none";
    if (!isPlain) requestAnimationFrame(() => { picture.style.filter = "url(#window)"; });
    invert.input.checked = window_.isInverted;
  }
  function resetWindow() {
    Object.assign(window_, { brightness: 0, contrast: 0, isInverted: false });
    brightness.set(0);
    contrast.set(0);
    zoomTo(1);
    shade();
  }

  function zoomTo(zoom) {
    place.zoom = Math.min(8, Math.max(1, zoom));
    if (place.zoom === 1) Object.assign(place, { x: 0, y: 0 });
    move();
  }
  function move() {
    const room = (place.zoom - 1) / 2;
    const box = layer.getBoundingClientRect();
    const [width, height] = [box.width / (layer.currentZoom ?? 1), box.height / (layer.currentZoom ?? 1)];
    place.x = Math.min(room * width, Math.max(-room * width, place.x));
    place.y = Math.min(room * height, Math.max(-room * height, place.y));
    layer.currentZoom = place.zoom;
    layer.style.transform = place.zoom === 1 ? "" : `translate(${place.x}px, ${place.y}px) scale(${place.zoom})`;
    stage.classList.toggle("zoomed", place.zoom > 1);
  }
  /* A picture that is enlarged is moved; one that fits has its window changed, by a mouse alone, for a finger scrolls the page. */
  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target.closest("button") || (place.zoom === 1 && event.pointerType !== "mouse")) return;
    event.preventDefault();
    stage.setPointerCapture(event.pointerId);
    const start = { x: event.clientX - place.x, y: event.clientY - place.y, brightness: window_.brightness, contrast: window_.contrast };
    const limited = (value) => Math.max(-100, Math.min(100, Math.round(value)));
    const drag = (to) => {
      const [x, y] = [to.clientX - start.x, to.clientY - start.y];
      if (place.zoom > 1) {
        Object.assign(place, { x, y });
        return move();
      }
      contrast.set(limited(start.contrast + x / 3), true);
      brightness.set(limited(start.brightness - y / 3), true);
    };
    stage.addEventListener("pointermove", drag);
    for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, () => stage.removeEventListener("pointermove", drag), { once: true });
  });
  stage.addEventListener("dblclick", () => zoomTo(place.zoom > 1 ? 1 : 2.5));

  const maps = mapsOf(image);
  const chooser = maps.length > 1 && element("label", { class: "field" }, element("span", {}, say("mapFor")),
    element("select", { onchange: (event) => { view.label = event.target.value; drawMap(); } },
      ...maps.map((map) => element("option", { value: map.label, selected: map === lookedFor(image) }, labelText(map.label)))));
  const zooms = element("div", { class: "zooms", role: "group", "aria-label": say("zoomFit") },
    button("+", () => zoomTo(place.zoom * 1.6), { class: "icon-button", "aria-label": say("zoomIn"), title: say("zoomIn") }),
    button("−", () => zoomTo(place.zoom / 1.6), { class: "icon-button", "aria-label": say("zoomOut"), title: say("zoomOut") }));
  stage.append(zooms);
  const node = element("figure", { class: "viewer" }, stage,
    element("figcaption", { class: "tools" },
      shownFrame(image) && element("p", {}, say("frameShown", shownFrame(image))),
      maps.length
        ? element("div", { class: "tool-group" }, element("div", { class: "tool-row" }, mapSwitch.node, boxSwitch.node), fade.node, chooser, explanation, regions)
        : image.answer.value !== "not_analysed" && element("p", { class: "quiet" }, say("noMap")),
      element("div", { class: "tool-group window" }, brightness.node, contrast.node,
        element("div", { class: "tool-row" }, invert.node, button(say("reset"), resetWindow, { class: "small" })))));
  drawMap();
  shade();
  return {
    node,
    toggleMap: () => maps.length && switchMap(!view.isMapOn),
    toggleBoxes: () => { view.hasBoxes = !view.hasBoxes; drawMap(); },
    fadeBy: (step) => fade.set(Math.min(100, Math.max(0, Math.round(100 * view.fade) + step)), true),
    invert: () => { window_.isInverted = !window_.isInverted; shade(); },
    reset: resetWindow,
    zoomBy: (factor) => zoomTo(place.zoom * factor),
  };
}

function range(key, least, most, start, act, text = (value) => (value > 0 ? `+${value}` : `${value}`)) {
  const output = element("output", {}, text(start));
  const input = element("input", { type: "range", min: least, max: most, value: start, name: key, "aria-label": say(key) });
  const follow = () => { output.textContent = text(Number(input.value)); act(Number(input.value)); };
  input.addEventListener("input", follow);
  return {
    node: element("label", { class: "field range" }, element("span", {}, say(key)), input, output),
    set: (value, acts) => { input.value = value; output.textContent = text(value); if (acts) act(value); },
  };
}

function toggle(key, isOn, act) {
  const input = element("input", { type: "checkbox", role: "switch", checked: isOn, name: key, onchange: () => act(input.checked) });
  return { input, node: element("label", { class: "switch" }, input, element("span", {}, say(key))) };
}
