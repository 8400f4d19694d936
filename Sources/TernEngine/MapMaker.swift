internal import TernKernels
internal import TernModel

/// What an engine keeps beside its arena to make maps; all memory is taken by `init`.
final class MapMaker {
    let plan: SharesPlan
    /// A direction, the mean and the tokens, each as long as it is needed.
    private let memory: Arena

    var shape: MapShape { plan.shape }
    var byteCount: Int { memory.byteCount }

    /// Nil for a plan of a kind that has no maps.
    init?(_ model: ModelFile) throws(KernelError) {
        guard let plan = SharesPlan(model) else { return nil }
        self.plan = plan
        memory = try Arena(byteCount: 4 * plan.columns * (1 + (plan.savesPooled ? 1 : 0) + (plan.savesTokens ? plan.rows : 0)))
    }

    private var savedPooled: ArenaMatrix { ArenaMatrix(byteOffset: 4 * plan.columns, stride: plan.columns) }
    private var savedTokens: ArenaMatrix { ArenaMatrix(byteOffset: 4 * plan.columns * (plan.savesPooled ? 2 : 1), stride: plan.columns) }

    /// Keeps what the operations after `index` overwrite; called when it has run.
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

    /// One map of the last inference, and what is no patch's.
    func make(output index: Int, of model: ModelFile, arena: Arena, into values: inout MutableSpan<Float>) -> Float {
        let head = plan.head
        let call = PatchSharesCall(
            rows: plan.rows, columns: plan.columns, outputCount: head.columns, output: index,
            weightsKind: WeightsKind(model.tensors[head.weights].elementType), tokens: plan.savesTokens ? savedTokens : ArenaMatrix(plan.tokens),
            pooled: plan.savesPooled ? savedPooled : ArenaMatrix(plan.pooled), epsilon: plan.epsilon,
            value: arena.values(at: head.output.byteOffset + 4 * index, count: 1)[0])
        return memory.patchShares(
            call, weights: model.bytes(ofTensor: head.weights), scales: model.bytes(ofOptional: head.scale),
            gamma: model.bytes(ofOptional: plan.gammaBehind), beta: model.bytes(ofOptional: plan.betaBefore),
            tokens: plan.savesTokens ? memory : arena, pooled: plan.savesPooled ? memory : arena, into: &values)
    }
}
