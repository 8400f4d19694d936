import ArgumentParser
import Foundation
import TernConvert
import TernEngine
import TernKernels
import TernModel
import TernPlatform

struct EvalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Measures a model on labelled images in the engine.",
        discussion: """
            Prints accuracy and AUC with 95 % bootstrap intervals, sensitivity and specificity at the model's operating points and the calibration
            error. Labels are a CSV file with the head line `file,label`; a label is an output index or a label's name, a file is relative to
            --images. Tools/export_medmnist writes both from a MedMNIST archive.

            Example:
              Tools/export_medmnist pneumoniamnist.npz --split test -o build/pneumonia-test
              tern eval Models/pneumonia28/pneumonia28.tern --images build/pneumonia-test --labels build/pneumonia-test/labels.csv
            """)
    @Argument(help: "Model file.") var model: String
    @Option(help: "Folder that the files of the labels are relative to.") var images: String
    @Option(help: "CSV file with file,label. Default: labels.csv in the folder.") var labels: String?
    @Option(help: "Write file, label, outputs and scores of every image to this CSV file.") var scores: String?
    @Option(help: "Kernel table. Default: the fastest.") var isa: String?
    @Option(help: "Threads.") var threads = 1
    @Option(help: "Bootstrap resamples.") var resamples = 2000
    @Flag(help: "One JSON object instead of text.") var json = false

    func run() throws {
        try reporting {
            let engine = try openEngine(model, isa: isa, threads: threads)
            let file = engine.model
            guard file.labels.activation != .none, !file.labels.labels.isEmpty else {
                throw Failure(.badInput, "\(model) is a feature model without labels; eval needs a classifier")
            }
            let cases = try readLabels(file)
            var results: [CaseResult] = []
            var table = "file,label"
            for index in 0..<file.header.outputCount { table += ",output\(index)" }
            for index in 0..<file.header.outputCount { table += ",score\(index)" }
            table += "\n"
            var progress = ProgressBar("evaluating", total: cases.count)
            for (position, one) in cases.enumerated() {
                let outputs = try infer(engine, try preparedImage(images + "/" + one.file, file))
                let found = Scores.scores(of: outputs.span, labels: file.labels)
                results.append(CaseResult(truth: one.truth, scores: found))
                table += "\(one.file),\(one.truth)" + (outputs + found).map { ",\($0)" }.joined() + "\n"
                progress.update(position + 1)
            }
            if let scores { try writeFile(Array(table.utf8), to: scores) }
            let evaluation = Evaluation(results, labels: file.labels, resamples: resamples)
            print(json ? evaluation.json(model: file, isa: engine.instructionSet.name).text : evaluation.text)
        }
    }

    private func readLabels(_ file: ModelFile) throws(Failure) -> [(file: String, truth: Int)] {
        let path = labels ?? images + "/labels.csv"
        let lines = String(decoding: try readBytes(path, limit: 1 << 28), as: UTF8.self).split(whereSeparator: \.isNewline)
        guard lines.first == "file,label" else { throw Failure(.badInput, "\(path) must begin with the line file,label") }
        var cases: [(String, Int)] = []
        let outputs = max(file.header.outputCount, 2)
        for (number, line) in lines.enumerated().dropFirst() {
            guard let comma = line.lastIndex(of: ",") else { throw Failure(.badInput, "\(path), line \(number + 1): no comma") }
            let label = String(line[line.index(after: comma)...])
            let named = file.labels.labels.first { $0.name == label }?.outputIndex
            guard let truth = Int(label) ?? named, (0..<outputs).contains(truth) else {
                throw Failure(.badInput, "\(path), line \(number + 1): \"\(label)\" is neither an output of the model nor one of its labels")
            }
            cases.append((String(line[..<comma]), truth))
        }
        guard !cases.isEmpty else { throw Failure(.badInput, "\(path) names no image") }
        return cases
    }
}
