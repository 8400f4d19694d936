internal import CTernKernels

/// How a weight matrix [N output channels, K inputs] is stored; raw values are the element types of Models/FORMAT.md section 2.
public enum WeightsKind: UInt8, CaseIterable, Equatable, Sendable {
    /// Row-major binary32.
    case f32 = 1
    /// INT8 in `panel64x4`.
    case s8 = 2
    /// 2-bit ternary in `panel64x4`.
    case t2 = 3
    /// Five ternary digits a byte in `panel64x4`.
    case t5 = 4

    var raw: tern_weights_kind { tern_weights_kind(rawValue: UInt32(rawValue)) }
}

/// Sizes and content checks of packed tensors, for the reader of model files.
public enum WeightScan {
    /// Bytes that a packed [rows, columns] matrix occupies, or nil when a dimension is not positive or the size does not fit in 63 bits.
    public static func packedByteCount(_ kind: WeightsKind, rows: Int, columns: Int) -> Int? {
        guard rows > 0, columns > 0 else { return nil }
        let byteCount = tern_packed_bytes(kind.raw, rows, columns)
        return byteCount > 0 && byteCount <= Int.max ? Int(byteCount) : nil
    }

    /// The index of the first binary32 value that is infinite or not a number, or nil when all are finite.
    ///
    /// - Precondition: the span starts at a multiple of 4 and holds a whole number of values.
    public static func firstNonFinite(_ values: RawSpan) -> Int? {
        let count = values.byteCount / 4
        let first = unsafe values.withUnsafeBytes { bytes in
            // SAFETY: `count` values lie inside the span.
            unsafe tern_scan_f32(floats(bytes), count)
        }
        return first < count ? first : nil
    }

    /// The index of the first binary16 value that is infinite or not a number, or nil when all are finite.
    ///
    /// - Precondition: the span starts at a multiple of 2 and holds a whole number of values.
    public static func firstNonFiniteHalf(_ values: RawSpan) -> Int? {
        let count = values.byteCount / 2
        let first = unsafe values.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return 0 }
            precondition(bytes.count % 2 == 0 && UInt(bitPattern: base) % 2 == 0, "not whole values, or not aligned")
            // SAFETY: `count` values lie inside the span; every bit pattern is a UInt16.
            return unsafe tern_scan_f16(base.assumingMemoryBound(to: UInt16.self), count)
        }
        return first < count ? first : nil
    }

    /// The index of the first binary32 value that is not finite and above zero, or nil when all are.
    ///
    /// - Precondition: the span starts at a multiple of 4 and holds a whole number of values.
    public static func firstNonPositive(_ values: RawSpan) -> Int? {
        let count = values.byteCount / 4
        let first = unsafe values.withUnsafeBytes { bytes in
            // SAFETY: `count` values lie inside the span.
            unsafe tern_scan_positive_f32(floats(bytes), count)
        }
        return first < count ? first : nil
    }

    /// The offset of the first byte that holds a code that may not occur or padding that is not a zero weight (F-15), or nil when all
    /// are right. For `f32` the index of the first value that is not finite.
    ///
    /// - Precondition: the span holds exactly `packedByteCount(kind, rows: rows, columns: columns)` bytes.
    public static func firstBadWeight(_ kind: WeightsKind, _ packed: RawSpan, rows: Int, columns: Int) -> Int? {
        precondition(packedByteCount(kind, rows: rows, columns: columns) == packed.byteCount, "weights do not have their packed size")
        let count = kind == .f32 ? packed.byteCount / 4 : packed.byteCount
        let first = unsafe packed.withUnsafeBytes { bytes in
            // SAFETY: the precondition gives the size that the scan reads.
            unsafe tern_scan_weights(kind.raw, bytes.baseAddress, rows, columns)
        }
        return first < count ? first : nil
    }

    private static func floats(_ bytes: UnsafeRawBufferPointer) -> UnsafePointer<Float>? {
        precondition(bytes.count % 4 == 0, "not a whole number of values")
        guard let base = bytes.baseAddress else { return nil }
        precondition(UInt(bitPattern: base) % 4 == 0, "values are not aligned")
        // SAFETY: aligned above; every bit pattern is a Float.
        return unsafe base.assumingMemoryBound(to: Float.self)
    }
}
