public import ArgumentParser
import Foundation
import TernBytes
import TernConvert
import TernEngine
public import TernEvaluation
import TernModel
import TernPlatform
import TernWriter

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Shows where a model looked, and measures how far such maps can be trusted.",
        discussion: """
            With images, writes a map of every reported label of every image into --out: a picture and its numbers. A map says which patches of the image
            made the model's output, not where a lesion is.

            --evaluate measures the maps on labelled images instead: how fast the score falls when patches are taken away in the map's order, and rises when
            they are put back (deletion and insertion area, Petsiuk et al. 2018), against random order and, with --baselines, against maps of other methods;
            and whether the map changes when the model's weights are shuffled (Adebayo et al. 2018). A map that hardly does ends with exit code 65. docs/maps.md says
            what the figures mean.

            Example:
              tern explain Models/cxr224/cxr224.tern chest.png --out maps
              tern explain --evaluate Models/cxr224/cxr224.tern --data Models/cxr224/samples --report build/maps.html
              tern explain --evaluate model.tern --data set.npz --split test --prepared inputs.f32    # for Tools/train/explain_baselines.py
              tern explain --evaluate model.tern --data set.npz --split test --baselines baselines.npz --json
            """)
    @Argument(help: "Model file.") var model: String
    @Argument(help: "Images, or folders of images.") var images: [String] = []
    @Option(help: "Folder for the maps of the images.") var out: String?
    @Option(help: "Label to explain. Default: every reported one; with --evaluate the one with the largest score.") var label: String?
    @Flag(help: "Measure the maps on labelled images.") var evaluate = false
    @Option(help: "Labelled images: an .npz archive or a folder, as tern eval takes them.") var data: String?
    @Option(help: "Part of the data: test, val, … An archive needs one.") var split: String?
    @Option(help: "Maps of other methods for the same images: an .npz archive (Tools/train/explain_baselines.py).") var baselines: String?
    @Option(help: "Only write the prepared images to this file, f32 [count, channels, height, width], for the other methods.") var prepared: String?
    @Option(help: "Write the figures and their curves to this HTML file.") var report: String?
    @Option(help: "What stands for deleted patches: mean, blur or zero.") var deletion = Absence.mean
    @Option(help: "What insertion begins with: mean, blur or zero.") var insertion = Absence.blur
    @Option(help: "Points of a curve, at most one a patch.") var steps = 64
    @Option(help: "Random orders of each image to hold the map against, 0 to 20.") var random = 5
    @Option(help: "Models with shuffled weights for each stage, 0 to 20; 0 leaves the check out.") var shuffles = 3
    @Option(help: "This model in the place of those with shuffled weights.") var shuffled: String?
    @Option(help: "Kernel table. Default: the fastest.") var isa: String?
    @Option(help: "Images at a time. Default: one a core.") var threads: Int?
    @Option(help: "Bootstrap resamples, 100 or more; 0: no intervals.") var resamples = 2000
    @Flag(help: "One JSON object instead of text.") var json = false

    func validate() throws {
        guard threads.map({ (1...64).contains($0) }) ?? true else { throw ValidationError("--threads takes 1 to 64") }
        guard resamples == 0 || (100...1_000_000).contains(resamples) else {
            throw ValidationError("--resamples takes 100 to 1000000, or 0 for no bootstrap")
        }
        guard (1...4096).contains(steps) else { throw ValidationError("--steps takes 1 to 4096") }
        guard (0...20).contains(random) else { throw ValidationError("--random takes 0 to 20") }
        guard (0...20).contains(shuffles) else { throw ValidationError("--shuffles takes 0 to 20") }
        if evaluate {
            guard data != nil else { throw ValidationError("--evaluate needs labelled images: --data FOLDER or --data ARCHIVE --split test") }
            guard images.isEmpty, out == nil else { throw ValidationError("--evaluate takes its images from --data; leave out the images and --out") }
        } else {
            guard !images.isEmpty else { throw ValidationError("name the images to explain, or --evaluate") }
            guard out != nil else { throw ValidationError("name the folder for the maps: --out DIR") }
            guard data == nil, baselines == nil, prepared == nil, report == nil else {
                throw ValidationError("--data, --baselines, --prepared and --report belong to --evaluate")
            }
        }
    }

    func run() throws {
        try reporting {
            let file = try openModel(model)
            guard let shape = Engine.mapShape(of: file) else {
                throw Failure(.badInput, "\(model) has no maps: its plan is not that of a Vision Transformer whose patches a map could tell apart")
            }
            guard evaluate else { return try explainImages(file) }
            guard file.labels.activation != .none, !file.labels.labels.isEmpty else {
                throw Failure(.badInput, "\(model) is a feature model without labels; there is no score to follow")
            }
            let dataset = try labelled(file)
            if let prepared { return try writePrepared(dataset, file, to: prepared) }
            try measure(file, shape, dataset)
        }
    }

    private func measure(_ file: ModelFile, _ shape: MapShape, _ dataset: Dataset) throws {
        let header = file.header
        guard
            let grid = TernEvaluation.PatchGrid(
                columns: shape.columns, rows: shape.rows, channels: header.channels, height: header.height, width: header.width)
        else { throw Failure(.fault, "the map's grid does not divide the image") }
        let others = try baselines.map { try otherMaps($0, dataset, header.outputCount, shape) }
        let plan = ExplainRun.Plan(
            model: model, isa: isa, output: try label.map { try outputIndex(of: $0, file) }, deletion: deletion, insertion: insertion, steps: steps,
            randomSeeds: random == 0 ? [] : Array(1...random), stages: try stages(file))
        let cores = min(ProcessInfo.processInfo.activeProcessorCount, 64)
        let result = try ExplainRun(plan, dataset: dataset, others: others, grid: grid).run(threads: threads ?? cores)
        let all = result.measured
        let agreeing = all.compactMap(\.sameClass)
        let same = wilson(agreeing.count { $0 }, of: agreeing.count)
        if let same, same.value < 0.9, let baselines {
            throw Failure(
                .badInput,
                "\(baselines): its model gives the engine's class on \(Int((same.value * 100).rounded())) % of the images only; its maps belong to other images "
                    + "or another model. Write the images with --prepared and make the maps of them again")
        }
        let hasOutput = shape.method == .patchShares && file.labels.activation == .softmax && header.outputCount > 1
        let names = (hasOutput ? [ExplainRun.alone] : []) + (others?.methods.map(\.name) ?? [])
        let figures = Faithfulness(
            all.map(\.figures), perturbation: Perturbation(grid: grid, steps: steps), own: "the model's map", others: names,
            stages: plan.stages.map(\.name), resamples: resamples)
        func mean(_ value: (ExplainRun.Measured) -> Double) -> Double { all.reduce(0) { $0 + value($1) } / Double(max(all.count, 1)) }
        let subject = ExplanationSubject(
            model: header.name, version: header.version, identity: Hexadecimal.string(file.identity), instructionSet: result.instructionSet,
            data: dataset.title, method: shape.method.word, columns: shape.columns, rows: shape.rows, explained: label ?? "the label with the largest score",
            deletion: deletion, insertion: insertion, score: mean(\.score), scoreDeleted: mean(\.scoreDeleted),
            scoreBeforeInsertion: mean(\.scoreBeforeInsertion), sameClass: same)
        if let report {
            let page = ExplanationReport(figures, subject: subject, card: try ModelReport(file).card)
            try writeFile(Array(page.html.utf8), to: report)
        }
        print(json ? figures.json(subject).text : figures.text(subject))
        if figures.changesWithWeights == false { throw ExitCode(Failure.Kind.badInput.rawValue) }
    }

    /// Models whose weights are shuffled from the output backwards, one part more in every stage.
    private func stages(_ file: ModelFile) throws -> [(name: String, models: [[UInt8]])] {
        if let shuffled {
            let other = try openModel(shuffled)
            guard Engine.mapShape(of: other) == Engine.mapShape(of: file), other.header.outputCount == file.header.outputCount,
                other.header.inputValueCount == file.header.inputValueCount
            else { throw Failure(.badInput, "\(shuffled) has another input, other outputs or another map than \(model)") }
            return [("given model", [other.fileBytes.array])]
        }
        guard shuffles > 0 else { return [] }
        let draft = ModelDraft(file)
        var tensors: [Int] = []
        var stages: [(name: String, models: [[UInt8]])] = []
        let parts = draft.partsFromTheOutput
        for (index, part) in parts.enumerated() {
            tensors += part.tensors
            var models: [[UInt8]] = []
            for seed in 1...shuffles {
                var generator = SplitMix(state: UInt64(seed))
                var changed = draft
                do throws(WriterError) {
                    try changed.shuffle(Set(tensors).sorted(), using: &generator)
                    models.append(try ModelWriter.bytes(of: changed))
                } catch {
                    throw Failure(.fault, "the weights of \(model) cannot be shuffled: \(error)")
                }
            }
            stages.append((index == parts.count - 1 ? "all weights" : index == 0 ? part.name : "… and \(part.name)", models))
        }
        return stages
    }

    private func labelled(_ file: ModelFile) throws -> Dataset {
        let data = self.data ?? ""
        guard FileManager.default.fileExists(atPath: data) else { throw Failure(.cannotOpen, "there is no file or folder \(data)") }
        do {
            return try Dataset(path: data, split: split, classes: ClassNames(outputCount: file.header.outputCount, labels: file.labels.labels))
        } catch let error as DatasetError {
            throw Failure(.badInput, "\(data): \(error.message)")
        } catch let error as PlatformError {
            throw Failure(.cannotOpen, "cannot read \(data): \(words(error)); check the path and that the file may be read")
        }
    }

    private func otherMaps(_ path: String, _ dataset: Dataset, _ outputCount: Int, _ shape: MapShape) throws -> OtherMaps {
        do {
            return try OtherMaps(
                path: path, imageCount: dataset.cases.count, outputCount: outputCount, rows: shape.rows, columns: shape.columns)
        } catch let error as DatasetError {
            throw Failure(.badInput, "\(path): \(error.message)")
        } catch let error as PlatformError {
            throw Failure(.cannotOpen, "cannot read \(path): \(words(error)); check the path and that the file may be read")
        }
    }

    private func writePrepared(_ dataset: Dataset, _ file: ModelFile, to path: String) throws {
        var bytes: [UInt8] = []
        for index in dataset.cases.indices { bytes += littleEndianBytes(try preparedInput(dataset, index, file)) }
        try writeFile(bytes, to: path)
        print("\(dataset.cases.count) images of \(file.header.channels) x \(file.header.height) x \(file.header.width) values in \(path)")
    }
}

extension Absence: ExpressibleByArgument {}

extension MapShape.Method {
    /// The name in results, as `LocationMap.Method` has it.
    var word: String {
        switch self {
        case .patchShares: "patch-shares"
        case .tokenRelevance: "token-relevance"
        }
    }
}

/// The output of a label.
func outputIndex(of name: String, _ file: ModelFile) throws(Failure) -> Int {
    let labels = file.labels.labels
    guard let label = labels.first(where: { $0.name == name }) else {
        throw Failure(.badInput, "the model has no label \"\(name)\"; it has \(labels.map { "\"\($0.name)\"" }.joined(separator: ", "))")
    }
    return label.outputIndex
}
