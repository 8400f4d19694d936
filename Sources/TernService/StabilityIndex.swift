/// The population stability index: how far counts in bins are from what was expected.
///
/// - Source: N. Siddiqi, Credit Risk Scorecards, 2006, for the index and its limits 0.1 and 0.25; B. Yurdakul, Statistical Properties of Population
///   Stability Index, 2018, for what chance alone makes of it.
enum StabilityIndex {
    /// The sum over the B bins of (q - p) ln(q / p): p are the shares of `expected`, q those of `seen` with half a case added to each bin, as an empty one
    /// would make the sum infinite.
    ///
    /// - Precondition: as many counts in both, at least one; no expected one is 0.
    static func value(expected: [Int], seen: [Int]) -> Double {
        let expectedSum = Double(expected.reduce(0, +))
        let seenSum = Double(seen.reduce(0, +)) + Double(seen.count) / 2
        var sum = 0.0
        for (one, other) in zip(expected, seen) {
            let (p, q) = (Double(one) / expectedSum, (Double(other) + 0.5) / seenSum)
            sum += (q - p) * naturalLogarithm(q / p)
        }
        return sum
    }

    /// What the index of as many cases of the expected distribution itself exceeds one time in a thousand: (1/N + 1/M) times the 99.9 % quantile of the
    /// chi-squared distribution with B - 1 degrees of freedom.
    ///
    /// - Precondition: 2 to 15 bins; both counts above 0.
    static func chanceLimit(binCount: Int, expectedCount: Int, seenCount: Int) -> Double {
        (1 / Double(expectedCount) + 1 / Double(seenCount)) * quantiles[binCount - 2]
    }

    /// 99.9 % quantiles of the chi-squared distribution with 1 ... 14 degrees of freedom.
    private static let quantiles = [
        10.828, 13.816, 16.266, 18.467, 20.515, 22.458, 24.322, 26.124, 27.877, 29.588, 31.264, 32.909, 34.528, 36.123,
    ]

    /// Within 2 units in the last place, for the program has no mathematics library: with x = m 2^e and z = (m - 1) / (m + 1), ln x is
    /// e ln 2 + 2 (z + z^3/3 + z^5/5 + ...), and |z| < 0.172 leaves the twelfth term below the last place.
    ///
    /// - Precondition: `x` is finite and positive, not subnormal.
    static func naturalLogarithm(_ x: Double) -> Double {
        var (m, e) = (x.significand, Double(x.exponent))
        if m > 1.4142135623730951 { (m, e) = (m / 2, e + 1) }
        let z = (m - 1) / (m + 1)
        var sum = 0.0
        for divisor in stride(from: 23, through: 1, by: -2) { sum = sum * z * z + 1 / Double(divisor) }
        return e * 0.6931471805599453 + 2 * z * sum
    }
}
