/// A term of a coding scheme, for example (233604007, SCT, "Pneumonia").
public struct Code: Equatable, Sendable {
    /// Coding scheme designator, for example `SCT`; at most 15 ASCII bytes.
    public var scheme: String
    /// At most 31 ASCII bytes.
    public var value: String
    /// At most 95 ASCII bytes.
    public var meaning: String
    public init(scheme: String, value: String, meaning: String) {
        self.scheme = scheme
        self.value = value
        self.meaning = meaning
    }
}

/// One label of a model, Models/FORMAT.md section 5.
public struct Label: Equatable, Sendable {
    /// At most 47 ASCII bytes, not empty.
    public var name: String
    /// Index into the model's outputs.
    public var outputIndex: Int
    /// False for labels such as "normal" that are computed but not findings.
    public var isReported: Bool
    /// Nil when the label has no code.
    public var code: Code?
    /// The score at or above which the call is positive, 0 ... 1, with the name of the operating point; nil without an activation.
    public var threshold: Float?
    public var operatingPoint: String
    public init(name: String, outputIndex: Int, isReported: Bool, code: Code?, threshold: Float?, operatingPoint: String) {
        self.name = name
        self.outputIndex = outputIndex
        self.isReported = isReported
        self.code = code
        self.threshold = threshold
        self.operatingPoint = operatingPoint
    }
}

/// How outputs become scores, N-11.
public struct Labels: Equatable, Sendable {
    /// How an output becomes a score.
    public enum Activation: UInt32, Equatable, Sendable {
        case none = 0
        case softmax = 1
        case sigmoid = 2
    }
    public var activation: Activation
    /// Positive and finite.
    public var temperature: Float
    /// Whether scores may be called probabilities; false without an activation.
    public var isCalibrated: Bool
    public var labels: [Label]
    public init(activation: Activation, temperature: Float, isCalibrated: Bool, labels: [Label]) {
        self.activation = activation
        self.temperature = temperature
        self.isCalibrated = isCalibrated
        self.labels = labels
    }
}
