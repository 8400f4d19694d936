internal import CTernKernels

/// The memory of one model: every buffer of its plan is a byte offset into this block. 64-byte aligned, zero at first, one allocation.
///
/// Values are binary32; an offset of values is a multiple of 4. Every access is checked with `precondition`.
@safe public final class Arena {
    /// Bytes asked for.
    public let byteCount: Int
    private let start: UnsafeMutableRawPointer

    /// Allocates and zeroes `byteCount` bytes.
    ///
    /// - Throws: `KernelError.limit` when `byteCount` is not positive, `KernelError.outOfMemory` when the system refuses it.
    public init(byteCount: Int) throws(KernelError) {
        guard byteCount > 0 else { throw .limit }
        guard let start = unsafe tern_memory_allocate(byteCount) else { throw .outOfMemory(byteCount: byteCount) }
        unsafe self.start = start
        self.byteCount = byteCount
    }

    // SAFETY: `start` came from tern_memory_allocate and no pointer into it outlives the object.
    deinit { unsafe tern_memory_free(start) }

    /// Copies values in at `byteOffset`.
    public func copyIn(_ values: Span<Float>, at byteOffset: Int) {
        // SAFETY: every byte of a Float is initialised.
        copyIn(unsafe values.bytes, at: byteOffset)
    }

    /// Copies the bytes of binary32 values in at `byteOffset`.
    public func copyIn(_ bytes: RawSpan, at byteOffset: Int) {
        guard !bytes.isEmpty else { return }
        let target = unsafe pointer(at: byteOffset, byteCount: bytes.byteCount)
        // SAFETY: pointer(at:byteCount:) checked the target; a span never overlaps memory that only this object hands out.
        unsafe bytes.withUnsafeBytes { source in
            guard let base = source.baseAddress else { return }
            unsafe target.copyMemory(from: base, byteCount: source.count)
        }
    }

    /// Fills `values` with the values at `byteOffset`.
    public func copyOut(into values: inout MutableSpan<Float>, at byteOffset: Int) {
        guard values.count > 0 else { return }
        let source = unsafe pointer(at: byteOffset, byteCount: values.count * 4)
        unsafe values.withUnsafeMutableBytes { target in
            guard let base = target.baseAddress else { return }
            // SAFETY: pointer(at:byteCount:) checked the source; the span is exclusive.
            unsafe base.copyMemory(from: source, byteCount: target.count)
        }
    }

    /// The `count` values at `byteOffset`, valid until the next operation writes to the arena.
    @_lifetime(borrow self)
    public func values(at byteOffset: Int, count: Int) -> Span<Float> {
        precondition(count >= 0 && count <= Int.max / 4, "negative count")
        let base = unsafe pointer(at: byteOffset, byteCount: count * 4)
        // SAFETY: pointer(at:byteCount:) checked the range and the alignment; every bit pattern is a Float.
        let span = unsafe Span(_unsafeStart: base.assumingMemoryBound(to: Float.self), count: count)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Lets `body` write the `count` values at `byteOffset`.
    public func withMutableValues(at byteOffset: Int, count: Int, _ body: (inout MutableSpan<Float>) -> Void) {
        precondition(count >= 0 && count <= Int.max / 4, "negative count")
        let base = unsafe pointer(at: byteOffset, byteCount: count * 4)
        // SAFETY: pointer(at:byteCount:) checked the range and the alignment; every bit pattern is a Float; one thread uses an arena at a time.
        var values = unsafe MutableSpan(_unsafeStart: base.assumingMemoryBound(to: Float.self), count: count)
        body(&values)
    }

    /// The address of `byteCount` bytes of values at `byteOffset`, inside the arena.
    func pointer(at byteOffset: Int, byteCount needed: Int) -> UnsafeMutableRawPointer {
        precondition(byteOffset >= 0 && byteOffset % 4 == 0, "offset is negative or not aligned")
        precondition(needed >= 0 && needed <= byteCount && byteOffset <= byteCount - needed, "outside the arena")
        // SAFETY: the preconditions keep the range inside the allocation.
        return unsafe start + byteOffset
    }

    /// The address of a matrix [rows, columns], inside the arena.
    func pointer(to matrix: ArenaMatrix, rows: Int, columns: Int) -> UnsafeMutablePointer<Float> {
        precondition(rows > 0 && columns > 0 && matrix.stride >= columns, "rows overlap or are empty")
        let (before, overflow) = (rows - 1).multipliedReportingOverflow(by: matrix.stride)
        let (count, carry) = before.addingReportingOverflow(columns)
        precondition(!overflow && !carry && count <= Int.max / 4, "matrix does not fit in 63 bits")
        // SAFETY: aligned by pointer(at:byteCount:); every bit pattern is a Float.
        return unsafe pointer(at: matrix.byteOffset, byteCount: count * 4).assumingMemoryBound(to: Float.self)
    }
}

/// A matrix of binary32 values inside an arena.
public struct ArenaMatrix: Equatable, Sendable {
    /// From the start of the arena to the first value; a multiple of 4.
    public var byteOffset: Int
    /// Values from the start of one row to the start of the next; at least the row length.
    public var stride: Int

    public init(byteOffset: Int, stride: Int) {
        self.byteOffset = byteOffset
        self.stride = stride
    }
}
