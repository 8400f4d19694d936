/// From which score on a call of a label is sure: the model file's own bounds, chosen on validation cases (Models/FORMAT.md section 11).
public struct TierBounds: Equatable, Sendable {
    /// A negative call is `high` at or below the first and `medium` at or below the second; -1 for a bound that no score is below.
    public var negativeHigh, negativeMedium: Float
    /// A positive call is `medium` at or above the first and `high` at or above the second; 2 for a bound that no score reaches.
    public var positiveMedium, positiveHigh: Float
    public init(negativeHigh: Float, negativeMedium: Float, positiveMedium: Float, positiveHigh: Float) {
        self.negativeHigh = negativeHigh
        self.negativeMedium = negativeMedium
        self.positiveMedium = positiveMedium
        self.positiveHigh = positiveHigh
    }
}

extension Tier {
    /// How sure a call is: by the bounds where there are some, else by the distance from the threshold.
    ///
    /// A call keeps its side: a score above a bound of positive calls that is below the threshold in use makes no negative call sure.
    init(score: Float, threshold: Float?, bounds: TierBounds?) {
        guard let threshold, let bounds else {
            self.init(score: score, threshold: threshold)
            return
        }
        if score >= threshold {
            self = score >= bounds.positiveHigh ? .high : score >= bounds.positiveMedium ? .medium : .review
        } else {
            self = score <= bounds.negativeHigh ? .high : score <= bounds.negativeMedium ? .medium : .review
        }
    }
}

/// The labels that an image may have: over many images like those the bounds were chosen on, a share of `level` has its true label among them.
public struct ConformalSet: Equatable, Sendable {
    /// Above 0 and below 1.
    public var level: Float
    /// Names, the unreported ones too, in the order of the file; may be empty, and several when the model cannot tell them apart.
    public var labels: [String]
    public init(level: Float, labels: [String]) {
        self.level = level
        self.labels = labels
    }
}

extension JSONText {
    mutating func value(_ set: ConformalSet) {
        beginObject()
        member("level", set.level)
        key("set")
        beginArray()
        for label in set.labels { value(label) }
        endArray()
        endObject()
    }
}
