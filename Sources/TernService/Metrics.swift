internal import TernFindings
internal import TernPlatform

/// The stages of a study between its last byte and its answer.
enum Stage: Int, CaseIterable {
    /// To the disk, its name with those of its group.
    case store
    /// For the worker.
    case queue
    case decode
    case prepare
    case infer
    /// Its result to the disk.
    case record
    /// From its last byte to its answer.
    case total

    var name: String {
        switch self {
        case .store: "store"
        case .queue: "queue"
        case .decode: "decode"
        case .prepare: "prepare"
        case .infer: "infer"
        case .record: "record"
        case .total: "total"
        }
    }
}

/// Times sorted into buckets that never change, so that those of several machines add up.
struct Histogram {
    /// Upper ends, microseconds, and as Prometheus is told them.
    static let bounds: [(microseconds: Int, seconds: String)] = [
        (100, "0.0001"), (250, "0.00025"), (500, "0.0005"), (1_000, "0.001"), (2_500, "0.0025"), (5_000, "0.005"), (10_000, "0.01"), (25_000, "0.025"),
        (50_000, "0.05"), (100_000, "0.1"), (250_000, "0.25"), (500_000, "0.5"), (1_000_000, "1.0"), (2_500_000, "2.5"), (10_000_000, "10.0"),
        (60_000_000, "60.0"),
    ]
    /// Times up to each bound and above the one before; what is above the last is in `count` alone.
    private(set) var counts = [Int](repeating: 0, count: bounds.count)
    private(set) var count = 0
    private(set) var sumMicroseconds = 0

    mutating func observe(microseconds: Int) {
        count += 1
        sumMicroseconds += microseconds
        if let index = Self.bounds.firstIndex(where: { microseconds <= $0.microseconds }) { counts[index] += 1 }
    }
}

/// How often each of a few names came up.
struct Tally: Equatable {
    struct Entry: Equatable {
        var labels: String
        var count: Int
    }
    /// More names than the program has; what is past them goes under `other`.
    static let limitCount = 64
    private(set) var entries: [Entry] = []

    /// - Parameter labels: in Prometheus's form; `other` in their place when there are too many.
    mutating func add(_ labels: String, other: String) {
        if let index = entries.firstIndex(where: { $0.labels == labels }) {
            entries[index].count += 1
        } else if entries.count < Self.limitCount || labels == other {
            entries.append(Entry(labels: labels, count: 1))
        } else {
            add(other, other: other)
        }
    }
}

/// When a study came how far, monotonic nanoseconds. The loop and the worker use it in turns, which the worker's queue orders.
final class StudyTimes {
    /// Its last byte; of one that an earlier run accepted, the start.
    let received = Clock.monotonicNanoseconds
    var queued: UInt64 = 0
    var begun: UInt64 = 0
    var analysed: UInt64 = 0
    var recorded: UInt64 = 0
}

/// What `/metrics` tells beside the counters: times by stage, and the drift of the scores.
struct Metrics {
    private(set) var stages = [Histogram](repeating: Histogram(), count: Stage.allCases.count)
    var drift: ScoreDrift

    init(_ identity: ServiceIdentity) { drift = ScoreDrift(identity) }

    mutating func observe(_ stage: Stage, microseconds: Int) { stages[stage.rawValue].observe(microseconds: microseconds) }

    /// Takes in a study that has its result. `wasStored` is false of one that an earlier run had accepted.
    mutating func observe(_ times: StudyTimes, wasStored: Bool) {
        func microseconds(_ start: UInt64, _ end: UInt64) -> Int { end > start ? Int(clamping: (end - start) / 1000) : 0 }
        if wasStored { observe(.store, microseconds: microseconds(times.received, times.queued)) }
        observe(.queue, microseconds: microseconds(times.queued, times.begun))
        observe(.record, microseconds: microseconds(times.analysed, times.recorded))
        observe(.total, microseconds: microseconds(times.received, Clock.monotonicNanoseconds))
    }

    /// Takes in the times that a result carries, of one that succeeded.
    mutating func observe(_ timing: ResultTiming) {
        observe(.decode, microseconds: timing.decodeMicroseconds)
        observe(.prepare, microseconds: timing.prepareMicroseconds)
        observe(.infer, microseconds: timing.inferMicroseconds)
    }
}
