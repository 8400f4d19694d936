/// How the scores of a model are read, Models/FORMAT.md section 11: whether its thresholds are confirmed, what part of the body it knows, how sure
/// a score is, and which labels are possible.
public struct ReadingRules: Equatable, Sendable {
    /// BLAKE2b-256 of what decided outputs and calls when the thresholds were confirmed, 32 bytes; nil when they never were.
    public var confirmation: [UInt8]?
    /// The cases that tiers and sets were chosen on, and those that they were measured on; at most 31 ASCII bytes each, not empty.
    public var chosenOn, measuredOn: String
    /// The part of the body: `chest`, `breast`, `retina`, `blood`; at most 31 ASCII bytes, empty when the file does not say.
    public var region: String
    /// Nil when the region has no code.
    public var regionCode: Code?
    /// The share of cases whose label the conformal set is to hold, above 0 and below 1; nil for a file without sets.
    public var conformalLevel: Float?
    /// One for each label of the file, in its order.
    public var labels: [LabelRules]
    public init(
        confirmation: [UInt8]? = nil, chosenOn: String, measuredOn: String, region: String = "", regionCode: Code? = nil, conformalLevel: Float? = nil,
        labels: [LabelRules]
    ) {
        self.confirmation = confirmation
        self.chosenOn = chosenOn
        self.measuredOn = measuredOn
        self.region = region
        self.regionCode = regionCode
        self.conformalLevel = conformalLevel
        self.labels = labels
    }
}

/// How the scores of one label are read.
public struct LabelRules: Equatable, Sendable {
    /// The structure of the region, `lungs`; at most 31 ASCII bytes, may be empty.
    public var structure: String
    /// At most 63 bytes of UTF-8 without control characters, may be empty.
    public var chineseName: String
    /// Nil for a label without tiers of its own.
    public var tiers: TierRules?
    /// There exactly when the file has a conformal level.
    public var conformal: ConformalRule?
    public init(structure: String = "", chineseName: String = "", tiers: TierRules? = nil, conformal: ConformalRule? = nil) {
        self.structure = structure
        self.chineseName = chineseName
        self.tiers = tiers
        self.conformal = conformal
    }
}

/// From which score on a call is sure, and how often that was right.
public struct TierRules: Equatable, Sendable {
    /// A bound of negative calls that no score is at or below.
    public static let noNegative: Float = -1
    /// A bound of positive calls that no score reaches.
    public static let noPositive: Float = 2

    /// Calls with this tier, and those of them that were right.
    public struct Count: Equatable, Sendable {
        public var cases, right: Int
        public init(cases: Int, right: Int) {
            self.cases = cases
            self.right = right
        }
    }
    /// A negative call is high at or below the first and medium at or below the second; 0 ... 1, ascending, or `noNegative`.
    public var negativeHigh, negativeMedium: Float
    /// A positive call is medium at or above the first and high at or above the second; 0 ... 1, ascending, or `noPositive`.
    public var positiveMedium, positiveHigh: Float
    /// Of high, medium and review the positive calls, then the negative ones: six.
    public var counts: [Count]
    public init(negativeHigh: Float, negativeMedium: Float, positiveMedium: Float, positiveHigh: Float, counts: [Count]) {
        self.negativeHigh = negativeHigh
        self.negativeMedium = negativeMedium
        self.positiveMedium = positiveMedium
        self.positiveHigh = positiveHigh
        self.counts = counts
    }

    /// The words of Models/FORMAT.md, in the order of `counts`.
    public static let tierNames = ["high", "medium", "review"]
}

/// When a label is in the conformal set, and how often that of a case was.
public struct ConformalRule: Equatable, Sendable {
    /// The label is in the set from this score on, 0 ... 1.
    public var least: Float
    /// Cases of the label, and those whose set held it.
    public var cases, covered: Int
    public init(least: Float, cases: Int, covered: Int) {
        self.least = least
        self.cases = cases
        self.covered = covered
    }
}
