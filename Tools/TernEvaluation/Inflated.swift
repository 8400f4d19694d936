import TernBytes
import TernZlib

/// Unpacks a raw deflate stream that holds exactly `byteCount` bytes.
///
/// - Precondition: `byteCount` is what the caller is ready to allocate.
/// - Throws: `.damaged`, or `.outOfMemory`.
func inflated(_ bytes: RawSpan, byteCount: Int, entry: String) throws(DatasetError) -> [UInt8] {
    let result: Inflated
    do throws(InflateError) {
        result = try inflate(bytes, as: .raw, limitByteCount: byteCount, expectedByteCount: byteCount)
    } catch .outOfMemory {
        throw .outOfMemory(entry: entry, byteCount: byteCount)
    } catch {
        throw .damaged(entry: entry)
    }
    guard result.bytes.count == byteCount, result.consumedByteCount == bytes.byteCount else { throw .damaged(entry: entry) }
    return result.bytes
}

/// The CRC-32 of zip files.
func checksum(_ bytes: [UInt8]) -> UInt32 { checksumCRC32(bytes.rawBytes) }
