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

            --data takes an .npz archive with SPLIT_images and SPLIT_labels, or a labelled folder, as tern eval does; or name image files and folders.

            Example:
              tern quality Models/cxr224/cxr224.tern --data cxr224.npz --split test
              tern quality Models/cxr224/cxr224.tern images/ --measures measures.csv
            """)
    @Argument(help: "Model file.") var model: String
    @Argument(help: "Image files and folders.") var images: [String] = []
    @Option(help: "Labelled images: an .npz archive or a folder.") var data: String?
    @Option(help: "Part of the data: test, val, … An archive needs one.") var split: String?
    @Option(help: "Write name, measures and refusal of every image to this CSV file.") var measures: String?
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
                    case .file(let path): found.append(try measure(path, file))
                    case .array(let at):
                        guard let array = dataset.images else { throw Failure(.fault, "a case of an archive without images") }
                        let image = array.image(at: at)
                        found.append(measure(image, attributes: ImageAttributes(), prepared: try preparedImage(image, file, name: one.name), file, name: one.name))
                    }
                    progress.update(index + 1)
                }
            } else {
                for path in try imageFiles(images) { found.append(try measure(path, file)) }
            }
            if let measures { try writeFile(Array(table(found).utf8), to: measures) }
            let summary = QualitySummary(found, rules: file.qualityRules)
            print(json ? summary.json.text : summary.text)
        }
    }

    private func measure(_ path: String, _ file: ModelFile) throws -> MeasuredImage {
        let (decoded, image) = try decodedImage(path)
        let prepared = try preparedImage(decoded, image, file, name: path)
        return measure(image, attributes: decoded.attributes, prepared: prepared, file, name: path)
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
        var table = (["file"] + QualitySummary.criteria.map(\.title) + ["refusal"]).joined(separator: ",") + "\n"
        for one in found {
            let name = one.name.contains { $0 == "," || $0 == "\"" } ? "\"" + one.name.replacingOccurrences(of: "\"", with: "\"\"") + "\"" : one.name
            let values = QualitySummary.criteria.map { one.measures?.value(of: $0.criterion).map { "\($0)" } ?? "" }
            table += ([name] + values + [one.refusal?.value ?? ""]).joined(separator: ",") + "\n"
        }
        return table
    }
}

/// What the gate said of one image.
struct MeasuredImage {
    var name: String
    var measures: QualityMeasures?
    var refusal: QualityRefusal?
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

    init(_ found: [MeasuredImage], rules: QualityRules?) {
        self.found = found
        self.rules = rules
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
        var lines = ["\(found.count) images", padded("", 12) + QualitySummary.shares.map { padded("\(fixed(100 * $0, 1)) %", 10, left: true) }.joined()]
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
            JSONMember("images", number(Double(found.count))), JSONMember("measures", .object(measures)), JSONMember("refused", .object(refusals)),
            JSONMember("refusedByAny", rules == nil ? .null : number(Double(refusedCount))),
        ])
    }

    /// The least value that at least a share of the images does not exceed.
    private func quantile(_ sorted: [Float], _ share: Double) -> Float {
        sorted[min(max(Int((share * Double(sorted.count)).rounded(.up)) - 1, 0), sorted.count - 1)]
    }
}
