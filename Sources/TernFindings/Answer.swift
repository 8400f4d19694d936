/// What a result says in one word, the same in every form it takes.
///
/// "No finding", "a person has to look" and "not analysed" are never told by the same word: `noFinding` is said only of a file that was analysed as a
/// whole, with every reported label negative, clear of its threshold, and nothing against the model's judgement.
public enum Answer: Equatable, Sendable {
    /// At least one label is called positive.
    case finding
    /// Every reported label of every frame that was asked for is called negative with the tier `high` or `medium`.
    case noFinding
    /// It was analysed, and the model does not decide.
    case needsReview(CodedTerm)
    /// There is no analysis, and so neither a finding nor none.
    case notAnalysed(CodedTerm)

    /// In JSON: `finding`, `no_finding`, `needs_review`, `not_analysed`.
    public var rawValue: String {
        switch self {
        case .finding: "finding"
        case .noFinding: "no_finding"
        case .needsReview: "needs_review"
        case .notAnalysed: "not_analysed"
        }
    }

    /// Why a person has to look, or why nothing was analysed; nil where the findings say all.
    public var reason: CodedTerm? {
        switch self {
        case .finding, .noFinding: nil
        case .needsReview(let reason), .notAnalysed(let reason): reason
        }
    }
}

/// Why the model does not decide, in the order in which the first that holds is given.
public enum ReviewReason: String, CaseIterable, Equatable, Sendable {
    case unconfirmed = "UNCONFIRMED"
    case outOfDistribution = "OUT-OF-DISTRIBUTION"
    case noLabels = "NO-LABELS"
    case noOperatingPoint = "NO-OPERATING-POINT"
    case framesRefused = "FRAMES-REFUSED"
    case framesOutOfDistribution = "FRAMES-OUT-OF-DISTRIBUTION"
    case nearThreshold = "NEAR-THRESHOLD"

    /// Of the scheme 99TERN.
    public var term: CodedTerm { CodedTerm(scheme: "99TERN", value: rawValue, meaning: meaning) }

    private var meaning: String {
        switch self {
        case .unconfirmed: "The thresholds are not confirmed for this model file"
        case .outOfDistribution: "The image is unlike those that the model was made for"
        case .noLabels: "The model reports no label"
        case .noOperatingPoint: "A label has no operating point"
        case .framesRefused: "Some frames were not analysed"
        case .framesOutOfDistribution: "Some frames are unlike those that the model was made for"
        case .nearThreshold: "A score is too near to its threshold"
        }
    }
}

extension FindingResult {
    /// The result in one word. A positive call comes first, even of a file of which some frames were not analysed; an unconfirmed model makes none.
    public var answer: Answer {
        guard status == .succeeded || status == .partiallySucceeded else {
            return .notAnalysed(reason ?? CodedTerm(scheme: "99TERN", value: "NOT-ATTEMPTED", meaning: "The analysis was not attempted"))
        }
        if findings.contains(where: { $0.call == .positive }) { return .finding }
        guard let reason = reviewReason else { return .noFinding }
        return .needsReview(reason.term)
    }

    private var reviewReason: ReviewReason? {
        if findings.isEmpty { return .noLabels }
        if findings.contains(where: { !$0.isConfirmed }) { return .unconfirmed }
        if findings.contains(where: { $0.isOutOfDistribution }) { return .outOfDistribution }
        if findings.contains(where: { $0.threshold == nil }) { return .noOperatingPoint }
        if status == .partiallySucceeded { return .framesRefused }
        if frames.contains(where: { $0.isFlagged }) { return .framesOutOfDistribution }
        return findings.contains { $0.tier == .review } ? .nearThreshold : nil
    }
}

extension JSONText {
    /// The value and its coded reason, `null` for `finding` and `no_finding`.
    @inline(never)
    mutating func value(_ answer: Answer) {
        beginObject()
        member("value", answer.rawValue)
        key("reason")
        value(answer.reason)
        endObject()
    }
}
