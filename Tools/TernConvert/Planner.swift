import TernModel
import TernWriter

/// Turns a vision transformer into tensors and a flat plan.
struct Planner {
    struct Options: Equatable {
        var weights: WeightFormat
        /// `t5` or `t2`, for ternary layers.
        var packing: ElementType
        var levels: Int
        var positions = PositionFormat.f32
        /// Whether the input of the last norm outlives the plan, for feature statistics.
        var keepsFeature = false
        /// Layers that stay INT8 in a ternary model.
        var int8Layers: [String]
        /// Layers that stay binary32.
        var float32Layers: [String]
    }
    struct Plan {
        var tensors: [DraftTensor]
        var operations: [NamedOperation]
        var arenaByteCount: Int
        var inputByteOffset: Int
        var outputByteOffset: Int
    }
    /// A place in a buffer: values from its start, and the row stride.
    struct Place: Equatable {
        var buffer: Int
        var first = 0
        var stride: Int
    }

    private let model: VisionTransformer
    private let options: Options
    private var tensors: [DraftTensor] = []
    private var allocator = ArenaAllocator()
    /// What the norm added last reads.
    private var feature: Place?
    /// Operations are made once buffers have their offsets.
    private var steps: [(name: String, make: (ArenaAllocator) -> Operation)] = []

    init(_ model: VisionTransformer, _ options: Options) {
        self.model = model
        self.options = options
    }

    static func plan(_ model: VisionTransformer, _ options: Options) throws(ConvertError) -> Plan {
        var planner = Planner(model, options)
        return try planner.run()
    }

    private mutating func run() throws(ConvertError) -> Plan {
        let width = model.width
        let image = newBuffer(model.channels * model.imageHeight * model.imageWidth, stride: model.imageWidth)
        var tokens = try embed(image)
        for index in model.blocks.indices { tokens = try block(index, tokens) }
        var rows = model.readTokenCount
        if let norm = model.norm { tokens = addNorm("norm", norm, rows: rows, tokens) }
        if model.pool == .mean {
            tokens = addMeanPool(tokens)
            rows = 1
        }
        if let norm = model.poolNorm { tokens = addNorm("fc_norm", norm, rows: rows, tokens) }
        var output = tokens
        // The gate reads what the last norm read, when the plan has run.
        if options.keepsFeature, let feature { allocator.touch(feature.buffer, by: steps.count) }
        if let head = model.head {
            output = newBuffer(head.weights.rows, stride: head.weights.rows)
            let half: [Float]? = model.distillationHead == nil ? nil : [Float](repeating: 0.5, count: head.weights.rows)
            try addLinear(model.headName, head, rows: 1, tokens, output, factors: half)
            if let second = model.distillationHead {
                var source = tokens
                source.first += width
                try addLinear("head_dist", second, rows: 1, source, output, residual: .place(output), factors: half)
            }
        }
        allocator.touch(output.buffer, by: steps.count)
        let arenaByteCount = allocator.place()
        let operations = steps.map { NamedOperation(name: $0.name, operation: $0.make(allocator)) }
        return Plan(
            tensors: tensors, operations: operations, arenaByteCount: arenaByteCount,
            inputByteOffset: allocator.buffers[image.buffer].byteOffset, outputByteOffset: allocator.buffers[output.buffer].byteOffset)
    }

    private mutating func embed(_ image: Place) throws(ConvertError) -> Place {
        let (width, depth) = (model.width, model.patchEmbedding.weights.columns)
        let patches = newBuffer(model.patchCount * depth, stride: depth)
        let (model, patchCount) = (self.model, self.model.patchCount)
        add("patches", reads: [image], writes: patches) { arena in
            .patches(
                Operation.Patches(
                    image: arena.region(image), channels: model.channels, height: model.imageHeight, width: model.imageWidth,
                    patch: model.patch, output: arena.region(patches)))
        }
        let tokens = newBuffer(model.tokenCount * width, stride: width)
        if model.prefix.rows > 0 {
            let tensor = addTensor("prefix_tokens", model.prefix.values, [model.prefix.rows, width])
            add("prefix_tokens", reads: [], writes: tokens) { arena in
                .fill(Operation.Fill(rows: model.prefix.rows, columns: width, tensor: tensor, output: arena.region(tokens)))
            }
        }
        var patchTokens = tokens
        patchTokens.first = model.prefix.rows * width
        try addLinear(
            "patch_embed.proj", model.patchEmbedding, rows: patchCount, patches, patchTokens, residual: addPositions(patchTokens))
        return tokens
    }

    /// What the patch embedding adds: a tensor, or with binary16 the place itself, which is filled first.
    private mutating func addPositions(_ place: Place) -> Residual {
        let (rows, width, values) = (model.patchCount, model.width, model.positions.values)
        switch options.positions {
        case .f32: return .tensor(addTensor("pos_embed", values, [rows, width]))
        case .f16:
            tensors.append(DraftTensor(name: "pos_embed", halves: values.map { Float16($0) }, dimensions: [rows, width]))
            let tensor = tensors.count - 1
            add("pos_embed", reads: [], writes: place) { arena in
                .fill(Operation.Fill(rows: rows, columns: width, tensor: tensor, output: arena.region(place)))
            }
            return .place(place)
        }
    }

    private mutating func block(_ index: Int, _ tokens: Place) throws(ConvertError) -> Place {
        let block = model.blocks[index]
        let name = "blocks.\(index)."
        let (width, narrow) = (model.width, model.headWidth * model.keyValueHeads)
        let all = model.tokenCount
        let isLast = index == model.blocks.count - 1
        let rows = isLast ? model.readTokenCount : all
        let normed = addNorm(name + "norm1", block.norm1, rows: all, tokens)
        var queries: Place
        var keys: Place
        if rows < all {
            queries = newBuffer(rows * width, stride: width)
            keys = newBuffer(all * 2 * narrow, stride: 2 * narrow)
            try addLinear(name + "attn.q", block.queries, rows: rows, normed, queries)
            try addLinear(name + "attn.kv", Planner.stacked([block.keys, block.values]), rows: all, normed, keys)
        } else {
            queries = newBuffer(all * (width + 2 * narrow), stride: width + 2 * narrow)
            keys = queries
            keys.first = width
            try addLinear(
                name + "attn.qkv", Planner.stacked([block.queries, block.keys, block.values]), rows: all, normed, queries)
        }
        let mixed = addAttention(name + "attn", queryCount: rows, queries, keys)
        // The stream is updated in place: each row of the residual is read before it is written.
        try addLinear(
            name + "attn.proj", block.projection, rows: rows, mixed, tokens, residual: .place(tokens), factors: block.scale1)
        let normedAgain = addNorm(name + "norm2", block.norm2, rows: rows, tokens)
        let hidden = newBuffer(rows * block.expansion.weights.rows, stride: block.expansion.weights.rows)
        try addLinear(name + "mlp.fc1", block.expansion, rows: rows, normedAgain, hidden, gelu: true)
        try addLinear(
            name + "mlp.fc2", block.contraction, rows: rows, hidden, tokens, residual: .place(tokens), factors: block.scale2)
        return tokens
    }

    private static func stacked(_ parts: [VisionTransformer.Linear]) -> VisionTransformer.Linear {
        let bias: [Float]? = parts.contains { $0.bias != nil }
            ? parts.flatMap { $0.bias ?? [Float](repeating: 0, count: $0.weights.rows) } : nil
        return VisionTransformer.Linear(
            weights: Matrix(
                rows: parts.reduce(0) { $0 + $1.weights.rows }, columns: parts[0].weights.columns, values: parts.flatMap(\.weights.values)),
            bias: bias)
    }
}

extension ArenaAllocator {
    fileprivate func region(_ place: Planner.Place) -> Region {
        Region(byteOffset: buffers[place.buffer].byteOffset + 4 * place.first, stride: place.stride)
    }
}

// One method for each kind of operation.
extension Planner {
    private enum Residual {
        case none
        case place(Place)
        case tensor(Int)
    }

    private mutating func newBuffer(_ count: Int, stride: Int) -> Place {
        Place(buffer: allocator.add(count: count, first: steps.count), stride: stride)
    }

    private mutating func add(_ name: String, reads: [Place], writes: Place, make: @escaping (ArenaAllocator) -> Operation) {
        for place in reads + [writes] { allocator.touch(place.buffer, by: steps.count) }
        steps.append((name, make))
    }

    private mutating func addTensor(_ name: String, _ values: [Float], _ dimensions: [Int]) -> Int {
        tensors.append(DraftTensor(name: name, values: values, dimensions: dimensions))
        return tensors.count - 1
    }

    private mutating func addNorm(_ name: String, _ norm: VisionTransformer.Norm, rows: Int, _ input: Place) -> Place {
        feature = input
        let (width, epsilon) = (model.width, model.epsilon)
        let gamma = addTensor(name + ".weight", norm.gamma, [width])
        let beta = addTensor(name + ".bias", norm.beta, [width])
        let output = newBuffer(rows * width, stride: width)
        add(name, reads: [input], writes: output) { arena in
            .layerNorm(
                Operation.LayerNorm(
                    rows: rows, columns: width, input: arena.region(input), output: arena.region(output), gamma: gamma, beta: beta,
                    epsilon: epsilon))
        }
        return output
    }

    private mutating func addMeanPool(_ input: Place) -> Place {
        let (width, count) = (model.width, model.patchCount)
        var source = input
        source.first += model.prefix.rows * width
        let output = newBuffer(width, stride: width)
        add("pool", reads: [source], writes: output) { [source] arena in
            .meanPool(Operation.MeanPool(rows: count, columns: width, input: arena.region(source), output: arena.region(output)))
        }
        return output
    }

    private mutating func addAttention(_ name: String, queryCount: Int, _ queries: Place, _ keys: Place) -> Place {
        let model = self.model
        let output = newBuffer(queryCount * model.width, stride: model.width)
        add(name, reads: [queries, keys], writes: output) { arena in
            .attention(
                Operation.Attention(
                    tokens: model.tokenCount, queryCount: queryCount, heads: model.heads, keyValueHeads: model.keyValueHeads,
                    width: model.headWidth, queries: arena.region(queries), keys: arena.region(keys), output: arena.region(output),
                    factor: Float(1.442695040888963407 / Double(model.headWidth).squareRoot())))
        }
        return output
    }

    /// `factors` multiply the outputs before the residual is added; they are folded into weights and bias.
    private mutating func addLinear(
        _ name: String, _ layer: VisionTransformer.Linear, rows: Int, _ input: Place, _ output: Place, gelu: Bool = false,
        residual: Residual = .none, factors: [Float]? = nil
    ) throws(ConvertError) {
        let (columns, depth) = (layer.weights.rows, layer.weights.columns)
        let (weights, scale) = try addWeights(name, layer, factors)
        let bias = layer.bias.map { values in
            addTensor(name + ".bias", factors.map { zip(values, $0).map { $0 * $1 } } ?? values, [columns])
        }
        var reads = [input]
        if case .place(let place) = residual { reads.append(place) }
        let levels = isFloat(name) ? 0 : options.levels
        add(name, reads: reads, writes: output) { arena in
            let source: Operation.Linear.Residual =
                switch residual {
                case .none: .none
                case .place(let place): .arena(arena.region(place))
                case .tensor(let index): .tensor(index)
                }
            return .linear(
                Operation.Linear(
                    rows: rows, columns: columns, depth: depth, levels: levels, input: arena.region(input), output: arena.region(output),
                    weights: weights, scale: scale, bias: bias, gelu: gelu, residual: source))
        }
    }

    private func isFloat(_ name: String) -> Bool { options.weights == .f32 || options.float32Layers.contains(name) || (model.isHeadFeatures && name == model.headName) }

    /// Adds the weight tensor and, for integer weights, the scales; gives their indices.
    private mutating func addWeights(
        _ name: String, _ layer: VisionTransformer.Linear, _ factors: [Float]?
    ) throws(ConvertError) -> (weights: Int, scale: Int?) {
        let (rows, columns) = (layer.weights.rows, layer.weights.columns)
        if isFloat(name) {
            var values = layer.weights.values
            if let factors { for index in values.indices { values[index] *= factors[index / columns] } }
            return (addTensor(name + ".weight", values, [rows, columns]), nil)
        }
        let isTernary = options.weights == .ternary && !options.int8Layers.contains(name)
        var matrix = isTernary ? try QuantisedMatrix(ternary: layer.weights, layer: name) : QuantisedMatrix(int8: layer.weights)
        if let factors { matrix.fold(factors) }
        do {
            tensors.append(
                try DraftTensor(
                    name: name + ".weight", codes: matrix.codes, rows: rows, columns: columns, as: isTernary ? options.packing : .s8,
                    recipe: isTernary ? .ternaryAsTrained : .absmaxPerChannel))
        } catch {
            throw .writer(error)
        }
        let scales = matrix.storedScales
        return (tensors.count - 1, addTensor(name + ".scale", scales, [scales.count]))
    }
}
