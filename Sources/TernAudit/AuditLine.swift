internal import TernFindings
internal import TernPlatform

/// One record as it is written: a JSON object on one line, whose last two members are the hash of the record before and its own.
///
///     {"schema":"tern.audit/1","number":7,"time":"…","event":"result", … ,"previous":"<64 digits>","hash":"<64 digits>"}
///
/// `hash` is the SHA-256 of the line's bytes before `,"hash"`.
public struct AuditLine: Equatable, Sendable {
    /// From 1, without gaps.
    public let number: Int
    /// RFC 3339, UTC.
    public let time: String
    /// `result`, `refusal` …
    public let event: String
    /// The hash of the record before, 64 hexadecimal digits.
    public let previous: [UInt8]
    /// Its own, as it stands in the line.
    public let hash: [UInt8]
    /// Whether `hash` is that of its bytes.
    public let isIntact: Bool
    /// The bytes between the event and `previous`: the members of the event.
    let members: ArraySlice<UInt8>

    /// What a chain begins with.
    public static let origin = [UInt8](repeating: 0x30, count: 64)

    private static let prefix = Array("{\"schema\":\"tern.audit/1\",\"number\":".utf8)
    private static let timeKey = Array(",\"time\":\"".utf8)
    private static let eventKey = Array("\",\"event\":\"".utf8)
    private static let previousKey = Array(",\"previous\":\"".utf8)
    private static let hashKey = Array("\",\"hash\":\"".utf8)

    /// Longest line that is read.
    public static let limitByteCount = 64 << 10

    /// Reads a line without its line feed; nil for what no `AuditLog` writes.
    public init?(parsing line: ArraySlice<UInt8>) {
        let tailCount = Self.previousKey.count + Self.hashKey.count + 128 + 2
        guard line.count <= Self.limitByteCount, line.starts(with: Self.prefix), !line.contains(where: { $0 < 0x20 }) else { return nil }
        let digits = line.dropFirst(Self.prefix.count).prefix { (0x30...0x39).contains($0) }
        guard let number = Self.number(digits), number > 0 else { return nil }
        let tail = line.suffix(tailCount)
        guard tail.count == tailCount, tail.startIndex >= digits.endIndex else { return nil }
        let previous = tail.dropFirst(Self.previousKey.count).prefix(64)
        let hash = tail.dropLast(2).suffix(64)
        guard tail.starts(with: Self.previousKey), line[previous.endIndex...].starts(with: Self.hashKey), tail.last == 0x7D,
            tail[tail.endIndex - 2] == 0x22, Self.isHexadecimal(previous), Self.isHexadecimal(hash)
        else { return nil }
        var rest = line[digits.endIndex..<tail.startIndex]
        guard rest.starts(with: Self.timeKey) else { return nil }
        rest = rest.dropFirst(Self.timeKey.count)
        let time = rest.prefix { $0 != 0x22 }
        rest = rest[time.endIndex...]
        guard rest.starts(with: Self.eventKey) else { return nil }
        rest = rest.dropFirst(Self.eventKey.count)
        let event = rest.prefix { $0 != 0x22 }
        guard !event.isEmpty, event.endIndex < rest.endIndex else { return nil }
        self.number = number
        self.time = String(decoding: time, as: UTF8.self)
        self.event = String(decoding: event, as: UTF8.self)
        self.previous = Array(previous)
        self.hash = Array(hash)
        members = rest[(event.endIndex + 1)...]
        isIntact = Self.hash(of: line[..<(previous.endIndex + 1)]).elementsEqual(hash)
    }

    /// The number of a member that stands first, or right behind another number; nil when there is none.
    func leadingNumber(_ name: String) -> Int? {
        let key = Array("\"\(name)\":".utf8)
        guard let start = members.firstRange(of: key) else { return nil }
        return Self.number(members[start.upperBound...].prefix { (0x30...0x39).contains($0) })
    }

    /// The line of an event, with its line feed, and its hash.
    static func line(of event: AuditEvent, number: Int, time: String, previous: [UInt8]) -> (line: [UInt8], hash: [UInt8]) {
        var text = JSONText()
        text.beginObject()
        text.member("schema", "tern.audit/1")
        text.member("number", number)
        text.member("time", time)
        text.member("event", event.name)
        event.write(to: &text)
        text.member("previous", String(decoding: previous, as: UTF8.self))
        let hash = hash(of: text.utf8[...])
        text.member("hash", String(decoding: hash, as: UTF8.self))
        text.endObject()
        return (text.utf8 + [0x0A], hash)
    }

    private static func hash(of bytes: ArraySlice<UInt8>) -> [UInt8] { Array(Hexadecimal.string(Digest.sha256(Array(bytes))).utf8) }

    private static func isHexadecimal(_ digits: ArraySlice<UInt8>) -> Bool {
        digits.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    /// One to eighteen digits.
    static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        guard (1...18).contains(digits.count) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
}

extension ArraySlice<UInt8> {
    /// Where other bytes stand for the first time, nil when they do not.
    func firstRange(of wanted: [UInt8]) -> Range<Int>? {
        guard let first = wanted.first else { return nil }
        var place = startIndex
        while place + wanted.count <= endIndex {
            if self[place] == first, self[place..<(place + wanted.count)].elementsEqual(wanted) { return place..<(place + wanted.count) }
            place += 1
        }
        return nil
    }
}
