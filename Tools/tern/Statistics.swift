import Foundation

/// log₁₀.
func logarithm10(_ x: Double) -> Double { log10(x) }

/// A figure with its 95 % interval.
struct Interval {
    var value: Double
    var low: Double
    var high: Double
}

/// SplitMix64: the same resamples on every machine.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Percentile bootstrap over cases: `statistic` gets how often each case was drawn and gives nil where it is undefined.
func bootstrap(count: Int, resamples: Int, statistic: ([Int]) -> Double?) -> Interval? {
    guard count > 0, let value = statistic([Int](repeating: 1, count: count)) else { return nil }
    var generator = SplitMix(state: 20_240_501)
    var found: [Double] = []
    for _ in 0..<resamples {
        var weights = [Int](repeating: 0, count: count)
        for _ in 0..<count { weights[Int.random(in: 0..<count, using: &generator)] += 1 }
        if let one = statistic(weights) { found.append(one) }
    }
    guard !found.isEmpty else { return nil }
    found.sort()
    func quantile(_ q: Double) -> Double { found[min(Int(q * Double(found.count)), found.count - 1)] }
    return Interval(value: value, low: quantile(0.025), high: quantile(0.975))
}

/// The share of cases that are right, with its interval.
func share(of isRight: [Bool], resamples: Int) -> Interval? {
    bootstrap(count: isRight.count, resamples: resamples) { weights in
        Double(zip(weights, isRight).reduce(0) { $0 + ($1.1 ? $1.0 : 0) }) / Double(isRight.count)
    }
}

/// Area under the ROC curve (Mann-Whitney, ties count half) of weighted cases; `order` sorts the scores ascending. Nil without both classes.
func areaUnderCurve(scores: [Float], isPositive: [Bool], order: [Int], weights: [Int]) -> Double? {
    var negativesBelow = 0
    var wins = 0.0
    var positives = 0
    var start = 0
    while start < order.count {
        var end = start
        var tiedPositives = 0
        var tiedNegatives = 0
        while end < order.count, scores[order[end]] == scores[order[start]] {
            if isPositive[order[end]] { tiedPositives += weights[order[end]] } else { tiedNegatives += weights[order[end]] }
            end += 1
        }
        wins += Double(tiedPositives) * (Double(negativesBelow) + Double(tiedNegatives) / 2)
        positives += tiedPositives
        negativesBelow += tiedNegatives
        start = end
    }
    guard positives > 0, negativesBelow > 0 else { return nil }
    return wins / (Double(positives) * Double(negativesBelow))
}
