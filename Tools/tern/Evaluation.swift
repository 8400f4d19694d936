import TernConvert
import TernModel
import TernPlatform

/// One image: its true output index and the model's scores.
struct CaseResult {
    var truth: Int
    var scores: [Float]

    /// Index of the largest score; with one output, whether it reaches one half.
    var call: Int {
        if scores.count == 1 { return scores[0] >= 0.5 ? 1 : 0 }
        var best = 0
        for index in scores.indices where scores[index] > scores[best] { best = index }
        return best
    }
    /// The score of the call.
    var confidence: Float { scores.count == 1 ? max(scores[0], 1 - scores[0]) : scores[call] }
}

/// Figures of a classifier over labelled cases.
struct Evaluation {
    /// Figures of one reported label against all others.
    struct LabelFigures {
        var name: String
        var positives: Int
        var auc: Interval?
        var operatingPoint: String
        var threshold: Float?
        /// Of the calls at the threshold, the label against all others.
        var accuracy: Interval?
        var sensitivity: Double?
        var specificity: Double?
        /// Of the label's score as a probability.
        var calibrationError: Double
    }
    var count: Int
    /// Of the largest score.
    var accuracy: Interval?
    /// Of the reported label, or the mean over all outputs of a classifier with more than two.
    var auc: Interval?
    /// Of the largest score as the probability that the call is right.
    var calibrationError: Double
    var labels: [LabelFigures]

    init(_ results: [CaseResult], labels: Labels, resamples: Int) {
        count = results.count
        accuracy = share(of: results.map { $0.call == $0.truth }, resamples: resamples)
        let outputs = results.first?.scores.count ?? 0
        self.labels = labels.labels.filter(\.isReported).map { Evaluation.figures($0, results, resamples) }
        if outputs > 2 {
            let curves = (0..<outputs).map { Curve(results, output: $0) }
            auc = bootstrap(count: results.count, resamples: resamples) { weights in
                let areas = curves.compactMap { $0.area(weights) }
                return areas.count == curves.count ? areas.reduce(0, +) / Double(areas.count) : nil
            }
        } else {
            auc = self.labels.first?.auc
        }
        calibrationError = Evaluation.calibrationError(results.map { ($0.confidence, $0.call == $0.truth) })
    }

    /// Scores of one output with their order.
    private struct Curve {
        var scores: [Float]
        var isPositive: [Bool]
        var order: [Int]
        init(_ results: [CaseResult], output: Int) {
            let scores = results.map { $0.scores[output] }
            self.scores = scores
            isPositive = results.map { $0.scores.count == 1 ? $0.truth == 1 : $0.truth == output }
            order = scores.indices.sorted { scores[$0] < scores[$1] }
        }
        func area(_ weights: [Int]) -> Double? { areaUnderCurve(scores: scores, isPositive: isPositive, order: order, weights: weights) }
    }

    private static func figures(_ label: Label, _ results: [CaseResult], _ resamples: Int) -> LabelFigures {
        let curve = Curve(results, output: label.outputIndex)
        let positives = curve.isPositive.count { $0 }
        var figures = LabelFigures(
            name: label.name, positives: positives,
            auc: bootstrap(count: results.count, resamples: resamples) { curve.area($0) }, operatingPoint: label.operatingPoint,
            threshold: label.threshold, calibrationError: calibrationError(zip(curve.scores, curve.isPositive).map { ($0, $1) }))
        if let threshold = label.threshold {
            let isCalled = curve.scores.map { $0 >= threshold }
            figures.accuracy = share(of: zip(isCalled, curve.isPositive).map { $0 == $1 }, resamples: resamples)
            let truePositives = zip(isCalled, curve.isPositive).count { $0 && $1 }
            let trueNegatives = zip(isCalled, curve.isPositive).count { !$0 && !$1 }
            if positives > 0 { figures.sensitivity = Double(truePositives) / Double(positives) }
            if positives < results.count { figures.specificity = Double(trueNegatives) / Double(results.count - positives) }
        }
        return figures
    }

    /// Expected calibration error over 15 equal bins of the score (Guo et al. 2017, arXiv:1706.04599).
    private static func calibrationError(_ cases: [(score: Float, isTrue: Bool)]) -> Double {
        let binCount = 15
        var expected = [Double](repeating: 0, count: binCount)
        var observed = [Double](repeating: 0, count: binCount)
        for one in cases {
            let bin = max(0, min(Int(one.score * Float(binCount)), binCount - 1))
            expected[bin] += Double(one.score)
            observed[bin] += one.isTrue ? 1 : 0
        }
        return zip(expected, observed).reduce(0) { $0 + ($1.0 - $1.1).magnitude } / Double(max(cases.count, 1))
    }
}

extension Evaluation {
    var text: String {
        var lines = [
            "images             \(count)", "accuracy           \(line(accuracy)) of the largest score", "AUC                \(line(auc))",
            "calibration error  \(fixed(calibrationError, 4)) of the largest score",
        ]
        for label in labels {
            lines.append(
                "\(label.name): \(label.positives) positive, AUC \(line(label.auc)), calibration error \(fixed(label.calibrationError, 4))")
            if let threshold = label.threshold {
                lines.append(
                    "  at \(label.operatingPoint.isEmpty ? "threshold" : label.operatingPoint) \(threshold): accuracy \(line(label.accuracy)), sensitivity "
                        + "\(label.sensitivity.map { fixed($0, 4) } ?? "undefined"), specificity "
                        + "\(label.specificity.map { fixed($0, 4) } ?? "undefined")")
            }
        }
        return lines.joined(separator: "\n")
    }

    private func line(_ interval: Interval?) -> String {
        guard let interval else { return "undefined: the cases have one class only" }
        return "\(fixed(interval.value, 4))  (95 % interval \(fixed(interval.low, 4)) to \(fixed(interval.high, 4)))"
    }

    func json(model: ModelFile, isa: String) -> JSONValue {
        func real(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
        func interval(_ interval: Interval?) -> JSONValue {
            guard let interval else { return .null }
            return .object([
                JSONMember("value", .number(interval.value)), JSONMember("low", .number(interval.low)), JSONMember("high", .number(interval.high)),
            ])
        }
        let entries = labels.map { label in
            JSONValue.object([
                JSONMember("name", .string(label.name)), JSONMember("positives", .number(Double(label.positives))),
                JSONMember("auc", interval(label.auc)), JSONMember("operatingPoint", .string(label.operatingPoint)),
                JSONMember("threshold", real(label.threshold.flatMap { Double("\($0)") })), JSONMember("accuracy", interval(label.accuracy)),
                JSONMember("sensitivity", real(label.sensitivity)),
                JSONMember("specificity", real(label.specificity)), JSONMember("calibrationError", .number(label.calibrationError)),
            ])
        }
        return .object([
            JSONMember("model", .string(model.header.name)), JSONMember("version", .string(model.header.version)),
            JSONMember("identity", .string(Hexadecimal.string(model.identity))), JSONMember("isa", .string(isa)),
            JSONMember("images", .number(Double(count))), JSONMember("accuracy", interval(accuracy)), JSONMember("auc", interval(auc)),
            JSONMember("calibrationError", .number(calibrationError)), JSONMember("labels", .array(entries)),
        ])
    }
}
