/// Why a compressed stream was refused.
public enum InflateError: Error, Equatable, Sendable {
    /// The bytes at or before `offset` are no such stream, or a checksum does not fit.
    case damaged(offset: Int)
    /// The `byteCount` bytes end before the stream does.
    case truncated(byteCount: Int)
    /// The stream holds more than `limit` bytes.
    case tooManyBytes(limit: Int)
    /// Something that is no gzip member follows the last one, at `offset`.
    case trailingBytes(offset: Int)
    /// zlib could not allocate its state.
    case outOfMemory
}
