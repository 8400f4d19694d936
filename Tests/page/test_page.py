"""The page of a screening in a real browser. Every test ends with an empty console and without a request to the network (conftest.py)."""

import copy
import csv
import io
import json
import re

import jsonschema
import pytest
import yaml
from pypdf import PdfReader

import samples
from browser import Keys
from samples import named

ANSWERS = ["finding", "needs_review", "not_analysed", "no_finding"]

# Texts and read attributes of the page that have a character that is not seen.
UNSEEN = r"""const all = [document.title], unseen = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u200E\u200F\u202A-\u202E\u2066-\u2069]/;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode;
        if (node.nodeType === 3 && node.parentNode.tagName !== 'SCRIPT') all.push(node.data);
        if (node.nodeType === 1) all.push(...['title', 'alt', 'placeholder', 'aria-label'].map(name => node.getAttribute(name) ?? ''));
    }
    return all.filter(text => unseen.test(text))"""


def counts(data):
    """How many images have each answer."""
    found = [item["result"]["answer"]["value"] for item in data["items"]]
    assert set(found) == set(ANSWERS), "the samples have every answer"
    return [found.count(answer) for answer in ANSWERS]


def rows(browser):
    return browser.run("return [...document.querySelectorAll('.row')].map(row => [row.className.match(/answer-(\\w+)/)[1], row.querySelector('.row-name').innerText])")


def test_the_program_writes_this_page(browser, screened, data):
    import assemble

    head, tail = (b"".join(path.read_bytes() for path in files) for files in assemble.parts())
    content = screened.read_bytes()
    assert content.startswith(head) and content.endswith(tail)
    browser.shape(1280, 800)
    browser.open(screened)
    try:
        assert len(rows(browser)) >= 6 and browser.text("#answer-title") == "The model points to pneumonia"
        assert browser.until("const picture = document.querySelector('.picture'); return picture.complete && picture.naturalWidth") == 224
        assert browser.all(".over .map") and "chest/test-0099-pneumonia.png" in browser.one("#image-name").get_attribute("title")
        browser.click(".top-tools > button:nth-of-type(1)")
        assert "other files: 1" in browser.text("dialog") and data["model"]["digest"] in browser.text("dialog")
    finally:
        browser.close_page()


def test_the_list_begins_with_what_is_urgent(browser, show, data):
    show(data, height=2200)
    listed = rows(browser)
    assert len(listed) == len(data["items"])
    assert [answer for answer, _ in listed] == [answer for answer, count in zip(ANSWERS, counts(data)) for _ in range(count)]
    # The surer of two findings first; of those without a finding the least sure.
    assert [name for _, name in listed[:2]] == ["test-0099-pneumonia.png", "test-0098-pneumonia.png"]
    scores = {item["path"].split("/")[-1]: item["result"]["findings"][0] for item in data["items"] if item["result"]["findings"]}
    last = [("medium", "high").index(scores[name]["tier"]) for answer, name in listed if answer == "no_finding"]
    assert last == sorted(last)
    assert browser.texts(".tile-count") == [str(count) for count in counts(data)]
    assert browser.text("#image-name") == "test-0099-pneumonia.png"


def test_the_four_answers_differ_in_word_and_shape(browser, show, data):
    show(data, height=2200)
    seen = {}
    for answer in ANSWERS:
        browser.click(f".row.answer-{answer} .row-button")
        seen[answer] = (browser.text(".banner .kicker"), browser.one(".banner .mark use").get_attribute("href"), browser.text("#answer-title"))
    assert len({words for words, _, _ in seen.values()}) == len({shape for _, shape, _ in seen.values()}) == 4
    shapes = browser.run("return arguments[0].map(name => document.getElementById('mark-' + name).innerHTML)", ANSWERS)
    assert len(set(shapes)) == 4
    assert seen["finding"][2] == "The model points to pneumonia"
    assert seen["no_finding"][2] == "The model does not point to pneumonia"
    assert seen["not_analysed"][2].startswith("Not analysed: the ")
    browser.click(".row.answer-not_analysed .row-button")
    assert "not the same as “no finding”" in browser.text(".banner") and not browser.all(".score")
    browser.click(".row.answer-needs_review .row-button")
    assert "It says nothing here: the image is unlike" in browser.text(".score")


def test_filters(browser, show, data):
    show(data)
    for answer, count in zip(ANSWERS, counts(data)):
        browser.click(f".tile.answer-{answer}")
        assert {found for found, _ in rows(browser)} == {answer} and browser.text("#shown") == f"{count} of 12 images"
        assert browser.one(f".tile.answer-{answer}").get_attribute("aria-pressed") == "true"
        assert browser.one("#detail .banner").get_attribute("class").endswith(answer)
        browser.click(f".tile.answer-{answer}")
    browser.choose("#filter-reason", "BLURRED")
    assert rows(browser) == [["not_analysed", "blurred.png"]]
    browser.click("#clear")
    browser.choose("#filter-tier", "medium")
    assert {name for _, name in rows(browser)} == {
        item["path"].split("/")[-1] for item in data["items"] for finding in item["result"]["findings"] if finding["tier"] == "medium"}
    browser.click("#clear")
    browser.press("/")
    browser.press("WARD half")
    assert rows(browser) == [["not_analysed", "half.png"]]
    browser.choose("#filter-search", "nothing like it")
    assert browser.text("#none") == "No image matches these filters." and not browser.all(".row") and not browser.all(".banner")
    browser.click("#clear")
    assert browser.text("#shown") == "12 images" and len(rows(browser)) >= 5


def test_scores_stand_against_thresholds(browser, show, data):
    show(data)
    finding = named(data, "test-0099-pneumonia.png")["result"]["findings"][0]
    point = data["model"]["labels"][1]["operatingPoint"]
    text = browser.text(".score")
    assert f"{finding['score']:.2f}, above the threshold {point['threshold']:.2f}" in text
    browser.run("document.querySelector('.figures').open = true")
    text = browser.text(".score")
    assert f"measured on {point['positives']} cases with and {point['negatives']} without" in text
    assert f"sensitivity {100 * point['sensitivity']['value']:.1f} %" in text and f"specificity {100 * point['specificity']['value']:.1f} %" in text
    assert f"points to about {round(100 * point['sensitivity']['value'])} and misses" in text
    tick = browser.run("const bar = document.querySelector('.bar').getBoundingClientRect(), tick = document.querySelector('.tick').getBoundingClientRect();"
                       "return (tick.left + tick.width / 2 - bar.left) / bar.width")
    assert tick == pytest.approx(point["threshold"], abs=0.01)
    browser.run("document.querySelectorAll('#detail details').forEach(node => { node.open = true })")
    assert f"score {finding['score']}"[:9] in browser.text(".prose") and "A qualified human" in browser.text(".prose")


def test_the_map_lies_where_it_says_and_fades(browser, show, data):
    data = copy.deepcopy(data)
    item = named(data, "test-0099-pneumonia.png")
    item["maps"][0].update(columns=2, rows=2, values=[0, 1, -0.5, 0], area={"x": 112, "y": 0, "width": 112, "height": 56})
    item["result"]["findings"][0]["location"]["regions"] = [{"x": 56, "y": 28, "width": 112, "height": 56, "share": 0.41, "side": "left",
                                                             "millimetres": {"x": 1, "y": 2, "width": 80.4, "height": 40, "at": "detector"}}]
    show(data)
    place = """const plane = document.querySelector('.plane').getBoundingClientRect(), part = document.querySelector(arguments[0]).getBoundingClientRect();
        return [(part.left - plane.left) / plane.width, (part.top - plane.top) / plane.height, part.width / plane.width, part.height / plane.height]"""
    assert browser.run(place, ".over .map") == pytest.approx([0.5, 0, 0.5, 0.25], abs=1e-3)
    assert browser.run(place, ".over .box") == pytest.approx([0.25, 0.125, 0.5, 0.25], abs=1e-3)
    assert browser.text(".regions") == "Region 1: 41 % of what speaks for pneumonia, patient’s left, 80 × 40 mm at the detector"
    # The corners of the canvas have the values of the patches: what holds 1 of 1.5 holds 2.67 times the even share, a third of the way to six times.
    corners = browser.run("""const map = document.querySelector('.over .map'), canvas = document.createElement('canvas'), [w, h] = [map.width - 1, map.height - 1];
        Object.assign(canvas, { width: map.width, height: map.height });
        const context = canvas.getContext('2d', { willReadFrequently: true });
        context.drawImage(map, 0, 0);
        return [[0, 0], [w, 0], [0, h], [w, h]].map(([x, y]) => [...context.getImageData(x, y, 1, 1).data])""")
    weight = (1 / (1.5 / 4) - 1) / 5
    below, above = (134, 70, 143), (170, 90, 141)
    expected = [low + (weight * 8 - 2) * (high - low) for low, high in zip(below, above)] + [255 * 2 * weight]
    assert corners[1] == pytest.approx(expected, abs=2) and [corner[3] for corner in corners] == [0, corners[1][3], 0, 0]
    for wanted in ("0", "30", "100"):
        browser.choose("input[name=fade]", wanted)
        assert float(browser.one(".over .map").value_of_css_property("opacity")) == pytest.approx(int(wanted) / 100)
    browser.press("[")
    assert float(browser.one(".over .map").value_of_css_property("opacity")) == pytest.approx(0.9)
    browser.press("b")
    assert browser.all(".over .map") and not browser.all(".over .box")
    browser.press("o")
    assert not browser.all(".over .map")


def test_the_window_changes_grey_values(browser, show, data, tmp_path):
    from PIL import Image, ImageStat

    show(data)
    browser.press("o")

    def mean():
        browser.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
        browser.picture(tmp_path / "shot.png")
        x, y, width, height = browser.run("const r = document.querySelector('.picture').getBoundingClientRect(); return [r.left, r.top, r.width, r.height]")
        with Image.open(tmp_path / "shot.png") as image:
            return ImageStat.Stat(image.convert("L").crop((x + 40, y + 20, x + width - 40, y + 150))).mean[0]

    plain = mean()
    browser.choose("input[name=brightness]", 40)
    assert mean() > plain + 40
    browser.press("0")
    assert mean() == pytest.approx(plain, abs=1)
    browser.press("i")
    assert mean() == pytest.approx(255 - plain, abs=3)
    browser.press("0")
    browser.drag(".picture", 90, -60)
    assert browser.texts(".window output") == ["+20", "+30"]
    browser.press("0")
    assert browser.texts(".window output") == ["0", "0"]
    browser.press("+")
    browser.drag(".picture", 30, 20)
    assert "translate(30px, 20px) scale(1.6)" in browser.one(".plane").get_attribute("style")
    browser.press("0", "+")
    assert "scale(1.6)" in browser.one(".plane").get_attribute("style")


def test_review_by_keys_is_kept_and_exported(browser, show, data):
    show(data)
    browser.press("a")
    assert browser.text("#image-name") == "test-0098-pneumonia.png" and browser.text(".toast span") == "Accepted: test-0099-pneumonia.png"
    browser.press("k")
    assert browser.text(".review-state") == "Accepted" and browser.one(".decide-accept").get_attribute("aria-pressed") == "true"
    browser.press("j")
    browser.press("m")
    assert browser.run("return document.activeElement.tagName") == "SELECT"
    browser.press(Keys.ESCAPE)
    browser.press("m")
    browser.click(".primary")
    assert browser.text("#review-error") == "Choose another answer for a label, or write a note."
    browser.choose(".amend select", "negative")
    browser.one("#note").send_keys("an artefact\n=1+1")
    browser.click(".primary")
    browser.press("r")
    assert browser.text("#progress span") == "3 of 12 reviewed"
    browser.reload()
    assert browser.text("#progress span") == "3 of 12 reviewed" and len(browser.all(".badge")) == 3
    browser.choose("#filter-review", "amend")
    assert [name for _, name in rows(browser)] == ["test-0098-pneumonia.png"]
    assert browser.text(".review-state") == "Amended; pneumonia: No finding"

    browser.click(".top-tools > button:nth-of-type(3)")
    browser.choose("#reviewer", "N. N.")
    browser.click("#export-json")
    file = json.loads(browser.downloaded("tern-reviews-*.json"))
    assert file["schema"] == "tern.reviews/1" and file["reviewer"] == "N. N." and file["model"]["digest"] == data["model"]["digest"]
    assert [entry["bodies"] for entry in file["reviews"]] == [
        [{"decision": "accept"}], [{"decision": "amend", "label": "pneumonia", "call": "negative", "note": "an artefact\n=1+1"}], [{"decision": "reject"}]]
    contract = yaml.safe_load((samples.ROOT / "Sources/TernService/openapi.yaml").read_text())
    schema = contract["components"]["schemas"]["NewReview"]
    for entry in file["reviews"]:
        for body in entry["bodies"]:
            jsonschema.validate(body, schema)
    by_id = {item["result"]["id"]: item for item in data["items"]}
    assert all(by_id[entry["id"]]["path"] == entry["path"] and by_id[entry["id"]]["result"]["input"]["sha256"] == entry["sha256"] for entry in file["reviews"])


def test_the_table_opens_in_a_spreadsheet(browser, show, data):
    data = copy.deepcopy(data)
    named(data, "test-0099-pneumonia.png")["path"] = '=HYPERLINK("x"),\n"y".png'
    show(data)
    browser.click(".decide-note") if browser.one(".decide-note").is_displayed() else None
    browser.one("#note").send_keys("+49, a \"note\"")
    browser.press(Keys.ESCAPE)
    browser.press("a")
    browser.click(".top-tools > button:nth-of-type(3)")
    browser.click("#export-csv")
    content = browser.downloaded("tern-worklist-*.csv")
    assert content.startswith(b"\xef\xbb\xbf") and content.endswith(b"\r\n")
    table = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert len(table) == 12 and table[0]["path"] == '\'=HYPERLINK("x"),\n"y".png' and table[0]["note"] == "'+49, a \"note\"" and table[0]["review"] == "accept"
    assert float(table[0]["pneumonia score"]) == named(data, "HYPERLINK(\"x\"),\n\"y\".png")["result"]["findings"][0]["score"] and table[0]["pneumonia call"] == "positive"
    assert [row["answer"] for row in table] == [answer for answer, count in zip(ANSWERS, counts(data)) for _ in range(count)]


def test_reviews_are_imported_once_and_the_newer_one_stays(browser, show, data, tmp_path):
    show(data)
    browser.press("a")
    ids = [named(data, name)["result"]["id"] for name in ("test-0099-pneumonia.png", "test-0098-pneumonia.png", "test-0000-no-finding.png")]
    entry = lambda index, time, **body: {"id": ids[index], "path": "p", "sha256": None, "time": time, "bodies": [body]}
    file = {"schema": "tern.reviews/1", "model": {"digest": data["model"]["digest"]}, "reviews": [
        entry(0, "2020-01-01T00:00:00Z", decision="reject"), entry(1, "2026-01-01T00:00:00Z", decision="amend", label="pneumonia", call="review"),
        entry(2, "2026-01-01T00:00:00Z", decision="amend", label="no such label", call="review"),
        {**entry(2, "2026-01-01T00:00:00Z", decision="accept"), "id": "other"}, {}, None]}
    (tmp_path / "reviews.json").write_text(json.dumps(file))
    (tmp_path / "other.json").write_text('{"a":1}')
    browser.click(".top-tools > button:nth-of-type(3)")
    browser.one("#import").send_keys(str(tmp_path / "other.json"))
    assert browser.until("return document.querySelector('dialog .error').textContent").startswith("This is no file of reviews")
    browser.one("#import").send_keys(str(tmp_path / "reviews.json"))
    assert browser.until("return document.querySelector('.toast span')?.textContent.includes('imported') && document.querySelector('.toast span').textContent") == \
        "1 reviews imported, 1 kept because they are newer, 4 of other images"
    assert browser.text("#progress span") == "2 of 12 reviewed"


def planted(data):
    """Entries that this page would not have written, each for the first image, and two that it would have for the second and the third."""
    ids = [named(data, name)["result"]["id"] for name in ("test-0099-pneumonia.png", "test-0098-pneumonia.png", "test-0000-no-finding.png")]
    good = {"id": ids[0], "time": "2026-01-01T00:00:00Z"}
    label = {"label": "pneumonia", "call": "negative"}
    bodies = [[{"decision": name}] for name in ("toString", "constructor", "__proto__", "hasOwnProperty", "", None, 1, ["accept"], {"accept": 1})]
    bodies += [[], None, "accept", [None], [{"decision": "accept"}, None], [{"decision": "accept"}, {"decision": "reject"}], [{"decision": "accept", **label}],
               [{"decision": "amend"}], [{"decision": "amend", **label, "label": "__proto__"}], [{"decision": "amend", **label, "call": "toString"}],
               [{"decision": "accept", "note": "x" * 8193}]]
    bad = [{**good, "bodies": body} for body in bodies] + [{**good, "time": time, "bodies": [{"decision": "accept"}]} for time in (None, 0, [], "", "soon")]
    return bad, [{**good, "id": ids[1], "bodies": [{"decision": "amend", **label, "note": "seen"}]}, {**good, "id": ids[2], "bodies": [{"decision": "reject", "note": {}}]}]


def test_planted_reviews_are_not_taken(browser, show, data, tmp_path):
    bad, good = planted(data)
    show(data)
    file = {"schema": "tern.reviews/1", "model": {"digest": data["model"]["digest"]}, "reviews": [*bad, *good]}
    (tmp_path / "planted.json").write_text(json.dumps(file))
    browser.click(".top-tools > button:nth-of-type(3)")
    browser.one("#import").send_keys(str(tmp_path / "planted.json"))
    assert browser.until("return document.querySelector('.toast span')?.textContent") == f"2 reviews imported, 0 kept because they are newer, {len(bad)} of other images"
    assert browser.text("#progress span") == "2 of 12 reviewed" and len(browser.all(".badge")) == 2

    # The same in what the browser keeps, as it would stand there.
    def kept(entry):
        bodies = entry["bodies"] if isinstance(entry["bodies"], list) else []
        first = bodies[0] if bodies and isinstance(bodies[0], dict) else {}
        return {"id": entry["id"], "time": entry["time"], "path": "p", "sha256": None, "decision": first.get("decision"), "note": first.get("note", ""),
                "labels": {first["label"]: first["call"]} if "label" in first else {}}

    planted_only = [kept(entry) for entry in bad if not (isinstance(entry["bodies"], list) and len(entry["bodies"]) == 2) and "label" not in str(entry["bodies"])]
    planted_only += [{**kept(good[0]), "id": bad[0]["id"], "labels": labels, "note": ""} for labels in ({"no such": "negative"}, {"pneumonia": "toString"}, "negative", [1], None)]
    stored = json.dumps({"reviewer": {}, "reviews": [None, 1, *planted_only, *map(kept, good)]})
    key = f"tern.reviews/1 {data['model']['digest']} {data['folder']}"
    browser.close_page()
    show(data, prepare=f"localStorage.setItem({json.dumps(key)}, {json.dumps(stored)});")
    assert browser.text("#progress span") == "2 of 12 reviewed" and len(browser.all(".badge")) == 2
    browser.press("j")
    assert browser.text(".review-state") == "Amended; pneumonia: No finding" and browser.one("#note").get_property("value") == "seen"


def test_a_browser_that_keeps_nothing_says_so(browser, show, data):
    show(data, prepare="Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError') } });")
    browser.press("a")
    browser.click(".top-tools > button:nth-of-type(3)")
    assert "This browser keeps nothing: export your reviews" in browser.text("dialog")
    browser.click("#export-json")
    assert len(json.loads(browser.downloaded("tern-reviews-*.json"))["reviews"]) == 1


def test_undo_and_withdraw(browser, show, data):
    show(data)
    browser.press("r")
    browser.click(".toast button")
    assert browser.text("#progress span") == "0 of 12 reviewed" and browser.text("#image-name") == "test-0099-pneumonia.png"
    browser.press("a", "k", "u")
    assert browser.text("#progress span") == "0 of 12 reviewed"
    # The keys of one letter can be switched off.
    browser.press("?")
    browser.click("dialog input[name=keysOn]")
    browser.click("dialog input[name=advance]")
    browser.press(Keys.ESCAPE)
    browser.press("a")
    assert browser.text("#progress span") == "0 of 12 reviewed"
    browser.click(".decide-accept")
    assert browser.text("#progress span") == "1 of 12 reviewed" and browser.text("#image-name") == "test-0099-pneumonia.png"


def test_two_languages(browser, show, data):
    show(data, language="zh", height=2200)
    assert browser.run("return document.documentElement.lang") == "zh-Hans"
    # The name in Chinese is the model file's; without one it is that of the label.
    name = data["model"]["labels"][1]["chineseName"] or "pneumonia"
    assert browser.text("#answer-title") == f"模型提示：{name}" and browser.texts(".tile-text strong") == ["有发现", "需人工判读", "未分析", "无发现"]
    browser.run("document.querySelectorAll('#detail details').forEach(node => { node.open = true })")
    assert named(data, "test-0099-pneumonia.png")["words"]["zh"].split("\n")[0] in browser.text(".prose")
    # Nothing is left in English but what files and models say, and terms that are the same in Chinese.
    left = browser.run("""const texts = []; const walker = document.createTreeWalker(document.getElementById('app'), NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) texts.push(walker.currentNode.data.trim()); return texts""")
    known = ("chest", "ward", data["folder"].split("/")[-1], ".png", "notes.txt", "English", "PNG", "SHA-256", " ms", named(data, "test-0099-pneumonia.png")["result"]["id"],
             named(data, "test-0099-pneumonia.png")["result"]["input"]["sha256"])
    assert [text for text in left if re.search("[A-Za-z]{2}", text) and not re.search("[\u4e00-\u9fff]", text) and not any(part in text for part in known)] == []
    # A busy Chromium may drop what was stored soon after the storage was emptied, as it was before this page; a page that stores nothing drops it each time.
    for _ in range(4):
        browser.click(".languages button:first-child")
        assert browser.text("#answer-title") == "The model points to pneumonia"
        browser.reload()
        if browser.run("return document.documentElement.lang") == "en":
            break
    assert browser.run("return document.documentElement.lang") == "en"


# Each width, each scheme of colours and each language once.
@pytest.mark.parametrize("width,dark,language", [(1280, False, "en"), (360, True, "zh")])
def test_accessibility(browser, show, data, width, dark, language):
    show(data, width=width, height=800, dark=dark, language=language)
    if width < 500:
        assert browser.violations() == []
        browser.click(".row-button")
    browser.run("document.querySelectorAll('#detail details').forEach(node => { node.open = true })")
    browser.press("m")
    assert browser.violations() == []
    if width > 500:
        for answer in ANSWERS[1:]:
            browser.run("document.querySelector(`.row.answer-${arguments[0]} .row-button`)?.click()", answer)
            assert browser.violations("#detail") == []
        for index in (1, 2, 3, 4):
            browser.click(f".top-tools > button:nth-of-type({index})")
            assert browser.violations("dialog") == []
            browser.press(Keys.ESCAPE)


def test_a_screen_reader_finds_its_way(browser, show, data):
    show(data)
    nodes = browser.command("Accessibility.getFullAXTree")["nodes"]
    named = {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]}
    roles = {role for role, _ in named}
    assert {"main", "banner", "search", "navigation", "status"} <= roles
    assert ("heading", "Worklist most urgent first") in named or any(role == "heading" and name.startswith("Worklist") for role, name in named)
    assert not [pair for pair in named if pair[0] in ("button", "combobox", "searchbox", "slider", "switch", "textbox", "image") and not pair[1]]
    row = browser.one(".row")
    assert (row.get_attribute("aria-setsize"), row.get_attribute("aria-posinset")) == ("12", "1")
    browser.click(".tile.answer-no_finding")
    said = browser.until("return document.getElementById('announcer').textContent")
    assert said == f"{counts(data)[3]} of 12 images" or said.endswith(": The model does not point to pneumonia")
    # Tab goes from the tiles through the filters to the list.
    browser.one("#filter-reason").click()
    browser.press(Keys.ESCAPE)
    browser.run("document.getElementById('clear').focus()")
    browser.press(Keys.TAB)
    assert "row-button" in browser.run("return document.activeElement.className")
    browser.press(Keys.ARROW_DOWN)
    assert browser.one(".row-button[aria-current]") == browser.driver.switch_to.active_element


def test_a_small_screen(browser, show, data):
    show(data, width=360, height=740)
    fits = "return document.documentElement.scrollWidth <= innerWidth && [...document.querySelectorAll('button, select, input, h1, h2, h3, p')].every(node => node.getBoundingClientRect().right <= innerWidth + 0.5)"
    assert browser.run(fits)
    browser.run("window.scrollTo(0, 300)")
    browser.click(".row:nth-child(3) .row-button")
    assert browser.run(fits) and browser.run("return scrollY") == 0 and not browser.one("#pane").is_displayed()
    small = browser.run("""return [...document.querySelectorAll('button, select, input, textarea, summary')].filter(node => node.offsetParent)
        .map(node => [node.className || node.tagName, node.closest('label') ?? node]).filter(([, node]) => node.getBoundingClientRect().height < 43.5).map(([name]) => name)""")
    assert set(small) <= {"SUMMARY", "link"}, small
    browser.press("j")
    assert browser.text(".position") == "4 of 12"
    browser.click(".back")
    assert browser.until("return document.getElementById('pane').offsetParent !== null && scrollY > 200")
    assert browser.run("return document.activeElement.className") == "row-button"


def test_prints_one_image_a_page(browser, show, data):
    show(data)
    browser.press("a")
    reader = PdfReader(io.BytesIO(browser.pdf()))
    pages = [" ".join(page.extract_text().split()) for page in reader.pages]
    assert len(pages) == 12
    assert "chest/test-0099-pneumonia.png" in pages[0] and "The model points to pneumonia" in pages[0] and "Accepted" in pages[0] and "1 / 12" in pages[0]
    assert all("A person decides." in page for page in pages) and "ward/upside-down.png" in pages[2]
    assert not browser.all("#paper .sheet")
    browser.click(".tile.answer-not_analysed")
    assert len(PdfReader(io.BytesIO(browser.pdf())).pages) == counts(data)[2] == 3
    # The keys of the browser's own print ask which.
    browser.chord(Keys.CONTROL, "p")
    assert browser.texts("dialog .choices button") == ["This image", "The 3 images of the list"]


def test_a_print_that_nobody_was_asked_about_is_limited(browser, show, many):
    show({**many, "items": many["items"][:60]})
    sheets = "window.dispatchEvent(new Event(arguments[0])); return [...document.querySelectorAll('#paper .sheet')].map(node => node.textContent)"
    made = browser.run(sheets, "beforeprint")
    assert len(made) == 50 and all("50 of 60 images" in text for text in made)
    assert ["These are the first 50 of 60 images." in text for text in made] == [True] + [False] * 49
    assert browser.run(sheets, "afterprint") == []
    browser.choose("#filter-search", "image-004")
    made = browser.run(sheets, "beforeprint")
    assert len(made) == 10 and not any("first" in text for text in made)
    browser.run(sheets, "afterprint")
    # With the capital lock on, too, the browser's own print asks.
    browser.run("document.dispatchEvent(new KeyboardEvent('keydown', { key: 'P', ctrlKey: true, bubbles: true, cancelable: true }))")
    assert browser.texts("dialog .choices button")[1] == "The 10 images of the list"


def test_five_hundred_images_stay_fluid(browser, show, many):
    show(many)
    ready = browser.run("const [entry] = performance.getEntriesByType('navigation'); return entry.domContentLoadedEventEnd")
    # Eight times and more what a machine of two cores measured while it was busy: at most 0.4 s, 19 ms, 26 ms.
    assert ready < 5_000
    assert browser.text("#shown") == "500 images" and len(browser.all(".row")) < 40
    step = browser.run("""const start = performance.now();
        for (let count = 0; count < 40; count++) { document.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', bubbles: true })); document.body.offsetHeight; }
        return (performance.now() - start) / 40""")
    typed = browser.run("""const field = document.getElementById('filter-search'), start = performance.now();
        field.value = 'image-0499'; field.dispatchEvent(new Event('input')); document.body.offsetHeight; return performance.now() - start""")
    print(f"ready {ready:.0f} ms, one image on {step:.1f} ms, search {typed:.1f} ms")
    assert step < 150 and typed < 300 and browser.text("#shown") == "1 of 500 images"
    browser.click("#clear")
    browser.run("document.getElementById('pane').scrollTop = 1e9")
    assert browser.until("return document.querySelector('.row[aria-posinset=\"500\"] .row-name')?.textContent")
    assert len(browser.all(".row")) < 50


def test_pictures_in_a_folder_beside_the_report(browser, show, data, tmp_path):
    import base64

    data = copy.deepcopy(data)
    (tmp_path / "report-files").mkdir()
    for item in data["items"]:
        if item["pictures"]:
            name = f"report-files/{item['index']:06}.jpg"
            (tmp_path / name).write_bytes(base64.b64decode(item["pictures"]["full"].partition(",")[2]))
            item["pictures"]["full"] = name
    show(data)
    assert browser.until("const picture = document.querySelector('.picture'); return picture.complete && picture.naturalWidth") == 224
    browser.press("i")
    assert browser.until("return document.querySelector('.picture').style.filter.includes('url(')")
    (tmp_path / "report-files" / f"{named(data, 'test-0098-pneumonia.png')['index']:06}.jpg").unlink()
    browser.press("j")
    assert browser.until("return document.querySelector('.missing')?.textContent") == "The picture cannot be shown. Is the folder “report-files” beside this file?"
    browser.read_logs()
    browser.console = [line for line in browser.console if "report-files/" not in line]


def test_text_of_files_is_text(browser, show, data):
    data = copy.deepcopy(data)
    hostile = "</script><script>document.title='run'</script><img src=x onerror=\"document.title='run'\">"
    data["folder"] = hostile
    data["model"].update(title=hostile, limits=[hostile], intendedUse=hostile, name=hostile)
    data["model"]["labels"][1].update(name=hostile, chineseName=hostile)
    for item in data["items"]:
        item["path"] = f"{hostile}/{item['index']}{hostile}"
        item["words"] = {"en": hostile}
        for finding in item["result"]["findings"]:
            finding.update(label=hostile, operatingPoint=hostile)
        if item["result"]["reason"]:
            item["result"]["reason"].update(value="OTHER", meaning=hostile)
    show(data, height=2000)
    browser.click(".top-tools > button:nth-of-type(1)")
    assert hostile in browser.text("dialog") and hostile in browser.text("#answer-title")
    browser.pdf()
    assert "run" != browser.driver.title and not browser.run("return document.querySelectorAll('img[src=x]').length")


def test_characters_that_are_not_seen_are_shown_by_their_numbers(browser, show, data):
    data = copy.deepcopy(data)
    codes = [0x01, 0x09, 0x0A, 0x0D, 0x1B, 0x7F, 0x85, 0x9F, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
    raw, shown = "".join(map(chr, codes)), "".join(f"\\u{{{code:X}}}" for code in codes)
    first = named(data, "test-0099-pneumonia.png")
    first["path"] = f"ward{raw}/scan\u202Egnp.exe"
    first["study"] = first["result"]["findings"][0]["operatingPoint"] = f"1.2\u202E3"
    for item in data["items"][1:]:
        item["words"] = {"en": f"The file\u2067 {item['path']}"}
    data["folder"] = f"/data/night{raw}"
    show(data)
    name = "scan\\u{202E}gnp.exe"
    assert browser.text("#image-name") == browser.text(".row-name") == name and browser.text(".path") == f"ward{shown}/"
    assert browser.one("#image-name").get_attribute("title") == f"ward{shown}/{name}" and browser.one(".folder").get_attribute("title") == f"/data/night{shown}"
    assert name in browser.one(".picture").get_attribute("alt") and browser.driver.title == f"Screening report · night{shown} · Tern"
    # What is written differs from what is looked for: both are found.
    for wanted in (name, "scan\u202Egnp"):
        browser.choose("#filter-search", wanted)
        assert browser.text("#shown") == "1 of 12 images"
    browser.click("#clear")
    text = PdfReader(io.BytesIO(browser.pdf())).pages[0].extract_text()
    assert name in text and "1.2\\u{202E}3" in text
    browser.press("a")
    assert browser.text(".toast span") == f"Accepted: {name}" and browser.until("return document.getElementById('announcer').textContent") == f"Accepted: {name}"
    for index in (1, 2, 3, 4):
        browser.click(f".top-tools > button:nth-of-type({index})")
        assert browser.run(UNSEEN) == []
        browser.press(Keys.ESCAPE)
    browser.run("window.dispatchEvent(new Event('beforeprint'))")
    assert browser.run(UNSEEN) == []
    browser.run("window.dispatchEvent(new Event('afterprint'))")
    # A review is of the file as it is called.
    browser.click(".top-tools > button:nth-of-type(3)")
    browser.click("#export-json")
    assert json.loads(browser.downloaded("tern-reviews-*.json"))["reviews"][0]["path"] == first["path"]


def test_empty_and_damaged_reports(browser, show, data, tmp_path):
    show({**data, "items": []})
    assert browser.text("#none") == browser.text("#detail") == "There are no images in this report."
    path = tmp_path / "damaged.html"
    path.write_bytes((tmp_path / "report.html").read_bytes().replace(b'{"schema"', b'{"schem'))
    browser.driver.get(path.as_uri())
    assert browser.text("#app").startswith("The data of this report cannot be read.")
    browser.read_logs()
    browser.console = [line for line in browser.console if "SyntaxError" not in line]
