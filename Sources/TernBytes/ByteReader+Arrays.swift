extension ByteReader {
    /// Copies the next `count` bytes.
    ///
    /// - Throws: `ReadError.truncated` when fewer remain or `count` is negative; nothing is allocated then.
    @_lifetime(self: copy self)
    public mutating func readUInt8Array(count: Int) throws(ReadError) -> [UInt8] {
        let span = try readBytes(count)
        // SAFETY: `target` has room for `count` bytes, `source` has exactly `count`, and all of them are initialised.
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { target, initializedCount in
            unsafe span.withUnsafeBytes { source in
                unsafe UnsafeMutableRawBufferPointer(target).copyMemory(from: source)
            }
            initializedCount = count
        }
    }

    /// Copies the next `count` little-endian 16-bit values.
    ///
    /// - Throws: `ReadError.truncated` when fewer than 2 * `count` bytes remain or `count` is negative; nothing is allocated then.
    @_lifetime(self: copy self)
    public mutating func readUInt16LEArray(count: Int) throws(ReadError) -> [UInt16] {
        try readLittleEndianArray(of: UInt16.self, count: count)
    }

    /// Copies the next `count` little-endian integers of one width.
    ///
    /// - Throws: `ReadError.truncated` when fewer bytes remain than they take or `count` is negative; nothing is allocated then.
    @_lifetime(self: copy self)
    public mutating func readLittleEndianArray<Value: FixedWidthInteger & BitwiseCopyable>(
        of type: Value.Type, count: Int
    ) throws(ReadError) -> [Value] {
        let (byteCount, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Value>.size)
        guard !overflow else { throw .truncated(offset: offset, needed: Int.max, available: remainingByteCount) }
        let span = try readBytes(byteCount)
        // SAFETY: `target` has room for `count` values, `source` has exactly their bytes, all of them are initialised, and every bit pattern is an
        // integer.
        var values = unsafe [Value](unsafeUninitializedCapacity: count) { target, initializedCount in
            unsafe span.withUnsafeBytes { source in
                unsafe UnsafeMutableRawBufferPointer(target).copyMemory(from: source)
            }
            initializedCount = count
        }
        #if _endian(big)
            for index in values.indices { values[index] = Value(littleEndian: values[index]) }
        #endif
        return values
    }
}
