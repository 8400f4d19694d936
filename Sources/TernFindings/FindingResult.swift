/// The model a result comes from.
public struct ModelReference: Equatable, Sendable {
    public var name: String
    public var version: String
    /// The file's identity, hexadecimal (Models/FORMAT.md section 1).
    public var digest: String
    /// The public key the file was signed with, hexadecimal; nil for an unsigned file.
    public var keyIdentifier: String?
    public init(name: String, version: String, digest: String, keyIdentifier: String?) {
        self.name = name
        self.version = version
        self.digest = digest
        self.keyIdentifier = keyIdentifier
    }
}

/// How far the analysis came.
public enum ResultStatus: String, Equatable, Sendable {
    case succeeded
    case partiallySucceeded = "partially_succeeded"
    case failed
    case notAttempted = "not_attempted"
}

/// Facts about the decoded image, and what the model's quality gate measured.
public struct ImageQuality: Equatable, Sendable {
    /// One number of the gate.
    public struct Measure: Equatable, Sendable {
        public var name: String
        /// Nil when it could not be measured.
        public var value: Float?
        public init(name: String, value: Float?) {
            self.name = name
            self.value = value
        }
    }
    public var width: Int
    public var height: Int
    public var channels: Int
    public var bitsStored: Int
    /// False for a model without a gate, and for what did not come that far.
    public var isAssessed = false
    public var measures: [Measure] = []
    public init(width: Int, height: Int, channels: Int, bitsStored: Int) {
        self.width = width
        self.height = height
        self.channels = channels
        self.bitsStored = bitsStored
    }
}

/// Time spent, microseconds; 0 for what was not reached.
public struct ResultTiming: Equatable, Sendable {
    public var decodeMicroseconds = 0
    public var prepareMicroseconds = 0
    public var inferMicroseconds = 0
    /// From the bytes in memory to the result, with what lies between the parts.
    public var totalMicroseconds = 0
    public init() {}
}

/// A result that another repeats.
public final class EarlierResult: Equatable, Sendable {
    /// UUID, version 4.
    public let id: String
    public let sequence: Int
    /// Its members from `model` on, as they stand in its line.
    public let members: [UInt8]
    public init(id: String, sequence: Int, members: [UInt8]) {
        self.id = id
        self.sequence = sequence
        self.members = members
    }

    public static func == (left: EarlierResult, right: EarlierResult) -> Bool {
        left.id == right.id && left.sequence == right.sequence && left.members == right.members
    }
}

/// The result of one file, `tern.result/1`: of one image, of a cine or of a volume.
public struct FindingResult: Equatable, Sendable {
    /// Ascending from 1 without gaps within one state directory (or one run of `ternd infer`).
    public var sequence: Int
    /// UUID, version 4.
    public var id: String
    /// RFC 3339, UTC.
    public var time: String
    public var model: ModelReference
    public var input: InputReference
    public var status: ResultStatus
    /// Why the analysis did not succeed; nil when it did.
    public var reason: CodedTerm?
    /// Nil when no image was decoded.
    public var quality: ImageQuality?
    /// Empty for a model without labels. Only with status `succeeded` does an empty list say that nothing is reported.
    public var findings: [Finding] = []
    /// The labels that are possible; nil for a model file without that rule, one that is not confirmed, an image that the gate flags, and several frames.
    public var conformal: ConformalSet?
    /// Nil for a model without feature statistics, when the analysis did not succeed, and for several frames, each of which has its own.
    public var outOfDistribution: OutOfDistribution?
    /// Empty for a file of one frame.
    public var frames: [FrameResult] = []
    public var timing = ResultTiming()
    /// SHA-256 of the raw output bits (N-12) of the analysed frames in order, hexadecimal; nil without output.
    public var outputDigest: String?
    /// Pictures of the maps are kept with the result.
    public var hasMaps = false
    /// The result of the same content that this one repeats; nil for one of its own.
    public var answeredFrom: EarlierResult?

    public init(sequence: Int, id: String, time: String, model: ModelReference, input: InputReference, status: ResultStatus, reason: CodedTerm? = nil) {
        self.sequence = sequence
        self.id = id
        self.time = time
        self.model = model
        self.input = input
        self.status = status
        self.reason = reason
    }

    /// What every line begins with, up to the digits of the sequence number.
    public static let linePrefix = "{\"schema\":\"tern.result/1\",\"sequence\":"

    /// The result as one line of JSON that ends with a line feed.
    public func line() -> [UInt8] { json() + [0x0A] }

    /// The result as one JSON object.
    public func json() -> [UInt8] {
        var text = JSONText()
        text.beginObject()
        text.member("schema", "tern.result/1")
        text.member("sequence", sequence)
        text.member("id", id)
        writeBody(to: &text)
        return text.utf8
    }

    /// The answer to a live frame, `tern.frame/1`, as one JSON object: the number of the frame since the service started, and how many older ones it replaced.
    public func frameJSON(number: Int, supersededCount: Int) -> [UInt8] {
        var text = JSONText()
        text.beginObject()
        text.member("schema", "tern.frame/1")
        text.member("frame", number)
        text.member("superseded", supersededCount)
        writeBody(to: &text)
        return text.utf8
    }

    private func writeBody(to text: inout JSONText) {
        text.member("time", time)
        if hasMaps { text.member("maps", true) }
        if let answeredFrom {
            text.value(answeredFrom)
            return text.endObject()
        }
        write(model, to: &text)
        text.key("input")
        text.value(input)
        text.member("status", status.rawValue)
        text.key("reason")
        text.value(reason)
        text.key("answer")
        text.value(answer)
        text.key("quality")
        text.value(quality)
        text.key("findings")
        text.beginArray()
        for finding in findings { write(finding, to: &text) }
        text.endArray()
        if let conformal {
            text.key("conformal")
            text.value(conformal)
        }
        text.key("outOfDistribution")
        text.value(outOfDistribution)
        if !frames.isEmpty {
            text.key("frames")
            text.beginArray()
            for frame in frames { text.value(frame) }
            text.endArray()
        }
        writeTiming(to: &text)
        text.member("digest", outputDigest)
        text.endObject()
    }

    private func write(_ model: ModelReference, to text: inout JSONText) {
        text.key("model")
        text.beginObject()
        text.members(of: model)
        text.member("keyId", model.keyIdentifier)
        text.endObject()
    }

    private func write(_ finding: Finding, to text: inout JSONText) {
        text.beginObject()
        text.member("label", finding.label)
        text.key("code")
        text.value(finding.code)
        text.member("score", finding.score)
        text.member("calibrated", finding.isCalibrated)
        text.member("operatingPoint", finding.operatingPoint.isEmpty ? nil : finding.operatingPoint)
        text.member("threshold", finding.threshold)
        text.member("operatingPointConfirmed", finding.isConfirmed)
        text.member("call", finding.call.rawValue)
        text.member("tier", finding.tier.rawValue)
        if let frame = finding.frame { text.member("frame", frame) }
        if let location = finding.location {
            text.key("location")
            text.value(location)
        }
        text.endObject()
    }

    private func writeTiming(to text: inout JSONText) {
        text.key("timing")
        text.beginObject()
        text.member("decode_us", timing.decodeMicroseconds)
        text.member("prepare_us", timing.prepareMicroseconds)
        text.member("infer_us", timing.inferMicroseconds)
        text.member("total_us", timing.totalMicroseconds)
        text.endObject()
    }
}

extension JSONText {
    /// The members that are repeated, and where they come from.
    fileprivate mutating func value(_ earlier: EarlierResult) {
        value(json: earlier.members)
        key("answeredFrom")
        beginObject()
        member("id", earlier.id)
        member("sequence", earlier.sequence)
        endObject()
    }
}
