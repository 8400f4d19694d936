import CTernPlatform

/// One thread beside the event loop, or beside a thread that waits at a monitor, that runs jobs in order, from a bounded queue.
@safe public final class Worker {
    /// A job: `run` on the worker's thread, then `finish` on the thread that collects. The queue's lock orders the two, so that they may
    /// share what they capture.
    private final class Job {
        let run: () -> Void
        let finish: () -> Void
        init(run: @escaping () -> Void, finish: @escaping () -> Void) {
            self.run = run
            self.finish = finish
        }
    }

    private let handle: OpaquePointer
    /// Jobs that may wait beside the one that runs.
    public let capacity: Int

    /// Starts the thread. `server` is woken after each job; it must live until `end`.
    ///
    /// - Parameter name: what the system calls the thread, cut after 15 bytes.
    /// - Throws: `PlatformError.openFailed` when there is no memory or thread.
    public init(name: String, capacity: Int, waking server: HTTPServer) throws(PlatformError) {
        // SAFETY: a job was retained by `submit` and stays so until `collect`; the context is the C server, which outlives this worker.
        let handle = unsafe name.withCString { name in
            unsafe tern_worker_create(
                name, capacity,
                { job in
                    guard let job = unsafe job else { return }
                    unsafe Unmanaged<Job>.fromOpaque(job).takeUnretainedValue().run()
                },
                { context in unsafe tern_http_wake(OpaquePointer(context)) },
                UnsafeMutableRawPointer(server.handle))
        }
        guard let handle = unsafe handle else { throw .openFailed(errno: 12) }
        unsafe self.handle = handle
        self.capacity = capacity
    }

    /// Starts a thread that wakes who waits at a monitor after each job; the monitor must live until `end`.
    ///
    /// - Throws: as the other.
    public init(name: String, capacity: Int, waking monitor: Monitor) throws(PlatformError) {
        // SAFETY: as above; the context is the C monitor, which outlives this worker.
        let handle = unsafe name.withCString { name in
            unsafe tern_worker_create(
                name, capacity,
                { job in
                    guard let job = unsafe job else { return }
                    unsafe Unmanaged<Job>.fromOpaque(job).takeUnretainedValue().run()
                },
                { context in
                    let monitor = OpaquePointer(context)
                    unsafe tern_monitor_take(monitor)
                    unsafe tern_monitor_wake(monitor)
                    unsafe tern_monitor_give(monitor)
                },
                UnsafeMutableRawPointer(monitor.handle))
        }
        guard let handle = unsafe handle else { throw .openFailed(errno: 12) }
        unsafe self.handle = handle
        self.capacity = capacity
    }

    /// Queues a job.
    ///
    /// - Returns: False when the queue is full; nothing has happened then.
    public func submit(run: @escaping () -> Void, finish: @escaping () -> Void) -> Bool {
        // SAFETY: the queue holds one reference, which `collect` takes back.
        let job = unsafe Unmanaged.passRetained(Job(run: run, finish: finish))
        if unsafe tern_worker_submit(handle, job.toOpaque()) == 0 { return true }
        unsafe job.release()
        return false
    }

    /// Calls `finish` of every job that has run.
    public func collect() {
        // SAFETY: the queue gives each job back once, with the reference of `submit`.
        while let job = unsafe tern_worker_collect(handle) {
            unsafe Unmanaged<Job>.fromOpaque(job).takeRetainedValue().finish()
        }
    }

    /// Jobs that wait for the one that runs.
    public var waitingCount: Int { unsafe tern_worker_waiting(handle) }

    /// True when every job has run and been collected.
    public var isIdle: Bool { unsafe tern_worker_is_idle(handle) != 0 }

    /// True when the worker has nothing to do or has made progress since this was last asked: a job that begins, every operation of the kernels, and
    /// `step`. One thread asks.
    public var isAlive: Bool { unsafe tern_worker_is_alive(handle) != 0 }

    /// Says that the calling thread, when it is a worker's, makes progress.
    public static func step() { tern_worker_step() }

    /// Ends the thread after the jobs it has; call it once, when it is idle, and nothing after it.
    public func end() {
        unsafe tern_worker_end(handle)
    }
}
