public import TernKernels
public import TernModel

/// Runs the compiled plan of one model over one arena; allocates nothing after `init`.
public final class Engine {
    /// Bytes of the arena and of the engine's scratch together.
    public let arenaByteCount: Int
    public let model: ModelFile

    /// - Throws: `EngineError` when this CPU cannot run `instructionSet`.
    public init(model: ModelFile, instructionSet: InstructionSet, threadCount: Int) throws(EngineError) {
        self.model = model
        arenaByteCount = 0
    }

    /// Runs one prepared input [channels, height, width]; `output` gets `model.header.outputCount` values.
    public func infer(_ input: Span<Float>, into output: inout MutableSpan<Float>) throws(EngineError) {}

    /// Runs every golden vector of the model. Throws `EngineError.goldenMismatch` at the first bit that differs.
    public func verifyGolden() throws(EngineError) {}
}

public enum EngineError: Error, Equatable, Sendable {
    case unsupportedInstructionSet(InstructionSet)
    case notFinite(operation: Int)
    case goldenMismatch(vector: Int, output: Int)
    case outOfMemory(byteCount: Int)
    case inputCount(expected: Int, found: Int)
}
