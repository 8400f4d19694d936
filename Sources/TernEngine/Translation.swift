internal import TernKernels
internal import TernModel

extension EngineError {
    /// What a kernel reports, with the index of the operation it happened in.
    init(_ error: KernelError, operation: Int) {
        self =
            switch error {
            case .notFinite: .notFinite(operation: operation)
            case .unavailable(let instructionSet): .unsupportedInstructionSet(instructionSet)
            case .outOfMemory(let byteCount): .outOfMemory(byteCount: byteCount)
            case .noThreads(let count): .threadCount(count)
            case .limit: .limit(operation: operation)
            }
    }
}

extension ArenaMatrix {
    init(_ region: Region) { self.init(byteOffset: region.byteOffset, stride: region.stride) }
}

extension LayerNormCall {
    init(_ norm: Operation.LayerNorm) {
        self.init(
            rows: norm.rows, columns: norm.columns, epsilon: norm.epsilon, input: ArenaMatrix(norm.input), output: ArenaMatrix(norm.output))
    }
}

extension WeightsKind {
    init(_ elementType: ElementType) {
        self =
            switch elementType {
            // A validated plan has no layer with weights in binary16.
            case .f32, .f16: .f32
            case .s8: .s8
            case .t2: .t2
            case .t5: .t5
            }
    }
}

extension ModelFile {
    /// The bytes of a tensor that an operation may leave out; empty when it does.
    @_lifetime(borrow self)
    func bytes(ofOptional index: Int?) -> RawSpan {
        guard let index else { return RawSpan() }
        return bytes(ofTensor: index)
    }
}
