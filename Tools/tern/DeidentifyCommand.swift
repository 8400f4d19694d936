public import ArgumentParser
import Foundation
import TernBytes
public import TernDeidentification
import TernImage
import TernPlatform
import TernPrepare

extension DeidentificationOptions.Detection: ExpressibleByArgument {}

struct DeidentifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deidentify",
        abstract: "Writes DICOM files without what tells who the patient is.",
        discussion: """
            PS3.15 annex E: the Basic Application Level Confidentiality Profile with the options Clean Pixel Data, Retain Longitudinal Temporal Information \
            with Modified Dates and Retain Device Identity; each option has a switch. IN is a file or a folder with all its subfolders. OUT is a folder, or \
            for one file a name that ends in .dcm; in a folder each file is named by its new SOP Instance UID. The key decides the new identifiers and how \
            far dates move: keep it to add files of the same patients later, destroy it to cut the link for good.

            Example:
              tern deidentify exports/ shared/ --key project.key --report report.json
            """)
    @Argument(help: "File or folder to read.") var input: String?
    @Argument(help: "Folder to write to, or a name that ends in .dcm.") var output: String?
    @Option(help: "Key file; made when it is missing, readable by its owner alone. Without it a key is used once and forgotten.") var key: String?
    @Option(help: "Write what was done, without any value, to this JSON file.") var report: String?
    @Flag(help: "Replace files that are there.") var overwrite = false
    @Flag(name: .customLong("keep-pixels"), help: "Leave pictures as they are: no Clean Pixel Data.") var keepsPixels = false
    @Flag(name: .customLong("remove-dates"), help: "Remove dates and times: no Modified Dates.") var removesDates = false
    @Flag(name: .customLong("remove-device"), help: "Remove what names the device: no Retain Device Identity.") var removesDevice = false
    @Option(help: "Search pictures for burned-in text: auto (kinds that carry it), always, never.") var detect = DeidentificationOptions.Detection.auto
    @Option(help: "More rectangles to fill, by modality, manufacturer, model and size (JSON; --show-rules prints an example).") var rules: String?
    @Flag(name: .customLong("show-rules"), help: "Print the built-in rules for pictures and stop.") var showsRules = false
    @Flag(name: .customLong("show-actions"), help: "Print the action for each attribute of table E.1-1 and stop.") var showsActions = false

    func validate() throws {
        guard showsRules || showsActions || input != nil && output != nil else { throw ValidationError("IN and OUT are needed") }
    }

    func run() throws {
        try reporting {
            if showsRules { return print(CleaningRules.builtInText, terminator: "") }
            if showsActions { return printActions() }
            guard let input, let output else { return }
            var options = DeidentificationOptions()
            options.cleansPixels = !keepsPixels
            options.shiftsDates = !removesDates
            options.retainsDevice = !removesDevice
            options.detection = detect
            if let rules { options.cleaningRules = options.cleaningRules.adding(try readRules(rules)) }
            var work = try DeidentificationWork(input: input, output: output, overwrites: overwrite)
            let deidentifier = Deidentifier(key: try readKey(), options: options, decoder: decodeFrames)
            let result = work.run(deidentifier)
            if let report { try writeFile(try result.json(), to: report) }
            print(result.text)
            guard let failure = result.failure else { return }
            throw ExitCode(failure.rawValue)
        }
    }

    /// Tag, action of the table, action that is taken, `K` with Retain Device Identity, `C` with Modified Dates.
    private func printActions() {
        for row in profileRows() {
            print("\(row.tag)\t\(row.action)\t\(row.resolved)\t\(row.isDevice ? "K" : "-")\t\(row.isTemporal ? "C" : "-")")
        }
    }

    private func readRules(_ path: String) throws(Failure) -> CleaningRules {
        let bytes = try readBytes(path, limit: 1 << 20)
        do throws(CleaningRulesError) { return try CleaningRules(parsing: bytes) } catch {
            throw Failure(.badInput, "\(path) is no table of rules: \(error.message)")
        }
    }

    /// The key of the file, or a new one, written there when a file is named.
    private func readKey() throws(Failure) -> DeidentificationKey {
        if let key, FileManager.default.fileExists(atPath: key) {
            let text = String(decoding: try readBytes(key, limit: 4_096), as: UTF8.self)
            guard let found = DeidentificationKey(parsing: text) else { throw Failure(.badInput, "\(key) is no key file: 64 hexadecimal digits") }
            return found
        }
        let random: [UInt8]
        do throws(PlatformError) { random = try Randomness.bytes(DeidentificationKey.byteCount) } catch {
            throw Failure(.fault, "no key could be made: \(words(error))")
        }
        guard let made = DeidentificationKey(bytes: random) else { throw Failure(.fault, "no key could be made") }
        if let key { try writeFile(Array(made.text.utf8), to: key, isPrivate: true) }
        return made
    }
}

/// The files to read and where to write them.
struct DeidentificationWork {
    private let files: [String]
    private let root: String?
    private let output: String
    private let overwrites: Bool

    init(input: String, output: String, overwrites: Bool) throws(Failure) {
        guard FileManager.default.fileExists(atPath: input) else { throw Failure(.cannotOpen, "there is no file or folder \(input)") }
        self.output = output
        self.overwrites = overwrites
        guard FileManager.default.fileExists(atPath: input + "/.") else {
            (files, root) = ([input], nil)
            return
        }
        let folder = URL(fileURLWithPath: input).resolvingSymlinksInPath().path
        let target = URL(fileURLWithPath: output).resolvingSymlinksInPath().path
        guard target != folder, !target.hasPrefix(folder + "/") else { throw Failure(.badInput, "OUT lies in IN; choose a folder beside it") }
        guard !output.hasSuffix(".dcm") else { throw Failure(.badInput, "IN is a folder, so OUT must be one too, not a name that ends in .dcm") }
        let names = FileManager.default.enumerator(atPath: input)?.compactMap { $0 as? String } ?? []
        files = names.sorted().map { input + "/" + $0 }.filter { !FileManager.default.fileExists(atPath: $0 + "/.") }
        root = input
        guard !files.isEmpty else { throw Failure(.badInput, "no file in \(input)") }
    }

    /// Names that this run has given: two inputs of one instance are two outputs.
    private var names: Set<String> = []

    /// De-identifies one file after the other; what fails is told and the others go on.
    mutating func run(_ deidentifier: Deidentifier) -> DeidentificationResult {
        var result = DeidentificationResult()
        var bar = ProgressBar("deidentify", total: files.count)
        for (index, path) in files.enumerated() {
            var entry = DeidentificationResult.Entry(number: index + 1)
            do throws(Failure) {
                try one(path, deidentifier, &entry)
            } catch {
                result.failure = result.failure ?? error.kind
                entry.status = "refused"
                writeError("tern: input \(index + 1) of \(files.count) (\(path)): \(error.description)\n")
            }
            result.files.append(entry)
            bar.update(index + 1)
        }
        return result
    }

    private mutating func one(_ path: String, _ deidentifier: Deidentifier, _ entry: inout DeidentificationResult.Entry) throws(Failure) {
        let bytes = try readBytes(path, limit: 4 << 30)
        let made: Deidentifier.Output
        do throws(DeidentificationError) {
            made = try deidentifier.deidentify(bytes)
        } catch {
            entry.reason = error.code
            // A folder of an export holds other files too; a directory of files is made anew from the output.
            if root != nil, error == .notDICOM || error == .directory {
                entry.status = "skipped"
                return
            }
            throw Failure(.badInput, error.message)
        }
        let isNamed = output.hasSuffix(".dcm")
        var name = made.sopInstanceUID + ".dcm"
        var copy = 1
        while !names.insert(name).inserted {
            copy += 1
            name = "\(made.sopInstanceUID)-\(copy).dcm"
        }
        let target = isNamed ? output : output + "/" + name
        guard !isSameFile(path, target) else {
            entry.reason = "SAME-FILE"
            throw Failure(.badInput, "\(target) is the input itself, which is never replaced")
        }
        guard overwrites || !FileManager.default.fileExists(atPath: target) else {
            entry.reason = "EXISTS"
            throw Failure(.badInput, "\(target) exists and is not overwritten; --overwrite does that")
        }
        if !isNamed {
            do { try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true) } catch {
                throw Failure(.inputOutput, "the folder \(output) cannot be made")
            }
        }
        try writeFile(made.bytes, to: target)
        entry.status = "written"
        entry.output = isNamed ? nil : name
        entry.report = made.report
    }
}

/// Whether two paths lead to one file, by links of either kind too.
private func isSameFile(_ first: String, _ second: String) -> Bool {
    let number = { (path: String) -> [NSNumber]? in
        let path = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path) else { return nil }
        guard let device = attributes[.systemNumber] as? NSNumber, let file = attributes[.systemFileNumber] as? NSNumber else { return nil }
        return [device, file]
    }
    guard let first = number(first), let second = number(second) else { return false }
    return first == second
}

/// What was done with each input.
struct DeidentificationResult {
    /// Inputs are told by their number in the order of their paths, because a path can name a patient.
    struct Entry: Encodable {
        var number: Int
        /// `written`, `skipped` or `refused`.
        var status = "refused"
        var reason: String?
        var output: String?
        var report: DeidentificationReport?
    }
    var files: [Entry] = []
    /// That of the first input that failed.
    var failure: Failure.Kind?

    var text: String {
        let count = { (status: String) in files.filter { $0.status == status }.count }
        let pixels = { (status: String) in files.filter { $0.report?.pixels.status == status }.count }
        return "\(count("written")) written, \(count("skipped")) skipped, \(count("refused")) refused; "
            + "pictures: \(pixels("cleaned")) cleaned, \(pixels("searched")) searched and nothing found, \(pixels("notSearched")) not searched (of kinds "
            + "that carry no text, or --detect never), \(pixels("notAsked")) left as they are (--keep-pixels); \(pixels("none")) without a picture"
    }

    func json() throws -> [UInt8] {
        struct Document: Encodable {
            var schema = "tern.deidentification/1"
            var files: [Entry]
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        return Array(try encoder.encode(Document(files: files))) + [0x0A]
    }
}

/// Frames of a DICOM file by the codec of its transfer syntax; nil when one cannot be decoded.
private func decodeFrames(_ bytes: [UInt8], _ frames: ClosedRange<Int>) -> [DecodedImage]? {
    do {
        let file = try ImageFile(parsing: bytes.rawBytes, as: .dicom)
        return try frames.map { try file.frame($0, of: bytes.rawBytes) }
    } catch {
        return nil
    }
}
