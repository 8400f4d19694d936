import CTernPlatform

/// A request that has arrived whole.
public struct HTTPRequest: Equatable, Sendable {
    public enum Method: Equatable, Sendable {
        case get
        /// As GET; whatever the answer, its body is not sent.
        case head
        case post
        case other
    }
    public var method: Method
    /// Path and query as sent.
    public var target: String
    /// The header, nil when absent.
    public var contentType: String?
    /// Of a body past the limit, one byte more than the limit.
    public var body: [UInt8]
    /// User and process at the other end of the socket (SO_PEERCRED); nil when unknown.
    public var peerUser: Int?
    public var peerProcess: Int?

    public init(method: Method, target: String, contentType: String? = nil, body: [UInt8] = [], peerUser: Int? = nil, peerProcess: Int? = nil) {
        self.method = method
        self.target = target
        self.contentType = contentType
        self.body = body
        self.peerUser = peerUser
        self.peerProcess = peerProcess
    }
}

/// A whole answer.
public struct HTTPReply: Equatable, Sendable {
    public var status: Int
    public var contentType: String
    public var body: [UInt8]
    /// Seconds after which to ask again; nil: no such header.
    public var retryAfterSeconds: Int?
    /// The methods a path has; nil: no such header.
    public var allow: String?

    public init(status: Int, contentType: String, body: [UInt8], retryAfterSeconds: Int? = nil, allow: String? = nil) {
        self.status = status
        self.contentType = contentType
        self.body = body
        self.retryAfterSeconds = retryAfterSeconds
        self.allow = allow
    }
}

/// What clients may ask of the server.
public struct HTTPLimits: Equatable, Sendable {
    /// Of one request body.
    public var bodyByteCount = 64 << 20
    /// Of all requests that are being received.
    public var receivingByteCount = 256 << 20
    public var connectionCount = 64
    /// For a client to send its whole request, and to take what it is sent.
    public var clientMilliseconds = 30_000
    /// An empty line goes out on a stream that was idle for so long.
    public var heartbeatMilliseconds = 15_000
    public init() {}
}

/// Names one request until it is answered or its client has gone.
public struct Exchange: Hashable, Sendable {
    let number: UInt64
}

/// What a server calls; all on the thread of `HTTPServer.run`.
public struct HTTPEvents {
    /// A request has arrived. It is answered now or later with `reply` or a stream.
    public var request: (HTTPRequest, Exchange) -> Void
    /// A request was answered with a problem before it had arrived whole: HTTP status, code, and the user at the other end where it is known.
    public var refused: (Int, String, Int?) -> Void
    /// A stream can take its next page.
    public var drained: (Exchange) -> Void
    /// The operating system has taken the whole answer of `reply`.
    public var answered: (Exchange) -> Void
    /// The client left before its answer was complete.
    public var closed: (Exchange) -> Void
    /// After `wake`.
    public var woken: () -> Void
    /// SIGTERM or SIGINT.
    public var stop: () -> Void
    /// SIGHUP.
    public var reload: () -> Void
    public init(
        request: @escaping (HTTPRequest, Exchange) -> Void, refused: @escaping (Int, String, Int?) -> Void, drained: @escaping (Exchange) -> Void,
        answered: @escaping (Exchange) -> Void, closed: @escaping (Exchange) -> Void,
        woken: @escaping () -> Void, stop: @escaping () -> Void, reload: @escaping () -> Void
    ) {
        self.request = request
        self.refused = refused
        self.drained = drained
        self.answered = answered
        self.closed = closed
        self.woken = woken
        self.stop = stop
        self.reload = reload
    }
}

/// HTTP/1.1 on a Unix socket, one event loop on one thread.
@safe public final class HTTPServer {
    private var server: OpaquePointer?
    private let socket: ListeningSocket
    private var events: HTTPEvents?
    private var watches: [Int32: Call] = [:]
    private var ticks: [Call] = []

    /// What the loop calls for a descriptor or a period.
    private final class Call {
        let call: () -> Void
        init(_ call: @escaping () -> Void) { self.call = call }
    }

    var handle: OpaquePointer {
        guard let server = unsafe server else { preconditionFailure("the server was made in init") }
        return unsafe server
    }

    /// - Throws: `PlatformError.openFailed` when there is no memory or no event loop.
    public init(listeningOn socket: ListeningSocket, limits: HTTPLimits) throws(PlatformError) {
        self.socket = socket
        unsafe server = nil
        var bounds = tern_http_limits()
        bounds.body_bytes = limits.bodyByteCount
        bounds.receiving_bytes = limits.receivingByteCount
        bounds.connections = limits.connectionCount
        bounds.client_milliseconds = UInt32(clamping: limits.clientMilliseconds)
        bounds.heartbeat_milliseconds = UInt32(clamping: limits.heartbeatMilliseconds)
        var callbacks = Self.callbacks
        // SAFETY: limits and callbacks are copied; the context is this object, which frees the C server in its deinit.
        let made = unsafe tern_http_create(socket.descriptor, &bounds, &callbacks, Unmanaged.passUnretained(self).toOpaque())
        guard let made = unsafe made else { throw .openFailed(errno: 12) }
        unsafe server = made
    }

    // SAFETY: nothing else frees it, and no callback comes after it.
    deinit { if let server = unsafe server { unsafe tern_http_free(server) } }

    // SAFETY (all eight): the context is the server that registered them, which lives while its loop runs.
    private static var callbacks: tern_http_events {
        unsafe tern_http_events(
            request: { context, request in
                guard let context = unsafe context, let request = unsafe request else { return }
                unsafe Unmanaged<HTTPServer>.fromOpaque(context).takeUnretainedValue().received(request.pointee)
            },
            refused: { context, status, code, user in
                guard let context = unsafe context, let code = unsafe code else { return }
                // SAFETY: the code is a terminated string that is never freed.
                let name = unsafe String(cString: code)
                unsafe Unmanaged<HTTPServer>.fromOpaque(context).takeUnretainedValue().events?.refused(Int(status), name, user < 0 ? nil : Int(user))
            },
            drained: { context, exchange in
                guard let context = unsafe context else { return }
                unsafe Unmanaged<HTTPServer>.fromOpaque(context).takeUnretainedValue().events?.drained(Exchange(number: exchange))
            },
            answered: { context, exchange in
                guard let context = unsafe context else { return }
                unsafe Unmanaged<HTTPServer>.fromOpaque(context).takeUnretainedValue().events?.answered(Exchange(number: exchange))
            },
            closed: { context, exchange in
                guard let context = unsafe context else { return }
                unsafe Unmanaged<HTTPServer>.fromOpaque(context).takeUnretainedValue().events?.closed(Exchange(number: exchange))
            },
            woken: { context in
                guard let context = unsafe context else { return }
                unsafe Unmanaged<HTTPServer>.fromOpaque(context).takeUnretainedValue().events?.woken()
            },
            stop: { context in
                guard let context = unsafe context else { return }
                unsafe Unmanaged<HTTPServer>.fromOpaque(context).takeUnretainedValue().events?.stop()
            },
            reload: { context in
                guard let context = unsafe context else { return }
                unsafe Unmanaged<HTTPServer>.fromOpaque(context).takeUnretainedValue().events?.reload()
            })
    }

    private func received(_ raw: tern_http_request) {
        var failed = false
        let byteCount = unsafe raw.body_count
        let body = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, initializedCount in
            // SAFETY: the callee fills all bytes of the buffer, or the request is not handled.
            unsafe failed = tern_http_copy_body(handle, raw.exchange, buffer.baseAddress, byteCount) != 0
            initializedCount = failed ? 0 : byteCount
        }
        let exchange = unsafe Exchange(number: raw.exchange)
        guard !failed, let events else {
            reply(exchange, HTTPReply(status: 500, contentType: "application/problem+json", body: []))
            return
        }
        let method: HTTPRequest.Method
        switch unsafe raw.method {
        case Int32(TERN_HTTP_GET): method = .get
        case Int32(TERN_HTTP_HEAD): method = .head
        case Int32(TERN_HTTP_POST): method = .post
        default: method = .other
        }
        var request = HTTPRequest(method: method, target: "", body: body)
        // SAFETY: both are NULL or terminated strings that live until this call returns.
        if let target = unsafe raw.target { unsafe request.target = String(cString: target) }
        if let contentType = unsafe raw.content_type { unsafe request.contentType = String(cString: contentType) }
        if unsafe raw.peer_uid >= 0 { unsafe request.peerUser = Int(raw.peer_uid) }
        if unsafe raw.peer_pid >= 0 { unsafe request.peerProcess = Int(raw.peer_pid) }
        events.request(request, exchange)
    }

    /// Runs until `finish`.
    ///
    /// - Returns: False when the event loop itself failed.
    public func run(_ events: HTTPEvents) -> Bool {
        self.events = events
        defer {
            // What they hold may hold this object.
            self.events = nil
            unsafe tern_http_drop_watches(handle)
            watches = [:]
            ticks = []
        }
        return unsafe tern_http_run(handle) == 0
    }

    /// Calls `ready` on the loop's thread as long as the descriptor can be read; it stays the caller's.
    ///
    /// - Throws: `PlatformError.openFailed` when there is no memory.
    public func watch(descriptor: Int32, _ ready: @escaping () -> Void) throws(PlatformError) {
        let call = Call(ready)
        // SAFETY: the call lives in `watches` until the descriptor is forgotten; the callee takes a reference of its own while it runs.
        guard unsafe tern_http_watch(handle, descriptor, Self.run, Unmanaged.passUnretained(call).toOpaque()) == 0 else { throw .openFailed(errno: 12) }
        watches[descriptor] = call
    }

    /// Calls `ready` as long as clients wait at a socket.
    ///
    /// - Throws: as the other.
    public func watch(listener: ListeningSocket, _ ready: @escaping () -> Void) throws(PlatformError) {
        try watch(descriptor: listener.descriptor, ready)
    }

    /// Leaves the clients of a socket waiting.
    public func unwatch(listener: ListeningSocket) { unwatch(descriptor: listener.descriptor) }

    /// Forgets a descriptor, before it is closed; also from inside its own call.
    public func unwatch(descriptor: Int32) {
        unsafe tern_http_unwatch(handle, descriptor)
        watches[descriptor] = nil
    }

    /// Calls `tick` on the loop's thread again and again.
    ///
    /// - Throws: `PlatformError.openFailed` when there is no memory.
    public func every(milliseconds: Int, _ tick: @escaping () -> Void) throws(PlatformError) {
        let call = Call(tick)
        // SAFETY: the call lives as long as this object, which frees the C server first.
        guard unsafe tern_http_every(handle, UInt32(clamping: milliseconds), Self.run, Unmanaged.passUnretained(call).toOpaque()) == 0 else {
            throw .openFailed(errno: 12)
        }
        ticks.append(call)
    }

    /// Prepares the one alarm of the loop; `setAlarm` makes it ring.
    ///
    /// - Throws: `PlatformError.openFailed` when there is no memory.
    public func addAlarm(_ ring: @escaping () -> Void) throws(PlatformError) {
        let call = Call(ring)
        // SAFETY: as for `every`.
        guard unsafe tern_http_add_alarm(handle, Self.run, Unmanaged.passUnretained(call).toOpaque()) == 0 else { throw .openFailed(errno: 12) }
        ticks.append(call)
    }

    /// The alarm rings once, so many milliseconds from now, and not when it was to ring before.
    public func setAlarm(milliseconds: Int) { unsafe tern_http_set_alarm(handle, UInt32(clamping: milliseconds)) }

    // SAFETY: see `watch` and `every`.
    private static var run: @convention(c) (UnsafeMutableRawPointer?) -> Void {
        unsafe { context in
            guard let context = unsafe context else { return }
            let call = unsafe Unmanaged<Call>.fromOpaque(context).takeUnretainedValue()
            call.call()
        }
    }

    /// Makes the loop call `woken` soon.
    public func wake() { unsafe tern_http_wake(handle) }

    /// Answers; nothing happens when the exchange is over.
    public func reply(_ exchange: Exchange, _ reply: HTTPReply) {
        // SAFETY: strings and bytes are read during the call; what is sent is copied.
        unsafe reply.contentType.withCString { contentType in
            unsafe reply.body.withUnsafeBytes { body in
                let retry = UInt32(clamping: reply.retryAfterSeconds ?? 0)
                let status = Int32(clamping: reply.status)
                if let allow = reply.allow {
                    unsafe allow.withCString { allow in
                        unsafe tern_http_reply(handle, exchange.number, status, contentType, retry, allow, body.baseAddress, body.count)
                    }
                } else {
                    unsafe tern_http_reply(handle, exchange.number, status, contentType, retry, nil, body.baseAddress, body.count)
                }
            }
        }
    }

    /// Starts an answer that goes out page by page. Returns false when the exchange is over.
    public func beginStream(_ exchange: Exchange, contentType: String) -> Bool {
        // SAFETY: the string is copied during the call.
        unsafe contentType.withCString { unsafe tern_http_stream_begin(handle, exchange.number, $0) } == 0
    }

    /// Sends one page, when none is under way (`canWrite`).
    ///
    /// - Returns: False when the page was not taken.
    public func write(_ exchange: Exchange, page: [UInt8]) -> Bool {
        // SAFETY: the bytes are copied during the call.
        unsafe page.withUnsafeBytes { unsafe tern_http_stream_write(handle, exchange.number, $0.baseAddress, $0.count) } == 0
    }

    /// True when a stream has nothing under way.
    public func canWrite(_ exchange: Exchange) -> Bool { unsafe tern_http_stream_is_drained(handle, exchange.number) != 0 }

    /// Ends a stream that has nothing under way.
    public func endStream(_ exchange: Exchange) { unsafe tern_http_stream_end(handle, exchange.number) }

    /// Gives up on a client that is too far behind; it counts as a slow reader.
    public func drop(_ exchange: Exchange) { unsafe tern_http_drop(handle, exchange.number) }

    /// Takes no new connections.
    public func stopAccepting() { unsafe tern_http_stop_accepting(handle) }

    /// Leaves the loop when every answer is written, or 1.7 seconds after `stopAccepting`, which comes first.
    public func finish() { unsafe tern_http_finish(handle) }

    /// Connections now.
    public var connectionCount: Int { unsafe tern_http_connections(handle) }
    /// Clients closed because their request did not arrive in time.
    public var slowSenderCount: Int { unsafe Int(clamping: tern_http_slow_senders(handle)) }
    /// Clients closed because they did not take what they were sent in time.
    public var slowReaderCount: Int { unsafe Int(clamping: tern_http_slow_readers(handle)) }
}
