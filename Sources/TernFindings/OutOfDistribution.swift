/// What the out-of-distribution gate says of one image: how far it is from the images that the model was made for.
public struct OutOfDistribution: Equatable, Sendable {
    /// Distance in standard deviations a value (Models/NUMERICS.md N-13), about 1 for ordinary images; infinite or not a number when it overflows.
    public var score: Float
    /// The score above which an image is flagged.
    public var threshold: Float
    /// Whether a person must decide, whatever the findings' scores.
    public var isFlagged: Bool
    public init(score: Float, threshold: Float, isFlagged: Bool) {
        self.score = score
        self.threshold = threshold
        self.isFlagged = isFlagged
    }
}
