/// Spearman's rank correlation of two maps over the same patches: 1 for one order, -1 for its reverse.
///
/// Ties share the mean of their ranks; the correlation is Pearson's of the ranks.
///
/// - Returns: nil where it is undefined: fewer than two values, another count, a value that is not finite, or one map that is the same everywhere.
/// - Source: Spearman 1904, American Journal of Psychology 15, 72-101.
public func rankCorrelation(_ first: [Float], _ second: [Float]) -> Double? {
    guard first.count == second.count, first.count > 1, first.allSatisfy(\.isFinite), second.allSatisfy(\.isFinite) else { return nil }
    let (x, y) = (ranks(first), ranks(second))
    // The mean of the ranks 1 … n, with ties or without.
    let mean = Double(first.count + 1) / 2
    var (products, left, right) = (0.0, 0.0, 0.0)
    for index in x.indices {
        let (a, b) = (x[index] - mean, y[index] - mean)
        products += a * b
        left += a * a
        right += b * b
    }
    guard left > 0, right > 0 else { return nil }
    return products / (left * right).squareRoot()
}

/// The ranks 1 … n of values, those of equal values their mean.
func ranks(_ values: [Float]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var start = 0
    while start < order.count {
        var end = start + 1
        while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
        for place in start..<end { ranks[order[place]] = Double(start + end + 1) / 2 }
        start = end
    }
    return ranks
}
