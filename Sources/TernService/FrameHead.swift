internal import TernBytes
public import TernFindings
public import TernImage

/// The message of the socket of frames: what lies in the memory that comes with it. It has 96 bytes, integers are little-endian:
///
/// | at | bytes | is |
/// |---|---|---|
/// | 0 | 8 | `TERNFRAM` |
/// | 8 | 4 | version, 1 |
/// | 12 | 4 | kind: 1 DICOM, 2 JPEG, 3 PNG, 4 NIfTI; 16 grey, 8 bits; 17 grey, 16 bits; 18 red, green, blue, 8 bits each |
/// | 16 | 4 | flags: bit 0 a study; the others 0 |
/// | 20 | 4 | deadline in milliseconds after the message arrived, at most 3,600,000; 0 for none |
/// | 24 | 8 | byte count of the memory |
/// | 32 | 8 | token, repeated in the answers; less than 2⁶³ |
/// | 40 | 4 | columns; this and the next three are 0 for kinds 1 to 4 |
/// | 44 | 4 | rows |
/// | 48 | 4 | bytes from row to row |
/// | 52 | 4 | significant bits of a sample; 0 for all |
/// | 56 | 16 | the modality that the sender states, zeros behind it; zeros for none |
/// | 72 | 24 | zeros |
public struct FrameHead: Equatable, Sendable {
    /// What the memory holds.
    public enum Content: Equatable, Sendable {
        case file(InputKind)
        case pixels(RawPixels)
    }
    public let content: Content
    /// Durable, with a result under an identifier; else a live frame.
    public let isStudy: Bool
    /// Of the memory, at least 1.
    public let byteCount: Int
    public let deadlineMilliseconds: Int?
    public let modality: StatedModality?

    public static let byteCount = 96
    public static let limitDeadlineMilliseconds = 3_600_000
    private static let magic = Array("TERNFRAM".utf8)

    /// The token of a message that is one of this version; nil for any other.
    public static func token(of bytes: [UInt8]) -> Int? {
        let head = bytes.rawBytes
        guard bytes.count == byteCount, bytes.starts(with: magic), head.uint32LE(at: 8) == 1 else { return nil }
        return Int(exactly: head.uint64LE(at: 32))
    }

    /// Reads a message that has a token.
    ///
    /// - Throws: `Problem`: `bad_head` for what the table does not allow, `too_large` for a picture past `ImageLimits`.
    public init(parsing bytes: [UInt8]) throws(Problem) {
        guard Self.token(of: bytes) != nil else { throw .badHead("it is not a head of version 1") }
        let head = bytes.rawBytes
        guard let byteCount = Int(exactly: head.uint64LE(at: 24)), byteCount > 0 else { throw .badHead("byte count") }
        let flags = head.uint32LE(at: 16)
        guard flags <= 1 else { throw .badHead("flags") }
        let deadline = Int(head.uint32LE(at: 20))
        guard deadline <= Self.limitDeadlineMilliseconds else { throw .badHead("deadline") }
        guard bytes[72...].allSatisfy({ $0 == 0 }) else { throw .badHead("bytes 72 to 95 are not zero") }
        modality = try Self.modality(bytes[56..<72])
        content = try Self.content(head)
        isStudy = flags == 1
        self.byteCount = byteCount
        deadlineMilliseconds = deadline == 0 ? nil : deadline
        guard case .pixels(let pixels) = content else { return }
        guard pixels.byteCount <= byteCount else { throw .badHead("the picture has more bytes than the memory") }
        if isStudy { throw .badHead("a study is a file, kind 1 to 4") }
    }

    private static func modality(_ field: ArraySlice<UInt8>) throws(Problem) -> StatedModality? {
        let word = field.prefix { $0 != 0 }
        guard !word.isEmpty || field.allSatisfy({ $0 == 0 }) else { throw .badHead("modality") }
        guard !word.isEmpty else { return nil }
        guard field.dropFirst(word.count).allSatisfy({ $0 == 0 }), let modality = StatedModality(word) else { throw .badHead("modality") }
        return modality
    }

    private static func content(_ head: RawSpan) throws(Problem) -> Content {
        let (width, height) = (Int(head.uint32LE(at: 40)), Int(head.uint32LE(at: 44)))
        let (byteStride, bits) = (Int(head.uint32LE(at: 48)), Int(head.uint32LE(at: 52)))
        let format: RawPixels.Format
        switch head.uint32LE(at: 12) {
        case 16: format = .grey8
        case 17: format = .grey16
        case 18: format = .rgb8
        case let code:
            guard let kind = JournalEntry.kind(of: Int(code)) else { throw .badHead("kind") }
            guard width | height | byteStride | bits == 0 else { throw .badHead("a file says its shape itself") }
            return .file(kind)
        }
        do throws(RawPixelsError) {
            return .pixels(try RawPixels(format: format, width: width, height: height, byteStride: byteStride, bitsStored: bits))
        } catch {
            switch error {
            case .shape(.sideTooLong), .shape(.tooManyBytes): throw .pictureTooLarge
            case .shape: throw .badHead("a side is 0")
            case .byteStride(_, let needed, let limit): throw .badHead("rows are \(needed) to \(limit) bytes apart")
            case .bitsStored: throw .badHead("significant bits")
            }
        }
    }
}

extension Problem {
    static func badHead(_ what: String) -> Problem { Problem(status: 400, code: "bad_head", message: "the message is not one of a frame: \(what)") }

    static var pictureTooLarge: Problem { Problem(status: 413, code: "too_large", message: "the picture has too many pixels") }
}
