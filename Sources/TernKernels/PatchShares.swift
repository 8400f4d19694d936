internal import CTernKernels

/// The share of each token in one output of a model that takes their mean, N-16.
public struct PatchSharesCall: Equatable, Sendable {
    /// Tokens and channels.
    public var rows, columns: Int
    /// Outputs of the head, and which of them is wanted.
    public var outputCount, output: Int
    /// Whether the output less the mean of all others is wanted; there are two outputs or more then.
    public var isContrast: Bool
    public var weightsKind: WeightsKind
    /// What the mean is taken of, [rows, columns], and the mean.
    public var tokens, pooled: ArenaMatrix
    /// Of the norm behind the mean; ignored where there is none.
    public var epsilon: Float
    /// The outputs, [1, outputCount].
    public var values: ArenaMatrix

    public init(
        rows: Int, columns: Int, outputCount: Int, output: Int, isContrast: Bool, weightsKind: WeightsKind, tokens: ArenaMatrix, pooled: ArenaMatrix,
        epsilon: Float, values: ArenaMatrix
    ) {
        self.rows = rows
        self.columns = columns
        self.outputCount = outputCount
        self.output = output
        self.isContrast = isContrast
        self.weightsKind = weightsKind
        self.tokens = tokens
        self.pooled = pooled
        self.epsilon = epsilon
        self.values = values
    }
}

extension Arena {
    /// Fills `shares` with the part of each token in an output. `self` is working memory: its first 2 * `call.columns` values are overwritten.
    ///
    /// - Parameters:
    ///   - weights: the head, [outputCount, columns] in the packing of `call.weightsKind`.
    ///   - scales: f32 [1] or [outputCount]; empty for f32 weights.
    ///   - gamma: f32 [columns] of the norm behind the mean; empty where there is none.
    ///   - beta: f32 [columns] of the norm before the mean; empty where there is none.
    ///   - tokens: the arena of `call.tokens`.
    ///   - pooled: the arena of `call.pooled`.
    ///   - outputs: the arena of `call.values`.
    /// - Returns: the rest of the output, which is no token's.
    /// - Cost: (rows + 1) * columns products, and outputCount * columns for a contrast, no allocation.
    public func patchShares(
        _ call: PatchSharesCall, weights: RawSpan, scales: RawSpan, gamma: RawSpan, beta: RawSpan, tokens: Arena, pooled: Arena, outputs: Arena,
        into shares: inout MutableSpan<Float>
    ) -> Float {
        precondition(call.output >= 0 && call.output < call.outputCount && shares.count == call.rows, "no such output, or not as many shares as tokens")
        precondition(!call.isContrast || call.outputCount > 1, "no other outputs")
        precondition(
            WeightScan.packedByteCount(call.weightsKind, rows: call.outputCount, columns: call.columns) == weights.byteCount,
            "weights do not have their packed size")
        var op = unsafe tern_shares()
        unsafe op.rows = call.rows
        unsafe op.columns = call.columns
        unsafe op.tokens = UnsafePointer(tokens.pointer(to: call.tokens, rows: call.rows, columns: call.columns))
        unsafe op.stride = call.tokens.stride
        unsafe op.pooled = UnsafePointer(pooled.pointer(to: call.pooled, rows: 1, columns: call.columns))
        unsafe op.gamma = gamma.isEmpty ? nil : KernelTable.floats(gamma, count: call.columns)
        unsafe op.epsilon = call.epsilon
        unsafe op.beta = beta.isEmpty ? nil : KernelTable.floats(beta, count: call.columns)
        unsafe op.weights = UnsafeRawPointer(KernelTable.floats(weights, count: weights.byteCount / 4))
        unsafe op.kind = call.weightsKind.raw
        unsafe op.outputs = call.outputCount
        unsafe op.channel = call.output
        unsafe op.is_contrast = call.isContrast ? 1 : 0
        if !scales.isEmpty {
            let count = scales.byteCount == 4 ? 1 : call.outputCount
            unsafe op.scales = KernelTable.floats(scales, count: count)
            unsafe op.scale_count = count
        }
        unsafe op.values = UnsafePointer(outputs.pointer(to: call.values, rows: 1, columns: call.outputCount))
        unsafe op.direction = pointer(to: ArenaMatrix(byteOffset: 0, stride: call.columns), rows: 2, columns: call.columns)
        // SAFETY: every pointer was checked against its arena or span, which outlive the call; the direction lies on nothing else that is read.
        return unsafe shares.withUnsafeMutableBufferPointer { buffer in
            unsafe op.shares = buffer.baseAddress
            return unsafe tern_patch_shares(&op)
        }
    }
}
