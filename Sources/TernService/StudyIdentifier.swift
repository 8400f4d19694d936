public import TernAudit
internal import TernPlatform

/// Names a study: a random UUID (RFC 9562, version 4).
public struct StudyIdentifier: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt64

    /// A new one.
    ///
    /// - Throws: `ServiceError.noRandomness` when the operating system has none.
    public init() throws(ServiceError) {
        let bytes: [UInt8]
        do { bytes = try Randomness.bytes(16) } catch { throw .noRandomness }
        var words: (high: UInt64, low: UInt64) = (0, 0)
        for index in 0..<8 {
            words.high = words.high << 8 | UInt64(bytes[index])
            words.low = words.low << 8 | UInt64(bytes[index + 8])
        }
        // RFC 9562 5.4: version 4 and variant 10.
        high = words.high & ~0xF000 | 0x4000
        low = words.low & ~(0xC0 << 56) | 0x80 << 56
    }

    /// The identifier of 36 lower-case characters; nil for anything else.
    public init?(_ text: [UInt8]) {
        guard text.count == 36 else { return nil }
        var words: (high: UInt64, low: UInt64) = (0, 0)
        for (index, character) in text.enumerated() {
            if Self.dashes.contains(index) {
                guard character == 0x2D else { return nil }
                continue
            }
            let digit: UInt8
            switch character {
            case 0x30...0x39: digit = character - 0x30
            case 0x61...0x66: digit = character - 0x57
            default: return nil
            }
            words.high = words.high << 4 | words.low >> 60
            words.low = words.low << 4 | UInt64(digit)
        }
        high = words.high
        low = words.low
    }

    /// Where RFC 9562 section 4 puts the dashes.
    private static let dashes = [8, 13, 18, 23]

    /// 36 characters.
    public var text: String {
        var characters: [UInt8] = []
        characters.reserveCapacity(36)
        for index in 0..<32 {
            if [8, 12, 16, 20].contains(index) { characters.append(0x2D) }
            let word = index < 16 ? high : low
            let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * (index & 15)) & 15)
            characters.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
        }
        return String(decoding: characters, as: UTF8.self)
    }
}

/// Why the service cannot run, or a study cannot be taken.
public enum ServiceError: Error, Equatable, Sendable {
    /// The operating system gave no random bytes.
    case noRandomness
    /// `findings.jsonl` cannot be opened, read or cut.
    case findingsFile(errno: Int32)
    /// The whole line of `findings.jsonl` that begins at this byte is not a result of ours, or its number is not above the one before.
    case findingsFileDamaged(byteOffset: Int)
    /// A closed file in `findings` that holds these results is not as it was closed.
    case findingsSegmentDamaged(first: Int, last: Int)
    /// `findings/read` says that results have been read that are not here: files are missing, and their numbers would be given out again.
    case findingsMissing(newest: Int, read: Int)
    /// `maps` cannot be made, read or cleared of what has no result.
    case maps(errno: Int32)
    /// `queue` cannot be made, read or cleared of what is answered.
    case journal(errno: Int32)
    /// `audit` cannot be opened, or its newest file is damaged.
    case audit(AuditError)
    /// `reviews.jsonl` cannot be opened, read or cut.
    case reviewsFile(errno: Int32)
    /// The whole line of `reviews.jsonl` that begins at this byte is no review of ours, or its number is not above the one before.
    case reviewsFileDamaged(byteOffset: Int)
    /// There is no memory for the server or no thread for the worker.
    case outOfResources
    /// The event loop failed.
    case eventLoop
}
