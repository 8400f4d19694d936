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
        let (byteCount, overflow) = count.multipliedReportingOverflow(by: 2)
        guard !overflow else { throw .truncated(offset: offset, needed: Int.max, available: remainingByteCount) }
        let span = try readBytes(byteCount)
        // SAFETY: `target` has room for `count` values of two bytes, `source` has exactly 2 * `count` bytes, and all of them are initialised.
        var values = unsafe [UInt16](unsafeUninitializedCapacity: count) { target, initializedCount in
            unsafe span.withUnsafeBytes { source in
                unsafe UnsafeMutableRawBufferPointer(target).copyMemory(from: source)
            }
            initializedCount = count
        }
        #if _endian(big)
            for index in values.indices { values[index] = UInt16(littleEndian: values[index]) }
        #endif
        return values
    }
}
