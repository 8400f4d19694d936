import CTernPlatform

/// A Unix socket that listens, ours or handed over by the service manager.
@safe public final class ListeningSocket {
    let descriptor: Int32
    /// The path and the file that binding made; nil for a socket of the service manager.
    private let bound: (path: String, listener: tern_listener)?
    /// True when a socket file that nobody listened on was in the way and has been replaced.
    public let replacedStaleSocket: Bool

    /// Binds a path, readable and writable for owner and group alone (0660).
    ///
    /// - Parameters:
    ///   - group: the number of the group; nil: that of the process.
    ///   - takesPackets: a socket of messages (SOCK_SEQPACKET) for `FrameConnection`, not of bytes.
    /// - Throws: `SocketError`; a path that exists is touched only when it is a socket nobody listens on.
    public init(path: String, group: Int? = nil, takesPackets: Bool = false) throws(SocketError) {
        guard !path.utf8.contains(0) else { throw .pathTooLong(limitByteCount: 107) }
        var listener = tern_listener()
        // SAFETY: the callee reads a terminated string and fills the structure during the call.
        let failure = unsafe path.withCString { unsafe tern_listen_unix($0, takesPackets ? 1 : 0, 0o660, Int64(group ?? -1), 64, &listener) }
        guard failure == 0 else { throw SocketError(failure: failure) }
        descriptor = listener.descriptor
        bound = (path, listener)
        replacedStaleSocket = listener.replaced != 0
    }

    private init(adopted listener: Int32) {
        descriptor = listener
        bound = nil
        replacedStaleSocket = false
    }

    /// The socket that the service manager handed over (LISTEN_FDS, descriptor 3); nil when it handed over none.
    ///
    /// - Throws: `SocketError.notListening` when what it handed over is not exactly one listening Unix socket.
    public static func adopted() throws(SocketError) -> ListeningSocket? {
        var listener: Int32 = -1
        // SAFETY: the callee fills one integer.
        let outcome = unsafe tern_adopt_listener(&listener)
        guard outcome >= 0 else { throw SocketError(failure: outcome) }
        return outcome == 0 ? nil : ListeningSocket(adopted: listener)
    }

    /// Removes the path, if that still is the file we made.
    public func removePath() {
        guard var bound else { return }
        // SAFETY: the callee reads a terminated string and the structure during the call.
        unsafe bound.path.withCString { unsafe tern_remove_socket($0, &bound.listener) }
    }

    /// Closes the socket and removes its path, if that still is the file we made.
    deinit {
        removePath()
        tern_close(descriptor)
    }
}

/// Why there is no listening socket.
public enum SocketError: Error, Equatable, Sendable {
    /// A server answers at the path, or is about to.
    case anotherServerAnswers
    /// The path exists and is not a socket.
    case notASocket
    /// A socket's path has 1 to 107 bytes.
    case pathTooLong(limitByteCount: Int)
    /// What the service manager handed over is not one listening Unix socket.
    case notListening
    /// The operating system refused.
    case refused(errno: Int32)

    init(failure: Int32) {
        switch failure {
        case Int32(TERN_SOCKET_ANSWERED): self = .anotherServerAnswers
        case Int32(TERN_SOCKET_NOT_A_SOCKET): self = .notASocket
        case Int32(TERN_SOCKET_PATH_TOO_LONG): self = .pathTooLong(limitByteCount: 107)
        case Int32(TERN_SOCKET_NOT_LISTENING): self = .notListening
        default: self = .refused(errno: failure)
        }
    }
}
