/// Little-endian loads at known offsets, for records whose byte count was checked as a whole. An offset outside the span is a mistake of the
/// caller and stops the program; bytes whose extent is not yet known are read with `ByteReader`.
extension RawSpan {
    @inline(__always)
    private func load<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, as type: T.Type) -> T {
        // SAFETY: RawSpan checks the offset against its byte count, and every bit pattern is an integer.
        unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: T.self)
    }
    /// The byte at `offset`.
    @inline(__always)
    public func uint8(at offset: Int) -> UInt8 { load(offset, as: UInt8.self) }
    /// The two bytes at `offset`.
    @inline(__always)
    public func uint16LE(at offset: Int) -> UInt16 { UInt16(littleEndian: load(offset, as: UInt16.self)) }
    /// The four bytes at `offset`.
    @inline(__always)
    public func uint32LE(at offset: Int) -> UInt32 { UInt32(littleEndian: load(offset, as: UInt32.self)) }
    /// The eight bytes at `offset`.
    @inline(__always)
    public func uint64LE(at offset: Int) -> UInt64 { UInt64(littleEndian: load(offset, as: UInt64.self)) }
    /// The four bytes at `offset` as IEEE binary32.
    @inline(__always)
    public func floatLE(at offset: Int) -> Float { Float(bitPattern: uint32LE(at: offset)) }

    /// A copy of the bytes.
    public var array: [UInt8] {
        var copy: [UInt8] = []
        copy.reserveCapacity(byteCount)
        for offset in 0..<byteCount { copy.append(uint8(at: offset)) }
        return copy
    }

    /// The offset of the first byte that is not zero, or nil.
    public var firstNonZeroOffset: Int? {
        var offset = 0
        while offset + 8 <= byteCount, uint64LE(at: offset) == 0 { offset += 8 }
        while offset < byteCount {
            if uint8(at: offset) != 0 { return offset }
            offset += 1
        }
        return nil
    }

    /// The offset of the first byte that does not belong to well-formed UTF-8 (Unicode 16.0, table 3-7), or nil.
    public var firstInvalidUTF8Offset: Int? {
        var offset = 0
        while offset < byteCount {
            if offset + 8 <= byteCount, uint64LE(at: offset) & 0x8080_8080_8080_8080 == 0 {
                offset += 8
                continue
            }
            let sequence = utf8SequenceByteCount(at: offset)
            if sequence == 0 { return offset }
            offset += sequence
        }
        return nil
    }

    /// Bytes of the well-formed sequence at `offset`, 0 when there is none.
    private func utf8SequenceByteCount(at offset: Int) -> Int {
        let first = uint8(at: offset)
        var second: ClosedRange<UInt8> = 0x80...0xBF
        let count: Int
        switch first {
        case 0...0x7F: return 1
        case 0xC2...0xDF: count = 2
        case 0xE0: (count, second) = (3, 0xA0...0xBF)
        case 0xED: (count, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: count = 3
        case 0xF0: (count, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: count = 4
        case 0xF4: (count, second) = (4, 0x80...0x8F)
        default: return 0
        }
        guard offset + count <= byteCount, second.contains(uint8(at: offset + 1)) else { return 0 }
        for next in 2..<max(count, 2) where uint8(at: offset + next) & 0xC0 != 0x80 { return 0 }
        return count
    }
}

extension Array where Element: FixedWidthInteger & BitwiseCopyable {
    /// The bytes of the array as they lie in memory, for readers that take a span.
    public var rawBytes: RawSpan {
        @_lifetime(borrow self) get {
            // SAFETY: an array of integers has no padding that could be read uninitialised; the span is bound to the array.
            unsafe _overrideLifetime(span.bytes, borrowing: self)
        }
    }
}

extension Array where Element == Float {
    /// The bytes of the array as they lie in memory.
    public var rawBytes: RawSpan {
        @_lifetime(borrow self) get {
            // SAFETY: a Float has no padding; the span is bound to the array.
            unsafe _overrideLifetime(span.bytes, borrowing: self)
        }
    }
}

extension Array where Element: FixedWidthInteger & BitwiseCopyable {
    /// The bytes of the integers, in the byte order of the processor.
    public var storageBytes: RawSpan {
        @_lifetime(borrow self) get {
            // SAFETY: an array of integers has no padding that could be read uninitialised; the span is bound to the array.
            unsafe _overrideLifetime(span.bytes, borrowing: self)
        }
    }
}
