/// How often each class was called for each true class.
public struct Confusion: Equatable, Sendable {
    /// Rows are true classes, columns calls.
    public private(set) var counts: [[Int]]

    /// - Precondition: truths and calls are 0 ..< classCount; a weight for each case, or none, which is one each.
    public init(truths: [Int], calls: [Int], classCount: Int, weights: [Int]? = nil) {
        precondition(truths.count == calls.count, "a call for every case")
        counts = [[Int]](repeating: [Int](repeating: 0, count: classCount), count: classCount)
        for index in truths.indices { counts[truths[index]][calls[index]] += weights?[index] ?? 1 }
    }

    public var classCount: Int { counts.count }
    public var total: Int { counts.reduce(0) { $0 + $1.reduce(0, +) } }
    /// Cases of each true class.
    public var truthCounts: [Int] { counts.map { $0.reduce(0, +) } }
    /// Cases that were called each class.
    public var callCounts: [Int] { (0..<classCount).map { column in counts.reduce(0) { $0 + $1[column] } } }

    /// Share of the cases that were called what they are, with its Wilson interval; nil without cases.
    public var accuracy: Interval? { wilson(counts.indices.reduce(0) { $0 + counts[$1][$1] }, of: total) }

    /// Calls of one class against all others.
    public func rates(ofClass index: Int) -> Rates {
        let truePositives = counts[index][index]
        let falseNegatives = truthCounts[index] - truePositives
        let falsePositives = callCounts[index] - truePositives
        return Rates(
            truePositives: truePositives, falsePositives: falsePositives,
            trueNegatives: total - truePositives - falseNegatives - falsePositives, falseNegatives: falseNegatives)
    }

    /// Mean F1 of the classes that occur as truth or as call, as scikit-learn takes it; nil without cases.
    public var macroF1: Double? {
        let found = (0..<classCount).compactMap { rates(ofClass: $0).f1 }
        return found.isEmpty ? nil : found.reduce(0, +) / Double(found.count)
    }

    /// Agreement beyond chance between truth and call, 1 for perfect, 0 for what the counts of the classes give by chance; nil where chance alone
    /// agrees fully.
    ///
    /// kappa = 1 - sum(w · observed) / sum(w · expected), expected = row total · column total / cases, with the disagreement w = 1 off the diagonal,
    /// or (i - j)² for `quadratic`, where the classes are ordered grades.
    ///
    /// - Source: Cohen 1960, Educational and Psychological Measurement 20, 37-46; weighted: Cohen 1968, Psychological Bulletin 70, 213-220.
    public func kappa(quadratic: Bool) -> Double? {
        let (rows, columns, count) = (truthCounts, callCounts, Double(total))
        var observed = 0.0
        var expected = 0.0
        for row in 0..<classCount {
            for column in 0..<classCount {
                let distance = Double(row - column)
                let weight = quadratic ? distance * distance : row == column ? 0 : 1
                observed += weight * Double(counts[row][column])
                expected += weight * Double(rows[row]) * Double(columns[column]) / count
            }
        }
        return expected > 0 ? 1 - observed / expected : nil
    }
}

/// Calls of one class against all others.
public struct Rates: Equatable, Sendable {
    public var truePositives: Int
    public var falsePositives: Int
    public var trueNegatives: Int
    public var falseNegatives: Int

    public init(truePositives: Int, falsePositives: Int, trueNegatives: Int, falseNegatives: Int) {
        self.truePositives = truePositives
        self.falsePositives = falsePositives
        self.trueNegatives = trueNegatives
        self.falseNegatives = falseNegatives
    }

    /// Counts calls `score >= threshold`.
    public init(_ curve: Curve, threshold: Float) {
        self.init(truePositives: 0, falsePositives: 0, trueNegatives: 0, falseNegatives: 0)
        for (score, isPositive) in zip(curve.scores, curve.isPositive) {
            switch (score >= threshold, isPositive) {
            case (true, true): truePositives += 1
            case (true, false): falsePositives += 1
            case (false, true): falseNegatives += 1
            case (false, false): trueNegatives += 1
            }
        }
    }

    public var positives: Int { truePositives + falseNegatives }
    public var negatives: Int { trueNegatives + falsePositives }

    /// Share of the positives that are called; 95 % Wilson interval, as of the four below. Nil where there is nothing to count.
    public var sensitivity: Interval? { wilson(truePositives, of: positives) }
    /// Share of the negatives that are not called.
    public var specificity: Interval? { wilson(trueNegatives, of: negatives) }
    /// Share of the calls that are right (positive predictive value); holds for the share of positives in these cases only.
    public var precision: Interval? { wilson(truePositives, of: truePositives + falsePositives) }
    /// Share of what is not called that is negative (negative predictive value); holds for the share of positives in these cases only.
    public var negativePredictiveValue: Interval? { wilson(trueNegatives, of: trueNegatives + falseNegatives) }
    /// Share of the calls and of what is not called that is right.
    public var accuracy: Interval? { wilson(truePositives + trueNegatives, of: positives + negatives) }
    /// Harmonic mean of sensitivity and precision; nil without positives and calls.
    public var f1: Double? {
        let total = 2 * truePositives + falsePositives + falseNegatives
        return total > 0 ? 2 * Double(truePositives) / Double(total) : nil
    }
}
