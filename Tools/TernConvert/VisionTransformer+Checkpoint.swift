import TernModel
import TernPlatform

extension VisionTransformer {
    /// Reads a checkpoint in any known spelling; sizes come from the tensors, the rest from `description`.
    ///
    /// - Throws: `ConvertError` naming the tensor or key that is absent, wrong or left over.
    public init(reading file: Safetensors, description: ModelDescription) throws(ConvertError) {
        var checkpoint = try Checkpoint(file)
        let kernel = try checkpoint.shape("patch_embed.proj.weight")
        let patch = description.patch
        guard kernel.count == 4, kernel[1] == description.channels, kernel[2] == patch, kernel[3] == patch, kernel[0] > 0 else {
            throw .shape(
                tensor: "patch_embed.proj.weight", expected: "[width, \(description.channels), \(patch), \(patch)]", found: kernel)
        }
        let width = kernel[0]
        guard width % description.heads == 0 else {
            throw .badKey("architecture.heads", expected: "a divisor of the model's width \(width)")
        }
        for name in ["norm_pre.weight", "blocks.0.attn.q_norm.weight", "blocks.0.mlp.w12.weight", "blocks.0.mlp.weights_in.weight"] {
            guard !checkpoint.contains(name) else {
                throw .unsupported("the checkpoint has \(name): normalised queries, a norm before the blocks and gated MLPs are not supported")
            }
        }
        let sizes = Sizes(width: width, attention: width / description.heads * description.keyValueHeads)
        self.init(
            channels: description.channels, imageHeight: description.imageHeight, imageWidth: description.imageWidth, patch: patch,
            width: width, heads: description.heads, keyValueHeads: description.keyValueHeads, epsilon: description.epsilon,
            pool: description.pool,
            patchEmbedding: Linear(
                weights: Matrix(
                    rows: width, columns: description.channels * patch * patch,
                    values: try checkpoint.values("patch_embed.proj.weight", width, description.channels, patch, patch)),
                bias: try checkpoint.valuesIfPresent("patch_embed.proj.bias", width)),
            prefix: Matrix(rows: 0, columns: width, values: []), positions: Matrix(rows: 0, columns: width, values: []), blocks: [],
            norm: try checkpoint.norm("norm", width), poolNorm: try checkpoint.norm("fc_norm", width))
        try readTokens(&checkpoint, description)
        while checkpoint.contains("blocks.\(blocks.count).norm1.weight") {
            blocks.append(try checkpoint.block(blocks.count, sizes))
        }
        guard !blocks.isEmpty else { throw .missingTensor("blocks.0.norm1.weight") }
        try readHeads(&checkpoint, description)
        try checkpoint.requireAllRead()
    }

    fileprivate struct Sizes {
        var width: Int
        /// Rows of the keys, and of the values.
        var attention: Int
    }

    private mutating func readTokens(_ checkpoint: inout Checkpoint, _ description: ModelDescription) throws(ConvertError) {
        var tokens: [Float] = []
        if checkpoint.contains("cls_token") { tokens += try checkpoint.values("cls_token", width) }
        let classCount = tokens.count / width
        if pool == .classToken, classCount == 0 { throw .missingTensor("cls_token") }
        if checkpoint.contains("dist_token") { tokens += try checkpoint.values("dist_token", width) }
        let isDistilled = tokens.count / width > classCount
        if let expected = description.isDistilled, expected != isDistilled {
            throw expected ? .missingTensor("dist_token") : .unknownTensors(["dist_token"])
        }
        var registers = 0
        if checkpoint.contains("reg_token") {
            let shape = try checkpoint.shape("reg_token")
            registers = shape.count >= 2 ? shape[shape.count - 2] : 1
            tokens += try checkpoint.values("reg_token", registers, width)
        }
        if let expected = description.registers, expected != registers {
            throw .badKey("architecture.registers", expected: "\(registers), as the checkpoint has, or leave it out")
        }
        prefix = Matrix(rows: tokens.count / width, columns: width, values: tokens)
        try readPositions(&checkpoint, leading: classCount + (isDistilled ? 1 : 0))
    }

    /// `leading` counts class and distillation tokens; a table covers patches alone, those with them, or the registers too.
    private mutating func readPositions(_ checkpoint: inout Checkpoint, leading: Int) throws(ConvertError) {
        let shape = try checkpoint.shape("pos_embed")
        guard shape.count >= 2, shape[shape.count - 1] == width else {
            throw .shape(tensor: "pos_embed", expected: "[1, tokens, \(width)]", found: shape)
        }
        let rows = shape[shape.count - 2]
        let table = try checkpoint.values("pos_embed", rows, width)
        let candidates = [prefix.rows, leading, 0]
        let matching = candidates.first { rows - $0 == patchCount } ?? candidates.first { rows > $0 && squareRoot(rows - $0) != nil }
        guard let covered = matching else {
            throw .shape(
                tensor: "pos_embed", expected: "\(patchCount) patches and \(leading) leading tokens, or a square grid that can be resized",
                found: shape)
        }
        for index in 0..<covered * width { prefix.values[index] += table[index] }
        let grid = Matrix(rows: rows - covered, columns: width, values: Array(table[(covered * width)...]))
        if grid.rows == patchCount {
            positions = grid
        } else if let side = squareRoot(grid.rows) {
            positions = resizedPositions(
                grid, from: (side, side), to: (imageHeight / patch, imageWidth / patch))
        }
    }

    private mutating func readHeads(_ checkpoint: inout Checkpoint, _ description: ModelDescription) throws(ConvertError) {
        guard description.head == .linear else {
            if checkpoint.contains("dist_token") { throw .unsupported("a feature model (\"head\": \"none\") with a distillation token") }
            for name in ["head.weight", "head.bias"] { checkpoint.discard(name) }
            return
        }
        let shape = try checkpoint.shape("head.weight")
        guard shape.count == 2, shape[1] == width, shape[0] > 0 else {
            throw .shape(tensor: "head.weight", expected: "[classes, \(width)]", found: shape)
        }
        head = try checkpoint.linear("head", shape[0], width)
        if checkpoint.contains("dist_token") { distillationHead = try checkpoint.linear("head_dist", shape[0], width) }
        for label in description.labels.labels where !(0..<shape[0]).contains(label.outputIndex) {
            throw .badKey("labels: index of \(label.name)", expected: "0 to \(shape[0] - 1), the outputs of the checkpoint's head")
        }
    }
}

private func squareRoot(_ value: Int) -> Int? {
    let root = Int(Double(value).squareRoot().rounded())
    return root > 0 && root * root == value ? root : nil
}

extension Checkpoint {
    fileprivate mutating func norm(_ name: String, _ width: Int) throws(ConvertError) -> VisionTransformer.Norm? {
        guard contains(name + ".weight") else { return nil }
        return VisionTransformer.Norm(gamma: try values(name + ".weight", width), beta: try values(name + ".bias", width))
    }

    fileprivate mutating func requiredNorm(_ name: String, _ width: Int) throws(ConvertError) -> VisionTransformer.Norm {
        guard let norm = try norm(name, width) else { throw .missingTensor(name + ".weight") }
        return norm
    }

    fileprivate mutating func linear(_ name: String, _ rows: Int, _ columns: Int) throws(ConvertError) -> VisionTransformer.Linear {
        VisionTransformer.Linear(
            weights: Matrix(rows: rows, columns: columns, values: try values(name + ".weight", rows, columns)),
            bias: try valuesIfPresent(name + ".bias", rows))
    }

    fileprivate mutating func block(_ index: Int, _ sizes: VisionTransformer.Sizes) throws(ConvertError) -> VisionTransformer.Block {
        let prefix = "blocks.\(index)."
        let width = sizes.width
        let (queries, keys, values) = try attention(prefix + "attn.", sizes)
        let expansion = try shape(prefix + "mlp.fc1.weight")
        guard let hidden = expansion.first, hidden > 0 else {
            throw .shape(tensor: prefix + "mlp.fc1.weight", expected: "[hidden, \(width)]", found: expansion)
        }
        return VisionTransformer.Block(
            norm1: try requiredNorm(prefix + "norm1", width), queries: queries, keys: keys, values: values,
            projection: try linear(prefix + "attn.proj", width, width), scale1: try valuesIfPresent(prefix + "ls1.gamma", width),
            norm2: try requiredNorm(prefix + "norm2", width), expansion: try linear(prefix + "mlp.fc1", hidden, width),
            contraction: try linear(prefix + "mlp.fc2", width, hidden), scale2: try valuesIfPresent(prefix + "ls2.gamma", width))
    }

    private mutating func attention(
        _ prefix: String, _ sizes: VisionTransformer.Sizes
    ) throws(ConvertError) -> (VisionTransformer.Linear, VisionTransformer.Linear, VisionTransformer.Linear) {
        let (width, narrow) = (sizes.width, sizes.attention)
        guard contains(prefix + "qkv.weight") else {
            return (
                try linear(prefix + "q", width, width), try linear(prefix + "k", narrow, width), try linear(prefix + "v", narrow, width)
            )
        }
        let fused = try linear(prefix + "qkv", width + 2 * narrow, width)
        func part(_ range: Range<Int>) -> VisionTransformer.Linear {
            VisionTransformer.Linear(
                weights: Matrix(
                    rows: range.count, columns: width,
                    values: Array(fused.weights.values[range.lowerBound * width..<range.upperBound * width])),
                bias: fused.bias.map { Array($0[range]) })
        }
        return (part(0..<width), part(width..<width + narrow), part(width + narrow..<width + 2 * narrow))
    }
}
