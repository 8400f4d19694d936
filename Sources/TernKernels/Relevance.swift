internal import CTernKernels

/// What one attention keeps for N-17, in an arena of its own: u of N-06 as bytes, 1 / Z, and the norms of the values.
public struct KeptAttention {
    /// Of the attention.
    public let tokens, queryCount, heads, keyValueHeads: Int
    let memory: Arena
    let byteOffset: Int

    /// - Parameters:
    ///   - memory: zero at first, and written by nothing else from `byteOffset` on for `byteCount` bytes.
    ///   - byteOffset: a multiple of 4.
    public init(tokens: Int, queryCount: Int, heads: Int, keyValueHeads: Int, memory: Arena, byteOffset: Int) {
        self.tokens = tokens
        self.queryCount = queryCount
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.memory = memory
        self.byteOffset = byteOffset
    }

    /// Bytes that an attention keeps, a multiple of 4; nil when they do not fit in 63 bits.
    public static func byteCount(tokens: Int, queryCount: Int, heads: Int, keyValueHeads: Int) -> Int? {
        guard tokens > 0, tokens <= Int(TERN_LIMIT_TOKENS), queryCount > 0, queryCount <= tokens, heads > 0, heads <= 1 << 20, keyValueHeads > 0,
            keyValueHeads <= heads
        else { return nil }
        // At most 2^52 + 2^38 + 2^38: nothing overflows.
        return heads * queryCount * (relevanceStride(tokens: tokens) + 4) + 4 * keyValueHeads * relevanceStride(tokens: tokens)
    }

    /// Values of one row of relevance: the tokens and zeros behind them.
    public static func relevanceStride(tokens: Int) -> Int { (tokens + Int(TERN_PANEL) - 1) / Int(TERN_PANEL) * Int(TERN_PANEL) }

    private var stride: Int { Self.relevanceStride(tokens: tokens) }

    /// The three parts, one after the other.
    private func parts() -> (norms: UnsafeMutablePointer<Float>, inverses: UnsafeMutablePointer<Float>, weights: UnsafeMutablePointer<UInt8>) {
        guard let byteCount = Self.byteCount(tokens: tokens, queryCount: queryCount, heads: heads, keyValueHeads: keyValueHeads) else {
            preconditionFailure("a shape that no attention has")
        }
        let start = unsafe memory.pointer(at: byteOffset, byteCount: byteCount)
        let normCount = keyValueHeads * stride, rowCount = heads * queryCount
        // SAFETY: the parts follow each other inside `byteCount` bytes of the arena; every bit pattern is a Float or a byte.
        return unsafe (
            start.assumingMemoryBound(to: Float.self), (start + 4 * normCount).assumingMemoryBound(to: Float.self),
            (start + 4 * (normCount + rowCount)).assumingMemoryBound(to: UInt8.self)
        )
    }

    func fill(_ op: inout tern_attention, _ call: AttentionCall) {
        precondition(
            call.tokens == tokens && call.queryCount == queryCount && call.heads == heads && call.keyValueHeads == keyValueHeads,
            "the attention has another shape")
        let parts = unsafe parts()
        unsafe op.kept_norms = parts.norms
        unsafe op.kept_inverses = parts.inverses
        unsafe op.kept_weights = parts.weights
        unsafe op.kept_stride = stride
    }

    func fill(_ op: inout tern_relevance) {
        let parts = unsafe parts()
        unsafe op.queries = queryCount
        unsafe op.heads = heads
        unsafe op.kv_heads = keyValueHeads
        unsafe op.weights = UnsafePointer(parts.weights)
        unsafe op.stride = stride
        unsafe op.inverses = UnsafePointer(parts.inverses)
        unsafe op.norms = UnsafePointer(parts.norms)
    }
}

extension KernelTable {
    /// Takes relevance from behind a layer to before it, N-17.
    ///
    /// - Parameters:
    ///   - kept: what the layer's attention kept in the last inference.
    ///   - memory: working memory. Rows are `KeptAttention.relevanceStride` values.
    ///   - after: byte offset of one row, zero past the tokens.
    ///   - before: byte offset of another, overwritten.
    ///   - factors: byte offset of heads * queryCount values, overwritten.
    /// - Cost: 2 * heads * queryCount * tokens multiply-adds, no allocation.
    public func relevance(_ kept: KeptAttention, in memory: Arena, after: Int, before: Int, factors: Int) {
        let rowByteCount = 4 * KeptAttention.relevanceStride(tokens: kept.tokens)
        precondition(after + rowByteCount <= before || before + rowByteCount <= after, "rows overlap")
        var job = unsafe makeJob()
        unsafe kept.fill(&job.relevance)
        // SAFETY: every bit pattern is a Float; the arena checks the ranges.
        unsafe job.relevance.after = UnsafePointer(memory.pointer(at: after, byteCount: rowByteCount).assumingMemoryBound(to: Float.self))
        unsafe job.relevance.before = memory.pointer(at: before, byteCount: rowByteCount).assumingMemoryBound(to: Float.self)
        unsafe job.relevance.factors = memory.pointer(at: factors, byteCount: 4 * kept.heads * kept.queryCount).assumingMemoryBound(to: Float.self)
        unsafe run(&job, tern_job_relevance_rows)
        unsafe run(&job, tern_job_relevance_columns)
    }
}
