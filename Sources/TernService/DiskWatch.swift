/// Whether the disk has room, as studies and results tell, and the events `disk_full` and `disk_recovered` when that changes.
struct DiskWatch {
    private let events: ServiceEvents
    /// Room that must stay free beside a study.
    private let reserveByteCount: Int
    private(set) var isFull = false
    /// A write was refused, and none has succeeded since.
    private var isRefusing = false
    /// The largest study that found no room.
    private var lackingByteCount = 0

    init(events: ServiceEvents, reserveByteCount: Int) {
        self.events = events
        self.reserveByteCount = reserveByteCount
    }

    /// There is not room for so many bytes.
    mutating func lacks(_ byteCount: Int) {
        lackingByteCount = max(lackingByteCount, byteCount)
        guard !isFull else { return }
        isFull = true
        events.note("disk_full", [Problem.Number(name: "lacking_bytes", value: byteCount)], level: .error)
    }

    /// A write of so many bytes was refused.
    mutating func refused(_ byteCount: Int) {
        isRefusing = true
        lacks(byteCount)
    }

    /// A result was written.
    mutating func took() { isRefusing = false }

    /// Looks now and then: `isBlocked` while a result waits for room.
    mutating func look(freeByteCount: Int?, isBlocked: Bool) {
        if isBlocked { return refused(0) }
        guard isFull, !isRefusing else { return }
        if let free = freeByteCount, free - lackingByteCount < reserveByteCount { return }
        isFull = false
        lackingByteCount = 0
        var numbers: [Problem.Number] = []
        if let free = freeByteCount { numbers.append(Problem.Number(name: "free_bytes", value: free)) }
        events.note("disk_recovered", numbers)
    }
}
