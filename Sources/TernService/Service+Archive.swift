internal import TernAudit
internal import TernPlatform

/// What the service does beside requests, every second.
struct Housekeeping {
    static let tickMilliseconds = 1000
    /// Ticks between two writings of what has been read, and between two looks at the age of files.
    static let saveTickCount = 5
    static let lookTickCount = 60

    var tickCount = 0
    /// What was last written down.
    var saved = ReadResults()
    /// A look or a writing is under way.
    var isBusy = false
    /// The unread result that was last complained of.
    var unread: Int?
    /// The clock was complained of.
    var distrustsClock = false
}

extension Service {
    /// Has the next page of a stream read from the disk.
    func readPage(for exchange: Exchange, _ stream: Stream) {
        let slot = Slot<FindingsArchive.Page>()
        // No result is shown before the loop knows of it.
        let until = min(stream.until ?? core.lastSequence, core.lastSequence)
        streams[exchange]?.isReading = reader.submit(
            run: { [archive, limits = core.limits] in slot.value = archive.page(stream.cursor, until: until, byteCount: limits.pageByteCount) },
            finish: { [self] in
                if let page = slot.value { received(page, for: exchange) }
            })
        if streams[exchange]?.isReading == false { drop(exchange) }
    }

    private func received(_ page: FindingsArchive.Page, for exchange: Exchange) {
        guard streams[exchange] != nil else { return }
        streams[exchange]?.isReading = false
        switch page {
        case .lines(let lines, let cursor):
            // A heartbeat may be under way: the page is read again once it is written.
            if server.write(exchange, page: lines) { streams[exchange]?.cursor = cursor }
        case .gone: drop(exchange)
        case .failed(let errno):
            noteUnreadable(errno)
            drop(exchange)
        }
    }

    private func drop(_ exchange: Exchange) {
        streams[exchange] = nil
        core.counters.laggingStreams += 1
        server.drop(exchange)
    }

    private func noteUnreadable(_ errno: Int32) {
        core.events.note("findings_unreadable", [Problem.Number(name: "errno", value: Int(errno))], level: .error)
    }

    /// Looks for the result of a study on the disk, a file at a time from the newest to the oldest, so that other readers have their turn, as long as
    /// its client waits and the service goes on.
    ///
    /// - Parameter mapLabel: nil for the result itself; else a map of it is asked for, of this label or the first.
    func search(_ identifier: StudyIdentifier, before sequence: Int, _ mapLabel: [UInt8]?? = nil, for user: Int?, _ exchange: Exchange) {
        guard searching.contains(exchange) else { return }
        if core.isStopping { return endSearch(exchange, Problem.stopping.reply()) }
        guard let segment = core.index.segment(before: sequence) else { return endSearch(exchange, core.refused(.noSuchFinding, user)) }
        let slot = Slot<HTTPReply>()
        let isTaken = reader.submit(
            run: { [archive, stopFlag] in
                if stopFlag.isRaised { return }
                do throws(PlatformError) { slot.value = try archive.line(of: identifier, in: segment).map(ServiceCore.found) } catch {
                    slot.value = Problem.notReadBack.reply()
                }
            },
            finish: { [self] in
                searchCount -= 1
                guard let reply = slot.value else { return search(identifier, before: segment.first, mapLabel, for: user, exchange) }
                guard let mapLabel, reply.status == 200 else { return endSearch(exchange, reply) }
                searching.remove(exchange)
                showMap(of: reply.body, label: mapLabel, for: user, exchange)
            })
        if isTaken { searchCount += 1 } else { endSearch(exchange, core.refused(.tooManySearches, user)) }
    }

    private func endSearch(_ exchange: Exchange, _ reply: HTTPReply) {
        searching.remove(exchange)
        server.reply(exchange, reply)
    }

    /// Somebody has the result of this number for good, as when it lies in a file beside the study.
    public func delivered(_ sequence: Int) { core.read.read(sequence) }

    /// Every second: is there room, what has been read, what may go.
    func keepHouse() {
        let around = surroundings()
        core.disk.look(freeByteCount: around.freeByteCount, isBlocked: around.isBlocked)
        if around.isBlocked { answerWaiting() }
        housekeeping.tickCount += 1
        guard !housekeeping.isBusy, !core.isStopping else { return }
        let retention = core.limits.retention
        let isOver = retention.byteCount > 0 && core.index.extent.byteCount > retention.byteCount
        let looks = retention.isLimited && (isOver || housekeeping.tickCount % Housekeeping.lookTickCount == 1)
        let saves = core.read != housekeeping.saved && housekeeping.tickCount % Housekeeping.saveTickCount == 0
        guard looks || saves else { return }
        let read = core.read
        let firstNeeded = watched?.plan.firstNeeded ?? .max
        let slot = Slot<FindingsRetention.Outcome>()
        let isSaved = Slot<Bool>()
        housekeeping.isBusy = reader.submit(
            run: { [keeper] in
                if saves { isSaved.value = (try? keeper.save(read)) != nil }
                if looks { slot.value = keeper.apply(read: read, firstNeeded: firstNeeded, now: Clock.utcSeconds) }
            },
            finish: { [self] in
                housekeeping.isBusy = false
                // What was not taken is tried again, with what has been read by then.
                if isSaved.value == true { housekeeping.saved = read }
                if let outcome = slot.value { note(outcome) }
            })
    }

    private func note(_ outcome: FindingsRetention.Outcome) {
        for segment in outcome.removed {
            core.events.note(
                "findings_removed",
                [
                    Problem.Number(name: "first", value: segment.first), Problem.Number(name: "last", value: segment.last),
                    Problem.Number(name: "bytes", value: segment.byteCount),
                ])
            record(.retention(first: segment.first, last: segment.last, byteCount: segment.byteCount))
        }
        if let unread = outcome.unread, unread != housekeeping.unread {
            core.events.note("findings_unread", [Problem.Number(name: "first", value: unread)], level: .warning)
        }
        housekeeping.unread = outcome.unread
        let distrusts = keeper.distrustsClock
        if distrusts, !housekeeping.distrustsClock { core.events.note("clock_set", level: .warning) }
        housekeeping.distrustsClock = distrusts
        if !outcome.removed.isEmpty, let shelf, let oldest = core.index.oldest { _ = reader.submit(run: { shelf.remove(before: oldest) }, finish: {}) }
        if let errno = outcome.errno { core.events.note("removal_failed", [Problem.Number(name: "errno", value: Int(errno))], level: .error) }
    }

    /// Writes down what has been read when the loop has ended.
    ///
    /// - Returns: False when the disk took too long.
    func saveLastMark() -> Bool {
        guard core.read != housekeeping.saved else { return true }
        let isSaved = StopFlag()
        let read = core.read
        let isTaken = reader.submit(
            run: { [keeper] in
                try? keeper.save(read)
                isSaved.raise()
            },
            finish: {})
        guard isTaken, isSaved.wait(milliseconds: 150) else { return false }
        reader.collect()
        return true
    }
}
