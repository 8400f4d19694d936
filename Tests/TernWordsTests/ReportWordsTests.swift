import TernFindings
import TernImage
import TernWords
import Testing

@Suite struct ReportWordsTests {
    static func finding(_ label: String, _ score: Float, _ threshold: Float? = 0.225, isFlagged: Bool = false, isConfirmed: Bool = true) -> Finding {
        Finding(
            label: label, code: CodedTerm(scheme: "SCT", value: "233604007", meaning: "Pneumonia"), score: score, isCalibrated: true,
            operatingPoint: threshold == nil ? "" : "balanced", threshold: threshold, isOutOfDistribution: isFlagged, isConfirmed: isConfirmed)
    }

    static func result(_ findings: [Finding], status: ResultStatus = .succeeded, reason: CodedTerm? = nil) -> FindingResult {
        var input = InputReference(kind: .dicom, sha256: "ab12", sopInstanceUID: "2.25.7")
        input.modality = ModalityReference(value: "DX", source: .file, isChecked: true)
        var attributes = ImageAttributes()
        attributes.viewPosition = "PA"
        input.attributes = attributes
        var result = FindingResult(
            sequence: 1, id: "8b0c", time: "2026-11-22T04:05:06Z", model: model().reference, input: input, status: status, reason: reason)
        result.findings = findings
        return result
    }

    static func model(region: String? = "chest") -> ReportModel {
        var model = ReportModel(reference: ModelReference(name: "chest", version: "1.0", digest: "cd34", keyIdentifier: "ef"))
        model.region = region.map { BodyRegion(key: $0, code: CodedTerm(scheme: "SCT", value: "816094009", meaning: "Chest")) }
        var label = ReportLabel(name: "pneumonia", code: nil, isReported: true)
        label.structure = "lungs"
        label.chineseName = "肺炎"
        model.labels = [label]
        return model
    }

    static func text(_ result: FindingResult, _ language: ReportLanguage = .english, region: String? = "chest") -> String {
        ReportWords.text(of: result, model: model(region: region), language: language)
    }

    @Test func goesThroughTheChestInItsOrder() throws {
        let sections = ReportWords.sections(of: Self.result([Self.finding("pneumonia", 0.75)]), model: Self.model(), language: .english)
        #expect(sections.map { $0.kind } == [.technique, .findings, .conclusion, .suggestion])
        let names = sections[1].lines.map { $0.split(separator: ":")[0] }
        #expect(names == ["Airway", "Lungs", "Mediastinum and hila", "Heart", "Thorax (pleura, diaphragm, bones, soft tissues)"])
        #expect(sections[1].lines[0] == "Airway: not assessed; the model was not trained for it.")
        #expect(
            sections[1].lines[1]
                == "Lungs: pneumonia, suggested (positive). Calibrated score 0.75, at or above the threshold 0.225 of the operating point “balanced”; "
                + "confidence tier: high. All else here: not assessed.")
    }

    @Test func readsAsAChineseReport() {
        let text = Self.text(Self.result([Self.finding("pneumonia", 0.75)]), .chinese)
        #expect(text.hasPrefix("胸部影像人工智能阅片报告\n"))
        for heading in ["检查技术", "影像所见", "结论", "建议"] { #expect(text.contains("\n\n" + heading + "\n")) }
        #expect(text.contains("双肺：提示肺炎（阳性）。校准评分 0.75，达到工作点“均衡”的阈值 0.225；把握度：高。其余情况未评估。"))
        #expect(text.contains("心影：未评估（模型未针对此项训练）。"))
        #expect(text.contains("后前位（PA）"))
    }

    @Test func fourAnswersHaveFourFirstWords() {
        let blurred = CodedTerm(scheme: "99TERN", value: "BLURRED", meaning: "The image is blurred")
        let cases: [(FindingResult, String, String)] = [
            (Self.result([Self.finding("pneumonia", 0.75)]), "FINDING: ", "阳性发现："),
            (Self.result([Self.finding("pneumonia", 0.015)]), "NO FINDING at this operating point: ", "在当前工作点未见阳性发现："),
            (Self.result([Self.finding("pneumonia", 0.75, isFlagged: true)]), "NEEDS A HUMAN: ", "需人工阅片："),
            (Self.result([], status: .failed, reason: blurred), "NOT ANALYSED: ", "未分析："),
        ]
        for (result, english, chinese) in cases {
            #expect(ReportWords.sections(of: result, model: Self.model(), language: .english)[2].lines[0].hasPrefix(english))
            #expect(ReportWords.sections(of: result, model: Self.model(), language: .chinese)[2].lines[0].hasPrefix(chinese))
        }
    }

    @Test func tellsNoSideOfTheThresholdWhenNothingIsDecided() {
        for finding in [
            Self.finding("pneumonia", 0.75, isFlagged: true), Self.finding("pneumonia", 0.75, isConfirmed: false), Self.finding("pneumonia", 0.75, nil),
        ] {
            let text = Self.text(Self.result([finding]))
            #expect(text.contains("pneumonia, not decided: needs a human."))
            #expect(text.contains("no call of the model may be used"))
            for word in ["at or above", "below the", "suggested"] { #expect(!text.contains(word)) }
        }
    }

    @Test func whatWasNotAnalysedHasNoFindings() {
        let reason = CodedTerm(scheme: "99TERN", value: "BLURRED", meaning: "The image is blurred")
        let text = Self.text(Self.result([], status: .failed, reason: reason))
        #expect(text.contains("Not analysed: The image is blurred (code BLURRED). No structure was assessed."))
        #expect(text.contains("Take the image again"))
        #expect(Self.text(Self.result([], status: .failed, reason: reason), .chinese).contains("图像模糊（代码 BLURRED）"))
        let unknown = CodedTerm(scheme: "99TERN", value: "NEW", meaning: "Something new")
        #expect(Self.text(Self.result([], status: .failed, reason: unknown), .chinese).contains("“Something new”（代码 NEW）"))
    }

    @Test func ofACineNamesFrames() {
        var result = Self.result([Self.finding("pneumonia", 0.01)], status: .partiallySucceeded)
        result.findings[0].frame = 3
        result.input.frames = FramesReference(count: 9, first: 1, last: 5, stride: 2)
        result.input.frames?.analysed = 2
        var refused = FrameResult(frame: 5)
        refused.reason = CodedTerm(scheme: "99TERN", value: "TOO-DARK", meaning: "The image is too dark")
        var good = FrameResult(frame: 3)
        good.status = .succeeded
        result.frames = [good, refused]
        let text = Self.text(result)
        #expect(text.contains("Frames: the file has 9; looked at 1 to 5, step 2; analysed 2."))
        #expect(text.contains("Not analysed: frame 5: The image is too dark (code TOO-DARK)."))
        #expect(text.contains("Highest in frame 3."))
        #expect(text.contains("NEEDS A HUMAN: Some frames were not analysed"))
    }

    @Test func saysWhereTheModelLooked() {
        var finding = Self.finding("pneumonia", 0.75)
        finding.location = FindingLocation(
            method: .patchShares,
            regions: [
                FindingRegion(
                    box: PixelRectangle(x: 12, y: 30, width: 64, height: 48), share: 0.5,
                    millimetres: .init(x: 1.5, y: 3, width: 8.25, height: 6, isAtDetector: true), side: .right)
            ])
        #expect(
            Self.text(Self.result([finding])).contains(
                "patient's right, from column 12, row 30: 64 × 48 pixels (8.25 × 6.0 mm at the detector), share 0.5."))
        #expect(Self.text(Self.result([finding]), .chinese).contains("患者右侧，起于第 12 列、第 30 行，64 × 48 像素（8.25 × 6.0 毫米，探测器平面），占比 0.5。"))
    }

    @Test func namesTheLabelsThatArePossible() {
        var result = Self.result([Self.finding("pneumonia", 0.75)])
        result.conformal = ConformalSet(level: 0.9, labels: ["normal", "pneumonia"])
        #expect(Self.text(result).contains("Labels that are possible at the coverage level 0.9: normal, pneumonia."))
        #expect(Self.text(result, .chinese).contains("覆盖水平 0.9 下的可能类别：“normal”、肺炎。"))
        #expect(!Self.text(result).contains("Still possible"))
        result.findings[0].score = 0.01
        #expect(Self.text(result).contains("Still possible at the coverage level 0.9: pneumonia."))
        result.conformal?.labels = []
        #expect(Self.text(result).contains("none, the image fits no label."))
    }

    @Test func aModelWithoutARegionHasNoOrder() {
        let text = Self.text(Self.result([Self.finding("pneumonia", 0.75)]), region: nil)
        #expect(text.hasPrefix("AI READING REPORT\n"))
        #expect(text.contains("Nothing else was assessed"))
        #expect(!text.contains("Airway"))
    }

    @Test func aLabelCannotBreakALine() {
        let text = Self.text(Self.result([Self.finding("a\nCONCLUSION\u{2028}b\u{202E}", 0.75)]))
        #expect(text.contains("a CONCLUSION b "))
        #expect(text.split(separator: "\n").count { $0 == "CONCLUSION" } == 1)
    }

    @Test func aRepeatedResultPointsToTheFirst() {
        var result = Self.result([])
        result.answeredFrom = EarlierResult(id: "9d1e", sequence: 4, members: [])
        let text = Self.text(result)
        #expect(text.contains("its result holds: 9d1e."))
        for word in ["NEEDS A HUMAN", "NO FINDING", "FINDING:"] { #expect(!text.contains(word)) }
    }
}
