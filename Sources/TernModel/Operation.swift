/// A matrix of binary32 values inside the arena.
public struct Region: Equatable, Sendable {
    /// Byte offset of the first value from the start of the arena.
    public var byteOffset: Int
    /// Values from the start of one row to the start of the next.
    public var stride: Int

    public init(byteOffset: Int, stride: Int) {
        self.byteOffset = byteOffset
        self.stride = stride
    }
}

/// One fused operation of a compiled plan, Models/FORMAT.md section 3. Tensor references are indices into the tensor table.
public enum Operation: Equatable, Sendable {
    case patches(Patches)
    case fill(Fill)
    case layerNorm(LayerNorm)
    case linear(Linear)
    case attention(Attention)
    case meanPool(MeanPool)

    /// Cuts the image into rows, N-10.
    public struct Patches: Equatable, Sendable {
        public var image: Region
        public var channels, height, width, patch: Int
        public var output: Region
        public init(image: Region, channels: Int, height: Int, width: Int, patch: Int, output: Region) {
            self.image = image
            self.channels = channels
            self.height = height
            self.width = width
            self.patch = patch
            self.output = output
        }
    }

    /// Copies an f32 or f16 tensor [rows, columns] into the arena, as binary32.
    public struct Fill: Equatable, Sendable {
        public var rows, columns: Int
        public var tensor: Int
        public var output: Region
        public init(rows: Int, columns: Int, tensor: Int, output: Region) {
            self.rows = rows
            self.columns = columns
            self.tensor = tensor
            self.output = output
        }
    }

    /// N-05 over rows of `columns` values.
    public struct LayerNorm: Equatable, Sendable {
        public var rows, columns: Int
        public var input, output: Region
        public var gamma, beta: Int
        public var epsilon: Float
        public init(rows: Int, columns: Int, input: Region, output: Region, gamma: Int, beta: Int, epsilon: Float) {
            self.rows = rows
            self.columns = columns
            self.input = input
            self.output = output
            self.gamma = gamma
            self.beta = beta
            self.epsilon = epsilon
        }
    }

    /// N-02 to N-04: output [rows, columns] = input [rows, depth] times weights [columns, depth], then bias, GELU, residual.
    public struct Linear: Equatable, Sendable {
        /// What is added last.
        public enum Residual: Equatable, Sendable {
            case none
            case arena(Region)
            case tensor(Int)
        }
        public var rows, columns, depth: Int
        /// 127, 63 or 42; 0 for f32 weights.
        public var levels: Int
        public var input, output: Region
        public var weights: Int
        /// Nil for f32 weights.
        public var scale: Int?
        public var bias: Int?
        public var gelu: Bool
        public var residual: Residual
        public init(
            rows: Int, columns: Int, depth: Int, levels: Int, input: Region, output: Region, weights: Int, scale: Int?, bias: Int?, gelu: Bool,
            residual: Residual
        ) {
            self.rows = rows
            self.columns = columns
            self.depth = depth
            self.levels = levels
            self.input = input
            self.output = output
            self.weights = weights
            self.scale = scale
            self.bias = bias
            self.gelu = gelu
            self.residual = residual
        }
    }

    /// N-06. Query head h starts at column h * width of `queries`; key head g at column g * width of `keys`, its value head
    /// `keyValueHeads` * width columns further.
    public struct Attention: Equatable, Sendable {
        public var tokens, queryCount, heads, keyValueHeads, width: Int
        public var queries, keys, output: Region
        /// f32(log2 e / sqrt(width)).
        public var factor: Float
        public init(
            tokens: Int, queryCount: Int, heads: Int, keyValueHeads: Int, width: Int, queries: Region, keys: Region, output: Region, factor: Float
        ) {
            self.tokens = tokens
            self.queryCount = queryCount
            self.heads = heads
            self.keyValueHeads = keyValueHeads
            self.width = width
            self.queries = queries
            self.keys = keys
            self.output = output
            self.factor = factor
        }
    }

    /// N-09.
    public struct MeanPool: Equatable, Sendable {
        public var rows, columns: Int
        public var input, output: Region
        public init(rows: Int, columns: Int, input: Region, output: Region) {
            self.rows = rows
            self.columns = columns
            self.input = input
            self.output = output
        }
    }
}

/// An operation with the name it has in profiles and comparisons.
public struct NamedOperation: Equatable, Sendable {
    /// At most 31 ASCII bytes, for example `blocks.3.attn.qkv`.
    public var name: String
    public var operation: Operation
    public init(name: String, operation: Operation) {
        self.name = name
        self.operation = operation
    }
}
