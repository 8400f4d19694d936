public import TernFindings
internal import TernPlatform

/// What the record of a result says: enough to see later that the result is the one that was given, and to run it again.
///
/// Its parts are taken from the line of `findings.jsonl` (TernFindings writes members in a fixed order), so that the record made at once and the one
/// made after a crash cannot differ.
public struct AuditedResult: Equatable, Sendable {
    /// What the service knows of the study and the line does not say.
    public struct Request: Equatable, Sendable {
        public var origin: AuditOrigin
        public var selection: FrameSelection
        /// As the sender states it.
        public var modality: StatedModality?
        public init(origin: AuditOrigin, selection: FrameSelection, modality: StatedModality?) {
            self.origin = origin
            self.selection = selection
            self.modality = modality
        }
    }

    public let sequence: Int
    /// What the line says, each as JSON text: a string in its quotation marks, or `null`.
    private let identifier, kind, input, model, status, reason, output: [UInt8]

    /// Of the result.
    var id: String { String(decoding: identifier.dropFirst().dropLast(), as: UTF8.self) }
    /// SHA-256 of the line without its line feed.
    private let lineDigest: String
    /// SHA-256 of what is the same whenever and wherever the input is read, with maps or without: the line from `,"model":` to `,"timing":`, locations left out.
    private let contentDigest: String
    /// Nil when the service was killed before it could record it, and the study had left the queue.
    public var request: Request?
    public var operatingPoint: String?
    /// Recorded by a later start.
    public var isRecovered = false

    /// Reads a line of `findings.jsonl`; its line feed may be there. Nil for what `FindingResult.line` does not write.
    public init?(line: [UInt8], request: Request?, operatingPoint: String?) {
        let bytes = line.last == 0x0A ? line.dropLast() : line[...]
        var scan = Scan(rest: bytes)
        guard let digits = scan.number(after: FindingResult.linePrefix), let sequence = AuditLine.number(digits), sequence > 0,
            let identifier = scan.value(after: ",\"id\":"), let start = scan.skip(to: ",\"model\":"),
            let model = scan.value(after: "\"digest\":"), scan.skip(to: ",\"input\":{") != nil, let kind = scan.value(after: "\"kind\":"),
            let input = scan.value(after: ",\"sha256\":"), let status = scan.value(after: ",\"status\":"),
            let reason = scan.reason(), let end = scan.skip(to: ",\"timing\":{"), let output = scan.value(after: "},\"digest\":")
        else { return nil }
        (self.sequence, self.identifier, self.model, self.kind) = (sequence, Array(identifier), Array(model), Array(kind))
        (self.input, self.status, self.reason, self.output) = (Array(input), Array(status), Array(reason), Array(output))
        self.request = request
        self.operatingPoint = operatingPoint
        lineDigest = Hexadecimal.string(Digest.sha256(Array(bytes)))
        contentDigest = Hexadecimal.string(Digest.sha256(Self.withoutLocations(bytes[start..<end])))
    }

    /// The bytes without the locations of findings. A location has one array, of objects without arrays, and no text with a bracket.
    private static func withoutLocations(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        let name = Array(",\"location\":{".utf8)
        var kept: [UInt8] = []
        kept.reserveCapacity(bytes.count)
        var position = bytes.startIndex
        while position < bytes.endIndex {
            if bytes[position] == 0x2C, bytes[position...].starts(with: name), let end = bytes[position...].firstIndex(of: 0x5D), end + 1 < bytes.endIndex {
                position = end + 2
            } else {
                kept.append(bytes[position])
                position += 1
            }
        }
        return kept
    }

    /// The digest of the part of a line that is the same on every machine; nil for what `FindingResult.line` does not write.
    public static func contentDigest(of line: [UInt8]) -> String? {
        AuditedResult(line: line, request: nil, operatingPoint: nil)?.contentDigest
    }

    func write(to text: inout JSONText) {
        text.member("sequence", sequence)
        text.member("id", json: identifier)
        if let request {
            text.value(request.origin)
        } else {
            text.key("origin")
            text.null()
        }
        text.key("input")
        text.beginObject()
        text.member("kind", json: kind)
        text.member("sha256", json: input)
        if let request {
            text.member("frames", request.selection.text)
            text.member("modality", request.modality?.term)
        }
        text.endObject()
        text.member("model", json: model)
        text.member("operatingPoint", operatingPoint)
        text.member("status", json: status)
        text.member("reason", json: reason)
        text.member("output", json: output)
        text.member("content", contentDigest)
        text.member("line", lineDigest)
        if isRecovered { text.member("recovered", true) }
    }
}

extension JSONText {
    fileprivate mutating func member(_ name: String, json: [UInt8]) {
        key(name)
        value(json: json)
    }
}

extension FrameSelection {
    /// As `init` reads it: `1-` for all frames.
    public var text: String {
        var text = String(first)
        if last == first, stride == 1 { return text }
        text += "-"
        if let last { text += String(last) }
        return stride == 1 ? text : text + ":" + String(stride)
    }
}

/// Walks through a line that TernFindings wrote. A key with its quotation marks stands in no string: there they are escaped.
private struct Scan {
    var rest: ArraySlice<UInt8>

    /// Goes behind a text that begins here.
    mutating func number(after prefix: String) -> ArraySlice<UInt8>? {
        guard rest.starts(with: prefix.utf8) else { return nil }
        let digits = rest.dropFirst(prefix.utf8.count).prefix { (0x30...0x39).contains($0) }
        rest = rest[digits.endIndex...]
        return digits
    }

    /// Goes behind the next place of a text.
    ///
    /// - Returns: where it begins.
    mutating func skip(to key: String) -> Int? {
        guard let place = rest.firstRange(of: Array(key.utf8)) else { return nil }
        rest = rest[place.upperBound...]
        return place.lowerBound
    }

    /// The string or `null` behind the next place of a key, as it stands there.
    mutating func value(after key: String) -> ArraySlice<UInt8>? {
        guard skip(to: key) != nil, let first = rest.first else { return nil }
        if first == 0x6E {
            defer { rest = rest.dropFirst(4) }
            return rest.prefix(4)
        }
        guard first == 0x22, let end = rest.dropFirst().firstIndex(of: 0x22) else { return nil }
        defer { rest = rest[(end + 1)...] }
        return rest[...end]
    }

    /// The value of the coded reason, which stands right behind the status.
    mutating func reason() -> ArraySlice<UInt8>? {
        let none = Array(",\"reason\":null".utf8)
        if rest.starts(with: none) { return rest.dropFirst(none.count - 4).prefix(4) }
        return value(after: "\"value\":")
    }
}
