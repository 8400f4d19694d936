/// Which inputs make each output along one side, and with which weights, in the form that the kernels read.
///
/// Weights of binary64 are for real values, fixed-point ones of `ResizeKernels.fractionBits` fractional bits for bytes.
public struct ResizeTaps<Weight: BitwiseCopyable & Sendable & AdditiveArithmetic>: Sendable {
    /// Inputs along the side.
    public let inputCount: Int
    /// Outputs along the side.
    public var outputCount: Int { firsts.count }
    let firsts: [Int32]
    let counts: [Int32]
    /// [outputCount][stride], zero past an output's count.
    let weights: [Weight]
    let stride: Int

    /// - Parameters:
    ///   - firsts: the first input of each output.
    ///   - counts: the number of inputs of each output, at least 1.
    ///   - weights: [outputs][stride], zero past an output's count.
    /// - Precondition: every input lies in 0 ..< `inputCount`, which is at most 2^24.
    public init(firsts: [Int], counts: [Int], weights: [Weight], stride: Int, inputCount: Int) {
        precondition(firsts.count == counts.count && weights.count == firsts.count * stride && inputCount <= 1 << 24, "taps without their shape")
        self.inputCount = inputCount
        self.firsts = firsts.map { Int32($0) }
        self.counts = counts.map { Int32($0) }
        let lanes = ResizeKernels.laneCount
        let padded = (stride + lanes - 1) / lanes * lanes
        var store = [Weight](repeating: .zero, count: padded * firsts.count)
        for output in firsts.indices {
            precondition(firsts[output] >= 0 && counts[output] >= 1 && counts[output] <= stride, "an output without inputs")
            precondition(firsts[output] <= inputCount - counts[output], "an input outside the side")
            for tap in 0..<counts[output] { store[output * padded + tap] = weights[output * stride + tap] }
        }
        self.weights = store
        self.stride = padded
    }
}

/// The growing sums of the output rows that are under way, each in its slot of a ring.
public struct ResizeSums<Value: BitwiseCopyable & Sendable & AdditiveArithmetic>: Sendable {
    /// Values of a row.
    public let columnCount: Int
    /// The most output rows that are under way at once.
    public let slotCount: Int
    /// From one slot to the next; what lies past the columns stays zero, for taps are read in whole groups of lanes.
    let stride: Int
    var values: [Value]

    public init(columnCount: Int, slotCount: Int) {
        precondition(columnCount > 0 && slotCount > 0, "sums of nothing")
        self.columnCount = columnCount
        self.slotCount = slotCount
        stride = columnCount + ResizeKernels.laneCount
        values = [Value](repeating: .zero, count: stride * slotCount)
    }
}

/// Rows that are added to output rows: those of one call have the same output rows under way.
public struct ResizeRun: Equatable, Sendable {
    public var rowCount: Int
    /// The output rows firstOutput ..< firstOutput + outputCount are under way.
    public var firstOutput: Int
    public var outputCount: Int
    /// So many of them go on; the rest start with this run.
    public var continuedCount: Int
    public init(rowCount: Int, firstOutput: Int, outputCount: Int, continuedCount: Int) {
        self.rowCount = rowCount
        self.firstOutput = firstOutput
        self.outputCount = outputCount
        self.continuedCount = continuedCount
    }
}

/// Where the rows of a call lie in memory.
public struct ResizeRows: Equatable, Sendable {
    /// Of the first value of the first row.
    public var byteOffset: Int
    /// From row to row.
    public var byteStride: Int
    /// Values of a row.
    public var columnCount: Int
    public init(byteOffset: Int, byteStride: Int, columnCount: Int) {
        self.byteOffset = byteOffset
        self.byteStride = byteStride
        self.columnCount = columnCount
    }

    /// Stops the program when a row is not inside `byteCount` bytes.
    func check(rowCount: Int, valueByteCount: Int, byteCount: Int) {
        precondition(rowCount >= 1 && columnCount >= 1 && byteOffset >= 0 && byteStride >= 0, "rows of nothing")
        precondition(byteOffset + (rowCount - 1) * byteStride + columnCount * valueByteCount <= byteCount, "rows outside their samples")
    }
}
