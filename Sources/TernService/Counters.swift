internal import TernFindings

/// Events since the service started.
struct Counters: Equatable {
    var accepted = 0
    var succeeded = 0
    var failed = 0
    var notAttempted = 0
    /// Results that succeeded and of which the gate flags the image, or a frame.
    var outOfDistribution = 0
    /// Results that could not be written to disk.
    var unrecorded = 0
    /// Studies that could not be read back from the journal as they were written, and were answered so.
    var damaged = 0
    /// Followers dropped because the results they still needed are no longer kept.
    var laggingStreams = 0
    /// Sums over results that succeeded, microseconds.
    var inferMicroseconds = 0
    var totalMicroseconds = 0
    /// Models that took over while the service ran, and that were to and did not.
    var replacedModels = 0
    var refusedModels = 0
    private(set) var refused: [Refusal] = []

    /// Requests refused with one status.
    struct Refusal: Equatable {
        var status: Int
        var count: Int
    }

    mutating func refuse(_ status: Int) {
        if let index = refused.firstIndex(where: { $0.status == status }) {
            refused[index].count += 1
        } else {
            refused.append(Refusal(status: status, count: 1))
        }
    }

    mutating func count(_ result: FindingResult) {
        switch result.status {
        case .succeeded, .partiallySucceeded:
            succeeded += 1
            inferMicroseconds += result.timing.inferMicroseconds
            totalMicroseconds += result.timing.totalMicroseconds
            let isFlagged = result.outOfDistribution?.isFlagged == true || result.frames.contains { $0.isFlagged }
            if isFlagged { outOfDistribution += 1 }
        case .failed: failed += 1
        case .notAttempted: notAttempted += 1
        }
    }
}
