public import TernFindings
import TernImage
import TernWords

/// The result as one message ORU^R01 of HL7 version 2.5.1: MSH, OBR, an OBX for each thing that is said, and the report in words as formatted text.
///
/// Text only: sending it (MLLP) and the patient (PID) are the integrator's (docs/fhir-hl7.md). Every observation is preliminary, and the processing
/// identifier is T, training: a receiver in production takes it only when someone decides so.
public enum HL7Message {
    /// The message, segments ended by carriage returns, UTF-8.
    public static func text(of result: FindingResult, model: ReportModel, language: ReportLanguage = .english) -> String {
        var writer = HL7Writer(result, model, language)
        writer.writeHeader()
        writer.writeRequest()
        writer.writeAnswer()
        writer.writeInput()
        if result.answeredFrom == nil {
            for (index, finding) in result.findings.enumerated() { writer.write(finding, group: index + 1) }
        }
        writer.writeConformalSet()
        writer.writeWords()
        return writer.message.text
    }
}

private struct HL7Writer {
    var message = HL7Text()
    let result: FindingResult
    let model: ReportModel
    let language: ReportLanguage
    private var observationCount = 0

    init(_ result: FindingResult, _ model: ReportModel, _ language: ReportLanguage) {
        self.result = result
        self.model = model
        self.language = language
    }

    mutating func writeHeader() {
        message.begin("MSH")
        // The first field separator is the field itself.
        message.field(raw: "^~\\&")
        message.field("TERN")
        message.empty(3)
        message.field(raw: time)
        message.empty(1)
        message.field(parts: ["ORU", "R01", "ORU_R01"])
        // At most 20 characters in version 2.5.1.
        message.field(String(decoding: RecordIdentifier(result).text("message").utf8.filter { $0 != 0x2D }.prefix(20), as: UTF8.self))
        message.field("T")
        message.field("2.5.1")
        message.empty(2)
        message.field("NE")
        message.field("NE")
        message.empty(1)
        message.field("UNICODE UTF-8")
        message.end()
    }

    mutating func writeRequest() {
        let section = DiagnosticSection(model.region)
        message.begin("OBR")
        message.field("1")
        message.empty(1)
        message.field(parts: [result.id, "TERN"])
        message.field(parts: [section.document.value, section.document.meaning, section.document.scheme])
        // OBR-22: when the result was made. When the image was taken is not part of a result.
        message.empty(17)
        message.field(raw: time)
        message.empty(1)
        message.field(section.code)
        message.field(status)
        message.end()
    }

    /// HL7 table 0123: preliminary, some of it, or none to be had. Never final: a human has not looked.
    private var status: String {
        if case .notAnalysed = result.answer, result.answeredFrom == nil { return "X" }
        return result.status == .partiallySucceeded ? "A" : "P"
    }

    mutating func writeAnswer() {
        if let earlier = result.answeredFrom {
            return observe("ST", own("repeats", "Repeats the result with this identifier")) { $0.field(earlier.id) }
        }
        let answer = result.answer
        let parts = [answer.rawValue, meaning(answer), "99TERN"]
        observe("CWE", own("answer", "Answer")) { $0.field(parts: parts) }
        guard let reason = answer.reason else { return }
        observe("CWE", own("reason", "Reason")) { $0.field(parts: [reason.value, reason.meaning, reason.scheme]) }
    }

    private func meaning(_ answer: Answer) -> String {
        switch answer {
        case .finding: "Finding"
        case .noFinding: "No finding"
        case .needsReview: "Needs a human"
        case .notAnalysed: "Not analysed"
        }
    }

    mutating func writeInput() {
        let study = RecordStudy(result.input)
        if let identifier = study.studyInstanceUID { observe("ST", ["110180", "Study Instance UID", "DCM"]) { $0.field(identifier) } }
        if let identifier = study.seriesInstanceUID { observe("ST", ["112002", "Series Instance UID", "DCM"]) { $0.field(identifier) } }
        if let identifier = study.instanceUID {
            observe("ST", own("sop-instance-uid", "SOP Instance UID")) { $0.field(identifier) }
        }
        if let digest = result.input.sha256 { observe("ST", own("input-digest", "SHA-256 of the file")) { $0.field(digest) } }
    }

    /// The score beside its threshold, then what is said of it; all of one finding share a group (OBX-4).
    mutating func write(_ finding: Finding, group: Int) {
        // The label's own name is the alternative code: two labels may have one code.
        let code = (finding.code.map { [$0.value, $0.meaning, $0.scheme] } ?? []) + own(finding.label, finding.label)
        let call = finding.interpretation.rawValue
        observe("NM", code, group: group, range: finding.threshold.map { "<" + hl7Number($0) } ?? "", flag: flag(finding.interpretation)) {
            $0.field(hl7Number(finding.score))
        }
        observe("CWE", own("call", "Call"), group: group) { $0.field(parts: [call, call, "99TERN"]) }
        observe("CWE", own("tier", "Tier"), group: group) { $0.field(parts: [finding.tier.rawValue, finding.tier.rawValue, "99TERN"]) }
        if finding.threshold != nil {
            observe("ST", own("operating-point", "Operating point"), group: group) { $0.field(finding.operatingPoint) }
        }
        if let frame = finding.frame { observe("NM", own("frame", "Frame of the highest score"), group: group) { $0.field(String(frame)) } }
        for region in finding.location?.regions ?? [] {
            observe("NA", own("region", "Column, row, width, height in pixels; share"), group: group) {
                $0.field(parts: [String(region.box.x), String(region.box.y), String(region.box.width), String(region.box.height), hl7Number(region.share)])
            }
        }
    }

    /// OBX-8. Indeterminate is said, for an empty flag is taken for normal; version 2.5.1 leaves the table (0078) to its users, later ones have IND.
    private func flag(_ call: Call) -> String {
        switch call {
        case .positive: "A"
        case .negative: ""
        case .review: "IND"
        }
    }

    /// The level, then a line for each label that is possible at it.
    mutating func writeConformalSet() {
        guard let set = result.conformal else { return }
        observe("NM", own("conformal-level", "Level of the conformal set")) { $0.field(hl7Number(set.level)) }
        for label in set.labels { observe("ST", own("conformal-label", "Label that is possible at that level")) { $0.field(label) } }
    }

    mutating func writeWords() {
        for section in ReportWords.sections(of: result, model: model, language: language) {
            let code: [String]
            switch section.kind {
            case .technique: code = ["121065", "Procedure Description", "DCM"]
            case .findings: code = ["121071", "Finding", "DCM"]
            case .conclusion: code = ["121077", "Conclusion", "DCM"]
            case .suggestion: code = ["121075", "Recommendation", "DCM"]
            }
            observe("FT", code) { $0.field(lines: section.lines) }
        }
    }

    private func own(_ value: String, _ meaning: String) -> [String] { [value, meaning, "99TERN"] }

    /// One OBX: `write` gives its value, OBX-5.
    @inline(never)
    private mutating func observe(
        _ type: String, _ code: [String], group: Int? = nil, range: String = "", flag: String = "", write: (inout HL7Text) -> Void
    ) {
        observationCount += 1
        message.begin("OBX")
        message.field(String(observationCount))
        message.field(type)
        message.field(parts: code)
        message.field(group.map { String($0) } ?? "")
        write(&message)
        message.empty(1)
        message.field(range)
        message.field(flag)
        message.empty(2)
        message.field("P")
        // OBX-14: when it was made; OBX-17: how; OBX-18: by which model.
        message.empty(2)
        message.field(raw: time)
        message.empty(2)
        message.field(parts: ["123110", "Artificial Intelligence", "DCM"])
        message.field(parts: [result.model.digest, result.model.name + " " + result.model.version])
        message.end()
    }

    /// The result's time, UTC, to the second.
    private var time: String {
        let digits = result.time.utf8.prefix(19).filter { (0x30...0x39).contains($0) }
        return digits.count == 14 ? String(decoding: Array(digits), as: UTF8.self) + "+0000" : ""
    }
}
