internal import TernFindings
internal import TernPlatform

/// One accepted study in the journal, named by its file: its place in the order of acceptance, and its identifier.
///
/// The file is 160 bytes of head, then the study's bytes. Integers are little-endian:
///
/// | at | bytes | is |
/// |---|---|---|
/// | 0 | 8 | `TERNQUEU` |
/// | 8 | 4 | version, 1 |
/// | 12 | 4 | kind: 1 DICOM, 2 JPEG, 3 PNG, 4 NIfTI |
/// | 16 | 8 | number, as in the name |
/// | 24 | 36 | identifier, as in the name |
/// | 60 | 12 | first frame, last frame (0: the file's last), stride |
/// | 72 | 8 | byte count of the study |
/// | 80 | 16 | the modality that the sender states, zeros behind it; zeros for none |
/// | 96 | 32 | BLAKE2b-256 of the study's bytes |
/// | 128 | 32 | BLAKE2b-256 of bytes 0 to 127 |
struct JournalEntry: Hashable {
    /// 1 … 2⁶³ − 1, ascending in order of acceptance.
    let number: Int
    let identifier: StudyIdentifier

    static let headByteCount = 160
    private static let digestOffset = 128
    private static let magic = Array("TERNQUEU".utf8)
    private static let suffix = ".study"

    init(number: Int, identifier: StudyIdentifier) {
        self.number = number
        self.identifier = identifier
    }

    /// Nineteen digits, a hyphen, the identifier, `.study`: names sort in order of acceptance.
    var name: String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 19 - digits.utf8.count)) + digits + "-" + identifier.text + Self.suffix
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
        head.append(1, byteCount: 4)
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
        head += Digest.blake2b256(study.bytes)
        return head + Digest.blake2b256(head)
    }

    /// The study of a head and the bytes behind it; nil when one byte of them is not as it was written.
    func study(head: [UInt8], bytes: [UInt8]) -> Study? {
        guard head.count == Self.headByteCount, head.starts(with: Self.magic), head.integer(at: 8, byteCount: 4) == 1,
            Digest.blake2b256(Array(head[..<Self.digestOffset])).elementsEqual(head[Self.digestOffset...]),
            head.integer(at: 16, byteCount: 8) == number, head[24..<60].elementsEqual(identifier.text.utf8),
            head.integer(at: 72, byteCount: 8) == bytes.count, Digest.blake2b256(bytes).elementsEqual(head[96..<128]),
            let kind = Self.kind(of: head.integer(at: 12, byteCount: 4))
        else { return nil }
        let last = head.integer(at: 64, byteCount: 4)
        guard
            let selection = FrameSelection(
                first: head.integer(at: 60, byteCount: 4), last: last == 0 ? nil : last, stride: head.integer(at: 68, byteCount: 4))
        else { return nil }
        var study = Study(identifier: identifier, kind: kind, bytes: bytes, selection: selection)
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

    private static func kind(of code: Int) -> InputKind? {
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

    /// The number at a position inside the array; negative when eight bytes hold 2⁶³ or more.
    fileprivate func integer(at position: Int, byteCount: Int) -> Int {
        var value = 0
        for index in 0..<byteCount { value |= Int(self[position + index]) << (8 * index) }
        return value
    }
}
