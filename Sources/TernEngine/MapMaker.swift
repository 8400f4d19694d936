internal import TernKernels
internal import TernModel

/// What an engine keeps beside its arena to make maps of its kind; all memory is taken by `init`.
enum MapMaker {
    case shares(SharesMaker)
    case relevance(RelevanceMaker)

    /// Nil for a plan of a kind that has no maps.
    init?(_ model: ModelFile) throws(KernelError) {
        if let plan = SharesPlan(model) {
            self = .shares(try SharesMaker(plan))
        } else if let plan = RelevancePlan(model) {
            self = .relevance(try RelevanceMaker(plan, model))
        } else {
            return nil
        }
    }

    var shape: MapShape {
        switch self {
        case .shares(let maker): maker.plan.shape
        case .relevance(let maker): maker.plan.shape
        }
    }

    var byteCount: Int {
        switch self {
        case .shares(let maker): maker.byteCount
        case .relevance(let maker): maker.byteCount
        }
    }

    /// Keeps what the operations after `index` overwrite; called when it has run.
    func keep(after index: Int, of arena: Arena) {
        if case .shares(let maker) = self { maker.keep(after: index, of: arena) }
    }

    /// Where the attention `index` keeps what it weighs; nil when it need not.
    func kept(by index: Int) -> KeptAttention? {
        guard case .relevance(let maker) = self else { return nil }
        return maker.kept(by: index)
    }

    /// One map of the last inference, of an output or of what it has more than the others' mean, and what is no patch's.
    func make(
        output index: Int, isContrast: Bool, of model: ModelFile, arena: Arena, table: KernelTable, into values: inout MutableSpan<Float>
    ) -> Float {
        switch self {
        case .shares(let maker): maker.make(output: index, isContrast: isContrast, of: model, arena: arena, into: &values)
        case .relevance(let maker): maker.make(on: table, into: &values)
        }
    }
}

/// N-16.
final class SharesMaker {
    let plan: SharesPlan
    /// Two rows to work in, and the mean and the tokens where they are kept.
    private let memory: Arena

    var byteCount: Int { memory.byteCount }

    init(_ plan: SharesPlan) throws(KernelError) {
        self.plan = plan
        memory = try Arena(byteCount: 4 * plan.columns * (2 + (plan.savesPooled ? 1 : 0) + (plan.savesTokens ? plan.rows : 0)))
    }

    private var savedPooled: ArenaMatrix { ArenaMatrix(byteOffset: 8 * plan.columns, stride: plan.columns) }
    private var savedTokens: ArenaMatrix { ArenaMatrix(byteOffset: 4 * plan.columns * (plan.savesPooled ? 3 : 2), stride: plan.columns) }

    func keep(after index: Int, of arena: Arena) {
        guard index == plan.pool else { return }
        if plan.savesPooled { memory.copyIn(arena.values(at: plan.pooled.byteOffset, count: plan.columns), at: savedPooled.byteOffset) }
        if plan.savesTokens {
            for row in 0..<plan.rows {
                let line = arena.values(at: plan.tokens.byteOffset + 4 * row * plan.tokens.stride, count: plan.columns)
                memory.copyIn(line, at: savedTokens.byteOffset + 4 * row * plan.columns)
            }
        }
    }

    func make(output index: Int, isContrast: Bool, of model: ModelFile, arena: Arena, into values: inout MutableSpan<Float>) -> Float {
        let head = plan.head
        let call = PatchSharesCall(
            rows: plan.rows, columns: plan.columns, outputCount: head.columns, output: index, isContrast: isContrast && head.columns > 1,
            weightsKind: WeightsKind(model.tensors[head.weights].elementType), tokens: plan.savesTokens ? savedTokens : ArenaMatrix(plan.tokens),
            pooled: plan.savesPooled ? savedPooled : ArenaMatrix(plan.pooled), epsilon: plan.epsilon,
            values: ArenaMatrix(head.output))
        return memory.patchShares(
            call, weights: model.bytes(ofTensor: head.weights), scales: model.bytes(ofOptional: head.scale),
            gamma: model.bytes(ofOptional: plan.gammaBehind), beta: model.bytes(ofOptional: plan.betaBefore),
            tokens: plan.savesTokens ? memory : arena, pooled: plan.savesPooled ? memory : arena, outputs: arena,
            into: &values)
    }
}

/// N-17.
final class RelevanceMaker {
    let plan: RelevancePlan
    /// What each layer keeps, two rows of relevance, factors.
    private let memory: Arena
    private let layers: [KeptAttention]
    /// Whether the first row holds the relevance of the last inference, which is the same for every output.
    private var isMade = false

    var byteCount: Int { memory.byteCount }
    private var stride: Int { KeptAttention.relevanceStride(tokens: plan.tokens) }

    init(_ plan: RelevancePlan, _ model: ModelFile) throws(KernelError) {
        self.plan = plan
        let memory = try Arena(byteCount: plan.keptByteCount + 4 * (2 * KeptAttention.relevanceStride(tokens: plan.tokens) + plan.factorCount))
        self.memory = memory
        layers = plan.layers.compactMap { layer in
            guard case .attention(let attention) = model.operations[layer.operation].operation else { return nil }
            return KeptAttention(
                tokens: plan.tokens, queryCount: attention.queryCount, heads: attention.heads, keyValueHeads: attention.keyValueHeads, memory: memory,
                byteOffset: layer.byteOffset)
        }
    }

    func kept(by index: Int) -> KeptAttention? {
        isMade = false
        for (place, layer) in plan.layers.enumerated() where layer.operation == index { return layers[place] }
        return nil
    }

    func make(on table: KernelTable, into values: inout MutableSpan<Float>) -> Float {
        let memory = self.memory, rows = plan.keptByteCount, rowByteCount = 4 * stride
        if !isMade {
            var after = rows, before = rows + rowByteCount
            let plan = self.plan
            memory.withMutableValues(at: after, count: stride) { row in
                for token in row.indices { row[token] = token < plan.readCount ? 1 / Float(plan.readCount) : 0 }
            }
            for layer in layers.reversed() {
                table.relevance(layer, in: memory, after: after, before: before, factors: rows + 2 * rowByteCount)
                (after, before) = (before, after)
            }
            if after != rows { memory.copyIn(memory.values(at: after, count: stride), at: rows) }
            isMade = true
        }
        let relevance = memory.values(at: rows, count: plan.tokens), first = plan.firstPatch, end = first + values.count
        var base: Float = 0
        for token in relevance.indices {
            if token >= first, token < end { values[token - first] = relevance[token] } else { base += relevance[token] }
        }
        return base
    }
}
