internal import TernPlatform

extension Service {
    /// Lets the loop look after what nobody asks for: signs of life for the service manager, and calls that the sandbox refused.
    func startLooking() throws(PlatformError) {
        try startWatchdog()
        try reportRefusedCalls()
    }

    /// Sends the service manager a sign of life as long as the threads that read and store studies make progress; the loop's own is that this runs.
    /// Not the watched folder's: a disk that hangs there is not mended by a restart.
    private func startWatchdog() throws(PlatformError) {
        guard let period = Process.watchdogMilliseconds else { return }
        let workers = [writer, worker], events = core.events
        var wasStuck = false
        try server.every(milliseconds: max(period / 4, 1)) {
            // Each is asked, whatever the others say: the next answer is about the time since.
            let isStuck = !workers.filter { !$0.isAlive }.isEmpty
            if isStuck, !wasStuck { events.note("no_progress", level: .warning) }
            wasStuck = isStuck
            if !isStuck { Process.notifyManager("WATCHDOG=1") }
        }
    }

    /// A refused call is no part of ordinary work: an attack, or a library that changed.
    private func reportRefusedCalls() throws(PlatformError) {
        guard core.sandbox.filtersCalls else { return }
        let events = core.events
        var known = 0
        try server.every(milliseconds: Self.refusedCallsMilliseconds) {
            let count = Sandbox.refusedCallCount
            if count > known { events.note("calls_refused", [Problem.Number(name: "count", value: count)], level: .warning) }
            known = count
        }
    }

    private static let refusedCallsMilliseconds = 1000
}
