import CTernPlatform

/// Makes a directory when it is missing and waits until its name is on the disk; its parent must exist.
///
/// - Parameter mode: as far as the process's mask allows; one that is there keeps its own.
/// - Throws: `PlatformError.openFailed`; ENOTDIR for something else of that name.
public func makeDirectory(_ path: String, mode: UInt32) throws(PlatformError) {
    try checkPath(path)
    // SAFETY: the callee reads a terminated string during the call.
    let failure = unsafe path.withCString { unsafe tern_make_directory($0, mode) }
    guard failure == 0 else { throw .openFailed(errno: failure) }
}
