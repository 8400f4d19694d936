/// A share of cases with its 95 % interval (Wilson 1927).
public struct MeasuredShare: Equatable, Sendable {
    /// 0 <= low <= value <= high <= 1.
    public var value, low, high: Float
    public init(value: Float, low: Float, high: Float) {
        self.value = value
        self.low = low
        self.high = high
    }
}

/// A named threshold of a label and what was measured there, Models/FORMAT.md section 7.
public struct OperatingPoint: Equatable, Sendable {
    /// Index into `Labels.labels`.
    public var labelIndex: Int
    /// At most 31 ASCII bytes, not empty, unique among the points of the label: `sensitivity-first`.
    public var name: String
    /// The score at or above which the call is positive, 0 ... 1.
    public var threshold: Float
    /// Positive calls among the cases that have the finding.
    public var sensitivity: MeasuredShare
    /// Negative calls among the cases that do not.
    public var specificity: MeasuredShare
    /// Cases with the finding and without, on which it was measured; at least one of each.
    public var positives, negatives: Int
    public init(
        labelIndex: Int, name: String, threshold: Float, sensitivity: MeasuredShare, specificity: MeasuredShare, positives: Int, negatives: Int
    ) {
        self.labelIndex = labelIndex
        self.name = name
        self.threshold = threshold
        self.sensitivity = sensitivity
        self.specificity = specificity
        self.positives = positives
        self.negatives = negatives
    }
}

/// What the out-of-distribution gate compares an image with, Models/FORMAT.md section 8; `ModelFile.featureValues` has the numbers themselves.
public struct FeatureStatistics: Equatable, Sendable {
    /// Arena offset of the feature's first value.
    public var byteOffset: Int
    /// Values of the feature, the depth of the plan's last operation.
    public var count: Int
    /// Directions with a variance of their own, 0 ... `count`.
    public var rank: Int
    /// The score above which an image is out of distribution; finite and positive.
    public var threshold: Float
    /// One over the variance outside those directions; finite and positive.
    public var residualPrecision: Float
    /// The share of ordinary images that the threshold flags, 0 ... 1, as measured.
    public var falseAlarmRate: Float
    public init(byteOffset: Int, count: Int, rank: Int, threshold: Float, residualPrecision: Float, falseAlarmRate: Float) {
        self.byteOffset = byteOffset
        self.count = count
        self.rank = rank
        self.threshold = threshold
        self.residualPrecision = residualPrecision
        self.falseAlarmRate = falseAlarmRate
    }

    /// Whether a score is out of distribution: above the threshold, or not a number.
    public func isFlagged(_ score: Float) -> Bool { !(score <= threshold) }
}
