import TernBytes
import TernFindings
import TernImage
import TernModel
import TernPlatform
import TernPrepare
import TernScreening
import TernService

/// The options of `ternd screen`.
enum ScreenOptions {
    static let threads = Option("--threads", "N", "images that are read at the same time, 1 to 64 (default: one for each CPU)")
    static let noPictures = "--no-pictures"
    static let table: [Option] =
        [Option("--out", "DIR", "where the results go, made when missing; the same command goes on with what is there")]
        + ModelOptions.table.map { $0.name == threads.name ? threads : $0 }
        + [
            Option("--operating-point", "NAME", "thresholds of this name instead of the model's default ones; ternd info lists them"),
            Option("--frames", "SELECTION", "FIRST, FIRST-LAST or FIRST-, with :STRIDE behind a range (default: all, at most 256)"),
            Option("--modality", "TERM", "what files that name no modality (NIfTI, JPEG, PNG) come from: CR, US, MR ..."),
            Option(flag: noPictures, "a smaller report, made faster, without pictures and maps"),
            Option("--outbox", "DIR", "write each result for other programs into this folder too, made when missing; see docs/integration.md"),
            Option("--outbox-forms", "LIST", OutboxWriter.Form.help),
        ]
}

/// `ternd screen`.
func runScreen(_ words: [String]) throws(Failure) -> ExitCode {
    let arguments = try Arguments(words, verb: "screen", table: ScreenOptions.table)
    guard arguments.operands.count == 1 else { throw Failure(.usage, "screen: takes one folder; see ternd screen --help") }
    let out = try arguments.required("--out")
    var request = ScreenRequest(
        folder: arguments.operands[0], selection: try frameSelection(arguments), modality: try statedModality(arguments),
        threadCount: try arguments.number("--threads", 1...64, standard: min(Process.processorCount, 64)),
        makesPictures: !arguments.has(ScreenOptions.noPictures))
    request.root = try screenedFolder(request.folder)
    try refuse("--out", out, inside: request.root)
    if let outbox = arguments.value("--outbox") {
        try refuse("--outbox", outbox, inside: request.root)
        request.outbox = place(of: outbox)
        try refuseSame(out, outbox)
    }
    request.forms = try arguments.outboxSetting()
    var options = try ModelOptions(arguments)
    options.threadCount = 1
    options.makesMaps = request.makesPictures || arguments.value("--outbox") != nil
    Process.catchStop()
    let model = try options.open()
    let labels = try arguments.labels(of: model)
    if !model.isConfirmed { say("screen: the thresholds are not confirmed for this model file: every image is for a human", .warning) }
    do throws(ScreeningError) {
        let listing = try FolderListing(
            of: Array(request.root.utf8), recognises: { InputKind(recognising: $0) != nil }, isStopped: { Process.isAskedToStop })
        if listing.items.isEmpty, realPath(out) == nil {
            say("screen: the folder has no image files" + listing.skipped.words, .error)
            return .cannotOpen
        }
        let journal = try ScreeningJournal(folder: out, settings: request.settings(of: model, labels))
        if journal.cutByteCount > 0 { say("screen: \(journal.cutByteCount) bytes of a row that was not finished are done again") }
        do throws(Failure) {
            // Once more: a link may name what has just been made.
            if let outbox = arguments.value("--outbox") { try refuseSame(out, outbox) }
            try arguments.openOutbox()
        } catch {
            say(error.message, .error)
            return error.code
        }
        var run = ScreenRun(request: request, arguments: arguments, model: model, labels: labels, options: options, journal: journal, listing: listing)
        return try run.finish()
    } catch {
        throw Failure(error)
    }
}

/// What is asked of a screening.
struct ScreenRequest {
    /// As given.
    var folder: String
    /// The same without links.
    var root = ""
    var selection: FrameSelection
    var modality: StatedModality?
    var threadCount: Int
    var makesPictures: Bool
    /// The outbox without links; nil without one.
    var outbox: String?
    /// What the outbox gets, in one spelling for the same forms.
    var forms = ""

    init(folder: String, selection: FrameSelection, modality: StatedModality?, threadCount: Int, makesPictures: Bool) {
        self.folder = folder
        self.selection = selection
        self.modality = modality
        self.threadCount = threadCount
        self.makesPictures = makesPictures
    }

    /// What the results depend on, so that a continuation mixes nothing.
    func settings(of model: ModelFile, _ labels: Labels) -> ScreeningSettings {
        ScreeningSettings { part in
            switch part {
            case .program: programVersion
            // Of paths a digest: names of folders may carry names of people.
            case .folder: Hexadecimal.string(Digest.sha256(Array(root.utf8)))
            case .outbox: outbox.map { Hexadecimal.string(Digest.sha256(Array($0.utf8))) } ?? "none"
            case .model: Hexadecimal.string(model.identity)
            case .thresholds: Hexadecimal.string(Digest.sha256(resultSettings(model, labels)))
            case .frames: selection.text
            case .modality: modality?.term ?? "none"
            case .pictures: makesPictures ? "yes" : "no"
            case .forms: forms
            }
        }
    }
}

/// What results of a model depend on beside their input.
///
/// - Parameter labels: the model's, with the thresholds in use.
func resultSettings(_ model: ModelFile, _ labels: Labels) -> [UInt8] {
    let findings = labels.labels.filter { $0.isReported }.map {
        Finding(
            label: $0.name, code: nil, score: 0, isCalibrated: labels.isCalibrated, operatingPoint: $0.operatingPoint, threshold: $0.threshold,
            isConfirmed: model.isConfirmed)
    }
    return FindingResult.settings(model: ModelReference(model), findings: findings)
}

extension FrameSelection {
    /// As on the command line.
    fileprivate var text: String { "\(first)-" + (last.map { String($0) } ?? "") + ":\(stride)" }
}

/// The folder's path without links.
private func screenedFolder(_ folder: String) throws(Failure) -> String {
    // A path that is no UTF-8 reaches us with its bytes replaced.
    guard let root = realPath(folder) else { throw Failure(.cannotOpen, "screen: the folder: \(reason(Folder.noSuchName))") }
    let kind: Tree.Kind
    do throws(PlatformError) { kind = try Tree.look(Array(root.utf8)).kind } catch { throw Failure(ScreeningError.system(.folder, errno: error.errno)) }
    guard kind == .folder else { throw Failure(.cannotOpen, "screen: the folder: not a directory; ternd infer reads single files") }
    return root
}

/// Refuses a folder for results that lies in the one that is screened: they would be screened with the next start.
private func refuse(_ option: String, _ path: String, inside root: String) throws(Failure) {
    let place = realPath(path) ?? (realPath(parent(of: path)) ?? "") + "/"
    if place.utf8.elementsEqual(root.utf8) || place.utf8.starts(with: (root + "/").utf8) || root.utf8.elementsEqual("/".utf8) {
        throw Failure(.usage, "screen: \(option) lies in the folder that is screened; its files would be screened too. Give one outside")
    }
}

/// Refuses one folder for both: whoever takes files out of the outbox would take the results and the state.
private func refuseSame(_ out: String, _ outbox: String) throws(Failure) {
    guard place(of: out).utf8.elementsEqual(place(of: outbox).utf8) else { return }
    throw Failure(.usage, "screen: --outbox is the folder of --out: what is taken out of an outbox is for other programs. Give another one, such as one in it")
}

/// A path without links; of what is missing, where it would be made.
private func place(of path: String) -> String {
    if let real = realPath(path) { return real }
    let bytes = trimmed(path)
    let name = String(decoding: bytes[((bytes.lastIndex(of: 0x2F) ?? -1) + 1)...], as: UTF8.self)
    guard let folder = realPath(parent(of: path)) else { return String(decoding: bytes, as: UTF8.self) }
    return folder.utf8.elementsEqual("/".utf8) ? "/" + name : folder + "/" + name
}

/// A path without slashes at its end.
private func trimmed(_ path: String) -> [UInt8] {
    var bytes = Array(path.utf8)
    while bytes.count > 1, bytes.last == 0x2F { bytes.removeLast() }
    return bytes
}

private func parent(of path: String) -> String {
    let bytes = trimmed(path)
    guard let slash = bytes.lastIndex(of: 0x2F) else { return "." }
    return slash == 0 ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
}

extension PlatformError {
    /// EIO for what has no number of its own.
    var errno: Int32 {
        if case .openFailed(let errno) = self { return errno }
        return 5
    }
}

extension Failure {
    init(_ error: ScreeningError) {
        switch error {
        case .system(.folder, let errno): self.init(ExitCode(errno: errno, otherwise: .cannotOpen), "screen: the folder: \(reason(errno))")
        case .system(.output, let errno): self.init(ExitCode(errno: errno, otherwise: errno == 28 ? .inputOutput : .cannotOpen), "screen: --out: \(reason(errno))")
        case .system(.state, let errno): self.init(ExitCode(errno: errno, otherwise: .inputOutput), "screen: the state in --out: \(reason(errno))")
        case .system(.results, let errno):
            self.init(
                ExitCode(errno: errno, otherwise: .inputOutput),
                "screen: the results cannot be written: \(reason(errno)). What is done is kept; the same command goes on once that is mended")
        case .notAFolder: self.init(.cannotOpen, "screen: the folder: not a directory")
        case .tooManyFiles(let limit): self.init(.badInput, "screen: more than \(limit) image files; screen the folders in it one by one")
        case .tooManyEntries(let limit):
            self.init(.badInput, "screen: more than \(limit) files and folders of all kinds; screen the folders in it one by one")
        case .busy: self.init(.busy, "screen: another ternd screen writes to this --out")
        case .notOurs(let name): self.init(.usage, "screen: --out holds a file \(name) that is no screening's; give another --out, or move it away")
        case .settingsDiffer(.program):
            self.init(
                .usage, "screen: --out holds a screening of another version of ternd than this \(programVersion); give another --out, or go on with that version")
        case .settingsDiffer(.outbox):
            self.init(
                .usage,
                "screen: --out holds a screening with another --outbox, which has the results of what is done, or without one; "
                    + "give another --out to do all again for this one, or the --outbox of the start to go on")
        case .settingsDiffer(let part):
            self.init(
                .usage, "screen: --out holds a screening with \(Self.words(part)); give another --out for this one, or the same \(Self.subject(part)) to go on")
        case .settingsDamaged: self.init(.inputOutput, "screen: state/settings in --out is not as it was written; give another --out")
        case .stopped: self.init(.busy, "screen: stopped; the same command goes on")
        }
    }

    private static func subject(_ part: ScreeningSettings.Part) -> String {
        switch part {
        case .program: "version of ternd"
        case .outbox: "--outbox"
        case .folder: "folder"
        case .model: "--model"
        case .thresholds: "--operating-point"
        case .frames: "--frames"
        case .modality: "--modality"
        case .pictures: "--no-pictures"
        case .forms: "--outbox-forms"
        }
    }

    private static func words(_ part: ScreeningSettings.Part) -> String {
        switch part {
        case .folder: "another folder"
        case .model: "another model"
        case .thresholds: "other thresholds"
        default: "another " + subject(part)
        }
    }
}
