public import TernFindings
import TernImage
import TernWords

/// The result as a bundle of HL7 FHIR R4 (4.0.1): DiagnosticReport, Observation for each finding and for the image's quality, Device.
///
/// A transaction of PUT requests with identifiers from the content: sent twice it writes the same resources. No patient is in it; the subject is the
/// integrator's to add (docs/fhir-hl7.md).
public enum FHIRBundle {
    /// The bundle as JSON on one line.
    ///
    /// - Parameter evidence: its maps go into the findings' extension.
    public static func json(of result: FindingResult, model: ReportModel, evidence: Evidence? = nil) -> [UInt8] {
        var writer = FHIRWriter(result, model, evidence)
        writer.writeBundle()
        return writer.text.utf8
    }
}

/// Writes one bundle. Everything that a file gives goes through `oneLine` or is written by `JSONText`, which escapes it.
struct FHIRWriter {
    var text = JSONText()
    let result: FindingResult
    let model: ReportModel
    let evidence: Evidence?
    let study: RecordStudy
    let identifier: RecordIdentifier
    /// No finding of a repeated or failed result is written.
    let findings: [Finding]

    init(_ result: FindingResult, _ model: ReportModel, _ evidence: Evidence?) {
        self.result = result
        self.model = model
        self.evidence = evidence
        study = RecordStudy(result.input)
        identifier = RecordIdentifier(result)
        findings = result.answeredFrom == nil ? result.findings : []
    }

    var hasQuality: Bool { result.answeredFrom == nil && (result.quality?.isAssessed == true || result.outOfDistribution != nil) }

    mutating func writeBundle() {
        text.beginObject()
        text.member("resourceType", "Bundle")
        text.member("id", identifier.text("bundle"))
        text.member("type", "transaction")
        text.member("timestamp", result.time)
        text.key("entry")
        text.beginArray()
        writeReport()
        writeDevice()
        for index in findings.indices { writeFinding(index) }
        if hasQuality { writeQuality() }
        text.endArray()
        text.endObject()
    }

    // Entries

    /// The device is that of the model, the same for all its results.
    func uuid(_ part: String) -> String { part == "device" ? RecordIdentifier(result.model).text(part) : identifier.text(part) }

    mutating func beginEntry(_ type: String, _ part: String) {
        text.beginObject()
        text.member("fullUrl", "urn:uuid:" + uuid(part))
        text.key("resource")
        text.beginObject()
        text.member("resourceType", type)
        text.member("id", uuid(part))
    }

    mutating func endEntry(_ type: String, _ part: String) {
        text.endObject()
        text.key("request")
        text.beginObject()
        text.member("method", "PUT")
        text.member("url", type + "/" + uuid(part))
        text.endObject()
        text.endObject()
    }

    private mutating func writeDevice() {
        let reference = result.model
        beginEntry("Device", "device")
        text.key("identifier")
        text.beginArray()
        text.beginObject()
        text.member("system", FHIRSystem.modelDigest)
        text.member("value", reference.digest)
        text.endObject()
        text.endArray()
        text.member("status", "active")
        text.key("deviceName")
        text.beginArray()
        text.beginObject()
        text.member("name", oneLine(reference.name))
        text.member("type", "model-name")
        text.endObject()
        text.endArray()
        text.key("type")
        concept(CodedTerm(scheme: "DCM", value: "123110", meaning: "Artificial Intelligence"), text: "Tern, model \(oneLine(reference.name))")
        text.key("version")
        text.beginArray()
        text.beginObject()
        text.member("value", oneLine(reference.version))
        text.endObject()
        text.endArray()
        text.key("note")
        text.beginArray()
        text.beginObject()
        text.member(
            "text",
            (reference.keyIdentifier.map { "Model file signed with the key \($0)." } ?? "Model file not signed.")
                + " No medical device, not for clinical use.")
        text.endObject()
        text.endArray()
        endEntry("Device", "device")
    }

    // Parts of resources

    mutating func reference(_ part: String) {
        text.beginObject()
        text.member("reference", "urn:uuid:" + uuid(part))
        text.endObject()
    }

    @inline(never)
    mutating func coding(_ term: CodedTerm) {
        text.beginObject()
        text.member("system", FHIRSystem.of(term.scheme))
        text.member("code", oneLine(term.value))
        if !term.meaning.isEmpty { text.member("display", oneLine(term.meaning)) }
        text.endObject()
    }

    /// A CodeableConcept of one code, or of a text alone.
    @inline(never)
    mutating func concept(_ term: CodedTerm?, text words: String? = nil) {
        text.beginObject()
        if let term {
            text.key("coding")
            text.beginArray()
            coding(term)
            text.endArray()
        }
        if let words { text.member("text", oneLine(words)) }
        text.endObject()
    }

    /// A number without a unit.
    @inline(never)
    mutating func quantity(_ number: Float) {
        text.beginObject()
        text.member("value", number)
        text.member("system", FHIRSystem.units)
        text.member("code", "1")
        text.endObject()
    }

    mutating func extensionMember(_ url: String, integer: Int) {
        text.beginObject()
        text.member("url", url)
        text.member("valueInteger", integer)
        text.endObject()
    }

    mutating func extensionMember(_ url: String, decimal: Float) {
        text.beginObject()
        text.member("url", url)
        text.member("valueDecimal", decimal)
        text.endObject()
    }

    mutating func extensionMember(_ url: String, decimal: Double) {
        text.beginObject()
        text.member("url", url)
        text.member("valueDecimal", decimal)
        text.endObject()
    }

    mutating func extensionMember(_ url: String, _ kind: String, _ value: String) {
        text.beginObject()
        text.member("url", url)
        text.member(kind, value)
        text.endObject()
    }
}

/// URIs of coding schemes and of what is our own.
enum FHIRSystem {
    static var units: String { "http://unitsofmeasure.org" }
    static var modelDigest: String { "urn:tern:model-digest" }
    static var location: String { "urn:tern:fhir:finding-location" }
    static var input: String { "urn:tern:fhir:input" }

    static func of(_ scheme: String) -> String {
        switch scheme {
        case "SCT": "http://snomed.info/sct"
        case "LN": "http://loinc.org"
        case "DCM": "http://dicom.nema.org/resources/ontology/DCM"
        case "RADLEX": "http://radlex.org"
        case "99TERN": "urn:tern:99TERN"
        default: "urn:tern:scheme:" + String(decoding: scheme.utf8.filter { isLetterOrDigit($0) }, as: UTF8.self)
        }
    }

    static func own(_ value: String, _ meaning: String) -> CodedTerm { CodedTerm(scheme: "99TERN", value: value, meaning: meaning) }
}

private func isLetterOrDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte & 0xDF)
}
