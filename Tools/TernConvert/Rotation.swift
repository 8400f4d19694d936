/// An orthogonal matrix Q that leaves the vector of ones alone and spreads every other vector over all channels.
///
/// Q is applied by butterflies: Walsh-Hadamard transform of each block of a power of two, signs, the transform again; then channels are dealt
/// out across the blocks and the same is done with other signs. A sign of the first coefficient is never flipped, which is what leaves the ones
/// alone, and with them the mean that a layer norm subtracts.
struct Rotation {
    private let blockCount: Int
    private let block: Int
    private let signs: [[Double]]

    /// `width` channels; blocks have the largest power of two that divides it.
    init(width: Int) {
        block = width & -width
        blockCount = width / block
        var state: UInt64 = 4  // of eight tried, see ADR 0004
        let block = self.block
        signs = (0..<2).map { _ in
            (0..<width).map { index in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return index % block == 0 || state >> 63 == 0 ? 1 : -1
            }
        }
    }

    /// Q x.
    func applied(to x: [Double]) -> [Double] {
        var values = x
        spread(&values, signs[0])
        // Dealing: channel i of block b goes to place i · blocks + b.
        var dealt = values
        for index in values.indices { dealt[index % block * blockCount + index / block] = values[index] }
        spread(&dealt, signs[1])
        return dealt
    }

    func applied(to x: some Collection<Float>) -> [Double] { applied(to: x.map { Double($0) }) }

    private func spread(_ values: inout [Double], _ signs: [Double]) {
        transform(&values)
        for index in values.indices { values[index] *= signs[index] / Double(block) }
        transform(&values)
    }

    /// The Walsh-Hadamard transform of each block, without normalisation.
    private func transform(_ values: inout [Double]) {
        var half = 1
        while half < block {
            for start in stride(from: 0, to: values.count, by: 2 * half) {
                for index in start..<start + half {
                    let (a, b) = (values[index], values[index + half])
                    values[index] = a + b
                    values[index + half] = a - b
                }
            }
            half *= 2
        }
    }
}

/// Rotates the residual stream of a model without changing its function, so that no channel of an INT8 layer's input stands out.
///
/// Activations share one scale a token; a few large channels of a vision transformer take most of its steps. With x' = Q x in the stream, layer
/// norms become plain (gamma 1, beta 0), since Q keeps mean and length; their gamma and beta and Qᵀ move into the layers that read them, and Q
/// into the layers that write the stream. Products are in binary64, rounded once.
///
/// - Source: Ashkboos et al. 2024, arXiv:2404.00456 (for RMS norm); fixing the vector of ones carries it over to layer norm.
extension VisionTransformer {
    /// The rotated model, or nil when it has norms both before and after pooling, between which nothing can be moved.
    public func rotated() -> VisionTransformer? {
        guard norm == nil || poolNorm == nil else { return nil }
        let rotation = Rotation(width: width)
        var model = self
        model.patchEmbedding.rotateOutputs(rotation)
        model.prefix.rotateRows(rotation)
        model.positions.rotateRows(rotation)
        let plain = Norm(gamma: [Float](repeating: 1, count: width), beta: [Float](repeating: 0, count: width))
        for index in model.blocks.indices {
            var block = model.blocks[index]
            block.queries.rotateInputs(rotation, after: block.norm1)
            block.keys.rotateInputs(rotation, after: block.norm1)
            block.values.rotateInputs(rotation, after: block.norm1)
            block.norm1 = plain
            block.projection.rotateOutputs(rotation, scaledBy: block.scale1)
            block.scale1 = nil
            block.expansion.rotateInputs(rotation, after: block.norm2)
            block.norm2 = plain
            block.contraction.rotateOutputs(rotation, scaledBy: block.scale2)
            block.scale2 = nil
            model.blocks[index] = block
        }
        let last = norm ?? poolNorm ?? plain
        if model.head == nil {
            model.head = Linear.identity(width)
            model.isHeadFeatures = true
        }
        model.head?.rotateInputs(rotation, after: last)
        model.distillationHead?.rotateInputs(rotation, after: last)
        if norm != nil { model.norm = plain }
        if poolNorm != nil { model.poolNorm = plain }
        return model
    }
}

extension VisionTransformer.Linear {
    fileprivate static func identity(_ width: Int) -> VisionTransformer.Linear {
        var values = [Float](repeating: 0, count: width * width)
        for index in 0..<width { values[index * width + index] = 1 }
        return VisionTransformer.Linear(weights: Matrix(rows: width, columns: width, values: values), bias: nil)
    }

    /// W' = W diag(gamma) Qᵀ, b' = b + W beta.
    fileprivate mutating func rotateInputs(_ rotation: Rotation, after norm: VisionTransformer.Norm) {
        var sums = bias ?? [Float](repeating: 0, count: weights.rows)
        for row in 0..<weights.rows {
            let line = weights.row(row)
            let shift = zip(line, norm.beta).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            sums[row] = Float(Double(sums[row]) + shift)
            weights.setRow(row, rotation.applied(to: zip(line, norm.gamma).map { Double($0) * Double($1) }))
        }
        bias = sums
    }

    /// W' = Q diag(scale) W, b' = Q diag(scale) b.
    fileprivate mutating func rotateOutputs(_ rotation: Rotation, scaledBy scale: [Float]? = nil) {
        let factors = scale?.map { Double($0) } ?? [Double](repeating: 1, count: weights.rows)
        for column in 0..<weights.columns {
            let line = factors.indices.map { factors[$0] * Double(weights.values[$0 * weights.columns + column]) }
            for (row, value) in rotation.applied(to: line).enumerated() { weights.values[row * weights.columns + column] = Float(value) }
        }
        if let old = bias { bias = rotation.applied(to: zip(factors, old).map { $0 * Double($1) }).map { Float($0) } }
    }
}

extension Matrix {
    fileprivate mutating func setRow(_ index: Int, _ line: [Double]) {
        for (column, value) in line.enumerated() { values[index * columns + column] = Float(value) }
    }

    fileprivate mutating func rotateRows(_ rotation: Rotation) {
        for index in 0..<rows { setRow(index, rotation.applied(to: row(index))) }
    }
}
