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
    /// Models that took over while the service ran, and that were to and did not.
    var replacedModels = 0
    var refusedModels = 0
    /// Requests refused, by status and code.
    private(set) var refused = Tally()
    /// Results without an answer of the model, by the coded reason.
    private(set) var reasons = Tally()

    mutating func refuse(_ problem: Problem) {
        refused.add(
            MetricsText.label("status", String(problem.status)) + "," + MetricsText.label("code", problem.code),
            other: MetricsText.label("status", "other") + "," + MetricsText.label("code", "other"))
    }

    mutating func count(_ result: FindingResult) {
        if let reason = result.reason, result.status == .failed || result.status == .notAttempted {
            reasons.add(MetricsText.label("reason", reason.value), other: MetricsText.label("reason", "other"))
        }
        switch result.status {
        case .succeeded, .partiallySucceeded:
            succeeded += 1
            let isFlagged = result.outOfDistribution?.isFlagged == true || result.frames.contains { $0.isFlagged }
            if isFlagged { outOfDistribution += 1 }
        case .failed: failed += 1
        case .notAttempted: notAttempted += 1
        }
    }
}
