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

/// Kinds of input.
public enum InputKind: String, Equatable, Sendable {
    case dicom
    case jpeg
    case png
}

/// What was analysed, without anything that names a patient.
public struct InputReference: Equatable, Sendable {
    /// Nil when the bytes are of no known kind.
    public var kind: InputKind?
    /// SHA-256 of the bytes as received, hexadecimal; nil when they could not be read.
    public var sha256: String?
    public var sopInstanceUID: String?
    /// First frame is 1, as in DICOM.
    public var frame: Int?
    public init(kind: InputKind?, sha256: String?, sopInstanceUID: String? = nil, frame: Int? = nil) {
        self.kind = kind
        self.sha256 = sha256
        self.sopInstanceUID = sopInstanceUID
        self.frame = frame
    }
}

/// How far the analysis came.
public enum ResultStatus: String, Equatable, Sendable {
    case succeeded
    case partiallySucceeded = "partially_succeeded"
    case failed
    case notAttempted = "not_attempted"
}

/// Facts about the decoded image. No gate judges them yet, and `assessed` says so.
public struct ImageQuality: Equatable, Sendable {
    public var width: Int
    public var height: Int
    public var channels: Int
    public var bitsStored: Int
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

/// The result of one image, `tern.result/1`.
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
    /// Nil for a model without feature statistics, and when the analysis did not succeed.
    public var outOfDistribution: OutOfDistribution?
    public var timing = ResultTiming()
    /// SHA-256 of the raw output bits (N-12), hexadecimal; nil without output.
    public var outputDigest: String?

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
        text.member("time", time)
        write(model, to: &text)
        write(input, to: &text)
        text.member("status", status.rawValue)
        text.key("reason")
        text.value(reason)
        writeQuality(to: &text)
        text.key("findings")
        text.beginArray()
        for finding in findings { write(finding, to: &text) }
        text.endArray()
        writeOutOfDistribution(to: &text)
        writeTiming(to: &text)
        text.member("digest", outputDigest)
        text.endObject()
        return text.utf8
    }

    private func write(_ model: ModelReference, to text: inout JSONText) {
        text.key("model")
        text.beginObject()
        text.members(of: model)
        text.member("keyId", model.keyIdentifier)
        text.endObject()
    }

    private func write(_ input: InputReference, to text: inout JSONText) {
        text.key("input")
        text.beginObject()
        text.member("kind", input.kind?.rawValue)
        text.member("sha256", input.sha256)
        if let identifier = input.sopInstanceUID { text.member("sopInstanceUID", identifier) }
        if let frame = input.frame { text.member("frame", frame) }
        text.endObject()
    }

    private func writeQuality(to text: inout JSONText) {
        text.key("quality")
        text.beginObject()
        text.member("assessed", false)
        if let quality {
            text.member("width", quality.width)
            text.member("height", quality.height)
            text.member("channels", quality.channels)
            text.member("bitsStored", quality.bitsStored)
        }
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
        text.member("call", finding.call.rawValue)
        text.member("tier", finding.tier.rawValue)
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

    private func writeOutOfDistribution(to text: inout JSONText) {
        text.key("outOfDistribution")
        guard let outOfDistribution else { return text.null() }
        text.beginObject()
        text.member("score", outOfDistribution.score)
        text.member("threshold", outOfDistribution.threshold)
        text.member("flagged", outOfDistribution.isFlagged)
        text.endObject()
    }
}
