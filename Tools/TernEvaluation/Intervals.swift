/// A figure with its 95 % interval.
public struct Interval: Equatable, Sendable {
    public var value: Double
    public var low: Double
    public var high: Double
    public init(value: Double, low: Double, high: Double) {
        self.value = value
        self.low = low
        self.high = high
    }
}

/// A figure whose interval may take a bootstrap.
public struct Estimate: Equatable, Sendable {
    public var value: Double
    /// 95 %; nil where it was not computed.
    public var interval: ClosedRange<Double>?
    public init(value: Double, interval: ClosedRange<Double>?) {
        self.value = value
        self.interval = interval
    }
    public init(_ interval: Interval) { self.init(value: interval.value, interval: interval.low...interval.high) }
}

/// The 0.975 quantile of the normal distribution: two-sided intervals of 95 %.
let normalQuantile = 1.959_963_984_540_054

/// The share `successes` / `count` with its score interval; nil without cases.
///
/// centre = (p + z²/2n) / (1 + z²/n), half = z / (1 + z²/n) · sqrt(p(1-p)/n + z²/4n²), with z = 1.96; the interval stays inside 0 … 1 and is right
/// where all cases agree, unlike p ± 1.96 standard errors.
///
/// - Precondition: 0 <= successes <= count.
/// - Source: Wilson 1927, Journal of the American Statistical Association 22, 209-212.
public func wilson(_ successes: Int, of count: Int) -> Interval? {
    precondition((0...max(count, 0)).contains(successes), "successes are among the cases")
    guard count > 0 else { return nil }
    let n = Double(count)
    let p = Double(successes) / n
    let square = normalQuantile * normalQuantile
    let scale = 1 + square / n
    let centre = (p + square / (2 * n)) / scale
    let half = normalQuantile / scale * (p * (1 - p) / n + square / (4 * n * n)).squareRoot()
    return Interval(value: p, low: successes == 0 ? 0 : max(0, centre - half), high: successes == count ? 1 : min(1, centre + half))
}

/// SplitMix64: the same resamples on every machine.
public struct SplitMix: RandomNumberGenerator, Sendable {
    var state: UInt64
    public init(state: UInt64) { self.state = state }
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Percentile bootstrap over cases: `statistic` gets how often each case was drawn and gives nil where it is undefined.
///
/// The resamples are the same in every run. A fortieth of the found statistics lies below the interval and as many above; with fewer than 40 of them
/// that is none, and there is no interval.
///
/// - Returns: the statistic of the cases themselves, nil where it is undefined.
/// - Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13.
func bootstrap(count: Int, resamples: Int, statistic: ([Int]) -> Double?) -> Estimate? {
    guard count > 0, let value = statistic([Int](repeating: 1, count: count)) else { return nil }
    var generator = SplitMix(state: 20_240_501)
    var found: [Double] = []
    var weights = [Int](repeating: 0, count: count)
    for _ in 0..<resamples {
        for index in weights.indices { weights[index] = 0 }
        for _ in 0..<count { weights[Int.random(in: 0..<count, using: &generator)] += 1 }
        if let one = statistic(weights) { found.append(one) }
    }
    let outside = found.count / 40
    guard outside > 0 else { return Estimate(value: value, interval: nil) }
    found.sort()
    return Estimate(value: value, interval: found[outside]...found[found.count - 1 - outside])
}
