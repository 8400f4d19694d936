import TernModel

/// Resizes rows of 8-bit samples with the fixed-point arithmetic of Pillow 13, so that the result is the same byte for byte.
///
/// Weights are rounded to 22 fractional bits. One direction is resampled first and rounded to 8 bits, then the other: rows first, unless the height
/// loses more than twice as many pixels as the width (earlier Pillows always take rows first; the results then differ by at most a rounding).
/// Input rows are asked for one at a time: no more than one of them, and the sums that are still growing, are held.
struct Resize8 {
    /// 8 bits of sample, 22 of fraction and two for sign and overshoot fill 32 bits.
    static let fractionBits = 22
    private static let half = Int32(1) << Int32(fractionBits - 1)

    private let horizontal: ResampleAxis
    private let vertical: ResampleAxis
    private let horizontalWeights: [Int32]
    private let verticalWeights: [Int32]
    private let inputWidth: Int
    private let outputWidth: Int
    private let outputHeight: Int
    private let channels: Int
    private let takesColumnsFirst: Bool

    init(width: Int, height: Int, channels: Int, recipe: InputRecipe) {
        horizontal = ResampleAxis(from: width, to: recipe.width, filter: recipe.filter)
        vertical = ResampleAxis(from: height, to: recipe.height, filter: recipe.filter)
        horizontalWeights = horizontal.weights.map(Resize8.fixedPoint)
        verticalWeights = vertical.weights.map(Resize8.fixedPoint)
        inputWidth = width
        outputWidth = recipe.width
        outputHeight = recipe.height
        self.channels = channels
        takesColumnsFirst = recipe.height < height && height - recipe.height > 2 * (width - recipe.width)
    }

    /// - Shapes: `fillRow` writes row y of the input, [width, channels], into the array it is given. The result is [outputHeight, outputWidth,
    ///   channels].
    func run(fillRow: (_ y: Int, _ row: inout [UInt8]) -> Void) -> [UInt8] {
        var row = [UInt8](repeating: 0, count: inputWidth * channels)
        var wide = takesColumnsFirst ? row : []
        var narrow = [UInt8](repeating: 0, count: outputWidth * channels)
        var result: [UInt8] = []
        result.reserveCapacity(outputHeight * narrow.count)
        // The rows whose columns are summed: the input's or those already resampled.
        let sumCount = takesColumnsFirst ? row.count : narrow.count
        let slotCount = vertical.limitActiveOutputs
        var sums = [Int32](repeating: 0, count: slotCount * sumCount)
        var finished = 0
        let lastRow = vertical.firsts[outputHeight - 1] + vertical.counts[outputHeight - 1]
        for y in vertical.firsts[0]..<lastRow {
            fillRow(y, &row)
            if !takesColumnsFirst { resampleRow(row, into: &narrow) }
            var output = finished
            while output < outputHeight, vertical.firsts[output] <= y {
                let tap = y - vertical.firsts[output]
                let start = output % slotCount * sumCount
                let weight = verticalWeights[output * vertical.stride + tap]
                Resize8.add(takesColumnsFirst ? row : narrow, times: weight, to: &sums, at: start, isFirst: tap == 0)
                if tap == vertical.counts[output] - 1 {
                    if takesColumnsFirst {
                        for index in 0..<sumCount { wide[index] = Resize8.clipped(sums[start + index]) }
                        resampleRow(wide, into: &narrow)
                        result += narrow
                    } else {
                        for index in 0..<sumCount { result.append(Resize8.clipped(sums[start + index])) }
                    }
                    finished = output + 1
                }
                output += 1
            }
        }
        return result
    }

    private static func add(_ row: [UInt8], times weight: Int32, to sums: inout [Int32], at start: Int, isFirst: Bool) {
        if isFirst {
            for index in row.indices { sums[start + index] = half }
        }
        // |sum| ≤ 255 · 2²² · Σ|weight| with Σ|weight| < 2 for every filter here: no wrap-around.
        for index in row.indices { sums[start + index] &+= Int32(row[index]) &* weight }
    }

    private func resampleRow(_ row: [UInt8], into narrow: inout [UInt8]) {
        for output in 0..<outputWidth {
            let first = horizontal.firsts[output]
            let count = horizontal.counts[output]
            let start = output * horizontal.stride
            if channels == 1 {
                var sum = Resize8.half
                // The bound of the column sums holds here too.
                for tap in 0..<count { sum &+= Int32(row[first + tap]) &* horizontalWeights[start + tap] }
                narrow[output] = Resize8.clipped(sum)
            } else {
                var (red, green, blue) = (Resize8.half, Resize8.half, Resize8.half)
                var pixel = first * 3
                for tap in 0..<count {
                    let weight = horizontalWeights[start + tap]
                    red &+= Int32(row[pixel]) &* weight
                    green &+= Int32(row[pixel + 1]) &* weight
                    blue &+= Int32(row[pixel + 2]) &* weight
                    pixel += 3
                }
                narrow[output * 3] = Resize8.clipped(red)
                narrow[output * 3 + 1] = Resize8.clipped(green)
                narrow[output * 3 + 2] = Resize8.clipped(blue)
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
