/// Resizes a table of positions as timm does: bicubic (a = -0.5) with antialiasing, half-pixel centres, each channel alone.
///
/// - Shapes: `grid` has from.0 · from.1 rows; the result to.0 · to.1.
/// - Source: torch.nn.functional.interpolate(mode="bicubic", antialias=True, align_corners=False), which timm's resample_abs_pos_embed calls.
func resizedPositions(_ grid: Matrix, from: (Int, Int), to: (Int, Int)) -> Matrix {
    let columns = grid.columns
    let across = resizeWeights(from.1, to.1)
    var middle = [Float](repeating: 0, count: from.0 * to.1 * columns)
    for y in 0..<from.0 {
        for (x, taps) in across.enumerated() {
            for (offset, weight) in taps.weights.enumerated() {
                let source = (y * from.1 + taps.first + offset) * columns
                let target = (y * to.1 + x) * columns
                for c in 0..<columns { middle[target + c] += weight * grid.values[source + c] }
            }
        }
    }
    let down = resizeWeights(from.0, to.0)
    var result = Matrix(rows: to.0 * to.1, columns: columns, values: [Float](repeating: 0, count: to.0 * to.1 * columns))
    for (y, taps) in down.enumerated() {
        for (offset, weight) in taps.weights.enumerated() {
            let source = (taps.first + offset) * to.1 * columns
            let target = y * to.1 * columns
            for c in 0..<to.1 * columns { result.values[target + c] += weight * middle[source + c] }
        }
    }
    return result
}

/// For each output the first input and the weights of the inputs from there, which sum to 1.
private func resizeWeights(_ inputs: Int, _ outputs: Int) -> [(first: Int, weights: [Float])] {
    let scale = Double(inputs) / Double(outputs)
    let stretch = max(scale, 1)
    return (0..<outputs).map { index in
        let centre = scale * (Double(index) + 0.5)
        let first = max(Int(centre - 2 * stretch + 0.5), 0)
        let end = min(Int(centre + 2 * stretch + 0.5), inputs)
        let weights = (first..<end).map { cubic((Double($0) - centre + 0.5) / stretch) }
        let sum = weights.reduce(0, +)
        return (first, weights.map { Float($0 / sum) })
    }
}

private func cubic(_ x: Double) -> Double {
    let a = -0.5
    let x = x.magnitude
    if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
    return 0
}
