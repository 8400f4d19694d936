/// One bin of a reliability diagram.
public struct ReliabilityBin: Equatable, Sendable {
    /// Ends of the bin; the last one holds 1.
    public var lower: Double
    public var upper: Double
    public var count: Int
    /// Mean score of the cases in the bin; 0 for an empty one.
    public var meanScore: Double
    /// Share of the cases in the bin that are true; 0 for an empty one.
    public var observed: Double
}

/// How far scores are from the shares they promise, in equal bins.
public struct Reliability: Equatable, Sendable {
    public static let binCount = 15
    public let bins: [ReliabilityBin]

    /// - Precondition: scores in 0 … 1, a truth for each.
    public init(scores: [Float], isTrue: [Bool]) {
        precondition(scores.count == isTrue.count, "a truth for every score")
        let binCount = Reliability.binCount
        var counts = [Int](repeating: 0, count: binCount)
        var sums = [Double](repeating: 0, count: binCount)
        var hits = [Int](repeating: 0, count: binCount)
        for (score, isTrue) in zip(scores, isTrue) {
            let bin = max(0, min(Int(score * Float(binCount)), binCount - 1))
            counts[bin] += 1
            sums[bin] += Double(score)
            hits[bin] += isTrue ? 1 : 0
        }
        bins = (0..<binCount).map { bin in
            let count = Double(max(counts[bin], 1))
            return ReliabilityBin(
                lower: Double(bin) / Double(binCount), upper: Double(bin + 1) / Double(binCount), count: counts[bin], meanScore: sums[bin] / count,
                observed: Double(hits[bin]) / count)
        }
    }

    /// Expected calibration error: sum over bins of (cases / all cases) · |mean score - share true|.
    ///
    /// - Source: Guo et al. 2017, On Calibration of Modern Neural Networks, arXiv:1706.04599, section 2.
    public var expectedCalibrationError: Double {
        let total = bins.reduce(0) { $0 + $1.count }
        return bins.reduce(0) { $0 + Double($1.count) * ($1.meanScore - $1.observed).magnitude } / Double(max(total, 1))
    }
}

/// Mean over cases of sum over classes of (score - truth)²: 0 for perfect, 2 at worst.
///
/// - Shapes: `scores` one row a case, a score for each class.
/// - Source: Brier 1950, Monthly Weather Review 78, 1-3, in its original form over all classes.
public func brier(scores: [[Float]], truths: [Int]) -> Double {
    var sum = 0.0
    for (row, truth) in zip(scores, truths) {
        for (index, score) in row.enumerated() {
            let difference = Double(score) - (index == truth ? 1 : 0)
            sum += difference * difference
        }
    }
    return sum / Double(max(truths.count, 1))
}

/// Mean of (score - truth)² of one class alone: half of `brier(scores:truths:)` for two classes whose scores sum to one.
public func brier(scores: [Float], isTrue: [Bool]) -> Double {
    zip(scores, isTrue).reduce(0) { sum, one in
        let difference = Double(one.0) - (one.1 ? 1 : 0)
        return sum + difference * difference
    } / Double(max(scores.count, 1))
}
