internal import TernFindings
internal import TernPlatform

/// One accepted study in the journal, named by its file: its place in the order of acceptance, and its identifier.
///
/// The file is 192 bytes of head, then the study's bytes. Integers are little-endian:
///
/// | at | bytes | is |
/// |---|---|---|
/// | 0 | 8 | `TERNQUEU` |
/// | 8 | 4 | version, 2 |
/// | 12 | 4 | kind: 1 DICOM, 2 JPEG, 3 PNG, 4 NIfTI |
/// | 16 | 8 | number, as in the name |
/// | 24 | 36 | identifier, as in the name |
/// | 60 | 12 | first frame, last frame (0: the file's last), stride |
/// | 72 | 8 | byte count of the study |
/// | 80 | 16 | the modality that the sender states, zeros behind it; zeros for none |
/// | 96 | 8 | where it came from: 1 socket, 2 watched folder, 3 socket of frames |
/// | 104 | 8 | user that sent it, plus one; 0 for unknown |
/// | 112 | 8 | process that sent it, plus one; 0 for unknown |
/// | 120 | 8 | zeros |
/// | 128 | 32 | BLAKE2b-256 of the study's bytes |
/// | 160 | 32 | BLAKE2b-256 of bytes 0 to 159 |
struct JournalEntry: Hashable {
    /// 1 … 2⁶³ − 1, ascending in order of acceptance.
    let number: Int
    let identifier: StudyIdentifier

    static let headByteCount = 192
    private static let digestOffset = 160
    private static let magic = Array("TERNQUEU".utf8)
    private static let suffix = ".study"

    init(number: Int, identifier: StudyIdentifier) {
        self.number = number
        self.identifier = identifier
    }

    /// Nineteen digits, a hyphen, the identifier, `.study`: names sort in order of acceptance.
    var name: String {
        Decimal.padded(number) + "-" + identifier.text + Self.suffix
    }

    /// The entry of a name, with a suffix behind it; nil for any other name.
    init?(name: String, suffix: String = "") {
        let bytes = Array(name.utf8)
        guard bytes.count == 62 + suffix.utf8.count, bytes[19] == 0x2D, bytes[56...].elementsEqual((Self.suffix + suffix).utf8),
            let number = Decimal.parse(bytes[..<19]), number > 0, let identifier = StudyIdentifier(Array(bytes[20..<56]))
        else { return nil }
        self.init(number: number, identifier: identifier)
    }

    /// The head of the study's file.
    func head(of study: Study) -> [UInt8] {
        var head = Self.magic
        head.reserveCapacity(Self.headByteCount)
        head.append(2, byteCount: 4)
        head.append(Self.code(of: study.kind), byteCount: 4)
        head.append(number, byteCount: 8)
        head += Array(identifier.text.utf8)
        head.append(study.selection.first, byteCount: 4)
        head.append(study.selection.last ?? 0, byteCount: 4)
        head.append(study.selection.stride, byteCount: 4)
        head.append(study.bytes.count, byteCount: 8)
        // A term has 16 letters at most.
        let modality = Array((study.modality?.term ?? "").utf8.prefix(16))
        head += modality + [UInt8](repeating: 0, count: 16 - modality.count)
        head.append(study.origin)
        head += Digest.blake2b256(study.bytes)
        return head + Digest.blake2b256(head)
    }

    /// The study of a head and the bytes behind it; nil when one byte of them is not as it was written.
    func study(head: [UInt8], bytes: [UInt8]) -> Study? {
        guard head.count == Self.headByteCount, head.starts(with: Self.magic), head.integer(at: 8, byteCount: 4) == 2,
            Digest.blake2b256(Array(head[..<Self.digestOffset])).elementsEqual(head[Self.digestOffset...]),
            head.integer(at: 16, byteCount: 8) == number, head[24..<60].elementsEqual(identifier.text.utf8),
            head.integer(at: 72, byteCount: 8) == bytes.count, Digest.blake2b256(bytes).elementsEqual(head[128..<160]),
            let kind = Self.kind(of: head.integer(at: 12, byteCount: 4)), let origin = head.origin(at: 96)
        else { return nil }
        let last = head.integer(at: 64, byteCount: 4)
        guard
            let selection = FrameSelection(
                first: head.integer(at: 60, byteCount: 4), last: last == 0 ? nil : last, stride: head.integer(at: 68, byteCount: 4))
        else { return nil }
        var study = Study(identifier: identifier, kind: kind, bytes: bytes, selection: selection)
        study.origin = origin
        let modality = head[80..<96].prefix { $0 != 0 }
        if !modality.isEmpty {
            guard let stated = StatedModality(modality) else { return nil }
            study.modality = stated
        }
        return study
    }

    private static func code(of kind: InputKind) -> Int {
        switch kind {
        case .dicom: 1
        case .jpeg: 2
        case .png: 3
        case .nifti: 4
        }
    }

    static func kind(of code: Int) -> InputKind? {
        switch code {
        case 1: .dicom
        case 2: .jpeg
        case 3: .png
        case 4: .nifti
        default: nil
        }
    }
}

extension [UInt8] {
    /// Appends the low bytes of a number that is not negative, the lowest first.
    fileprivate mutating func append(_ value: Int, byteCount: Int) {
        for index in 0..<byteCount { append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
    }

    /// Appends where a study came from: 32 bytes.
    fileprivate mutating func append(_ origin: StudyOrigin) {
        let parts: (code: Int, user: Int?, process: Int?)
        switch origin {
        case .socket(let user, let process): parts = (1, user, process)
        case .folder: parts = (2, nil, nil)
        case .frames(let user, let process): parts = (3, user, process)
        }
        append(parts.code, byteCount: 8)
        append((parts.user ?? -1) + 1, byteCount: 8)
        append((parts.process ?? -1) + 1, byteCount: 8)
        append(0, byteCount: 8)
    }

    /// What `append` has written; nil for a code that it does not write.
    fileprivate func origin(at position: Int) -> StudyOrigin? {
        func number(_ position: Int) -> Int? {
            let value = integer(at: position, byteCount: 8)
            return value > 0 ? value - 1 : nil
        }
        let user = number(position + 8), process = number(position + 16)
        switch integer(at: position, byteCount: 8) {
        case 1: return .socket(user: user, process: process)
        case 2: return .folder
        case 3: return .frames(user: user, process: process)
        default: return nil
        }
    }

    /// The number at a position inside the array; negative when eight bytes hold 2⁶³ or more.
    fileprivate func integer(at position: Int, byteCount: Int) -> Int {
        var value = 0
        for index in 0..<byteCount { value |= Int(self[position + index]) << (8 * index) }
        return value
    }
}
