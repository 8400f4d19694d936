extension Array where Element == UInt8 {
    /// The elements as a raw span, for the parsers.
    public var rawBytes: RawSpan {
        @_lifetime(borrow self) get {
            // SAFETY: a byte has no padding, so every byte of the storage is initialised; the span borrows the array.
            unsafe span.bytes
        }
    }
}
