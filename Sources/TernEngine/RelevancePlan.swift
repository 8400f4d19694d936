internal import TernKernels
internal import TernModel

/// Where a plan that reads class tokens weighs its patches: patches, blocks that work in place on one stream of tokens, a norm of the first rows,
/// and heads that read them, or none.
struct RelevancePlan {
    let shape: MapShape
    let tokens: Int
    /// The token of the first patch; those before it and after the last are class and register tokens.
    let firstPatch: Int
    /// Class tokens that the heads read, 1 or 2.
    let readCount: Int
    /// The attentions in order: an operation and where it keeps what N-17 reads.
    let layers: [(operation: Int, byteOffset: Int)]
    /// Bytes that the layers keep.
    let keptByteCount: Int
    /// Most values of heads * queries in a layer.
    let factorCount: Int

    /// What maps may take at most: 64 MiB, twelve layers of twelve heads over 577 tokens are 48.
    static let limitByteCount = 64 << 20

    /// Nil for a plan of another kind, and for one past the limit.
    init?(_ model: ModelFile) {
        let operations = model.operations
        guard let grid = PatchGrid(operations), let norm = Self.lastNorm(operations, header: model.header) else { return nil }
        let stream = norm.input, lineByteCount = 4 * stream.stride, distance = grid.output.byteOffset - stream.byteOffset
        guard grid.output.stride == stream.stride, distance >= lineByteCount * norm.rows, distance % lineByteCount == 0 else { return nil }
        firstPatch = distance / lineByteCount
        readCount = norm.rows
        var blocks = BlockReader(stream: stream, width: grid.width)
        for index in grid.operation + 1..<operations.count {
            if case .layerNorm(norm) = operations[index].operation { break }
            guard blocks.read(operations[index].operation, index: index) else { return nil }
        }
        guard let tokens = blocks.tokens, firstPatch + grid.shape.count <= tokens, !blocks.isInside else { return nil }
        var layers: [(operation: Int, byteOffset: Int)] = [], byteOffset = 0, factors = 0
        for (index, attention) in blocks.attentions {
            guard attention.queryCount >= norm.rows,
                let byteCount = KeptAttention.byteCount(
                    tokens: tokens, queryCount: attention.queryCount, heads: attention.heads, keyValueHeads: attention.keyValueHeads),
                byteCount <= Self.limitByteCount - byteOffset
            else { return nil }
            layers.append((index, byteOffset))
            byteOffset += byteCount
            factors = max(factors, attention.heads * attention.queryCount)
        }
        guard !layers.isEmpty else { return nil }
        shape = MapShape(method: .tokenRelevance, columns: grid.columns, rows: grid.rows)
        self.tokens = tokens
        self.layers = layers
        keptByteCount = byteOffset
        factorCount = factors
    }

    /// The norm whose first row, or first two rows, the heads read or are the output; nil when the plan ends otherwise.
    private static func lastNorm(_ operations: [NamedOperation], header: ModelHeader) -> Operation.LayerNorm? {
        var index = operations.count - 1
        while index >= 0, case .linear(let head) = operations[index].operation, head.rows == 1, head.output.byteOffset == header.outputByteOffset { index -= 1 }
        guard index >= 0, operations.count - 1 - index <= 2, case .layerNorm(let norm) = operations[index].operation, norm.rows <= 2 else { return nil }
        guard index == operations.count - 1 else { return norm }
        return norm.rows == 1 && norm.output.byteOffset == header.outputByteOffset ? norm : nil
    }
}

/// Follows blocks of a plan: norm of the stream, layers, attention, a layer added to the stream; norm, layers, a layer added to the stream.
private struct BlockReader {
    let stream: Region
    let width: Int
    private(set) var tokens: Int?
    private(set) var attentions: [(Int, Operation.Attention)] = []
    /// Inside a branch, which began with a norm and ends with a layer that adds to the stream.
    private(set) var isInside = false

    init(stream: Region, width: Int) {
        self.stream = stream
        self.width = width
    }

    /// False when the operation does not belong there.
    mutating func read(_ operation: Operation, index: Int) -> Bool {
        switch operation {
        case .layerNorm(let norm):
            defer { isInside = true }
            if tokens == nil { tokens = norm.rows }
            return !isInside && norm.input == stream && norm.columns == width
        case .attention(let attention):
            attentions.append((index, attention))
            return isInside && attention.tokens == tokens
        case .linear(let linear):
            guard isInside else { return false }
            if linear.output == stream {
                isInside = false
                return linear.residual == .arena(stream) && linear.columns == width
            }
            return linear.residual == .none
        case .patches, .fill, .meanPool: return false
        }
    }
}
