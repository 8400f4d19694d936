/// Why kernels could not be prepared or an operation has no result.
public enum KernelError: Error, Equatable, Sendable {
    /// N-02: a value that must be quantised is infinite or not a number.
    case notFinite
    /// This CPU or its operating system cannot run the instruction set.
    case unavailable(InstructionSet)
    /// The system refused `byteCount` bytes of memory.
    case outOfMemory(byteCount: Int)
    /// The system refused a team of `count` threads, or the count is not 1 ... 64.
    case noThreads(count: Int)
    /// A dimension is not positive or past its limit: depth 131,072, tokens 65,536, head width 4,096; or a size does not fit in 63 bits.
    case limit
}
