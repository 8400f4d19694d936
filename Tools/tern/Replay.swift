import Foundation
import TernAudit
import TernConvert
import TernModel
import TernPlatform

/// The results of an audit log, run again.
struct Replay {
    /// What is asked of an input; results that ask the same are run once.
    struct Job: Hashable {
        var input: String
        var model: String
        var frames: String?
        var modality: String?
        var operatingPoint: String?
    }
    private struct Result {
        var number: Int
        var sequence: Int
        var identifier: String
        /// Nil for a study that could not be read back, and has no input.
        var job: Job?
        var output: String?
        var content: String
    }
    /// What became of a result.
    private enum Outcome: String, CaseIterable {
        case same
        /// The raw output is another one.
        case outputDiffers = "output_differs"
        /// The raw output is the same, and something else of the result is not.
        case resultDiffers = "result_differs"
        case inputMissing = "input_missing"
        case modelMissing = "model_missing"
        /// The result says that there was no input to read.
        case noInput = "no_input"
    }
    private var results: [Result] = []
    private var outcomes: [(result: Result, outcome: Outcome)] = []
    private var models: [String: String] = [:]
    private var files: [String: String] = [:]

    init(_ folder: AuditFolder, after: Int) throws {
        try folder.forEach("reading") { line in
            guard let record = AuditLine(parsing: line.bytes), record.event == "result", record.number > after, let document = line.document,
                let sequence = document["sequence"]?.integer, let identifier = document["id"]?.string, let content = document["content"]?.string
            else { return }
            let input = document["input"]
            let job = input?["sha256"]?.string.flatMap { digest in
                document["model"]?.string.map {
                    Job(
                        input: digest, model: $0, frames: input?["frames"]?.string, modality: input?["modality"]?.string,
                        operatingPoint: document["operatingPoint"]?.string)
                }
            }
            results.append(
                Result(number: record.number, sequence: sequence, identifier: identifier, job: job, output: document["output"]?.string, content: content))
        }
    }

    mutating func findModels(_ paths: [String]) throws(Failure) {
        for path in paths { models[Hexadecimal.string(try openModel(path).identity)] = path }
    }

    /// Takes the digest of every file; a file that cannot be read is as one that is not there.
    mutating func findInputs(in folder: String) throws(Failure) {
        guard FileManager.default.fileExists(atPath: folder + "/.") else { throw Failure(.cannotOpen, "there is no folder \(folder)") }
        let wanted = Set(results.compactMap { $0.job?.input })
        let names = (FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []).sorted()
        var progress = ProgressBar("looking for inputs", total: names.count)
        for (index, name) in names.enumerated() where files.count < wanted.count {
            if let mapping = try? mapFile(folder + "/" + name) {
                let digest = Hexadecimal.string(Digest.sha256(mapping.bytes))
                if wanted.contains(digest) { files[digest] = folder + "/" + name }
            }
            progress.update(index + 1)
        }
        progress.update(names.count)
    }

    /// Inputs that one start of the program reads.
    private static let batchCount = 32

    mutating func run(_ program: ReplayProgram) throws {
        var jobs: [Job] = []
        var isKnown: Set<Job> = []
        for case let job? in results.map(\.job) where files[job.input] != nil && models[job.model] != nil && isKnown.insert(job).inserted { jobs.append(job) }
        var lines: [Job: [UInt8]] = [:]
        var progress = ProgressBar("replaying", total: jobs.count)
        var start = 0
        while start < jobs.count {
            let first = jobs[start]
            // As many as are asked the same of, one behind the other.
            let batch = jobs[start...].prefix(Self.batchCount).prefix { job in
                var job = job
                job.input = first.input
                return job == first
            }
            let found = try program.read(batch.compactMap { files[$0.input] }, first, model: models[first.model] ?? "")
            for (job, line) in zip(batch, found) { lines[job] = line }
            start += batch.count
            progress.update(start)
        }
        outcomes = results.map { ($0, outcome(of: $0, lines)) }
    }

    private func outcome(of result: Result, _ lines: [Job: [UInt8]]) -> Outcome {
        guard let job = result.job else { return .noInput }
        guard models[job.model] != nil else { return .modelMissing }
        guard files[job.input] != nil, let line = lines[job] else { return .inputMissing }
        guard let document = try? JSONValue(parsing: line), document["digest"]?.string == result.output else { return .outputDiffers }
        return AuditedResult.contentDigest(of: line) == result.content ? .same : .resultDiffers
    }

    /// Whether every result that has an input was run again and is the same.
    var isProved: Bool { outcomes.allSatisfy { $0.outcome == .same || $0.outcome == .noInput } }

    var text: String {
        var lines: [String] = []
        for (result, outcome) in outcomes where outcome != .same {
            let what =
                switch outcome {
                case .same: ""
                case .outputDiffers: "the raw output differs"
                case .resultDiffers: "the raw output is the same, the result differs"
                case .inputMissing: "no file has the input's SHA-256 \(result.job?.input ?? "")"
                case .modelMissing: "it is of the model \(result.job?.model ?? ""); name its file with --model too"
                case .noInput: "not run: the study could not be read then"
                }
            lines.append("record \(result.number), result \(result.sequence): \(what)")
        }
        let same = outcomes.count { $0.outcome == .same }
        lines.append("\(same) of \(outcomes.count) results are the same in every bit")
        return lines.joined(separator: "\n")
    }

    func json(isIntact: Bool) -> JSONValue {
        var members = [JSONMember("logIntact", .boolean(isIntact)), JSONMember("results", .number(Double(outcomes.count)))]
        for outcome in Outcome.allCases {
            let found = outcomes.filter { $0.outcome == outcome }
            if outcome == .same {
                members.append(JSONMember(outcome.rawValue, .number(Double(found.count))))
                continue
            }
            members.append(
                JSONMember(
                    outcome.rawValue,
                    .array(
                        found.map { result, _ in
                            .object([
                                JSONMember("record", .number(Double(result.number))), JSONMember("sequence", .number(Double(result.sequence))),
                                JSONMember("id", .string(result.identifier)), JSONMember("input", result.job.map { .string($0.input) } ?? .null),
                                JSONMember("model", result.job.map { .string($0.model) } ?? .null),
                            ])
                        })))
        }
        return .object(members)
    }
}
