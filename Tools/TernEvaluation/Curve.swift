/// Scores of one class against all others, in ascending order: the receiver operating characteristic.
public struct Curve: Sendable {
    let scores: [Float]
    let isPositive: [Bool]
    /// Positions of the scores, ascending.
    private let order: [Int]
    /// Positions in `order` that share a score.
    private let ties: [Range<Int>]

    /// - Precondition: as many truths as scores, none of which is NaN.
    public init(scores: [Float], isPositive: [Bool]) {
        precondition(scores.count == isPositive.count && !scores.contains { $0.isNaN }, "a truth for every score")
        self.scores = scores
        self.isPositive = isPositive
        let order = scores.indices.sorted { scores[$0] < scores[$1] }
        self.order = order
        var groups: [Range<Int>] = []
        var start = 0
        while start < order.count {
            var end = start + 1
            while end < order.count, scores[order[end]] == scores[order[start]] { end += 1 }
            groups.append(start..<end)
            start = end
        }
        ties = groups
    }

    /// Area under the curve of weighted cases: the share of pairs of a positive and a negative that are in the right order, ties counting half. Nil
    /// without both classes.
    ///
    /// - Source: Mann and Whitney 1947; Bamber 1975, Journal of Mathematical Psychology 12, 387-415.
    public func area(weights: [Int]) -> Double? {
        var negativesBelow = 0
        var wins = 0.0
        var positives = 0
        for group in ties {
            var tiedPositives = 0
            var tiedNegatives = 0
            for index in order[group] {
                if isPositive[index] { tiedPositives += weights[index] } else { tiedNegatives += weights[index] }
            }
            wins += Double(tiedPositives) * (Double(negativesBelow) + Double(tiedNegatives) / 2)
            positives += tiedPositives
            negativesBelow += tiedNegatives
        }
        guard positives > 0, negativesBelow > 0 else { return nil }
        return wins / (Double(positives) * Double(negativesBelow))
    }

    /// Area under the curve with DeLong's interval, cut to 0 … 1; nil with fewer than two cases of a class, whose variance is then unknown.
    ///
    /// With midranks T of a case among all, and among its own class: the m positives have the components V10 = (T_all - T_own) / n, the n negatives
    /// V01 = 1 - (T_all - T_own) / m; the area is the mean of either and its variance var(V10) / m + var(V01) / n, sample variances. A model that
    /// ranks every pair right has variance 0 and an interval without width.
    ///
    /// - Source: DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44, 837-845; midranks after Sun and Xu 2014, IEEE Signal Processing Letters 21,
    ///   1389-1393.
    /// - Cost: one pass over the sorted scores.
    public func deLong() -> Interval? {
        let m = isPositive.count { $0 }
        let n = isPositive.count - m
        guard m > 1, n > 1 else { return nil }
        var positiveComponents: [Double] = []
        var negativeComponents: [Double] = []
        positiveComponents.reserveCapacity(m)
        negativeComponents.reserveCapacity(n)
        var positivesBelow = 0
        var negativesBelow = 0
        for group in ties {
            let positives = order[group].count { isPositive[$0] }
            let negatives = group.count - positives
            // T_all - T_own is the number of cases of the other class below, ties counting half.
            let ahead = (Double(negativesBelow) + Double(negatives) / 2) / Double(n)
            let behind = 1 - (Double(positivesBelow) + Double(positives) / 2) / Double(m)
            for _ in 0..<positives { positiveComponents.append(ahead) }
            for _ in 0..<negatives { negativeComponents.append(behind) }
            positivesBelow += positives
            negativesBelow += negatives
        }
        let area = positiveComponents.reduce(0, +) / Double(m)
        let error = (variance(positiveComponents) / Double(m) + variance(negativeComponents) / Double(n)).squareRoot()
        return Interval(value: area, low: max(0, area - normalQuantile * error), high: min(1, area + normalQuantile * error))
    }

    /// The area with DeLong's interval, or a bootstrap's where a class has one case; nil without both classes.
    func estimatedArea(resamples: Int) -> (area: Estimate?, method: AreaMethod?) {
        if let interval = deLong() { return (Estimate(interval), .deLong) }
        let found = bootstrap(count: scores.count, resamples: resamples) { area(weights: $0) }
        return (found, found?.interval == nil ? nil : .bootstrap)
    }

    /// Corners of the curve from (0, 0) to (1, 1): false-positive rate and true-positive rate as the threshold falls; empty without both classes.
    public func corners() -> [(falsePositiveRate: Double, truePositiveRate: Double)] {
        let positives = isPositive.count { $0 }
        let negatives = isPositive.count - positives
        guard positives > 0, negatives > 0 else { return [] }
        var corners = [(0.0, 0.0)]
        var truePositives = 0
        var falsePositives = 0
        for group in ties.reversed() {
            let found = order[group].count { isPositive[$0] }
            truePositives += found
            falsePositives += group.count - found
            corners.append((Double(falsePositives) / Double(negatives), Double(truePositives) / Double(positives)))
        }
        return corners
    }
}

/// How the interval of an area under the curve was made.
public enum AreaMethod: String, Equatable, Sendable {
    case deLong = "delong"
    case bootstrap
}

/// Sample variance, with one less than the count.
private func variance(_ values: [Double]) -> Double {
    let mean = values.reduce(0, +) / Double(values.count)
    return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
}
