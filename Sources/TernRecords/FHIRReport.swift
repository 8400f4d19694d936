import TernFindings
import TernWords

extension FHIRWriter {
    mutating func writeReport() {
        beginEntry("DiagnosticReport", "report")
        text.member("language", "en")
        writeNarrative()
        writeInputExtension()
        text.key("identifier")
        text.beginArray()
        text.beginObject()
        text.member("system", "urn:ietf:rfc:3986")
        text.member("value", "urn:uuid:" + result.id)
        text.endObject()
        text.endArray()
        text.member("status", status)
        writeCategoryAndCode()
        text.member("issued", result.time)
        writeResults()
        writeStudy()
        writeConclusion()
        text.key("presentedForm")
        text.beginArray()
        for language in [ReportLanguage.english, .chinese] { writeForm(language) }
        text.endArray()
        endEntry("DiagnosticReport", "report")
    }

    /// Never `final`: a human has not looked.
    private var status: String {
        if result.answeredFrom != nil { return "unknown" }
        switch result.answer {
        case .notAnalysed: return "cancelled"
        case .finding, .noFinding, .needsReview: return result.status == .partiallySucceeded ? "partial" : "preliminary"
        }
    }

    private mutating func writeNarrative() {
        var div = "<div xmlns=\"http://www.w3.org/1999/xhtml\">"
        for line in ReportWords.title(of: model, language: .english) { div += "<p>" + escaped(line) + "</p>" }
        for section in ReportWords.sections(of: result, model: model, language: .english) {
            div += "<h3>" + escaped(section.heading) + "</h3>"
            for line in section.lines { div += "<p>" + escaped(line) + "</p>" }
        }
        div += "</div>"
        text.key("text")
        text.beginObject()
        text.member("status", "generated")
        text.member("div", div)
        text.endObject()
    }

    private mutating func writeInputExtension() {
        guard let digest = result.input.sha256 else { return }
        text.key("extension")
        text.beginArray()
        text.beginObject()
        text.member("url", FHIRSystem.input)
        text.key("extension")
        text.beginArray()
        extensionMember("sha256", "valueString", digest)
        if let instance = study.instanceUID { extensionMember("sopInstance", "valueUri", "urn:oid:" + instance) }
        if let series = study.seriesInstanceUID { extensionMember("series", "valueUri", "urn:oid:" + series) }
        if let frame = result.input.frame { extensionMember("frame", integer: frame) }
        text.endArray()
        text.endObject()
        text.endArray()
    }

    /// Category of table 0074, and LOINC's code of the document.
    private mutating func writeCategoryAndCode() {
        let section = DiagnosticSection(model.region)
        text.key("category")
        text.beginArray()
        text.beginObject()
        text.key("coding")
        text.beginArray()
        text.beginObject()
        text.member("system", "http://terminology.hl7.org/CodeSystem/v2-0074")
        text.member("code", section.code)
        text.endObject()
        text.endArray()
        text.endObject()
        text.endArray()
        text.key("code")
        concept(section.document)
    }

    private mutating func writeResults() {
        guard !findings.isEmpty || hasQuality else { return }
        text.key("result")
        text.beginArray()
        for index in findings.indices { reference("finding-\(index)") }
        if hasQuality { reference("quality") }
        text.endArray()
    }

    /// The study by its identifier, or the instance by its name where the study is not known: an ImagingStudy of its own would need a patient.
    private mutating func writeStudy() {
        guard study.studyInstanceUID != nil || study.instanceUID != nil else { return }
        text.key("imagingStudy")
        text.beginArray()
        text.beginObject()
        text.member("type", "ImagingStudy")
        if let identifier = study.studyInstanceUID {
            text.key("identifier")
            text.beginObject()
            text.member("system", "urn:dicom:uid")
            text.member("value", "urn:oid:" + identifier)
            text.endObject()
        }
        if let instance = study.instanceUID { text.member("display", "DICOM instance " + instance) }
        text.endObject()
        text.endArray()
    }

    private mutating func writeConclusion() {
        let lines = ReportWords.sections(of: result, model: model, language: .english).filter { $0.kind == .conclusion }.flatMap { $0.lines }
        text.member("conclusion", lines.joined(separator: " "))
        guard result.answeredFrom == nil else { return }
        text.key("conclusionCode")
        text.beginArray()
        concept(FHIRSystem.own(result.answer.rawValue, ""))
        if let reason = result.answer.reason { concept(reason) }
        for finding in findings where finding.call == .positive { concept(finding.code, text: finding.label) }
        text.endArray()
    }

    private mutating func writeForm(_ language: ReportLanguage) {
        text.beginObject()
        text.member("contentType", "text/plain; charset=utf-8")
        text.member("language", language.rawValue)
        text.member("data", base64(Array(ReportWords.text(of: result, model: model, language: language).utf8)))
        text.endObject()
    }
}

/// Which part of a hospital reads such pictures, and what its report is called.
struct DiagnosticSection {
    /// HL7 table 0074.
    var code: String
    /// LOINC.
    var document: CodedTerm

    init(_ region: BodyRegion?) {
        switch region?.key {
        case "blood":
            code = "HM"
            document = CodedTerm(scheme: "LN", value: "11502-2", meaning: "Laboratory report")
        case "chest", "breast":
            code = "RAD"
            document = CodedTerm(scheme: "LN", value: "18748-4", meaning: "Diagnostic imaging study")
        default:
            code = "OTH"
            document = CodedTerm(scheme: "LN", value: "18748-4", meaning: "Diagnostic imaging study")
        }
    }
}

/// Text between tags of XHTML.
@inline(never)
func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "&": result += "&amp;"
        case "<": result += "&lt;"
        case ">": result += "&gt;"
        // U+FFFE and U+FFFF are no characters of XML 1.0; others that are none do not come through `oneLine`.
        case "\u{FFFE}", "\u{FFFF}": result += " "
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}

/// RFC 4648 section 4.
func base64(_ bytes: [UInt8]) -> String {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    var index = 0
    while index < bytes.count {
        let count = min(3, bytes.count - index)
        var group = 0
        for place in 0..<3 { group = group << 8 | (place < count ? Int(bytes[index + place]) : 0) }
        for place in 0..<4 { text.append(place <= count ? letters[group >> (18 - 6 * place) & 63] : 0x3D) }
        index += 3
    }
    return String(decoding: text, as: UTF8.self)
}
