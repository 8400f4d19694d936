/// A matrix of binary32 values, row-major.
public struct Matrix: Equatable, Sendable {
    public var rows: Int
    public var columns: Int
    public var values: [Float]
    public init(rows: Int, columns: Int, values: [Float]) {
        self.rows = rows
        self.columns = columns
        self.values = values
    }
    /// The values of one row.
    public func row(_ index: Int) -> ArraySlice<Float> { values[index * columns..<(index + 1) * columns] }
}

/// A float vision transformer read from a checkpoint, with class token, registers and positions already combined.
public struct VisionTransformer: Equatable, Sendable {
    /// y = x Wᵀ + b; weights are [outputs, inputs].
    public struct Linear: Equatable, Sendable {
        public var weights: Matrix
        public var bias: [Float]?
        public init(weights: Matrix, bias: [Float]?) {
            self.weights = weights
            self.bias = bias
        }
    }
    public struct Norm: Equatable, Sendable {
        public var gamma: [Float]
        public var beta: [Float]
        public init(gamma: [Float], beta: [Float]) {
            self.gamma = gamma
            self.beta = beta
        }
    }
    /// Pre-norm block; rows of `queries`, `keys`, `values` are heads · width and keyValueHeads · width.
    public struct Block: Equatable, Sendable {
        public var norm1: Norm
        public var queries: Linear
        public var keys: Linear
        public var values: Linear
        public var projection: Linear
        /// LayerScale of the attention branch, nil when the model has none.
        public var scale1: [Float]?
        public var norm2: Norm
        public var expansion: Linear
        public var contraction: Linear
        public var scale2: [Float]?
    }
    public enum Pool: String, Equatable, Sendable {
        case classToken = "class"
        case mean = "mean"
    }

    public var channels: Int
    public var imageHeight: Int
    public var imageWidth: Int
    public var patch: Int
    public var width: Int
    public var heads: Int
    public var keyValueHeads: Int
    public var epsilon: Float
    public var pool: Pool
    /// [width, channels · patch · patch], N-10 column order.
    public var patchEmbedding: Linear
    /// Class, distillation and register tokens with their positions added; rows may be 0.
    public var prefix: Matrix
    /// Positions of the patches.
    public var positions: Matrix
    public var blocks: [Block]
    /// Over tokens, before pooling.
    public var norm: Norm?
    /// After pooling.
    public var poolNorm: Norm?
    /// Nil for a feature model.
    public var head: Linear?
    /// Reads the second token; the output is the mean of both heads.
    public var distillationHead: Linear?
    /// The head turns a rotated stream back into features; it stays binary32.
    public var isHeadFeatures = false

    /// The head's name in plans.
    public var headName: String { isHeadFeatures ? "features" : "head" }
    public var headWidth: Int { width / heads }
    public var patchCount: Int { (imageHeight / patch) * (imageWidth / patch) }
    public var tokenCount: Int { prefix.rows + patchCount }
    public var outputCount: Int { head?.weights.rows ?? width }
    /// Tokens that the output depends on after the last block: 1 or 2 with a class token, all with mean pooling.
    public var readTokenCount: Int { pool == .mean ? tokenCount : (distillationHead == nil ? 1 : 2) }
}
