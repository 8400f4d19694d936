/// What reports say of a model, taken from its signed file. Texts are in the language they are written in there.
public struct ReportModel: Equatable, Sendable {
    public var reference: ModelReference
    /// From the model card; empty where it says nothing.
    public var title = ""
    public var intendedUse = ""
    public var notIntendedUse = ""
    public var limits: [String] = []
    /// Defined term of PS3.3 2024d C.7.3.1.1.1; empty for any.
    public var modality = ""
    /// The body region that the model was trained for; nil where the file does not say.
    public var region: BodyRegion?
    /// False for a file whose thresholds are not confirmed: it never says positive or negative.
    public var isConfirmed = false
    /// The cases that tiers and conformal sets were measured on, for example `test`; empty where the file has none.
    public var tiersMeasuredOn = ""
    /// The share of cases whose label the conformal set is to hold; nil for a file without sets.
    public var conformalLevel: Float?
    /// Every label, the unreported ones too, in the order of the file.
    public var labels: [ReportLabel] = []
    public init(reference: ModelReference) { self.reference = reference }
}

/// A part of the body, with the order in which a report goes through it.
public struct BodyRegion: Equatable, Sendable {
    /// `chest`, `breast`, `retina` or `blood`; others have no systematic order.
    public var key: String
    /// For example (816094009, SCT, "Chest").
    public var code: CodedTerm?
    public init(key: String, code: CodedTerm?) {
        self.key = key
        self.code = code
    }
}

/// A label as reports need it.
public struct ReportLabel: Equatable, Sendable {
    public var name: String
    /// In Chinese; nil where the model file has none.
    public var chineseName: String?
    public var code: CodedTerm?
    /// False for labels such as "normal", which are no findings.
    public var isReported: Bool
    /// The structure of the body region that it belongs to, for example `lungs`; empty where the file does not say.
    public var structure = ""
    /// Nil for a label without an operating point.
    public var operatingPoint: ReportOperatingPoint?
    /// How often calls of each tier were right, `high` first, at the file's own operating point; empty where the file has none.
    public var tiers: [ReportTier] = []
    public init(name: String, code: CodedTerm?, isReported: Bool) {
        self.name = name
        self.code = code
        self.isReported = isReported
    }
}

/// How often the calls of one tier were right.
public struct ReportTier: Equatable, Sendable {
    public var tier: Tier
    /// Positive calls, and those of them that were right; negative ones likewise.
    public var positives, rightPositives, negatives, rightNegatives: Int
    public init(tier: Tier, positives: Int, rightPositives: Int, negatives: Int, rightNegatives: Int) {
        self.tier = tier
        self.positives = positives
        self.rightPositives = rightPositives
        self.negatives = negatives
        self.rightNegatives = rightNegatives
    }
}

/// The operating point in use, and what was measured there.
public struct ReportOperatingPoint: Equatable, Sendable {
    /// A share of cases with its 95 % interval, 0 <= low <= value <= high <= 1.
    public struct Share: Equatable, Sendable {
        public var value, low, high: Float
        public init(value: Float, low: Float, high: Float) {
            self.value = value
            self.low = low
            self.high = high
        }
    }
    public var name: String
    /// The score at or above which the call is positive, 0 ... 1.
    public var threshold: Float
    /// Nil where the file holds no measurement.
    public var sensitivity, specificity: Share?
    /// Cases with and without the finding on which it was measured.
    public var positives = 0, negatives = 0
    public init(name: String, threshold: Float) {
        self.name = name
        self.threshold = threshold
    }
}

/// A language of reports.
public enum ReportLanguage: String, Equatable, Sendable {
    case english = "en"
    /// Simplified Chinese.
    case chinese = "zh"
}
