import ArgumentParser
import Foundation
import TernConvert
import TernEvaluation
import TernImage
import TernModel
import TernPlatform
import TernPrepare
import TernQuality

struct QualityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quality",
        abstract: "Measures images as a model's quality gate does, and counts what it refuses.",
        discussion: """
            Prints the spread of every measure (brightness, contrast, saturated share, blur, size, colour, text) and, where the model has a quality gate,
            how many images each rule and all rules together refuse. A model without one is measured all the same, to choose its thresholds.

            Every frame of a file counts. A file or frame that the model cannot be asked about (another modality, damaged, not read here) is counted with its coded
            reason and has no measures.

            --data takes an .npz archive with SPLIT_images and SPLIT_labels, or a labelled folder, as tern eval does; or name image files and folders.

            Example:
              tern quality Models/cxr224/cxr224.tern --data cxr224.npz --split test
              tern quality Models/cxr224/cxr224.tern images/ --measures measures.csv
            """)
    @Argument(help: "Model file.") var model: String
    @Argument(help: "Image files and folders.") var images: [String] = []
    @Option(help: "Labelled images: an .npz archive or a folder.") var data: String?
    @Option(help: "Part of the data: test, val, … An archive needs one.") var split: String?
    @Option(help: "Write name, frame, measures and refusal of every image to this CSV file.") var measures: String?
    @Flag(help: "Look for burned-in text even where no rule asks for it.") var text = false
    @Flag(help: "One JSON object instead of text.") var json = false

    func validate() throws {
        guard (data != nil) != !images.isEmpty else { throw ValidationError("name --data or images, one of them") }
    }

    func run() throws {
        try reporting {
            let file = try openModel(model)
            var found: [MeasuredImage] = []
            if let data {
                let dataset = try Dataset(path: data, split: split, classes: ClassNames(outputCount: file.header.outputCount, labels: file.labels.labels))
                var progress = ProgressBar("measuring", total: dataset.cases.count)
                for (index, one) in dataset.cases.enumerated() {
                    switch one.source {
                    case .file(let path): found += measure(path, file)
                    case .array(let at):
                        guard let array = dataset.images else { throw Failure(.fault, "a case of an archive without images") }
                        let image = array.image(at: at)
                        found.append(measure(image, attributes: ImageAttributes(), prepared: try preparedImage(image, file, name: one.name), file, name: one.name))
                    }
                    progress.update(index + 1)
                }
            } else {
                for path in try imageFiles(images) { found += measure(path, file) }
            }
            if let measures { try writeFile(Array(table(found).utf8), to: measures) }
            let summary = QualitySummary(found, rules: file.qualityRules)
            print(json ? summary.json.text : summary.text)
        }
    }

    /// One for each frame of a file, or the only one of a file that is not read.
    private func measure(_ path: String, _ model: ModelFile) -> [MeasuredImage] {
        guard let mapping = try? mapFile(path) else { return [MeasuredImage(name: path, unread: "NOT-OPENED")] }
        var found: [MeasuredImage] = []
        do throws(PrepareError) {
            guard let kind = ImageKind(recognising: mapping.bytes) else { throw .unknownKind }
            let file = try ImageFile(parsing: mapping.bytes, as: kind)
            try checkModality(file.modality, of: file.kind, for: model.recipe)
            for index in 0..<file.frameCount {
                var one = MeasuredImage(name: path)
                do throws(PrepareError) {
                    let image = try file.frame(index, of: mapping.bytes)
                    let prepared = try prepare(image, recipe: model.recipe).values
                    one = measure(image, attributes: file.attributes, prepared: prepared, model, name: path)
                } catch {
                    one.unread = error.reason.value
                }
                if file.frameCount > 1 { one.frame = index + 1 }
                found.append(one)
            }
        } catch {
            found.append(MeasuredImage(name: path, unread: error.reason.value))
        }
        return found
    }

    private func measure(_ image: DecodedImage, attributes: ImageAttributes, prepared: [Float], _ file: ModelFile, name: String) -> MeasuredImage {
        var rules = file.qualityRules ?? QualityRules(rules: [], measuredOn: "", cases: 0, refused: 0)
        if text, rules.rule(.text) == nil {
            // A threshold that nothing is above: the share is measured, and refuses nothing.
            rules.rules.append(QualityRule(criterion: .text, threshold: 1, cases: 0, refused: 0))
        }
        let report = assessQuality(rules, image: image, attributes: attributes, prepared: prepared.span, recipe: file.recipe) {
            textShare(in: greyPlane(of: image, longestSide: textSearchLongestSide), crop: file.recipe.crop)
        }
        return MeasuredImage(name: name, measures: report.measures, refusal: report.refusal)
    }

    /// One line an image; empty where something was not measured.
    private func table(_ found: [MeasuredImage]) -> String {
        var table = (["file", "frame"] + QualitySummary.criteria.map(\.title) + ["refusal"]).joined(separator: ",") + "\n"
        for one in found {
            let name = one.name.contains { $0 == "," || $0 == "\"" } ? "\"" + one.name.replacingOccurrences(of: "\"", with: "\"\"") + "\"" : one.name
            let values = QualitySummary.criteria.map { one.measures?.value(of: $0.criterion).map { "\($0)" } ?? "" }
            table += ([name, one.frame.map { "\($0)" } ?? ""] + values + [one.unread ?? one.refusal?.value ?? ""]).joined(separator: ",") + "\n"
        }
        return table
    }
}

/// What the gate said of one image.
struct MeasuredImage {
    var name: String
    /// From 1; nil for the only one of its file.
    var frame: Int?
    var measures: QualityMeasures?
    var refusal: QualityRefusal?
    /// The coded reason why it did not come to the gate.
    var unread: String?
}

/// The spread of the measures over a set of images, and what the rules refuse.
struct QualitySummary {
    /// The measures, each under one of the criteria that look at it.
    static let criteria: [(criterion: QualityCriterion, title: String)] = [
        (.shortSide, "shortSide"), (.mostColour, "colour"), (.contrast, "contrast"), (.brightness, "brightness"), (.saturation, "saturation"),
        (.blur, "blur"), (.text, "text"),
    ]
    private let found: [MeasuredImage]
    private let rules: QualityRules?
    /// How many have no measures, by reason.
    private let unread: [(reason: String, count: Int)]

    init(_ all: [MeasuredImage], rules: QualityRules?) {
        found = all.filter { $0.unread == nil }
        self.rules = rules
        unread = Dictionary(grouping: all.compactMap(\.unread), by: { $0 }).map { ($0.key, $0.value.count) }.sorted { $0.reason < $1.reason }
    }

    private static let shares = [0, 0.001, 0.01, 0.5, 0.99, 0.999, 1]

    /// Ascending.
    private func values(_ criterion: QualityCriterion) -> [Float] { found.compactMap { $0.measures?.value(of: criterion) }.sorted() }

    /// Images that a rule refuses, whatever the others say.
    private func refused(_ rule: QualityRule) -> Int {
        guard rule.criterion.isMeasured else { return found.filter { $0.refusal?.criterion == rule.criterion }.count }
        return values(rule.criterion).filter { rule.refuses($0) }.count
    }

    private var refusedCount: Int { found.filter { $0.refusal != nil }.count }

    var text: String {
        let others = unread.isEmpty ? "" : "; not measured: " + unread.map { "\($0.reason) \($0.count)" }.joined(separator: ", ")
        var lines = ["\(found.count) images\(others)", padded("", 12) + QualitySummary.shares.map { padded("\(fixed(100 * $0, 1)) %", 10, left: true) }.joined()]
        for (criterion, title) in QualitySummary.criteria {
            let sorted = values(criterion)
            guard !sorted.isEmpty else { continue }
            lines.append(padded(title, 12) + QualitySummary.shares.map { padded(fixed(Double(quantile(sorted, $0)), 3), 10, left: true) }.joined())
        }
        guard let rules else { return (lines + ["the model has no quality gate"]).joined(separator: "\n") }
        for rule in rules.rules {
            let limit = rule.criterion.isMeasured ? "\(rule.criterion.isLeast ? "at least" : "at most") \(rule.threshold)" : rule.text
            lines.append(padded(rule.criterion.name, 20) + padded(limit, 22) + "refuses \(refused(rule))")
        }
        lines.append("all rules together refuse \(refusedCount) of \(found.count)")
        return lines.joined(separator: "\n")
    }

    var json: JSONValue {
        func number(_ value: Double) -> JSONValue { .number(value) }
        var measures: [JSONMember] = []
        for (criterion, title) in QualitySummary.criteria {
            let sorted = values(criterion)
            guard !sorted.isEmpty else { continue }
            measures.append(
                JSONMember(title, .object(QualitySummary.shares.map { JSONMember("\($0)", number(Double("\(quantile(sorted, $0))") ?? 0)) })))
        }
        let refusals = rules?.rules.map { JSONMember($0.criterion.name, number(Double(refused($0)))) } ?? []
        return .object([
            JSONMember("images", number(Double(found.count))), JSONMember("notMeasured", .object(unread.map { JSONMember($0.reason, number(Double($0.count))) })),
            JSONMember("measures", .object(measures)), JSONMember("refused", .object(refusals)),
            JSONMember("refusedByAny", rules == nil ? .null : number(Double(refusedCount))),
        ])
    }

    /// The least value that at least a share of the images does not exceed.
    private func quantile(_ sorted: [Float], _ share: Double) -> Float {
        sorted[min(max(Int((share * Double(sorted.count)).rounded(.up)) - 1, 0), sorted.count - 1)]
    }
}
