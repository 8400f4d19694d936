import CTernPlatform

/// What an installation is checked for before it serves.
public enum Installation {
    /// Refuses a path at which this process can make no files.
    ///
    /// - Throws: `PlatformError.openFailed`; ENOENT when nothing is there, ENOTDIR for something else than a directory.
    public static func checkDirectory(_ path: String) throws(PlatformError) {
        try checkPath(path)
        // SAFETY: the callee reads a terminated string during the call.
        let failure = unsafe path.withCString { unsafe tern_check_directory($0) }
        guard failure == 0 else { throw .openFailed(errno: failure) }
    }

    /// Refuses a path at which this process can make no socket; makes none.
    public static func checkSocketPath(_ path: String) throws(SocketError) {
        // SAFETY: as above.
        let failure = unsafe path.withCString { unsafe tern_check_socket_path($0) }
        guard failure == 0 else { throw SocketError(failure: failure) }
    }
}

extension Process {
    /// Keeps SIGHUP waiting until `HTTPServer.run` can take it; before, it would end the process.
    public static func holdReload() { tern_hold_reload() }
}
