import TernModel

/// Resizes rows of 8-bit samples with the fixed-point arithmetic of Pillow, so that the result is the same byte for byte.
///
/// Weights are rounded to 22 fractional bits; rows are resampled first and rounded to 8 bits, then columns. Input rows are asked for one at a time:
/// no more than one of them, and the sums of the output, are held.
struct Resize8 {
    /// 8 bits of sample, 22 of fraction and two for sign and overshoot fill 32 bits.
    static let fractionBits = 22

    private let horizontal: ResampleAxis
    private let vertical: ResampleAxis
    private let horizontalWeights: [Int32]
    private let verticalWeights: [Int32]
    private let outputWidth: Int
    private let outputHeight: Int
    private let channels: Int

    init(width: Int, height: Int, channels: Int, recipe: InputRecipe) {
        horizontal = ResampleAxis(from: width, to: recipe.width, filter: recipe.filter)
        vertical = ResampleAxis(from: height, to: recipe.height, filter: recipe.filter)
        horizontalWeights = horizontal.weights.map(Resize8.fixedPoint)
        verticalWeights = vertical.weights.map(Resize8.fixedPoint)
        outputWidth = recipe.width
        outputHeight = recipe.height
        self.channels = channels
    }

    /// - Shapes: `fillRow` writes row y of the input, [width, channels], into the array it is given. The result is [outputHeight, outputWidth,
    ///   channels].
    func run(inputWidth: Int, fillRow: (_ y: Int, _ row: inout [UInt8]) -> Void) -> [UInt8] {
        let rowCount = outputWidth * channels
        let half = Int32(1) << Int32(Resize8.fractionBits - 1)
        var row = [UInt8](repeating: 0, count: inputWidth * channels)
        var narrow = [UInt8](repeating: 0, count: rowCount)
        var sums = [Int32](repeating: half, count: outputHeight * rowCount)
        var oldest = 0
        let lastRow = vertical.firsts[outputHeight - 1] + vertical.counts[outputHeight - 1]
        for y in vertical.firsts[0]..<lastRow {
            fillRow(y, &row)
            resampleRow(row, into: &narrow)
            while oldest < outputHeight, vertical.firsts[oldest] + vertical.counts[oldest] <= y { oldest += 1 }
            var output = oldest
            while output < outputHeight, vertical.firsts[output] <= y {
                let weight = verticalWeights[output * vertical.stride + y - vertical.firsts[output]]
                let start = output * rowCount
                // |sum| ≤ 255 · 2²² · Σ|weight| with Σ|weight| < 2 for every filter here: no wrap-around.
                for index in 0..<rowCount { sums[start + index] &+= Int32(narrow[index]) &* weight }
                output += 1
            }
        }
        return sums.map(Resize8.clipped)
    }

    private func resampleRow(_ row: [UInt8], into narrow: inout [UInt8]) {
        let half = Int32(1) << Int32(Resize8.fractionBits - 1)
        for output in 0..<outputWidth {
            let first = horizontal.firsts[output]
            let count = horizontal.counts[output]
            let start = output * horizontal.stride
            if channels == 1 {
                var sum = half
                // The bound of the column sums holds here too.
                for tap in 0..<count { sum &+= Int32(row[first + tap]) &* horizontalWeights[start + tap] }
                narrow[output] = Resize8.clipped(sum)
            } else {
                var sum = SIMD4<Int32>(repeating: half)
                for tap in 0..<count {
                    let pixel = (first + tap) * 3
                    let values = SIMD4<Int32>(Int32(row[pixel]), Int32(row[pixel + 1]), Int32(row[pixel + 2]), 0)
                    sum &+= values &* horizontalWeights[start + tap]
                }
                for channel in 0..<3 { narrow[output * 3 + channel] = Resize8.clipped(sum[channel]) }
            }
        }
    }

    /// Rounds half away from zero.
    private static func fixedPoint(_ weight: Double) -> Int32 {
        let scaled = weight * Double(1 << fractionBits)
        return Int32(weight < 0 ? scaled - 0.5 : scaled + 0.5)
    }

    private static func clipped(_ sum: Int32) -> UInt8 { UInt8(min(max(sum >> Int32(fractionBits), 0), 255)) }
}
