import CTernPlatform

/// Why the operating system or the cryptographic library did not do what was asked. `errno` values are those of Linux.
public enum PlatformError: Error, Equatable, Sendable {
    /// A file could not be opened, mapped, read or written.
    case openFailed(errno: Int32)
    /// The path names a directory, a device, a pipe or a socket.
    case notARegularFile
    /// The file holds no bytes.
    case emptyFile
    /// The file holds more bytes than the caller accepts.
    case fileTooLarge(limitByteCount: Int)
    /// The path holds a zero byte, which no file name can.
    case badPath
    /// The cryptographic library could not be started, or refused to sign.
    case cryptographyFailed
    /// A key, seed or signature does not have the length of its kind.
    case wrongKeyByteCount(expected: Int, actual: Int)

    init(fileFailure: Int32, limitByteCount: Int = Int.max) {
        switch fileFailure {
        case Int32(TERN_FILE_EMPTY): self = .emptyFile
        case Int32(TERN_FILE_NOT_REGULAR): self = .notARegularFile
        case Int32(TERN_FILE_TOO_LARGE): self = .fileTooLarge(limitByteCount: limitByteCount)
        default: self = .openFailed(errno: fileFailure)
        }
    }
}

/// A path with a zero byte inside would silently name another file.
func checkPath(_ path: String) throws(PlatformError) {
    for byte in path.utf8 where byte == 0 { throw .badPath }
}
