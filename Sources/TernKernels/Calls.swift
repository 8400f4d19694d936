/// One linear layer, N-02 to N-04 and N-07: output [rows, columns] = input [rows, depth] times weights [columns, depth], bias, GELU, residual.
public struct LinearCall: Equatable, Sendable {
    /// What is added after GELU.
    public enum Residual: Equatable, Sendable {
        case none
        /// A matrix [rows, columns] in the arena; may be the output itself.
        case arena(ArenaMatrix)
        /// The row-major f32 tensor [rows, columns] given to the call.
        case tensor
    }
    /// M, N and K; K at most 131,072 for integer weights.
    public var rows, columns, depth: Int
    public var weightsKind: WeightsKind
    /// Activation levels 127, 63 or 42; ignored for f32 weights.
    public var levels: Int
    /// [rows, depth]; must not overlap the output.
    public var input: ArenaMatrix
    /// [rows, columns], overwritten.
    public var output: ArenaMatrix
    public var residual: Residual
    public var appliesGELU: Bool

    public init(
        rows: Int, columns: Int, depth: Int, weightsKind: WeightsKind, levels: Int, input: ArenaMatrix, output: ArenaMatrix,
        residual: Residual = .none, appliesGELU: Bool = false
    ) {
        self.rows = rows
        self.columns = columns
        self.depth = depth
        self.weightsKind = weightsKind
        self.levels = levels
        self.input = input
        self.output = output
        self.residual = residual
        self.appliesGELU = appliesGELU
    }
}

/// Multi-head or multi-query attention, N-06.
public struct AttentionCall: Equatable, Sendable {
    /// Keys and values, at most 65,536; queries are the first `queryCount` tokens.
    public var tokens, queryCount: Int
    /// Query heads, a multiple of `keyValueHeads`; channels of a head, at most 4,096.
    public var heads, keyValueHeads, width: Int
    /// c of N-06: f32(log2 e / sqrt(width)).
    public var factor: Float
    /// [queryCount, heads * width].
    public var queries: ArenaMatrix
    /// Rows of `keyValueHeads * width` keys, followed directly by as many values.
    public var keys: ArenaMatrix
    /// [queryCount, heads * width], overwritten; must not overlap the queries or keys.
    public var output: ArenaMatrix

    public init(
        tokens: Int, queryCount: Int, heads: Int, keyValueHeads: Int, width: Int, factor: Float, queries: ArenaMatrix, keys: ArenaMatrix,
        output: ArenaMatrix
    ) {
        self.tokens = tokens
        self.queryCount = queryCount
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.width = width
        self.factor = factor
        self.queries = queries
        self.keys = keys
        self.output = output
    }
}

/// One layer norm over the rows of a matrix, N-05.
public struct LayerNormCall: Equatable, Sendable {
    /// The shape.
    public var rows, columns: Int
    /// Added to the variance; positive.
    public var epsilon: Float
    /// [rows, columns].
    public var input: ArenaMatrix
    /// [rows, columns], overwritten; may be the input.
    public var output: ArenaMatrix

    public init(rows: Int, columns: Int, epsilon: Float, input: ArenaMatrix, output: ArenaMatrix) {
        self.rows = rows
        self.columns = columns
        self.epsilon = epsilon
        self.input = input
        self.output = output
    }
}
