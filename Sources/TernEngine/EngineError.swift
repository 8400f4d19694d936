public import TernKernels

/// Why an engine could not be made, or an inference has no result.
public enum EngineError: Error, Equatable, Sendable {
    /// This CPU or its operating system cannot run the instruction set; `ternd info` lists those it can.
    case unsupportedInstructionSet(InstructionSet)
    /// The system refused a team of this many threads, or the count is not 1 ... 64.
    case threadCount(Int)
    /// The system refused the memory.
    case outOfMemory(byteCount: Int)
    /// The operation with this index is past a limit of the kernels: depth 131,072, tokens 65,536, head width 4,096.
    case limit(operation: Int)
    /// The input or the output does not have the model's number of values.
    case valueCount(expected: Int, found: Int)
    /// N-02: a value that the operation must quantise is infinite or not a number.
    case notFinite(operation: Int)
    /// The model's output with this index is infinite or not a number. Layers with f32 weights quantise nothing, so a value that leaves the
    /// range inside them is first seen here.
    case outputNotFinite(index: Int)
    /// No map of the output with this index: the engine was made without maps or the model's plan has none (`Engine.mapShape`), it has no such
    /// output, or a value of the map is infinite or not a number.
    case noMap(output: Int)
    /// The golden vector's output differs in at least one bit from what the model file expects.
    case goldenMismatch(vector: Int, output: Int)
    /// The caller did not want the rest of the golden vectors.
    case cancelled
}
