import CTernZlib
import TernBytes

/// An upper bound of deflate's expansion: a pair of codes of one bit each can stand for 258 bytes (RFC 1951 3.2.5), 1,032 to one.
let limitDeflateExpansion = 1_032

/// Unpacks a raw deflate stream that holds exactly `byteCount` bytes.
///
/// - Precondition: `byteCount` is what the caller is ready to allocate.
/// - Throws: `.damaged`, or `.outOfMemory`.
func inflated(_ bytes: RawSpan, byteCount: Int, entry: String) throws(DatasetError) -> [UInt8] {
    var status = TERN_ZLIB_OK
    // SAFETY: the shim reads `source.count` bytes and writes at most `byteCount`, the room of `target`; on OK it has written all of them, and on any
    // other status no byte counts as initialised.
    let result = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { target, initializedCount in
        unsafe bytes.withUnsafeBytes { source in
            status = unsafe tern_zlib_inflate(source.baseAddress, source.count, target.baseAddress, byteCount)
        }
        initializedCount = status == TERN_ZLIB_OK ? byteCount : 0
    }
    switch status {
    case TERN_ZLIB_OK: return result
    case TERN_ZLIB_MEMORY: throw .outOfMemory(entry: entry, byteCount: byteCount)
    default: throw .damaged(entry: entry)
    }
}

/// The CRC-32 of zip files.
func checksum(_ bytes: [UInt8]) -> UInt32 {
    // SAFETY: the shim reads `count` bytes of the buffer during the call.
    unsafe bytes.withUnsafeBufferPointer { unsafe tern_zlib_crc32($0.baseAddress, $0.count) }
}
