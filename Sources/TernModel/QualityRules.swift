/// What the quality gate looks at, in the order in which it refuses; Models/FORMAT.md section 9.
public enum QualityCriterion: UInt32, CaseIterable, Equatable, Sendable {
    /// View Position (0018,5101) must be one of those of the rule's text, where the file states one.
    case viewPosition = 1
    /// Burned In Annotation (0028,0301) may not be YES.
    case burnedInAnnotation = 2
    /// The picture may never have been compressed with loss.
    case lossyCompression = 3
    /// Least short side of the picture, pixels.
    case shortSide = 4
    /// Most share of coloured pixels; only for a model of one channel.
    case mostColour = 5
    /// Least share of coloured pixels; only for a model of three channels.
    case leastColour = 6
    /// Least standard deviation of the display values, 0 ... 127.5.
    case contrast = 7
    /// Least mean of the display values, 0 ... 255.
    case brightness = 8
    /// Most share of display values of at least 250.
    case saturation = 9
    /// Most blur effect, 0 ... 1.
    case blur = 10
    /// Most share of the field that lies under burned-in text.
    case text = 11

    /// As descriptions and reports write it.
    public var name: String {
        switch self {
        case .viewPosition: "viewPosition"
        case .burnedInAnnotation: "burnedInAnnotation"
        case .lossyCompression: "lossyCompression"
        case .shortSide: "shortSide"
        case .mostColour: "mostColour"
        case .leastColour: "leastColour"
        case .contrast: "contrast"
        case .brightness: "brightness"
        case .saturation: "saturation"
        case .blur: "blur"
        case .text: "text"
        }
    }
    /// Whether the criterion is a threshold on a number.
    public var isMeasured: Bool { rawValue >= QualityCriterion.shortSide.rawValue }
    /// Whether an image is refused below the threshold; the others refuse above it.
    public var isLeast: Bool {
        switch self {
        case .shortSide, .leastColour, .contrast, .brightness: true
        default: false
        }
    }
    /// The largest threshold that makes sense.
    public var limit: Float {
        switch self {
        case .viewPosition, .burnedInAnnotation, .lossyCompression: 0
        case .shortSide: 16_384
        case .mostColour, .leastColour, .saturation, .blur, .text: 1
        case .contrast: 127.5
        case .brightness: 255
        }
    }
}

/// One condition that an image must meet, and what it cost on ordinary images.
public struct QualityRule: Equatable, Sendable {
    public var criterion: QualityCriterion
    /// In the criterion's unit; 0 where it has none.
    public var threshold: Float
    /// For `viewPosition` the permitted values, separated by commas, at most 47 ASCII bytes: `AP,PA`; else empty.
    public var text: String
    /// Ordinary images on which it was tried, and those of them that it refuses. No cases: the rule is a decision that no image was needed for.
    public var cases, refused: Int
    public init(criterion: QualityCriterion, threshold: Float, text: String = "", cases: Int, refused: Int) {
        self.criterion = criterion
        self.threshold = threshold
        self.text = text
        self.cases = cases
        self.refused = refused
    }

    /// Whether a measured value is refused; a value that is not a number is.
    public func refuses(_ value: Float) -> Bool { criterion.isLeast ? !(value >= threshold) : !(value <= threshold) }
}

/// The quality gate of a model, Models/FORMAT.md section 9.
public struct QualityRules: Equatable, Sendable {
    /// Each criterion at most once, ascending; at least one.
    public var rules: [QualityRule]
    /// The images on which the false refusals were counted, for example `test`; at most 31 ASCII bytes, not empty.
    public var measuredOn: String
    /// Ordinary images on which all rules together were tried, and those of them that any of them refuses.
    public var cases, refused: Int
    public init(rules: [QualityRule], measuredOn: String, cases: Int, refused: Int) {
        self.rules = rules
        self.measuredOn = measuredOn
        self.cases = cases
        self.refused = refused
    }

    /// The rule of a criterion; nil when the model does not ask for it.
    public func rule(_ criterion: QualityCriterion) -> QualityRule? {
        for rule in rules where rule.criterion == criterion { return rule }
        return nil
    }
}
