"""The report in words against the result's JSON: every number in it is the result's, and every call is told as it is."""
import re

import pytest
from written_forms import MODELS, infer

LANGUAGES = ("en", "zh")
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")
FIRST_WORDS = {
    "en": {"finding": "FINDING: ", "no_finding": "NO FINDING at this operating point: ", "needs_review": "NEEDS A HUMAN: ", "not_analysed": "NOT ANALYSED: "},
    "zh": {"finding": "阳性发现：", "no_finding": "在当前工作点未见阳性发现：", "needs_review": "需人工阅片：", "not_analysed": "未分析："},
}
HEADINGS = {"en": ["TECHNIQUE AND QUALITY", "FINDINGS", "CONCLUSION", "SUGGESTION"], "zh": ["检查技术", "影像所见", "结论", "建议"]}
HUMAN = {"en": "A qualified human looks at the image and decides; this report is no diagnosis.", "zh": "最终诊断须由具备资质的医师阅片后作出"}
CALLS = {
    "en": {", suggested (positive)": "positive", ", not suggested (negative)": "negative", ", too near to the threshold to say: needs a human": "near",
           ", not decided: needs a human": "review"},
    "zh": {"提示{}（阳性）": "positive", "未提示{}（阴性）": "negative", "{}：过于接近阈值，不作判定，需人工阅片": "near", "{}：不作判定，需人工阅片": "review"},
}
TIERS = {"en": {"high": "high", "medium": "medium", "review": "review"}, "zh": {"高": "high", "中": "medium", "需复核": "review"}}
POINTS = {"均衡": "balanced", "灵敏度优先": "sensitivity-first", "特异度优先": "specificity-first"}


def leaves(value):
    if isinstance(value, dict):
        for key, part in value.items():
            if key != "timing":
                yield from leaves(part)
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part)
    elif value is not None and not isinstance(value, bool):
        yield value


def strange_numbers(text, result):
    """Numbers of the text that are not in the result."""
    known = {value for value in leaves(result) if not isinstance(value, str)}
    # Words of the file, whole: identifiers, digests, names, reasons; quoted texts are the model card's.
    for word in sorted((value for value in leaves(result) if isinstance(value, str)), key=len, reverse=True):
        text = re.sub(rf"(?<![\w.]){re.escape(word)}(?!\w|\.\d)", " ", text)
    text = re.sub("“[^”]*”", " ", text)
    return [number for number in NUMBER.findall(text) if float(number) not in known]


def sections(text, language):
    """Heading -> lines."""
    found, heading = {}, None
    for line in text.split("\n"):
        if line in HEADINGS[language]:
            heading = line
            found[heading] = []
        elif heading and line:
            found[heading].append(line)
    assert list(found) == HEADINGS[language]
    return [found[heading] for heading in HEADINGS[language]]


def findings_told(text, language):
    """What the report says of each label: call, score, threshold, tier, operating point, frame."""
    number = r"(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
    told = []
    if language == "en":
        pattern = (r"(?:^|(?<=: )|(?<=\. ))([^:.]*?)(, suggested \(positive\)|, not suggested \(negative\)|, too near to the threshold to say: needs a human|, not decided: needs a human)\. "
                   rf"(Calibrated score|Score \(not calibrated, no probability\)) {number}"
                   rf"(?:; the label has no operating point\.|(?:, at or above the|, below the|;) threshold {number} of the operating point “([^”]*)”; confidence tier: (\w+)\.)"
                   r"(?: Highest in frame (\d+)\.)?")
        for match in re.finditer(pattern, text, re.M):
            label, call, kind, score, threshold, point, tier, frame = match.groups()
            told.append([label, CALLS["en"][call], kind.startswith("Cal"), score, threshold, point, tier, frame])
    else:
        pattern = (r"(未提示|提示)?([^：。\n]*?)(（阳性）|（阴性）|：(?:过于接近阈值，)?不作判定，需人工阅片)。(校准评分 |评分（未校准，不是概率）)" + number
                   + rf"(?:；该项未设工作点。|(?:，达到|，低于|；)工作点“([^”]*)”的阈值 {number}；把握度：([^。]*)。)(?:评分最高帧：第 (\d+) 帧。)?")
        for match in re.finditer(pattern, text, re.M):
            verb, label, call, kind, score, point, threshold, tier, frame = match.groups()
            call = {"（阳性）": "positive", "（阴性）": "negative", "：过于接近阈值，不作判定，需人工阅片": "near"}.get(call, "review")
            assert verb == {"positive": "提示", "negative": "未提示"}.get(call)
            told.append([label.strip("“”"), call, kind.startswith("校"), score, threshold, POINTS.get(point, point), TIERS["zh"].get(tier, tier), frame])
    return told


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_is_the_results(cases, language):
    for case in cases:
        assert strange_numbers(case.text(language), case.result) == [], case.name


def test_a_number_of_its_own_is_found(cases):
    case = next(case for case in cases if case.answer == "finding")
    score = str(case.result["findings"][0]["score"])
    assert score in case.text("en")
    assert strange_numbers(case.text("en").replace(score, "0.123456"), case.result) == ["0.123456"] * case.text("en").count(score)
    assert strange_numbers(case.text("zh") + "灵敏度 0.95。", case.result) == ["0.95"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_findings_parse_back(cases, language):
    seen = set()
    for case in cases:
        told = findings_told("\n".join(sections(case.text(language), language)[1]), language)
        names = {finding["label"]: finding for finding in case.result["findings"]}
        if case.name.startswith("hostile"):
            continue  # its label has the signs that this parser goes by; test_records reads it
        assert len(told) == len(names), (case.name, told)
        # In Chinese a label has the name that the model file gives it: then order tells which it is.
        for (label, call, calibrated, score, threshold, point, tier, frame), finding in zip(told, ordered(names, told, case)):
            assert label == finding["label"] or language == "zh"
            # A negative call that is too near to its threshold is not told as one.
            expected = "near" if (finding["call"], finding["tier"]) == ("negative", "review") else finding["call"]
            assert (call, calibrated, float(score)) == (expected, finding["calibrated"], finding["score"]), case.name
            assert (float(threshold) if threshold else None, point) == (finding["threshold"], finding["operatingPoint"]), case.name
            assert tier == (finding["tier"] if threshold else None)
            assert (int(frame) if frame else None) == finding.get("frame")
            seen.add(call)
    assert seen == {"positive", "negative", "near", "review"}


def ordered(names, told, case):
    """The findings in the order in which the report tells them: that of the structures, which is the scores' too where they differ."""
    left = list(names.values())
    for label, *_, score, _threshold, _point, _tier, _frame in told:
        match = next((finding for finding in left if finding["label"] == label), None) or next(
            (finding for finding in left if finding["score"] == float(score)), None)
        assert match, (case.name, label)
        left.remove(match)
        yield match


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_answer_is_the_first_word_of_the_conclusion(cases, language):
    answers = set()
    for case in cases:
        conclusion = sections(case.text(language), language)[2]
        words = [word for word, first in FIRST_WORDS[language].items() if conclusion[0].startswith(first)]
        assert words == [case.answer], case.name
        answers.add(case.answer)
        if case.result["answer"]["reason"]:
            assert case.result["answer"]["reason"]["value"] in conclusion[0]
    assert answers == set(FIRST_WORDS[language])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_human_decides_in_every_report(cases, language):
    for case in cases:
        assert sections(case.text(language), language)[3][-1].startswith(HUMAN[language])


def test_a_report_without_a_call_does_not_take_a_side(cases):
    undecided = [case for case in cases if case.result["findings"] and all(finding["call"] == "review" for finding in case.result["findings"])]
    assert undecided
    for case in undecided:
        for word in ("at or above", "below the", "suggested ("):
            assert word not in case.text("en"), case.name
        for word in ("达到", "低于", "阳性）", "阴性）"):
            assert word not in case.text("zh"), case.name


@pytest.mark.parametrize("language,near,clear", [("en", "Below the threshold, but too near to it: pneumonia.", "Not suggested"), ("zh", "低于阈值但过于接近：肺炎。", "未提示")])
def test_a_score_too_near_to_its_threshold_is_no_conclusion(language, near, clear):
    folder = MODELS / "cxr224"
    text, = infer(folder / "cxr224.tern", [folder / "samples/test-0100-pneumonia.png"], language)
    conclusion = sections(text, language)[2]
    assert "NEAR-THRESHOLD" in conclusion[0] and conclusion[1] == near
    assert not any(line.startswith(clear) for line in conclusion)


def test_what_was_not_analysed_has_no_findings(cases):
    failed = [case for case in cases if case.answer == "not_analysed"]
    assert failed
    for case in failed:
        assert findings_told(case.text("en"), "en") == [] and "No structure was assessed." in case.text("en")
        assert findings_told(case.text("zh"), "zh") == [] and "所有结构均未评估。" in case.text("zh")


def test_chinese_reports_are_chinese(cases):
    """Beside names, codes, quoted texts and what has no other name, no word of English."""
    allowed = {"DICOM", "JPEG", "PNG", "NIfTI", "SOP", "Tern", "PA", "AP", "DX", "CT"}
    for case in cases:
        text = re.sub("“[^”]*”", " ", case.text("zh"))
        for word in sorted((value for value in leaves(case.result) if isinstance(value, str)), key=len, reverse=True):
            text = text.replace(word, " ")
        assert set(re.findall(r"[A-Za-z]{2,}", text)) <= allowed, case.name


def test_no_patient_is_named(cases):
    named = [case for case in cases if case.name.endswith(".dcm")]
    assert named
    for case in named:
        for form in case.forms:
            for word in ("Doe", "Jane", "JANE", "4711"):
                assert word not in case.text(form), (case.name, form)


def test_chest_reports_go_through_the_chest(cases):
    order = {"en": ["Airway: ", "Lungs: ", "Mediastinum and hila: ", "Heart: ", "Thorax "], "zh": ["气管及主支气管：", "双肺：", "纵隔及肺门：", "心影：", "胸廓"]}
    chests = [case for case in cases if case.name.startswith(("cxr224", "pneumonia28", "tiered")) and case.answer != "not_analysed"]
    assert len(chests) >= 5
    for case in chests:
        for language in LANGUAGES:
            lines = sections(case.text(language), language)[1][:5]
            assert len(lines) == 5 and all(line.startswith(start) for line, start in zip(lines, order[language]))
            missing = {"en": "not assessed", "zh": "未评估"}[language]
            assert all(missing in line for line in lines)


def test_labels_have_the_chinese_names_of_the_file(cases):
    tiered = next(case for case in cases if case.name.startswith("tiered"))
    assert "双肺：提示白（阳性）" in tiered.text("zh") and "其他：“black”：不作判定" in tiered.text("zh")


def test_no_finding_names_what_stays_possible(cases):
    found = 0
    for case in cases:
        if case.answer != "no_finding":
            continue
        labels = [finding["label"] for finding in case.result["findings"] if finding["label"] in case.result.get("conformal", {}).get("set", [])]
        line = f"Still possible at the coverage level {case.result['conformal']['level']}: {', '.join(labels)}."
        assert (line in sections(case.text("en"), "en")[2]) == bool(labels), case.name
        assert any("下不能除外：" in line for line in sections(case.text("zh"), "zh")[2]) == bool(labels)
        found += bool(labels)
    assert found


def test_regions_parse_back(cases):
    number = r"(\d+(?:\.\d+)?(?:e-?\d+)?)"
    patterns = {"en": rf"from column (\d+), row (\d+): (\d+) × (\d+) pixels, share {number}", "zh": rf"起于第 (\d+) 列、第 (\d+) 行，(\d+) × (\d+) 像素，占比 {number}"}
    positive, negative = (case for case in cases if case.name.startswith("maps"))
    regions = positive.result["findings"][0]["location"]["regions"]
    assert regions and negative.result["findings"][0]["call"] == "negative"
    for language, pattern in patterns.items():
        told = [tuple(map(float, match)) for match in re.findall(pattern, positive.text(language))]
        assert told == [(region["x"], region["y"], region["width"], region["height"], region["share"]) for region in regions]
        # Of a negative call a place would be read as that of a finding.
        assert re.findall(pattern, negative.text(language)) == []


def test_an_unconfirmed_model_calls_nothing(cases):
    case = next(case for case in cases if case.name.startswith("unconfirmed"))
    assert "NEEDS A HUMAN: The thresholds are not confirmed for this model file (code UNCONFIRMED)." in case.text("en")
    assert "需人工阅片：阈值未针对该模型文件确认（代码 UNCONFIRMED）。" in case.text("zh")


def test_a_file_that_was_not_opened_has_no_unknown_kind(tmp_path):
    """Only of bytes that were read can be said that they are of no known kind."""
    strange = tmp_path / "strange.png"
    strange.write_bytes(b"neither picture nor volume")
    folder = MODELS / "pneumonia28"
    missing, unknown = {"en": "a file that could not be opened", "zh": "无法打开的文件"}, {"en": "a file of no known kind", "zh": "未知格式的文件"}
    for language in LANGUAGES:
        absent, read = infer(folder / "pneumonia28.tern", [tmp_path / "absent.png", strange], language)
        assert "NOT-OPENED" in absent and missing[language] in absent and unknown[language] not in absent
        assert unknown[language] in read and missing[language] not in read
    for form in ("fhir", "hl7"):
        absent, read = infer(folder / "pneumonia28.tern", [tmp_path / "absent.png", strange], form)
        assert missing["en"] in absent and unknown["en"] not in absent and unknown["en"] in read
