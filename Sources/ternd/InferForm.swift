import TernFindings
import TernRecords
import TernService
import TernWords

/// The form in which `ternd infer` writes a result.
enum InferForm {
    case json
    case words(ReportLanguage)
    case fhir
    case hl7

    static var options: [String] { ["--words", "--form"] }

    /// - Throws: `Failure` with code 64 for another word, and for both options.
    init(_ arguments: Arguments) throws(Failure) {
        switch (arguments.value("--words"), arguments.value("--form")) {
        case (nil, nil), (nil, "json"?): self = .json
        case (nil, "fhir"?): self = .fhir
        case (nil, "hl7"?): self = .hl7
        case (let word?, nil):
            guard let language = ReportLanguage(rawValue: word) else { throw Failure(.usage, "infer: --words is en or zh") }
            self = .words(language)
        default: throw Failure(.usage, "infer: --form is json, fhir or hl7, and without --words")
        }
    }

    /// What is written for the result with this number. Reports in words are parted by a line of three hyphens; HL7 messages end with an empty line.
    func text(of analysis: Analysis, model: ReportModel) -> String {
        let result = analysis.result
        return switch self {
        case .json: String(decoding: result.line(), as: UTF8.self)
        case .words(let language): (result.sequence > 1 ? "---\n" : "") + ReportWords.text(of: result, model: model, language: language)
        case .fhir: String(decoding: FHIRBundle.json(of: result, model: model, evidence: analysis.evidence), as: UTF8.self) + "\n"
        case .hl7: HL7Message.text(of: result, model: model) + "\n"
        }
    }
}
