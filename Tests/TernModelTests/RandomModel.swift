import TernModel
import TernWriter

/// Valid drafts made from a seed: a chain of operations, each of which reads a region that an earlier one wrote and writes a new one.
struct RandomModel {
    private var random: SeededRandom
    private var draft: ModelDraft
    private var written: [(region: Region, rows: Int, columns: Int)] = []
    private var end = 0

    static func draft(seed: UInt64) throws -> ModelDraft {
        var model = RandomModel(seed: seed)
        try model.build()
        return model.draft
    }

    private init(seed: UInt64) {
        var random = SeededRandom(state: seed)
        let channels = random.pick([1, 3])
        let (height, width) = (2 * random.between(1, 6), 2 * random.between(1, 6))
        let intensity: InputRecipe.Intensity =
            random.flip() ? .fileWindow : .window(centre: random.float(), width: Float(random.between(1, 4000)))
        draft = ModelDraft(
            header: ModelHeader(
                name: random.text(1, 63), version: random.text(0, 31), arenaByteCount: 0, inputByteOffset: 64 * random.between(0, 3),
                outputByteOffset: 0, outputCount: random.between(1, 9), channels: channels, height: height, width: width),
            tensors: [],
            operations: [],
            recipe: InputRecipe(
                modality: random.text(0, 15), channels: channels, height: height, width: width, crop: random.pick([.stretch, .centreSquare]),
                filter: random.pick([.box, .bilinear, .bicubic, .lanczos]), intensity: intensity,
                scale: random.floats(channels), offset: random.floats(channels)),
            labels: Labels(
                activation: random.pick([.none, .softmax, .sigmoid]), temperature: Float(random.between(1, 900)) / 100,
                isCalibrated: false, labels: []),
            card: Array(random.text(0, 200).utf8) + Array("äé😀".utf8),
            golden: [])
        // Only scores can be probabilities or have a threshold.
        draft.labels.isCalibrated = random.flip() && draft.labels.activation != .none
        self.random = random
        let header = draft.header
        for _ in 0..<self.random.between(0, 5) { draft.labels.labels.append(label(outputs: header.outputCount)) }
        let isGenerated = self.random.flip()
        for _ in 0..<self.random.between(1, 4) {
            let input = self.random.floats(header.inputValueCount), output = self.random.floats(header.outputCount)
            draft.golden.append(isGenerated ? GoldenVector(seed: UInt64(input[0].bitPattern), output: output) : GoldenVector(input: input, output: output))
        }
        end = header.inputByteOffset + header.inputValueCount * 4
        written.append((Region(byteOffset: header.inputByteOffset, stride: width), channels * height, width))
    }

    private mutating func build() throws {
        appendPatches()
        for _ in 0..<random.between(0, 12) {
            switch random.between(0, 4) {
            case 0: appendFill()
            case 1: appendNorm()
            case 2: try appendLinear(outputs: random.between(1, 70), rows: nil)
            case 3: appendAttention()
            default: appendPool()
            }
        }
        end = (end + 63) / 64 * 64
        draft.header.outputByteOffset = end
        try appendLinear(outputs: draft.header.outputCount, rows: 1)
        draft.header.arenaByteCount = (end + 63) / 64 * 64
    }

    private mutating func append(_ operation: Operation) {
        draft.operations.append(NamedOperation(name: random.text(0, 31), operation: operation))
    }

    /// A new region behind all others, with gaps between rows unless it is one row.
    private mutating func newRegion(rows: Int, columns: Int, isPacked: Bool = false) -> Region {
        if !isPacked { end += 4 * random.between(0, 20) }
        let region = Region(byteOffset: end, stride: columns + (isPacked ? 0 : random.between(0, 3)))
        end += ((rows - 1) * region.stride + columns) * 4
        written.append((region, rows, columns))
        return region
    }

    private mutating func add(_ dimensions: [Int], positive: Bool = false) -> Int {
        let count = dimensions.reduce(1, *)
        let values = (0..<count).map { _ in positive ? Float(random.between(1, 1000)) / 1000 : random.float() }
        draft.tensors.append(DraftTensor(name: "t\(draft.tensors.count)." + random.text(0, 30), values: values, dimensions: dimensions))
        return draft.tensors.count - 1
    }

    private mutating func appendPatches() {
        let header = draft.header
        let patch = random.pick([1, 2])
        let rows = (header.height / patch) * (header.width / patch)
        let columns = header.channels * patch * patch
        append(
            .patches(
                .init(
                    image: Region(byteOffset: header.inputByteOffset, stride: header.width), channels: header.channels, height: header.height,
                    width: header.width, patch: patch, output: newRegion(rows: rows, columns: columns))))
    }

    private mutating func appendFill() {
        let (rows, columns) = (random.between(1, 5), random.between(1, 40))
        let tensor = add([rows, columns])
        if random.flip() {
            let halves = (0..<rows * columns).map { _ in Float16(random.float()) }
            draft.tensors[tensor] = DraftTensor(name: draft.tensors[tensor].name, halves: halves, dimensions: [rows, columns])
        }
        append(.fill(.init(rows: rows, columns: columns, tensor: tensor, output: newRegion(rows: rows, columns: columns))))
    }

    private mutating func appendNorm() {
        let input = random.pick(written)
        let (gamma, beta) = (add([input.columns]), add([input.columns]))
        let output = random.flip() ? input.region : newRegion(rows: input.rows, columns: input.columns)
        append(
            .layerNorm(
                .init(
                    rows: input.rows, columns: input.columns, input: input.region, output: output, gamma: gamma, beta: beta,
                    epsilon: Float(random.between(1, 100)) / 1e6)))
    }

    private mutating func appendLinear(outputs: Int, rows: Int?) throws {
        let input = random.pick(written)
        let rows = rows ?? input.rows
        let elementType = random.pick([ElementType.f32, .s8, .t2, .t5])
        let weights: Int
        if elementType == .f32 {
            weights = add([outputs, input.columns])
        } else {
            let limit = elementType == .s8 ? 127 : 1
            let codes = (0..<(outputs * input.columns)).map { _ in Int8(random.between(-limit, limit)) }
            let recipe: QuantisationRecipe = elementType == .s8 ? .absmaxPerChannel : random.pick([.absmean, .ternaryAsTrained])
            draft.tensors.append(
                try DraftTensor(
                    name: "t\(draft.tensors.count)", codes: codes, rows: outputs, columns: input.columns, as: elementType, recipe: recipe))
            weights = draft.tensors.count - 1
        }
        let scale = elementType == .f32 ? nil : add([random.flip() ? 1 : outputs], positive: true)
        let bias = random.flip() ? add([outputs]) : nil
        var residual = Operation.Linear.Residual.none
        let isLast = rows == 1 && end == draft.header.outputByteOffset
        var output = newRegion(rows: rows, columns: outputs, isPacked: isLast)
        let choice = random.between(0, 2)
        if choice == 1 { residual = .tensor(add([rows, outputs])) }
        let fits = written.dropLast().filter { $0.rows >= rows && $0.columns >= outputs && $0.region != input.region }
        if choice == 2, let other = fits.last {
            residual = .arena(other.region)
            if !isLast, random.flip(), other.rows == rows, other.columns == outputs { output = other.region }
        }
        append(
            .linear(
                .init(
                    rows: rows, columns: outputs, depth: input.columns, levels: elementType == .f32 ? 0 : random.pick([127, 63, 42]),
                    input: input.region, output: output, weights: weights, scale: scale, bias: bias, gelu: random.flip(), residual: residual)))
        if output != written[written.count - 1].region { written.removeLast() }
    }

    private mutating func appendAttention() {
        let (tokens, heads, width) = (random.between(1, 6), random.pick([1, 2, 4]), random.between(1, 8))
        let keyValueHeads = random.pick([1, heads])
        let columns = (heads + 2 * keyValueHeads) * width
        let tensor = add([tokens, columns])
        let qkv = newRegion(rows: tokens, columns: columns)
        append(.fill(.init(rows: tokens, columns: columns, tensor: tensor, output: qkv)))
        let queryCount = random.between(1, tokens)
        append(
            .attention(
                .init(
                    tokens: tokens, queryCount: queryCount, heads: heads, keyValueHeads: keyValueHeads, width: width, queries: qkv,
                    keys: Region(byteOffset: qkv.byteOffset + 4 * heads * width, stride: qkv.stride),
                    output: newRegion(rows: queryCount, columns: heads * width), factor: 0.5)))
    }

    private mutating func appendPool() {
        let input = random.pick(written)
        append(
            .meanPool(
                .init(rows: input.rows, columns: input.columns, input: input.region, output: newRegion(rows: 1, columns: input.columns))))
    }

    private mutating func label(outputs: Int) -> Label {
        let code = random.flip() ? Code(scheme: random.text(1, 15), value: random.text(1, 31), meaning: random.text(1, 95)) : nil
        let hasThreshold = random.flip() && draft.labels.activation != .none
        return Label(
            name: random.text(1, 47), outputIndex: random.between(0, outputs - 1), isReported: random.flip(), code: code,
            threshold: hasThreshold ? Float(random.between(0, 100)) / 100 : nil, operatingPoint: hasThreshold ? random.text(0, 31) : "")
    }
}

/// A small generator that gives the same numbers everywhere.
struct SeededRandom {
    var state: UInt64

    mutating func between(_ low: Int, _ high: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return low + Int(state >> 33) % (high - low + 1)
    }
    mutating func flip() -> Bool { between(0, 1) == 1 }
    mutating func pick<T>(_ choices: [T]) -> T { choices[between(0, choices.count - 1)] }
    mutating func float() -> Float { Float(between(-1_000_000, 1_000_000)) / 1024 }
    mutating func floats(_ count: Int) -> [Float] { (0..<count).map { _ in float() } }
    mutating func text(_ low: Int, _ high: Int) -> String {
        String(decoding: (0..<between(low, high)).map { _ in UInt8(between(32, 126)) }, as: UTF8.self)
    }
}
