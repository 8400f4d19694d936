extension RawSpan {
    /// The binary32 value, little endian, at 4 * `index`.
    ///
    /// - Precondition: the value lies inside the span.
    public func float(at index: Int) -> Float {
        precondition(index >= 0 && index < byteCount / 4, "value outside the span")
        // SAFETY: the precondition keeps the four bytes inside the span.
        return Float(bitPattern: UInt32(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: index * 4, as: UInt32.self)))
    }
}
