import CTernZlib

/// An upper bound of deflate's expansion: a pair of codes of one bit each can stand for 258 bytes (RFC 1951 3.2.5), 1,032 to one.
public let limitDeflateExpansion = 1_032

/// Zeros that may follow the last member of a gzip file.
public let limitPaddingByteCount = 65_536

/// What surrounds a deflate stream.
public enum DeflateFormat: Sendable {
    /// Nothing: RFC 1951.
    case raw
    /// Members of RFC 1952, one after the other. Zeros up to `limitPaddingByteCount` may follow the last one: tapes and blocks are filled with them.
    case gzip
}

/// What came out of a compressed stream.
public struct Inflated: Sendable {
    /// The unpacked bytes.
    public let bytes: [UInt8]
    /// How much of the input the stream took; what follows a raw stream is the caller's to judge. All of it for gzip.
    public let consumedByteCount: Int
}

/// Unpacks a whole stream.
///
/// - Parameters:
///   - limitByteCount: most bytes that the result may have, at least 0.
///   - expectedByteCount: the count that a header states, or 0; room is taken for it at once where the input can pay for it. For 0 the stream is
///     unpacked twice, the first time to count.
/// - Throws: `InflateError`.
/// - Cost: 100 KiB and the result; nothing of it before a count past the limit is refused where none is expected. Three times the result at most while
///   it grows past what was expected.
public func inflate(
    _ bytes: RawSpan, as format: DeflateFormat, limitByteCount: Int, expectedByteCount: Int = 0
) throws(InflateError) -> Inflated {
    precondition(limitByteCount >= 0 && expectedByteCount >= 0, "limits are counts")
    guard expectedByteCount > 0 else {
        let (byteCount, consumed) = try counted(bytes, as: format, limitByteCount: limitByteCount)
        let unpacked = try unpack(bytes, as: format, upTo: byteCount, reserve: byteCount)
        return Inflated(bytes: unpacked.bytes, consumedByteCount: consumed)
    }
    let (payable, isAnything) = bytes.byteCount.multipliedReportingOverflow(by: limitDeflateExpansion)
    let reserve = min(expectedByteCount, limitByteCount, isAnything ? Int.max : payable)
    // One byte past the limit tells a longer stream from one that fits.
    let (ceiling, isUnlimited) = limitByteCount.addingReportingOverflow(1)
    let result = try unpack(bytes, as: format, upTo: isUnlimited ? limitByteCount : ceiling, reserve: reserve)
    guard result.bytes.count <= limitByteCount else { throw .tooManyBytes(limit: limitByteCount) }
    return result
}

/// Unpacks the first bytes of a stream; what follows them is not looked at.
///
/// - Parameter byteCount: most bytes to give, at least 0; the result has fewer only where the stream ends earlier.
/// - Throws: `InflateError`, never `.tooManyBytes`.
public func inflatePrefix(_ bytes: RawSpan, as format: DeflateFormat, byteCount: Int) throws(InflateError) -> [UInt8] {
    precondition(byteCount >= 0, "a prefix has a count")
    return try unpack(bytes, as: format, upTo: byteCount, reserve: 0).bytes
}

/// The CRC-32 of ISO 3309, as gzip and zip files store it.
public func checksumCRC32(_ bytes: RawSpan) -> UInt32 {
    // SAFETY: the shim reads `count` bytes of the buffer during the call.
    unsafe bytes.withUnsafeBytes { source in unsafe tern_zlib_crc32(source.baseAddress, source.count) }
}

/// Output arrives in steps of this many bytes.
private let stepByteCount = 65_536

private func unpack(_ bytes: RawSpan, as format: DeflateFormat, upTo ceiling: Int, reserve: Int) throws(InflateError) -> Inflated {
    var result: [UInt8] = []
    result.reserveCapacity(reserve)
    let consumed = try run(bytes, as: format, upTo: ceiling) { step in result.append(contentsOf: step) }
    return Inflated(bytes: result, consumedByteCount: consumed)
}

/// How many bytes a stream holds and takes, without keeping them.
private func counted(
    _ bytes: RawSpan, as format: DeflateFormat, limitByteCount: Int
) throws(InflateError) -> (byteCount: Int, consumed: Int) {
    let (ceiling, isUnlimited) = limitByteCount.addingReportingOverflow(1)
    var count = 0
    let consumed = try run(bytes, as: format, upTo: isUnlimited ? limitByteCount : ceiling) { step in count += step.count }
    guard count <= limitByteCount else { throw .tooManyBytes(limit: limitByteCount) }
    return (count, consumed)
}

/// Unpacks at most `ceiling` bytes, a step at a time, and gives how much of the input that took.
private func run(
    _ bytes: RawSpan, as format: DeflateFormat, upTo ceiling: Int, _ take: (ArraySlice<UInt8>) -> Void
) throws(InflateError) -> Int {
    guard let stream = Inflater(format) else { throw .outOfMemory }
    var step = [UInt8](repeating: 0, count: min(stepByteCount, max(ceiling, 1)))
    var offset = 0
    var count = 0
    while count < ceiling {
        let room = min(step.count, ceiling - count)
        let (status, consumed, produced) = stream.step(bytes.extracting(offset..<bytes.byteCount), into: &step, room: room)
        offset += consumed
        count += produced
        take(step[..<produced])
        switch status {
        case TERN_ZLIB_OK: continue
        case TERN_ZLIB_TRUNCATED: throw .truncated(byteCount: bytes.byteCount)
        case TERN_ZLIB_MEMORY: throw .outOfMemory
        case TERN_ZLIB_END:
            guard format == .gzip, offset < bytes.byteCount else { return offset }
            if bytes.isPadding(from: offset) { return bytes.byteCount }
            // RFC 1952 2.3.1: a member starts with 31, 139.
            guard bytes.byteCount - offset >= 2, bytes.byte(at: offset) == 31, bytes.byte(at: offset + 1) == 139 else {
                throw .trailingBytes(offset: offset)
            }
            guard stream.restart() else { throw .damaged(offset: offset) }
        default: throw .damaged(offset: offset)
        }
    }
    return offset
}

extension RawSpan {
    /// Whether nothing but zeros, and not too many of them, comes from `offset` on.
    fileprivate func isPadding(from offset: Int) -> Bool {
        guard byteCount - offset <= limitPaddingByteCount else { return false }
        for index in offset..<byteCount where byte(at: index) != 0 { return false }
        return true
    }

    fileprivate func byte(at offset: Int) -> UInt8 {
        // SAFETY: RawSpan checks the offset against its byte count, and every bit pattern is a byte.
        unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }
}

/// Owns zlib's state of one stream.
@safe private struct Inflater: ~Copyable {
    private let state: OpaquePointer

    init?(_ format: DeflateFormat) {
        // SAFETY: the shim gives a state that is ours until `close`, or none.
        guard let state = unsafe tern_inflater_open(format == .gzip ? 1 : 0) else { return nil }
        unsafe self.state = state
    }

    deinit {
        // SAFETY: the state came from `open` and is closed once.
        unsafe tern_inflater_close(state)
    }

    /// Unpacks into the first `room` bytes of `target`, which has as many.
    func step(_ bytes: RawSpan, into target: inout [UInt8], room: Int) -> (tern_zlib_status, consumed: Int, produced: Int) {
        precondition(room >= 1 && room <= target.count, "room is inside the buffer")
        var (consumed, produced) = (0, 0)
        // SAFETY: the shim reads `source.count` bytes and writes at most `room`, which the precondition holds inside `target`; it keeps no pointer.
        let status = unsafe bytes.withUnsafeBytes { source in
            unsafe target.withUnsafeMutableBufferPointer { target in
                unsafe tern_inflater_step(
                    state, source.baseAddress?.assumingMemoryBound(to: UInt8.self), source.count, &consumed, target.baseAddress, room, &produced)
            }
        }
        return (status, consumed, produced)
    }

    func restart() -> Bool {
        // SAFETY: the state is open.
        unsafe tern_inflater_restart(state) == TERN_ZLIB_OK
    }
}
