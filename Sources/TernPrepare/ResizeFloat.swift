import TernModel

/// Resizes rows of real values with the weights of `ResampleAxis` and sums in binary64, rounded once to binary32.
///
/// Columns first: an input row is added to the few output rows it takes part in, and each finished row is resampled along its length. Held are one
/// input row and those few sums.
struct ResizeFloat {
    private typealias Lanes = SIMD8<Double>
    private let horizontal: ResampleAxis
    private let vertical: ResampleAxis
    private let inputWidth: Int
    private let outputWidth: Int
    private let outputHeight: Int

    init(width: Int, height: Int, recipe: InputRecipe) {
        horizontal = ResampleAxis(from: width, to: recipe.width, filter: recipe.filter)
        vertical = ResampleAxis(from: height, to: recipe.height, filter: recipe.filter)
        inputWidth = width
        outputWidth = recipe.width
        outputHeight = recipe.height
    }

    /// - Shapes: `fillRow` writes row y of the input, [width], into the array it is given, eight values an element; what lies past the width stays
    ///   as it is. The result is [outputHeight, outputWidth].
    func run(fillRow: (_ y: Int, _ row: inout [SIMD8<Double>]) -> Void) -> [Float] {
        let groupCount = (inputWidth + 7) / 8
        let slotCount = vertical.limitActiveOutputs
        var row = [Lanes](repeating: .zero, count: groupCount)
        var sums = [Lanes](repeating: .zero, count: slotCount * groupCount)
        var line = [Double](repeating: 0, count: groupCount * 8)
        var result: [Float] = []
        result.reserveCapacity(outputWidth * outputHeight)
        let lastRow = vertical.firsts[outputHeight - 1] + vertical.counts[outputHeight - 1]
        for y in vertical.firsts[0]..<lastRow {
            fillRow(y, &row)
            var output = result.count / outputWidth
            while output < outputHeight, vertical.firsts[output] <= y {
                let tap = y - vertical.firsts[output]
                let weight = vertical.weights[output * vertical.stride + tap]
                let start = output % slotCount * groupCount
                if tap == 0 {
                    for group in 0..<groupCount { sums[start + group] = row[group] * weight }
                } else {
                    for group in 0..<groupCount { sums[start + group] += row[group] * weight }
                }
                if tap == vertical.counts[output] - 1 {
                    for group in 0..<groupCount {
                        let lanes = sums[start + group]
                        for lane in 0..<8 { line[group * 8 + lane] = lanes[lane] }
                    }
                    appendRow(line, to: &result)
                }
                output += 1
            }
        }
        return result
    }

    private func appendRow(_ line: [Double], to result: inout [Float]) {
        for output in 0..<outputWidth {
            let first = horizontal.firsts[output]
            let start = output * horizontal.stride
            var sum = 0.0
            for tap in 0..<horizontal.counts[output] { sum += line[first + tap] * horizontal.weights[start + tap] }
            // Bicubic and Lanczos overshoot; a prepared value lies in 0 ... 255 as on the 8-bit way.
            result.append(Float(min(max(sum, 0), 255)))
        }
    }
}
