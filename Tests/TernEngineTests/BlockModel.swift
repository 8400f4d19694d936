import TernModel
import TernPlatform
import TernWriter

/// One transformer block with seeded weights: image 12 x 12, patch 4, 10 tokens of 48 channels, MLP 80, 3 outputs.
struct BlockModel {
    var weights: ElementType
    var levels = 63
    var heads = 2
    var keyValueHeads = 2
    var seed: UInt64 = 1
    /// Golden outputs; the writer takes whatever stands here.
    var goldenOutput: [Float] = [0, 0, 0]
    /// Nil stores `golden`.
    var goldenSeed: UInt64?
    /// A factor on every weight scale of the MLP, or on its f32 weights, to provoke overflow.
    var mlpScale: Float = 1
    /// What the head reads.
    enum Reading: Equatable {
        /// The mean of all tokens, as they are.
        case mean
        /// The mean of the patches, normalised before or behind; `reused` puts what follows the mean where the tokens were.
        case patches(normBefore: Bool, normBehind: Bool, reused: Bool)
        /// The class token, of which alone the attention computes queries.
        case classToken
    }
    var reading = Reading.mean
    /// Mean 0.25, inverse variances 2 and 0.5 along the first and the last value, 3 elsewhere.
    var hasStatistics = false

    static let tokens = 10, width = 48, hidden = 80, outputs = 3
    static let golden: [Float] = (0..<144).map { Float(($0 * 37) % 101) / 50 - 1 }

    private static var statistics: DraftFeatureStatistics {
        let axes = [0, width - 1].flatMap { axis in (0..<width).map { $0 == axis ? 1 : 0 as Float } }
        return DraftFeatureStatistics(
            threshold: 2, residualPrecision: 3, falseAlarmRate: 0.01, mean: [Float](repeating: 0.25, count: width), precisions: [2, 0.5], basis: axes)
    }

    private struct Builder {
        var state: UInt64
        var tensors: [DraftTensor] = []
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33
        }
        mutating func values(_ name: String, _ dimensions: [Int], around centre: Float = 0, spread: Float = 1) -> Int {
            let count = dimensions.reduce(1, *)
            let values = (0..<count).map { _ in centre + (Float(next() % 2001) / 1000 - 1) * spread }
            tensors.append(DraftTensor(name: name, values: values, dimensions: dimensions))
            return tensors.count - 1
        }
        mutating func matrix(_ name: String, _ rows: Int, _ columns: Int, _ type: ElementType, factor: Float) throws -> Int {
            if type == .f32 { return values(name, [rows, columns], spread: 0.1 * factor) }
            let limit = type == .s8 ? 127 : 1
            let codes = (0..<rows * columns).map { _ in Int8(Int(next() % UInt64(2 * limit + 1)) - limit) }
            tensors.append(
                try DraftTensor(
                    name: name, codes: codes, rows: rows, columns: columns, as: type, recipe: type == .s8 ? .absmaxPerChannel : .ternaryAsTrained))
            return tensors.count - 1
        }
    }

    func bytes() throws -> [UInt8] { try ModelWriter.bytes(of: draft()) }

    func model() throws -> ModelFile {
        try ModelFile(validating: MappedFile(copying: try bytes()), options: .init(allowsUnsigned: true))
    }

    func draft() throws -> ModelDraft {
        var builder = Builder(state: seed)
        var operations: [NamedOperation] = []
        var arena = 0
        let t = Self.tokens, d = Self.width
        let keyColumns = 2 * keyValueHeads * d / heads
        func region(_ rows: Int, _ columns: Int) -> Region {
            defer { arena += (rows * columns * 4 + 63) / 64 * 64 }
            return Region(byteOffset: arena, stride: columns)
        }
        func add(_ name: String, _ operation: Operation) { operations.append(NamedOperation(name: name, operation: operation)) }
        func linear(
            _ name: String, _ rows: Int, _ columns: Int, _ depth: Int, from input: Region, to output: Region, gelu: Bool = false,
            residual: Operation.Linear.Residual = .none, factor: Float = 1
        ) throws {
            let matrix = try builder.matrix("\(name).weight", columns, depth, weights, factor: factor)
            let step: Float = (weights == .s8 ? 0.001 : 0.1) * factor
            let scale = weights == .f32 ? nil : builder.values("\(name).scale", [columns], around: step, spread: step / 2)
            let bias = builder.values("\(name).bias", [columns])
            add(
                name,
                .linear(
                    .init(
                        rows: rows, columns: columns, depth: depth, levels: weights == .f32 ? 0 : levels, input: input, output: output,
                        weights: matrix, scale: scale, bias: bias, gelu: gelu, residual: residual)))
        }
        func norm(_ name: String, _ rows: Int, from input: Region, to output: Region) {
            let gamma = builder.values("\(name).weight", [d], around: 1, spread: 0.3), beta = builder.values("\(name).bias", [d])
            add(name, .layerNorm(.init(rows: rows, columns: d, input: input, output: output, gamma: gamma, beta: beta, epsilon: 1e-6)))
        }
        let image = region(12, 12), patches = region(t - 1, 16), x = region(t, d), normed = region(t, d)
        let queries = region(t, d), keys = region(t, keyColumns), mixed = region(t, d), hidden = region(t, Self.hidden)
        let pooled = region(1, d), output = region(1, Self.outputs)
        add("patches", .patches(.init(image: image, channels: 1, height: 12, width: 12, patch: 4, output: patches)))
        add("class token", .fill(.init(rows: 1, columns: d, tensor: builder.values("cls", [1, d]), output: x)))
        let position = builder.values("position", [t - 1, d])
        try linear(
            "patch_embed", t - 1, d, 16, from: patches, to: Region(byteOffset: x.byteOffset + d * 4, stride: d), residual: .tensor(position))
        norm("norm1", t, from: x, to: normed)
        try linear("query", reading == .classToken ? 1 : t, d, d, from: normed, to: queries)
        try linear("keyvalue", t, keyColumns, d, from: normed, to: keys)
        let rows = reading == .classToken ? 1 : t
        add(
            "attention",
            .attention(
                .init(
                    tokens: t, queryCount: rows, heads: heads, keyValueHeads: keyValueHeads, width: d / heads, queries: queries, keys: keys,
                    output: mixed, factor: 0.3)))
        try linear("proj", rows, d, d, from: mixed, to: x, residual: .arena(x))
        norm("norm2", rows, from: x, to: normed)
        try linear("fc1", rows, Self.hidden, d, from: normed, to: hidden, gelu: true, factor: mlpScale)
        try linear("fc2", rows, d, Self.hidden, from: hidden, to: x, residual: .arena(x), factor: mlpScale)
        var read = pooled
        switch reading {
        case .mean: add("pool", .meanPool(.init(rows: t, columns: d, input: x, output: pooled)))
        case .classToken:
            norm("norm", 1, from: x, to: normed)
            read = normed
        case .patches(let before, let behind, let reused):
            var source = x
            if before {
                norm("norm", t, from: x, to: normed)
                source = normed
            }
            let mean = reused ? region(1, d) : pooled
            add("pool", .meanPool(.init(rows: t - 1, columns: d, input: Region(byteOffset: source.byteOffset + 4 * d, stride: d), output: mean)))
            read = mean
            if behind {
                read = reused ? Region(byteOffset: source.byteOffset + 4 * 3 * d, stride: d) : normed
                norm("fc_norm", 1, from: mean, to: read)
            }
        }
        try linear("head", 1, Self.outputs, d, from: read, to: output)
        return ModelDraft(
            header: ModelHeader(
                name: "block", version: "1", arenaByteCount: arena, inputByteOffset: image.byteOffset, outputByteOffset: output.byteOffset,
                outputCount: Self.outputs, channels: 1, height: 12, width: 12),
            tensors: builder.tensors, operations: operations,
            recipe: InputRecipe(
                modality: "", channels: 1, height: 12, width: 12, crop: .stretch, filter: .bilinear, intensity: .fileWindow, scale: [1], offset: [0]),
            labels: Labels(activation: .none, temperature: 1, isCalibrated: false, labels: []), card: Array("{}".utf8),
            golden: [goldenSeed.map { GoldenVector(seed: $0, output: goldenOutput) } ?? GoldenVector(input: Self.golden, output: goldenOutput)],
            featureStatistics: hasStatistics ? Self.statistics : nil)
    }
}
