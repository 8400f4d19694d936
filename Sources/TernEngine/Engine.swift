internal import TernBytes
public import TernKernels
public import TernModel

/// Runs the compiled plan of one model over one arena.
///
/// All memory is taken by `init`; an inference allocates nothing. One thread uses an engine at a time; the engine's own team works on each operation.
public final class Engine {
    public let model: ModelFile
    let arena: Arena
    let table: KernelTable
    /// Nil without maps.
    let maps: MapMaker?

    /// Prepares arena, working memory and threads for a validated model.
    ///
    /// - Parameters:
    ///   - threadCount: threads that work on one inference, the caller counted, 1 ... 64.
    ///   - makesMaps: whether `makeMap` is wanted, where the plan has maps (`mapShape`); false costs nothing.
    /// - Throws: `EngineError.unsupportedInstructionSet`, `.threadCount`, `.outOfMemory` or `.limit`.
    public init(model: ModelFile, instructionSet: InstructionSet, threadCount: Int, makesMaps: Bool = false) throws(EngineError) {
        var capacity = KernelCapacity()
        for (index, named) in model.operations.enumerated() {
            do {
                switch named.operation {
                case .linear(let linear) where model.tensors[linear.weights].elementType != .f32:
                    try capacity.addLinear(rows: linear.rows, columns: linear.columns, depth: linear.depth)
                case .attention(let attention):
                    try capacity.addAttention(tokens: attention.tokens, width: attention.width)
                default: break
                }
            } catch {
                throw .limit(operation: index)
            }
        }
        self.model = model
        do {
            arena = try Arena(byteCount: model.header.arenaByteCount)
            table = try KernelTable(instructionSet, threadCount: threadCount, capacity: capacity)
            maps = makesMaps ? try MapMaker(model) : nil
        } catch {
            throw EngineError(error, operation: 0)
        }
    }

    public var instructionSet: InstructionSet { table.instructionSet }
    public var threadCount: Int { table.threadCount }

    /// Bytes of the plan's arena and of the kernels' and the maps' working memory.
    public var arenaByteCount: Int { arena.byteCount + table.workingByteCount + (maps?.byteCount ?? 0) }

    /// Values of one prepared input, [channels, height, width].
    public var inputCount: Int { model.header.channels * model.header.height * model.header.width }

    /// Multiply-adds of one inference: every linear layer and both products of every attention.
    public var multiplyAddCount: Int {
        model.operations.indices.reduce(0) { $0 + multiplyAddCount(ofOperation: $1) }
    }

    /// Multiply-adds of one operation, 0 for those that are not products.
    public func multiplyAddCount(ofOperation index: Int) -> Int {
        switch model.operations[index].operation {
        case .linear(let linear): linear.rows * linear.columns * linear.depth
        case .attention(let attention): 2 * attention.queryCount * attention.tokens * attention.heads * attention.width
        default: 0
        }
    }

    /// Runs one inference.
    ///
    /// - Parameters:
    ///   - input: prepared image [channels, height, width], finite.
    ///   - output: `model.header.outputCount` values, overwritten.
    /// - Throws: `EngineError.valueCount`, `.notFinite` or `.outputNotFinite`; the output is then unspecified.
    /// - Source: Models/NUMERICS.md; the same bits on every instruction set and thread count.
    public func infer(_ input: Span<Float>, into output: inout MutableSpan<Float>) throws(EngineError) {
        try infer(input, into: &output, observe: nil)
    }

    /// Runs one inference and calls `observe` with the index of each operation once its output is in the arena; `copyOutput(of:)` reads it there.
    /// Operations then run one by one, while an inference that is not observed joins a layer norm to the layer that reads it.
    public func infer(_ input: Span<Float>, into output: inout MutableSpan<Float>, observe: ((Int) -> Void)?) throws(EngineError) {
        guard input.count == inputCount else { throw .valueCount(expected: inputCount, found: input.count) }
        arena.copyIn(input, at: model.header.inputByteOffset)
        try inferLoaded(into: &output, observe: observe)
    }

    /// Runs one inference on a golden input, which is made where the plan reads it: a seed in a small file may stand for a large input.
    private func infer(golden vector: Int, into output: inout MutableSpan<Float>) throws(EngineError) {
        let model = self.model
        arena.withMutableValues(at: model.header.inputByteOffset, count: inputCount) { model.copyGoldenInput(vector, into: &$0) }
        try inferLoaded(into: &output, observe: nil)
    }

    private func inferLoaded(into output: inout MutableSpan<Float>, observe: ((Int) -> Void)?) throws(EngineError) {
        guard output.count == model.header.outputCount else {
            throw .valueCount(expected: model.header.outputCount, found: output.count)
        }
        if let observe {
            for index in model.operations.indices {
                try run(index)
                observe(index)
            }
        } else {
            try runAll()
        }
        arena.copyOut(into: &output, at: model.header.outputByteOffset)
        for index in output.indices where !output[index].isFinite {
            throw .outputNotFinite(index: index)
        }
    }

    /// How far the last inference's feature is from those of ordinary images, about 1 for them (N-13); nil for a model without feature statistics.
    /// A score that overflows is infinite or not a number, and flagged (`FeatureStatistics.isFlagged`).
    ///
    /// - Precondition: an inference has succeeded.
    /// - Cost: (rank + 1) * count products, no allocation.
    public var featureScore: Float? {
        let model = self.model
        guard let statistics = model.featureStatistics else { return nil }
        return arena.featureScore(
            at: statistics.byteOffset, count: statistics.count, rank: statistics.rank, residualPrecision: statistics.residualPrecision,
            statistics: model.featureValues)
    }

    /// Runs every golden vector of the model file and compares every bit.
    ///
    /// - Parameter isWanted: asked before each vector.
    /// - Throws: `EngineError.goldenMismatch` at the first value that differs; `.cancelled` when it is wanted no more.
    public func verifyGolden(while isWanted: () -> Bool = { true }) throws(EngineError) {
        let model = self.model
        var output = [Float](repeating: 0, count: model.header.outputCount)
        for vector in 0..<model.goldenCount {
            guard isWanted() else { throw .cancelled }
            var span = output.mutableSpan
            try infer(golden: vector, into: &span)
            let found = output.span
            let expected = model.goldenOutput(vector)
            for index in found.indices where found[index].bitPattern != expected.floatLE(at: 4 * index).bitPattern {
                throw .goldenMismatch(vector: vector, output: index)
            }
        }
    }

    /// Nil measures nothing. Else what linear layers spend before their products is added, for profiles: quantising rows and preparing weights.
    public var readyNanoseconds: UInt64? {
        get { table.readyNanoseconds }
        set { table.readyNanoseconds = newValue }
    }

    /// The rate of the chosen table's dot-product instruction alone: runs `rounds` rounds on registers, gives the multiply-adds done.
    public func measurePeak(rounds: Int) -> UInt64 { table.measurePeak(rounds: rounds) }

    /// The output matrix of an operation of the last inference, row-major without padding. Valid right after the operation, in `observe`:
    /// a later operation may use the memory again.
    public func copyOutput(of index: Int) -> [Float] {
        let arena = self.arena
        let (region, rows, columns) = model.operations[index].operation.outputMatrix
        var values = [Float]()
        values.reserveCapacity(rows * columns)
        for row in 0..<rows {
            let line = arena.values(at: region.byteOffset + row * region.stride * 4, count: columns)
            for column in line.indices { values.append(line[column]) }
        }
        return values
    }

    private func runAll() throws(EngineError) {
        let operations = model.operations
        var index = 0
        while index < operations.count {
            if case .layerNorm(let norm) = operations[index].operation, index + 1 < operations.count,
                case .linear(let linear) = operations[index + 1].operation, canJoin(norm, linear)
            {
                index += 1
                do { try run(linear, after: norm) } catch { throw EngineError(error, operation: index) }
            } else {
                try run(index)
            }
            index += 1
        }
    }

    /// True when the layer quantises exactly the norm's output.
    private func canJoin(_ norm: Operation.LayerNorm, _ linear: Operation.Linear) -> Bool {
        linear.input == norm.output && linear.rows == norm.rows && linear.depth == norm.columns
            && model.tensors[linear.weights].elementType != .f32
    }

    private func run(_ index: Int) throws(EngineError) {
        let model = self.model
        do {
            switch model.operations[index].operation {
            case .patches(let patches):
                table.patches(
                    channels: patches.channels, height: patches.height, width: patches.width, patch: patches.patch,
                    imageByteOffset: patches.image.byteOffset, output: ArenaMatrix(patches.output), in: arena)
            case .fill(let fill):
                let output = ArenaMatrix(fill.output), tensor = model.bytes(ofTensor: fill.tensor)
                if model.tensors[fill.tensor].elementType == .f16 {
                    table.fill(rows: fill.rows, columns: fill.columns, output: output, halves: tensor, in: arena)
                } else {
                    table.fill(rows: fill.rows, columns: fill.columns, output: output, tensor: tensor, in: arena)
                }
            case .layerNorm(let norm):
                table.layerNorm(
                    LayerNormCall(norm), gamma: model.bytes(ofTensor: norm.gamma), beta: model.bytes(ofTensor: norm.beta), in: arena)
            case .linear(let linear): try run(linear)
            case .attention(let attention):
                try table.attention(
                    AttentionCall(
                        tokens: attention.tokens, queryCount: attention.queryCount, heads: attention.heads,
                        keyValueHeads: attention.keyValueHeads, width: attention.width, factor: attention.factor,
                        queries: ArenaMatrix(attention.queries), keys: ArenaMatrix(attention.keys), output: ArenaMatrix(attention.output)), in: arena,
                    keeping: maps?.kept(by: index))
            case .meanPool(let pool):
                table.meanPool(rows: pool.rows, columns: pool.columns, input: ArenaMatrix(pool.input), output: ArenaMatrix(pool.output), in: arena)
            }
        } catch {
            throw EngineError(error, operation: index)
        }
        maps?.keep(after: index, of: arena)
    }

    private func run(_ linear: Operation.Linear, after norm: Operation.LayerNorm? = nil) throws(KernelError) {
        let model = self.model
        var residual = LinearCall.Residual.none
        var residualTensor: Int?
        switch linear.residual {
        case .none: break
        case .arena(let region): residual = .arena(ArenaMatrix(region))
        case .tensor(let index):
            residual = .tensor
            residualTensor = index
        }
        let call = LinearCall(
            rows: linear.rows, columns: linear.columns, depth: linear.depth, weightsKind: WeightsKind(model.tensors[linear.weights].elementType),
            levels: linear.levels, input: ArenaMatrix(linear.input), output: ArenaMatrix(linear.output), residual: residual,
            appliesGELU: linear.gelu)
        let weights = model.bytes(ofTensor: linear.weights), scales = model.bytes(ofOptional: linear.scale)
        let bias = model.bytes(ofOptional: linear.bias), residualBytes = model.bytes(ofOptional: residualTensor)
        if let norm {
            try table.linear(
                call, weights: weights, scales: scales, bias: bias, residual: residualBytes, after: LayerNormCall(norm),
                gamma: model.bytes(ofTensor: norm.gamma), beta: model.bytes(ofTensor: norm.beta), in: arena)
        } else {
            try table.linear(call, weights: weights, scales: scales, bias: bias, residual: residualBytes, in: arena)
        }
    }
}
