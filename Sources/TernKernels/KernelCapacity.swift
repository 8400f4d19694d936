internal import CTernKernels

/// The working memory that the operations of a plan need; add each once, then make the `KernelTable`.
public struct KernelCapacity: Equatable, Sendable {
    /// Bytes of activation codes for the largest linear layer.
    public private(set) var codeByteCount = 0
    /// Rows of the tallest linear layer.
    public private(set) var rowCount = 0
    /// Bytes of weights in the form that a table may want them in.
    public private(set) var preparedByteCount = 0
    /// Bytes of scratch for each thread.
    public private(set) var scratchByteCount = 0

    public init() {}

    /// Counts a linear layer of `rows` rows, `columns` outputs and `depth` inputs with integer weights. Layers with f32 weights need nothing.
    ///
    /// - Throws: `KernelError.limit` when a dimension is not positive, `depth` is above 131,072 or a size does not fit in 63 bits.
    public mutating func addLinear(rows: Int, columns: Int, depth: Int) throws(KernelError) {
        guard rows > 0, columns > 0, depth > 0, depth <= Int(TERN_LIMIT_DEPTH) else { throw .limit }
        let (codes, overflow) = rows.multipliedReportingOverflow(by: Self.codesStride(depth: depth))
        let scratch = tern_linear_scratch(rows, depth)
        guard !overflow, codes <= Int.max / 16, scratch > 0, scratch <= Int.max / 256 else { throw .limit }
        codeByteCount = max(codeByteCount, codes)
        rowCount = max(rowCount, rows)
        preparedByteCount = max(preparedByteCount, Int(tern_prepared_limit(columns, depth)))
        scratchByteCount = max(scratchByteCount, Int(scratch))
    }

    /// Counts an attention over `tokens` tokens with heads of `width` channels.
    ///
    /// - Throws: `KernelError.limit` when a dimension is not positive, tokens are above 65,536 or the width above 4,096.
    public mutating func addAttention(tokens: Int, width: Int) throws(KernelError) {
        guard tokens > 0, tokens <= Int(TERN_LIMIT_TOKENS), width > 0, width <= Int(TERN_LIMIT_WIDTH) else { throw .limit }
        scratchByteCount = max(scratchByteCount, Int(tern_attention_scratch(tokens, width)))
    }

    /// Codes from the start of one row to the start of the next.
    static func codesStride(depth: Int) -> Int { Int(tern_codes_bytes(depth)) }
}
