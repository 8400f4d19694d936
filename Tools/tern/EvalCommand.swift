import ArgumentParser
import Foundation
import TernConvert
import TernEngine
import TernEvaluation
import TernModel
import TernPlatform

struct EvalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Measures a model on labelled images in the engine.",
        discussion: """
            Prints accuracy, AUC, sensitivity, specificity, predictive values and F1 at the model's operating points, macro F1, kappa, Brier score
            and calibration error before and after temperature, and the confusion matrix. Intervals are 95 %: Wilson's for shares, DeLong's for the
            AUC of one class, a bootstrap's for the mean AUC of several classes, macro F1 and kappa. --report writes them with their curves into one HTML file.

            --data takes an .npz archive with SPLIT_images (uint8 [N, H, W] or [N, H, W, 3]) and SPLIT_labels, as MedMNIST has them; or a folder
            with labels.csv (head line file,label or file,label,split); or a folder with one folder for each label. Either folder may lie in
            one for each split. A label is an output index or a label's name.

            Example:
              tern eval Models/pneumonia28/pneumonia28.tern --data pneumoniamnist.npz --split test --report build/pneumonia28.html
              tern eval model.tern --data images/ --json
            """)
    @Argument(help: "Model file.") var model: String
    @Option(help: "Labelled images: an .npz archive or a folder.") var data: String
    @Option(help: "Part of the data: test, val, … An archive needs one.") var split: String?
    @Option(help: "Write the figures and their curves to this HTML file.") var report: String?
    @Option(help: "Write file, label, outputs and scores of every image to this CSV file.") var scores: String?
    @Option(help: "Kernel table. Default: the fastest.") var isa: String?
    @Option(help: "Images at a time. Default: one a core.") var threads: Int?
    @Option(help: "Bootstrap resamples, 100 or more; 0: no bootstrap, and no interval for the figures that need one.") var resamples = 2000
    @Flag(help: "The classes are ordered grades: adds how many grades calls are off.") var ordinal = false
    @Flag(help: "One JSON object instead of text.") var json = false

    func validate() throws {
        guard threads.map({ (1...64).contains($0) }) ?? true else { throw ValidationError("--threads takes 1 to 64") }
        guard resamples == 0 || (100...1_000_000).contains(resamples) else {
            throw ValidationError("--resamples takes 100 to 1000000, or 0 for no bootstrap")
        }
    }

    func run() throws {
        try reporting {
            let file = try openModel(model)
            guard file.labels.activation != .none, !file.labels.labels.isEmpty else {
                throw Failure(.badInput, "\(model) is a feature model without labels; eval needs a classifier")
            }
            let outputCount = file.header.outputCount
            let dataset = try readDataset(ClassNames(outputCount: outputCount, labels: file.labels.labels))
            let cores = min(ProcessInfo.processInfo.activeProcessorCount, 64)
            let (measured, instructionSet) = try EvaluationRun(model: model, isa: isa, dataset: dataset).run(threads: threads ?? cores)
            if let scores { try writeFile(Array(table(measured, outputCount).utf8), to: scores) }
            let evaluation = Evaluation(
                measured.map(\.result), outputCount: outputCount, labels: file.labels, points: file.operatingPoints,
                gate: file.featureStatistics, options: Evaluation.Options(resamples: resamples, isOrdinal: ordinal))
            let subject = EvaluationSubject(
                model: file.header.name, version: file.header.version, identity: Hexadecimal.string(file.identity), instructionSet: instructionSet,
                data: dataset.title, temperature: file.labels.temperature, pointsMeasuredOn: file.operatingPointsMeasuredOn)
            if let report {
                let card = try ModelReport(file).card
                let page = Report(evaluation, subject: subject, card: card, command: command)
                try writeFile(Array(page.html.utf8), to: report)
            }
            print(json ? evaluation.json(subject).text : evaluation.text)
        }
    }

    /// What gives these figures again in a POSIX shell, with the names of files and without their folders.
    private var command: String {
        func name(_ path: String) -> String {
            let name = URL(fileURLWithPath: path).lastPathComponent
            return name.hasPrefix("-") ? "./" + name : name
        }
        var words = ["tern", "eval", name(model), "--data", name(data)]
        if let split { words += ["--split", split] }
        if resamples != 2000 { words += ["--resamples", "\(resamples)"] }
        if ordinal { words.append("--ordinal") }
        return words.map(EvalCommand.quoted).joined(separator: " ")
    }

    /// A word as a POSIX shell reads it, in single quotes where it has other characters than those that mean nothing to a shell.
    private static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: "_-./:,+@%=".utf8.contains(byte)
            }
        }
        return isPlain && !word.isEmpty ? word : "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
    }

    private func readDataset(_ classes: ClassNames) throws -> Dataset {
        guard FileManager.default.fileExists(atPath: data) else { throw Failure(.cannotOpen, "there is no file or folder \(data)") }
        do {
            return try Dataset(path: data, split: split, classes: classes)
        } catch let error as DatasetError {
            throw Failure(.badInput, "\(data): \(error.message)")
        } catch let error as PlatformError {
            throw Failure(.cannotOpen, "cannot read \(data): \(words(error)); check the path and that the file may be read")
        }
    }

    /// One line an image: raw outputs and scores with all their bits.
    private func table(_ measured: [EvaluationRun.Measured], _ outputCount: Int) -> String {
        let heads = ["file", "label"] + (0..<outputCount).map { "output\($0)" } + (0..<outputCount).map { "score\($0)" }
        let hasGate = measured.first?.result.outOfDistribution != nil
        var table = (heads + (hasGate ? ["outOfDistribution"] : [])).joined(separator: ",") + "\n"
        for one in measured {
            let name = one.result.name
            let isPlain = !name.contains { $0 == "," || $0 == "\"" }
            let field = isPlain ? name : "\"" + name.replacingOccurrences(of: "\"", with: "\"\"") + "\""
            let values = one.outputs + one.result.scores + (one.result.outOfDistribution.map { [$0] } ?? [])
            table += ([field, "\(one.result.truth)"] + values.map { "\($0)" }).joined(separator: ",") + "\n"
        }
        return table
    }
}
