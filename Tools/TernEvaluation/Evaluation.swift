public import TernModel

/// One image: its true class and what the model said.
public struct CaseResult: Equatable, Sendable {
    public var name: String
    /// Class index.
    public var truth: Int
    /// One an output.
    public var scores: [Float]
    /// The same at temperature 1.
    public var plainScores: [Float]
    /// Nil for a model without feature statistics.
    public var outOfDistribution: Float?

    public init(name: String, truth: Int, scores: [Float], plainScores: [Float], outOfDistribution: Float? = nil) {
        self.name = name
        self.truth = truth
        self.scores = scores
        self.plainScores = plainScores
        self.outOfDistribution = outOfDistribution
    }

    /// Class of the largest score, the first of equals; with one output, whether it reaches one half.
    public var call: Int { CaseResult.call(scores) }

    static func call(_ scores: [Float]) -> Int {
        if scores.count == 1 { return scores[0] >= 0.5 ? 1 : 0 }
        var best = 0
        for index in scores.indices where scores[index] > scores[best] { best = index }
        return best
    }
    /// The score of a call.
    static func confidence(_ scores: [Float]) -> Float { scores.count == 1 ? max(scores[0], 1 - scores[0]) : scores[call(scores)] }
    /// A score for each class.
    static func classScores(_ scores: [Float]) -> [Float] { scores.count == 1 ? [1 - scores[0], scores[0]] : scores }
}

/// Figures of a classifier over labelled cases.
public struct Evaluation: Sendable {
    /// How figures are taken.
    public struct Options: Equatable, Sendable {
        /// Bootstrap resamples: 100 or more, or 0 for none, which leaves the figures that need one without an interval.
        public var resamples: Int
        /// Whether the classes are ordered grades.
        public var isOrdinal: Bool
        public init(resamples: Int = 2000, isOrdinal: Bool = false) {
            self.resamples = resamples
            self.isOrdinal = isOrdinal
        }
    }
    /// A score and what it is at temperature 1.
    public struct Calibrated<Value: Sendable>: Sendable {
        public var after: Value
        public var before: Value
    }
    /// One class against all others, called by the largest score.
    public struct ClassFigures: Sendable {
        public var name: String
        public var count: Int
        public var rates: Rates
        /// DeLong's interval, or a bootstrap's for a class with one case.
        public var auc: Estimate?
    }
    /// Calls of a label at one threshold.
    public struct PointFigures: Sendable {
        public var name: String
        public var threshold: Float
        /// Whether the device uses it unless told otherwise.
        public var isDefault: Bool
        public var rates: Rates
        /// What the model file says was measured there, on other images; nil for a threshold that is no point of the file.
        public var stated: OperatingPoint?
    }
    /// One reported label against all others.
    public struct LabelFigures: Sendable {
        public var name: String
        public var classIndex: Int
        public var positives: Int
        public var curve: Curve
        public var auc: Estimate?
        /// Those of the file, ascending by threshold, and 0.5 for two classes.
        public var points: [PointFigures]
        public var reliability: Calibrated<Reliability>
        public var defaultPoint: PointFigures? { points.first(where: \.isDefault) }
    }
    /// How far calls are from truth in grades.
    public struct Ordinal: Sendable {
        /// Mean of |call - truth|.
        public var meanAbsoluteError: Estimate?
        /// Share of the cases whose call is at most one grade off.
        public var withinOne: Interval?
    }
    /// What the out-of-distribution gate said.
    public struct Gate: Sendable {
        public var threshold: Float
        /// One a case; infinite where it overflowed.
        public var scores: [Float]
        public var flagged: Int
        /// Share flagged with its Wilson interval.
        public var share: Interval?
    }

    public var results: [CaseResult]
    public var options: Options
    public var classNames: [String]
    /// Of the largest score, with its Wilson interval.
    public var accuracy: Interval?
    /// Of the reported label for two classes, or the mean over all classes, each against the others.
    public var auc: Estimate?
    /// How the interval of `auc` was made; nil without one.
    public var aucMethod: AreaMethod?
    public var macroF1: Estimate?
    public var kappa: Estimate?
    /// Quadratic weights: for grades.
    public var quadraticKappa: Estimate?
    public var confusion: Confusion
    public var perClass: [ClassFigures]
    /// Over all classes.
    public var brier: Calibrated<Double>
    /// Of the reported label; nil for more than two classes.
    public var positiveBrier: Calibrated<Double>?
    /// Of the largest score as the probability that the call is right.
    public var reliability: Calibrated<Reliability>
    public var labels: [LabelFigures]
    public var ordinal: Ordinal?
    public var gate: Gate?

    public var count: Int { results.count }

    /// - Precondition: every case has a score for each output and a truth among the classes; `points` belong to `labels`.
    /// - Cost: `options.resamples` passes over the cases for each bootstrap figure.
    public init(_ results: [CaseResult], outputCount: Int, labels: Labels, points: [OperatingPoint], gate: FeatureStatistics?, options: Options) {
        self.results = results
        self.options = options
        let classes = ClassNames(outputCount: outputCount, labels: labels.labels)
        classNames = classes.names
        let truths = results.map(\.truth)
        let calls = results.map(\.call)
        let confusion = Confusion(truths: truths, calls: calls, classCount: classes.count)
        self.confusion = confusion
        func resampled(_ figure: (Confusion) -> Double?) -> Estimate? {
            bootstrap(count: results.count, resamples: options.resamples) {
                figure(Confusion(truths: truths, calls: calls, classCount: classes.count, weights: $0))
            }
        }
        accuracy = confusion.accuracy
        macroF1 = resampled { $0.macroF1 }
        kappa = resampled { $0.kappa(quadratic: false) }
        quadraticKappa = resampled { $0.kappa(quadratic: true) }
        let curves = (0..<classes.count).map { Evaluation.curve(results, ofClass: $0) }
        perClass = curves.indices.map { index in
            ClassFigures(
                name: classes.names[index], count: confusion.truthCounts[index], rates: confusion.rates(ofClass: index),
                auc: curves[index].estimatedArea(resamples: options.resamples).area)
        }
        self.labels = labels.labels.indices.filter { labels.labels[$0].isReported }.map { index in
            Evaluation.figures(results, label: labels.labels[index], points: points.filter { $0.labelIndex == index }, outputCount, options)
        }
        (auc, aucMethod) = Evaluation.area(curves, positive: self.labels.first?.classIndex ?? 1, options)
        brier = Evaluation.calibrated(results) { TernEvaluation.brier(scores: $0.map { CaseResult.classScores($0) }, truths: truths) }
        if classes.count == 2, let index = self.labels.first?.classIndex {
            positiveBrier = Evaluation.calibrated(results) {
                TernEvaluation.brier(scores: $0.map { CaseResult.classScores($0)[index] }, isTrue: truths.map { $0 == index })
            }
        }
        reliability = Evaluation.calibrated(results) {
            Reliability(scores: $0.map { CaseResult.confidence($0) }, isTrue: zip($0, truths).map { CaseResult.call($0) == $1 })
        }
        if options.isOrdinal { ordinal = Evaluation.ordinal(truths, calls, options) }
        self.gate = gate.map { Evaluation.figures(results, gate: $0) }
    }

    /// A figure of the scores and of those at temperature 1.
    private static func calibrated<Value: Sendable>(_ results: [CaseResult], _ figure: ([[Float]]) -> Value) -> Calibrated<Value> {
        Calibrated(after: figure(results.map(\.scores)), before: figure(results.map(\.plainScores)))
    }

    /// The area of one of two classes, or the mean over more.
    private static func area(_ curves: [Curve], positive: Int, _ options: Options) -> (Estimate?, AreaMethod?) {
        if curves.count == 2 { return curves[positive].estimatedArea(resamples: options.resamples) }
        let mean = bootstrap(count: curves[0].scores.count, resamples: options.resamples) { weights in
            let areas = curves.compactMap { $0.area(weights: weights) }
            return areas.count == curves.count ? areas.reduce(0, +) / Double(areas.count) : nil
        }
        return (mean, mean?.interval == nil ? nil : .bootstrap)
    }

    private static func figures(_ results: [CaseResult], gate: FeatureStatistics) -> Gate {
        let scores = results.compactMap(\.outOfDistribution)
        let flagged = scores.count(where: gate.isFlagged)
        return Gate(
            threshold: gate.threshold, scores: scores.map { $0.isNaN ? .infinity : $0 }, flagged: flagged, share: wilson(flagged, of: scores.count))
    }

    private static func curve(_ results: [CaseResult], ofClass index: Int) -> Curve {
        Curve(scores: results.map { CaseResult.classScores($0.scores)[index] }, isPositive: results.map { $0.truth == index })
    }

    private static func figures(
        _ results: [CaseResult], label: Label, points: [OperatingPoint], _ outputCount: Int, _ options: Options
    ) -> LabelFigures {
        let classIndex = outputCount == 1 ? 1 : label.outputIndex
        let curve = curve(results, ofClass: classIndex)
        let isPositive = curve.isPositive
        func point(_ name: String, _ threshold: Float, isDefault: Bool, stated: OperatingPoint? = nil) -> PointFigures {
            PointFigures(
                name: name, threshold: threshold, isDefault: isDefault, rates: Rates(curve, threshold: threshold), stated: stated)
        }
        var found = points.map { point($0.name, $0.threshold, isDefault: $0.name == label.operatingPoint, stated: $0) }
        if let threshold = label.threshold, !found.contains(where: \.isDefault) {
            found.append(point(label.operatingPoint.isEmpty ? "threshold" : label.operatingPoint, threshold, isDefault: true))
        }
        if outputCount <= 2 { found.append(point("0.5", 0.5, isDefault: false)) }
        return LabelFigures(
            name: label.name, classIndex: classIndex, positives: isPositive.count { $0 }, curve: curve,
            auc: curve.estimatedArea(resamples: options.resamples).area, points: found,
            reliability: calibrated(results) { Reliability(scores: $0.map { CaseResult.classScores($0)[classIndex] }, isTrue: isPositive) })
    }

    private static func ordinal(_ truths: [Int], _ calls: [Int], _ options: Options) -> Ordinal {
        let distances = zip(truths, calls).map { ($0 - $1).magnitude }
        let error = bootstrap(count: distances.count, resamples: options.resamples) { weights in
            Double(zip(weights, distances).reduce(0) { $0 + $1.0 * Int($1.1) }) / Double(distances.count)
        }
        return Ordinal(meanAbsoluteError: error, withinOne: wilson(distances.count { $0 <= 1 }, of: distances.count))
    }
}
