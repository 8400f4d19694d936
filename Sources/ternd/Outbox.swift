import TernBytes
import TernDICOM
import TernFindings
import TernImage
import TernObjects
import TernPlatform
import TernRecords
import TernRegions
import TernService
import TernWords

/// Writes what a result becomes for other programs into a folder from which somebody else takes it: one file for each form, there whole or not at all.
///
/// The files of one input have a name in common: sixteen digits of its SHA-256, and eight of model, thresholds and frames. Writing it again gives the same names, and of
/// objects of DICOM the same bytes.
struct OutboxWriter {
    /// What a result can become.
    enum Form: String, CaseIterable {
        case report = "sr"
        case capture = "sc"
        case json
        case bundle = "fhir"
        case message = "hl7"
        case words = "txt"

        /// What is written when nobody says.
        static let standard: [Form] = [.report, .capture]

        static let help = "what is written there, of sr, sc, json, fhir, hl7, txt with commas between them (default sr,sc)"

        /// Whether it is about an object of DICOM, and of other files there is none.
        var needsDICOM: Bool { self == .report || self == .capture }
    }

    let forms: [Form]
    private let directory: String
    private let model: ReportModel

    /// The folder is there: see `open`.
    init(directory: String, forms: [Form], model: ReportModel) {
        self.directory = directory
        self.forms = forms
        self.model = model
    }

    /// Makes the folder when it is missing (0750) and removes what a killed process left unfinished there.
    ///
    /// - Throws: `PlatformError`.
    static func open(_ directory: String) throws(PlatformError) {
        try makeDirectory(directory, mode: 0o750)
        let folder = try Folder(path: directory)
        for name in try folder.names(limit: limitUnfinished, where: isUnfinished).names { try folder.remove(name) }
    }

    private static let limitUnfinished = 10_000

    private static func isUnfinished(_ name: [UInt8]) -> Bool {
        guard name.count > stemByteCount, name[stemByteCount] == 0x2E, name[sumByteCount] == 0x2D else { return false }
        return name.suffix(4).elementsEqual(".tmp".utf8)
    }

    /// Writes every form that there is of a result, readable by owner and group alone: none of one that repeats an earlier result, which has them, or whose bytes could not be read, and no object of DICOM
    /// for a file of another kind: it would name no patient.
    ///
    /// - Parameter input: the bytes that were read.
    /// - Returns: the forms that were written.
    /// - Throws: `PlatformError` with what the system says: ENOSPC, EACCES …; some forms may be there then.
    @discardableResult
    func write(_ analysis: Analysis, input: [UInt8]) throws(PlatformError) -> [Form] {
        guard analysis.result.answeredFrom == nil, let stem = stem(of: analysis.result) else { return [] }
        let context = objectContext(analysis.result, input)
        var written: [Form] = []
        for form in forms {
            let files = files(of: form, analysis, context)
            for file in files { try writeFileAtomically(directory + "/" + stem + file.suffix, file.bytes, mode: 0o640) }
            if !files.isEmpty { written.append(form) }
        }
        return written
    }

    private func files(of form: Form, _ analysis: Analysis, _ context: ObjectContext?) -> [(suffix: String, bytes: [UInt8])] {
        let result = analysis.result
        switch form {
        case .report: return context.map { [(".sr.dcm", $0.structuredReport().bytes)] } ?? []
        case .capture:
            guard let context, let evidence = analysis.evidence else { return [] }
            return [(".sc.dcm", context.secondaryCapture(CapturedPicture(evidence, of: result)).bytes)]
        case .json: return [(".json", result.line())]
        case .bundle: return [(".fhir.json", FHIRBundle.json(of: result, model: model, evidence: analysis.evidence))]
        case .message: return [(".hl7", Array(HL7Message.text(of: result, model: model).utf8))]
        case .words:
            return [
                (".en.txt", Array(ReportWords.text(of: result, model: model, language: .english).utf8)),
                (".zh.txt", Array(ReportWords.text(of: result, model: model, language: .chinese).utf8)),
            ]
        }
    }

    /// Nil where no object is made.
    private func objectContext(_ result: FindingResult, _ input: [UInt8]) -> ObjectContext? {
        guard result.input.kind == .dicom, forms.contains(where: { $0.needsDICOM }) else { return nil }
        do throws(DICOMError) {
            return ObjectContext(result: result, model: model, source: try SourceInstance(parsing: input.rawBytes), softwareVersion: programVersion)
        } catch {
            return nil
        }
    }

    private static let sumByteCount = 16
    private static let stemByteCount = sumByteCount + 9

    private func stem(of result: FindingResult) -> String? {
        guard let sum = result.input.sha256 else { return nil }
        var settings = model.reference.digest + "\n"
        for label in model.labels { settings += label.name + "\n\(label.operatingPoint?.threshold.bitPattern ?? 0)\n" }
        if let frames = result.input.frames { settings += "\(frames.first)-\(frames.last):\(frames.stride)" }
        let digest = Hexadecimal.string(Array(Digest.sha256(Array(settings.utf8)).prefix(4)))
        return String(decoding: sum.utf8.prefix(Self.sumByteCount), as: UTF8.self) + "-" + digest
    }
}

extension CapturedPicture {
    /// The picture of the evidence, with the map of the finding that matters most in it: of a positive one before one that a person must decide, of those the highest
    /// score. Where all calls are negative there is no map to look at.
    init(_ evidence: Evidence, of result: FindingResult) {
        let frame = result.frames.isEmpty ? nil : evidence.frame
        var best: (finding: Finding, map: LocationMap)?
        for finding in result.findings where finding.frame == frame && finding.call != .negative {
            guard let map = evidence.maps.first(where: { $0.label.utf8.elementsEqual(finding.label.utf8) }) else { continue }
            guard let other = best?.finding else {
                best = (finding, map)
                continue
            }
            let isPositive = finding.call == .positive, wasPositive = other.call == .positive
            if isPositive != wasPositive ? isPositive : finding.score > other.score { best = (finding, map) }
        }
        guard let best else {
            self.init(picture: evidence.picture, frame: frame, mappedLabel: nil)
            return
        }
        let picture = Overlay.picture(of: best.map, regions: best.finding.location?.regions ?? [], over: evidence)
        self.init(picture: picture, frame: frame, mappedLabel: best.finding.label)
    }
}
