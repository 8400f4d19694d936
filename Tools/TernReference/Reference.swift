public import TernConvert

/// A vision transformer in binary32 by OpenBLAS: what an INT8 or ternary model is compared with.
///
/// Shares no arithmetic with the engine: products by OpenBLAS, erf and exp by the C library.
public struct Reference {
    public let model: VisionTransformer

    public init(_ model: VisionTransformer) { self.model = model }

    /// The output for a prepared image [channels, height, width]. `observe` gets the name that the operation has in a plan, its rows and its
    /// output after GELU and residual, in the order of the plan.
    public func run(_ input: [Float], observe: (_ name: String, _ rows: Int, _ values: [Float]) -> Void = { _, _, _ in }) -> [Float] {
        precondition(input.count == model.channels * model.imageHeight * model.imageWidth)
        let width = model.width
        let patches = cutPatches(input)
        observe("patches", model.patchCount, patches)
        observe("prefix_tokens", model.prefix.rows, model.prefix.values)
        observe("pos_embed", model.patchCount, model.positions.values)
        var embedded = linear(patches[...], rows: model.patchCount, model.patchEmbedding)
        for index in embedded.indices { embedded[index] += model.positions.values[index] }
        observe("patch_embed.proj", model.patchCount, embedded)
        var tokens = model.prefix.values + embedded
        for index in model.blocks.indices { tokens = run(index, tokens, observe) }
        var rows = model.readTokenCount
        if let norm = model.norm {
            tokens = normalise(tokens[..<(rows * width)], norm)
            observe("norm", rows, tokens)
        }
        if model.pool == .mean {
            tokens = pooled(tokens)
            rows = 1
            observe("pool", 1, tokens)
        }
        if let norm = model.poolNorm {
            tokens = normalise(tokens[..<(rows * width)], norm)
            observe("fc_norm", rows, tokens)
        }
        guard let head = model.head else { return Array(tokens[..<width]) }
        var output = linear(tokens[..<width], rows: 1, head)
        if let second = model.distillationHead {
            observe(model.headName, 1, output.map { $0 / 2 })
            let other = linear(tokens[width..<2 * width], rows: 1, second)
            for index in output.indices { output[index] = (output[index] + other[index]) / 2 }
            observe("head_dist", 1, output)
        } else {
            observe(model.headName, 1, output)
        }
        return output
    }

    private func run(_ index: Int, _ tokens: [Float], _ observe: (String, Int, [Float]) -> Void) -> [Float] {
        let block = model.blocks[index]
        let name = "blocks.\(index)."
        let (all, width) = (model.tokenCount, model.width)
        let rows = index == model.blocks.count - 1 ? model.readTokenCount : all
        let normed = normalise(tokens[...], block.norm1)
        observe(name + "norm1", all, normed)
        let queries = linear(normed[..<(rows * width)], rows: rows, block.queries)
        let keys = linear(normed[...], rows: all, block.keys)
        let values = linear(normed[...], rows: all, block.values)
        if rows < all {
            observe(name + "attn.q", rows, queries)
            observe(name + "attn.kv", all, beside([keys, values], rows: all))
        } else {
            observe(name + "attn.qkv", all, beside([queries, keys, values], rows: all))
        }
        let mixed = attention(
            tokens: all, queryCount: rows, heads: model.heads, keyValueHeads: model.keyValueHeads, width: model.headWidth, queries: queries,
            keys: keys, values: values)
        observe(name + "attn", rows, mixed)
        var stream = linear(mixed[...], rows: rows, block.projection)
        scale(&stream, block.scale1)
        for position in stream.indices { stream[position] += tokens[position] }
        observe(name + "attn.proj", rows, stream)
        let normedAgain = normalise(stream[...], block.norm2)
        observe(name + "norm2", rows, normedAgain)
        var hidden = linear(normedAgain[...], rows: rows, block.expansion)
        gelu(&hidden)
        observe(name + "mlp.fc1", rows, hidden)
        var change = linear(hidden[...], rows: rows, block.contraction)
        scale(&change, block.scale2)
        for position in stream.indices { stream[position] += change[position] }
        observe(name + "mlp.fc2", rows, stream)
        return stream
    }

    private func cutPatches(_ image: [Float]) -> [Float] {
        let (patch, height, width) = (model.patch, model.imageHeight, model.imageWidth)
        var rows: [Float] = []
        rows.reserveCapacity(image.count)
        for patchY in 0..<height / patch {
            for patchX in 0..<width / patch {
                for channel in 0..<model.channels {
                    for y in 0..<patch {
                        let start = (channel * height + patchY * patch + y) * width + patchX * patch
                        rows += image[start..<start + patch]
                    }
                }
            }
        }
        return rows
    }

    private func normalise(_ values: ArraySlice<Float>, _ norm: VisionTransformer.Norm) -> [Float] {
        let width = model.width
        var result: [Float] = []
        result.reserveCapacity(values.count)
        for start in stride(from: values.startIndex, to: values.endIndex, by: width) {
            let row = values[start..<start + width]
            let mean = row.reduce(0.0) { $0 + Double($1) } / Double(width)
            let variance = row.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(width)
            let factor = 1 / (variance + Double(model.epsilon)).squareRoot()
            for (channel, value) in row.enumerated() {
                result.append(Float((Double(value) - mean) * factor) * norm.gamma[channel] + norm.beta[channel])
            }
        }
        return result
    }

    /// The mean of the patch tokens.
    private func pooled(_ tokens: [Float]) -> [Float] {
        let width = model.width
        var sums = [Double](repeating: 0, count: width)
        for token in model.prefix.rows..<model.tokenCount {
            for channel in 0..<width { sums[channel] += Double(tokens[token * width + channel]) }
        }
        return sums.map { Float($0 / Double(model.patchCount)) }
    }

    private func scale(_ values: inout [Float], _ factors: [Float]?) {
        guard let factors else { return }
        for index in values.indices { values[index] *= factors[index % factors.count] }
    }

    /// Matrices of equal row count side by side.
    private func beside(_ parts: [[Float]], rows: Int) -> [Float] {
        var result: [Float] = []
        for row in 0..<rows {
            for part in parts {
                let columns = part.count / rows
                result += part[row * columns..<(row + 1) * columns]
            }
        }
        return result
    }
}
