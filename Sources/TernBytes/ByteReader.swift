/// A cursor over bytes that loads fixed-width integers and never reads past the end.
public struct ByteReader: ~Escapable {
    private let bytes: RawSpan
    /// Position of the next read, 0 ... byte count.
    public private(set) var offset = 0

    /// Starts at the first of `bytes`.
    @_lifetime(copy bytes)
    public init(_ bytes: RawSpan) { self.bytes = bytes }

    /// Bytes between the cursor and the end.
    public var remainingByteCount: Int { bytes.byteCount - offset }

    @inline(__always)
    @_lifetime(self: copy self)
    private mutating func load<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws(ReadError) -> T {
        let needed = MemoryLayout<T>.size
        guard remainingByteCount >= needed else {
            throw .truncated(offset: offset, needed: needed, available: remainingByteCount)
        }
        defer { offset += needed }
        // SAFETY: the guard proves that offset ..< offset + needed lies inside `bytes`.
        return unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: T.self)
    }

    /// The next byte.
    @_lifetime(self: copy self)
    public mutating func readUInt8() throws(ReadError) -> UInt8 { try load(UInt8.self) }
    /// The next two bytes, little endian.
    @_lifetime(self: copy self)
    public mutating func readUInt16LE() throws(ReadError) -> UInt16 { UInt16(littleEndian: try load(UInt16.self)) }
    /// The next two bytes, big endian.
    @_lifetime(self: copy self)
    public mutating func readUInt16BE() throws(ReadError) -> UInt16 { UInt16(bigEndian: try load(UInt16.self)) }
    /// The next four bytes, little endian.
    @_lifetime(self: copy self)
    public mutating func readUInt32LE() throws(ReadError) -> UInt32 { UInt32(littleEndian: try load(UInt32.self)) }
    /// The next four bytes, big endian.
    @_lifetime(self: copy self)
    public mutating func readUInt32BE() throws(ReadError) -> UInt32 { UInt32(bigEndian: try load(UInt32.self)) }
    /// The next eight bytes, little endian.
    @_lifetime(self: copy self)
    public mutating func readUInt64LE() throws(ReadError) -> UInt64 { UInt64(littleEndian: try load(UInt64.self)) }
    /// The next four bytes as IEEE binary32, little endian.
    @_lifetime(self: copy self)
    public mutating func readFloatLE() throws(ReadError) -> Float { Float(bitPattern: try readUInt32LE()) }

    /// Moves the cursor `count` bytes on and gives the bytes passed over.
    ///
    /// - Throws: `ReadError.truncated` when fewer than `count` bytes remain or `count` is negative.
    @_lifetime(copy self)
    public mutating func readBytes(_ count: Int) throws(ReadError) -> RawSpan {
        guard count >= 0, remainingByteCount >= count else {
            throw .truncated(offset: offset, needed: count, available: remainingByteCount)
        }
        defer { offset += count }
        return bytes.extracting(offset..<(offset + count))
    }

    /// Moves the cursor to an absolute offset.
    ///
    /// - Throws: `ReadError.truncated` when `target` lies outside the bytes.
    @_lifetime(self: copy self)
    public mutating func seek(to target: Int) throws(ReadError) {
        guard target >= 0, target <= bytes.byteCount else {
            throw .truncated(offset: offset, needed: target, available: bytes.byteCount)
        }
        offset = target
    }
}

/// Why bytes could not be read.
public enum ReadError: Error, Equatable, Sendable {
    /// Fewer than `needed` bytes remain at `offset`.
    case truncated(offset: Int, needed: Int, available: Int)
}
