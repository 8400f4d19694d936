import CTernPlatform

/// Reads a whole regular file.
///
/// - Throws: `PlatformError.fileTooLarge` before anything is allocated when the file holds more than `limitByteCount` bytes;
///   `.notARegularFile`; `.openFailed` with the reason of the operating system.
public func readFile(_ path: String, limitByteCount: Int) throws(PlatformError) -> [UInt8] {
    try checkPath(path)
    var descriptor: Int32 = -1
    var byteCount = 0
    // SAFETY: the callee reads a terminated string and fills two integers; all live for the call.
    let failure = unsafe path.withCString { unsafe tern_open_file($0, max(limitByteCount, 0), &descriptor, &byteCount) }
    guard failure == 0 else { throw PlatformError(fileFailure: failure, limitByteCount: limitByteCount) }
    defer { tern_close_descriptor(descriptor) }
    return try readOpenFile(descriptor, byteCount: byteCount)
}

/// The bytes of an open file, `byteCount` of them at most.
func readOpenFile(_ descriptor: Int32, byteCount: Int) throws(PlatformError) -> [UInt8] {
    var failure: Int32 = 0
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, initializedCount in
        // SAFETY: the callee fills at most `byteCount` bytes of the buffer, says how many, and keeps no pointer.
        unsafe failure = tern_read_descriptor(descriptor, buffer.baseAddress, byteCount, &initializedCount)
    }
    guard failure == 0 else { throw PlatformError(fileFailure: failure) }
    return bytes
}

/// Replaces a file whole or not at all: temporary file beside it, fsync, rename, fsync of the directory.
///
/// - Parameter mode: of the file, less what the process's mask takes; 0o640 for what tells of patients, 0o600 for secret keys.
/// - Throws: `PlatformError.openFailed` with the reason of the operating system; a file that was there is then untouched.
public func writeFileAtomically(_ path: String, _ bytes: RawSpan, mode: UInt32 = 0o644) throws(PlatformError) {
    try checkPath(path)
    // SAFETY: the callee reads a terminated string and `count` bytes during the call and keeps neither.
    let failure = unsafe path.withCString { name in
        unsafe bytes.withUnsafeBytes { unsafe tern_replace_file(name, $0.baseAddress, $0.count, mode) }
    }
    guard failure == 0 else { throw PlatformError(fileFailure: failure) }
}

/// Replaces a file with the bytes of an array; see `writeFileAtomically` of a span.
public func writeFileAtomically(_ path: String, _ bytes: [UInt8], mode: UInt32 = 0o644) throws(PlatformError) {
    // SAFETY: an array of bytes has no padding that could be read uninitialised.
    try unsafe writeFileAtomically(path, bytes.span.bytes, mode: mode)
}

/// The path without links; nil when nothing is there.
public func realPath(_ path: String) -> String? {
    guard (try? checkPath(path)) != nil else { return nil }
    // SAFETY: the callee reads a terminated string and gives NULL or one that is ours to free.
    guard let found = unsafe path.withCString({ unsafe tern_real_path($0) }) else { return nil }
    defer { unsafe tern_free_path(found) }
    return unsafe String(cString: found)
}
