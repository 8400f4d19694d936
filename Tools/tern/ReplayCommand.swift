import ArgumentParser
import Foundation
import TernAudit
import TernConvert
import TernPlatform

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Runs the inputs of an audit log again and proves each result bit for bit.",
        discussion: """
            Finds the inputs by their SHA-256 in a folder and its subfolders, reads them with ternd as it was asked then (frames, modality, operating point), and compares
            the raw output and the whole result but for its time, its number and its identifier. Any CPU gives the same bits: --runner names an emulator, --isa a kernel
            table. Exit code 65 when a result differs, an input or a model is missing, or the log is not intact; each is one line.

            Example:
              tern replay /var/lib/tern --inputs archive/ --model pneumonia28.tern
              tern replay audit/ --inputs archive/ --model m.tern --ternd build/aarch64/ternd --runner "qemu-aarch64-static -cpu cortex-a53"
            """)
    @Argument(help: "State directory, or audit folder.") var log: String
    @Option(help: "Folder with the inputs, under any names.") var inputs: String
    @Option(help: "Model file; several when the log has several models.") var model: [String]
    @Option(help: "The program. Default: ternd beside this one, then in PATH.") var ternd: String?
    @Option(help: "Words before the program, for example an emulator.") var runner = ""
    @Option(help: "Kernel table. Default: the fastest.") var isa: String?
    @Option(help: "Only records behind this number.") var after = 0
    @Flag(help: "One JSON object instead of lines.") var json = false

    func run() throws {
        try reporting {
            let folder = try AuditFolder(log)
            let verification = try AuditVerification(folder, from: try beginning(of: folder), expected: [], checksResults: false)
            var replay = try Replay(folder, after: after)
            try replay.findModels(model)
            try replay.findInputs(in: inputs)
            try replay.run(try ReplayProgram(path: ternd, runner: runner, isa: isa))
            print(json ? replay.json(isIntact: verification.faults.isEmpty).text : replay.text)
            if !verification.faults.isEmpty { writeError("tern: the log is not intact; tern audit verify says what is wrong\n") }
            if !replay.isProved || !verification.faults.isEmpty { throw ExitCode(Failure.Kind.badInput.rawValue) }
        }
    }

    /// What the first record says of the one before it: closed files may lie elsewhere.
    private func beginning(of folder: AuditFolder) throws -> AuditHead? {
        var found: AuditHead?
        var isFirst = true
        try folder.forEach("reading") { line in
            if isFirst, let record = AuditLine(parsing: line.bytes), record.number > 1 { found = AuditHead(number: record.number - 1, hash: record.previous) }
            isFirst = false
        }
        return found
    }
}

/// `ternd infer` on some files.
struct ReplayProgram {
    private let words: [String]
    private let isa: String?

    init(path: String?, runner: String, isa: String?) throws(Failure) {
        let files = FileManager.default
        let beside = (try? files.destinationOfSymbolicLink(atPath: "/proc/self/exe")).map { URL(fileURLWithPath: $0).deletingLastPathComponent().path + "/ternd" }
        let inPath = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/ternd" }
        let found = [beside].compactMap { $0 } + inPath
        let candidates = path.map { [$0] } ?? found
        guard let program = candidates.first(where: { files.isReadableFile(atPath: $0) }) else {
            throw Failure(.cannotOpen, path.map { "there is no program \($0)" } ?? "ternd is neither beside this program nor in PATH; name it with --ternd")
        }
        words = runner.split(separator: " ").map { String($0) } + [program]
        self.isa = isa
    }

    /// The lines of the results of some files, in their order.
    func read(_ paths: [String], _ job: Replay.Job, model: String) throws -> [[UInt8]] {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tern-replay-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var arguments = ["infer", "--model", model, "--allow-unsigned"]
        let asked: [(name: String, value: String?)] = [
            ("--isa", isa), ("--operating-point", job.operatingPoint), ("--frames", job.frames), ("--modality", job.modality),
        ]
        for case let (name, value?) in asked { arguments += [name, value] }
        // A name without an ending: the service has no file beside a study that could be its other half.
        for (index, path) in paths.enumerated() {
            let link = folder.appendingPathComponent("\(index)")
            try FileManager.default.createSymbolicLink(at: link, withDestinationURL: URL(fileURLWithPath: path))
            arguments.append(link.path)
        }
        let process = Foundation.Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words + arguments
        let output = Pipe()
        let messages = folder.appendingPathComponent("messages")
        try writeFile([], to: messages.path)
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: messages)
        try process.run()
        let bytes = [UInt8](output.fileHandleForReading.readDataToEndOfFile())
        process.waitUntilExit()
        let lines = bytes.split(separator: 0x0A).map { Array($0) }
        guard lines.count == paths.count else {
            let last = (try? String(contentsOf: messages, encoding: .utf8))?.split(separator: "\n").last ?? "it said nothing"
            throw Failure(.fault, "ternd ended with \(process.terminationStatus) after \(lines.count) of \(paths.count) results: \(last)")
        }
        return lines
    }
}
