/// A term of a coding scheme: (233604007, SCT, "Pneumonia"). Schemes of our own carry the designator `99TERN` (PS3.3 2024d 8.2).
public struct CodedTerm: Equatable, Sendable {
    public var scheme: String
    public var value: String
    public var meaning: String
    public init(scheme: String, value: String, meaning: String) {
        self.scheme = scheme
        self.value = value
        self.meaning = meaning
    }
}

/// What a score means at the label's operating point.
public enum Call: String, Equatable, Sendable {
    case positive
    case negative
    /// A person decides: the label has no operating point, or one that is not confirmed for the model file, or the image is out of distribution.
    case review

    /// Positive at or above the threshold.
    public init(score: Float, threshold: Float?) {
        guard let threshold else {
            self = .review
            return
        }
        self = score >= threshold ? .positive : .negative
    }
}

/// How sure a call is, for sorting work; not a probability.
public enum Tier: String, Equatable, Sendable {
    case high
    case medium
    case review

    /// With threshold t and score s in 0 ... 1, the distance is (s - t) / (1 - t) for a positive call and (t - s) / t for a negative one: 0 at the
    /// operating point, 1 at the end of the scale. From 0.5 it is high, from 0.1 medium, below that, or without an operating point, review.
    public init(score: Float, threshold: Float?) {
        guard let threshold else {
            self = .review
            return
        }
        let reach = score >= threshold ? 1 - threshold : threshold
        let distance = score >= threshold ? score - threshold : threshold - score
        // At t = 1 a positive call is at both ends of its scale of length 0.
        let share = reach > 0 ? distance / reach : 0
        self = share >= Self.limitHigh ? .high : share >= Self.limitMedium ? .medium : .review
    }

    /// Smallest distance of `high`.
    public static let limitHigh: Float = 0.5
    /// Smallest distance of `medium`.
    public static let limitMedium: Float = 0.1
}

/// One label's answer.
public struct Finding: Equatable, Sendable {
    public var label: String
    public var code: CodedTerm?
    /// 0 ... 1 after the model's activation (N-11).
    public var score: Float
    /// True when the model's scores are calibrated probabilities.
    public var isCalibrated: Bool
    /// Name of the operating point; empty when the label has none.
    public var operatingPoint: String
    /// 0 ... 1; nil when the label has none.
    public var threshold: Float?
    /// True for an image that the gate flags: call and tier are then `review` whatever the score.
    public var isOutOfDistribution: Bool
    /// False for a model file whose thresholds are not confirmed (Models/FORMAT.md section 11): call and tier are then `review` whatever the score.
    public var isConfirmed: Bool
    /// Nil for a model file without bounds of its own: the tier is then the distance from the threshold.
    public var tierBounds: TierBounds?
    /// The frame it was found in, first frame is 1; nil for a file of one frame.
    public var frame: Int?
    /// Nil when no map was made, and for an image that the gate flags.
    public var location: FindingLocation?

    public init(
        label: String, code: CodedTerm?, score: Float, isCalibrated: Bool, operatingPoint: String, threshold: Float?, isOutOfDistribution: Bool = false,
        isConfirmed: Bool = true
    ) {
        self.label = label
        self.code = code
        self.score = score
        self.isCalibrated = isCalibrated
        self.operatingPoint = operatingPoint
        self.threshold = threshold
        self.isOutOfDistribution = isOutOfDistribution
        self.isConfirmed = isConfirmed
    }

    public var call: Call { decides ? Call(score: score, threshold: threshold) : .review }
    public var tier: Tier { decides ? Tier(score: score, threshold: threshold, bounds: tierBounds) : .review }

    /// The call for a form in which the tier can be overlooked: a negative call of the tier `review` is undecided there, for it must not be read as the
    /// absence of anything. A positive one stays positive.
    public var interpretation: Call { call == .negative && tier == .review ? .review : call }

    private var decides: Bool { isConfirmed && !isOutOfDistribution }
}
