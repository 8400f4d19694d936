import TernFindings
import TernPlatform
import TernScreening
import TernService

/// A file whose bytes have been read, or could not be.
struct ScreenJob {
    /// From 1, in the order of the screening.
    var index: Int
    let identifier: StudyIdentifier
    var file: FolderListing.Item
    var input: Input
    /// Why there are no bytes.
    var refusal: ReadFailure?

    var byteCount: Int { input.bytes.count + (input.pairHeader?.count ?? 0) }
}

/// Files on their way: one thread reads them, several analyse them, and the first thread records them in order.
final class ScreenDesk {
    private let monitor: Monitor
    private var waiting: [ScreenJob] = []
    private var finished: [Int: ScreenedItem] = [:]
    private var heldByteCount = 0
    private var runningCount = 0
    private var isClosed = false
    private var firstFailure: PlatformError?

    init(monitor: Monitor) { self.monitor = monitor }

    /// Gives a job to whoever is free.
    func submit(_ job: ScreenJob) {
        monitor.withLock {
            waiting.append(job)
            heldByteCount += job.byteCount
            monitor.wakeAll()
        }
    }

    /// Bytes of the files that wait and of those that are being read.
    var byteCount: Int { monitor.withLock { heldByteCount } }

    /// The next job; nil once the desk is closed. Waits for it.
    func take() -> ScreenJob? {
        monitor.withLock {
            while waiting.isEmpty && !isClosed { monitor.wait() }
            guard !waiting.isEmpty else { return nil }
            let job = waiting.removeFirst()
            runningCount += 1
            return job
        }
    }

    func deliver(_ item: ScreenedItem, of job: ScreenJob) {
        monitor.withLock {
            finished[job.index] = item
            end(job)
        }
    }

    private func end(_ job: ScreenJob) {
        heldByteCount -= job.byteCount
        runningCount -= 1
        monitor.wakeAll()
    }

    /// A job came to nothing, and so will all others.
    func fail(_ error: PlatformError, of job: ScreenJob) {
        monitor.withLock {
            if firstFailure == nil { firstFailure = error }
            end(job)
        }
    }

    /// Why a job came to nothing.
    var failure: PlatformError? { monitor.withLock { firstFailure } }

    /// What is finished from `index` on without a gap; waits some milliseconds for the first.
    func collect(from index: Int, waitingMilliseconds: Int) -> [ScreenedItem] {
        monitor.withLock {
            if finished[index] == nil, waitingMilliseconds > 0 { monitor.wait(milliseconds: waitingMilliseconds) }
            var items: [ScreenedItem] = []
            while let item = finished.removeValue(forKey: index + items.count) { items.append(item) }
            return items
        }
    }

    /// Takes back what nobody has begun.
    func withdraw() {
        monitor.withLock {
            for job in waiting { heldByteCount -= job.byteCount }
            waiting = []
        }
    }

    /// Whether nothing waits and nobody works.
    var isIdle: Bool { monitor.withLock { waiting.isEmpty && runningCount == 0 } }

    /// No job comes any more.
    func close() {
        monitor.withLock {
            isClosed = true
            monitor.wakeAll()
        }
    }
}

/// The threads at a desk, with a reader each.
final class ScreenCrew {
    private let monitor: Monitor
    private var workers: [Worker] = []

    init(
        readers: [Reader], desk: ScreenDesk, monitor: Monitor, screen: @escaping (ScreenJob, Reader) throws(PlatformError) -> ScreenedItem
    ) throws(PlatformError) {
        self.monitor = monitor
        for reader in readers {
            let worker = try Worker(name: "tern-screen", capacity: 1, waking: monitor)
            _ = worker.submit(
                run: {
                    while let job = desk.take() {
                        do throws(PlatformError) { desk.deliver(try screen(job, reader), of: job) } catch { desk.fail(error, of: job) }
                    }
                },
                finish: {})
            workers.append(worker)
        }
    }

    /// Waits for the threads of a desk that is closed.
    func end() {
        for worker in workers {
            worker.collect()
            while !worker.isIdle {
                monitor.withLock { monitor.wait(milliseconds: 10) }
                worker.collect()
            }
            worker.end()
        }
    }
}
