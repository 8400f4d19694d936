import TernBytes
import TernPlatform

/// Where the required sections lie in the file.
struct SectionTable {
    /// Indexed by `SectionKind.rawValue - 1`.
    private var ranges: [Range<Int>] = []

    /// Nil when the file does not have the section.
    private(set) var operatingPoints: Range<Int>?
    private(set) var featureStatistics: Range<Int>?
    private(set) var qualityRules: Range<Int>?
    private(set) var scoreReference: Range<Int>?
    private(set) var readingRules: Range<Int>?

    /// A required section.
    subscript(kind: SectionKind) -> Range<Int> { ranges[Int(kind.rawValue) - 1] }

    /// Rules F-07 and F-08.
    ///
    /// - Parameter minor: of the file's version; kinds that it does not have are unknown.
    init(validating file: RawSpan, count: Int, minor: Int, options: ModelFile.Options) throws(ModelFileError) {
        var expectedOffset = ModelFormat.headerByteCount
        var previousKind: UInt32 = 0
        var end = expectedOffset
        for index in 0..<count {
            let record = Self.record(file, index)
            let kind = record.uint32(0)
            let known = SectionKind(rawValue: kind).flatMap { minor >= $0.sinceMinor ? $0 : nil }
            try checkKind(kind, known, flags: record.uint32(4), index: index, previous: previousKind)
            let offset = try record.size(8)
            let byteCount = try record.size(16)
            guard offset == expectedOffset else { throw .sectionTable(.offset, record: index, kind: kind) }
            let sum = offset.addingReportingOverflow(byteCount)
            guard !sum.overflow else { throw .sizeOverflow(.section(record: index)) }
            end = sum.partialValue
            guard end <= file.byteCount else { throw .sectionTable(.outsideFile, record: index, kind: kind) }
            try record.checkZero(56..<64)
            guard let next = PackedLayout.roundedUp(end, to: ModelFormat.sectionAlignment) else {
                throw .sizeOverflow(.section(record: index))
            }
            guard file.extracting(end..<min(next, file.byteCount)).firstNonZeroOffset == nil else {
                throw .sectionTable(.padding, record: index, kind: kind)
            }
            switch known {
            case nil: break
            case .operatingPoints: operatingPoints = offset..<end
            case .featureStatistics: featureStatistics = offset..<end
            case .qualityRules: qualityRules = offset..<end
            case .scoreReference: scoreReference = offset..<end
            case .readingRules: readingRules = offset..<end
            default: ranges.append(offset..<end)
            }
            expectedOffset = next
            previousKind = kind
        }
        guard ranges.count == SectionKind.requiredCount else {
            throw .sectionTable(.missing, record: count, kind: UInt32(ranges.count + 1))
        }
        guard end == file.byteCount else { throw .sectionTable(.trailingBytes, record: count - 1, kind: previousKind) }
        for index in count..<ModelFormat.sectionRecordCapacity {
            let record = Self.record(file, index)
            try record.checkZero(0..<ModelFormat.sectionRecordByteCount)
        }
        try Self.checkDigests(file, count: count, options: options)
    }

    /// F-07: every required kind stands once, in ascending order, before the others.
    private func checkKind(_ kind: UInt32, _ known: SectionKind?, flags: UInt32, index: Int, previous: UInt32) throws(ModelFileError) {
        let isRequired = known?.isRequired ?? false
        guard known != nil || (kind != 0 && flags & 1 == 0) else { throw .sectionTable(.unknownRequired, record: index, kind: kind) }
        guard flags & ~1 == 0, known == nil || flags == (isRequired ? 1 : 0) else { throw .sectionTable(.unknownFlag, record: index, kind: kind) }
        guard kind != previous else { throw .sectionTable(.repeated, record: index, kind: kind) }
        guard kind > previous else { throw .sectionTable(.order, record: index, kind: kind) }
        guard !isRequired || kind == previous + 1 else { throw .sectionTable(.missing, record: index, kind: previous + 1) }
    }

    /// F-08. The two large sections are left out where the caller does not ask for content.
    private static func checkDigests(_ file: RawSpan, count: Int, options: ModelFile.Options) throws(ModelFileError) {
        for index in 0..<count {
            let record = record(file, index)
            let kind = record.uint32(0)
            let isLarge = kind == SectionKind.golden.rawValue || kind == SectionKind.weights.rawValue
            if isLarge && !options.verifiesContent { continue }
            let offset = try record.size(8)
            let bytes = file.extracting(offset..<(offset + (try record.size(16))))
            guard record.bytes.extracting(24..<56).array == Digest.blake2b256(bytes) else { throw .sectionDigest(kind: kind) }
        }
    }

    @_lifetime(copy file)
    static func record(_ file: RawSpan, _ index: Int) -> RecordReader {
        let start = ModelFormat.sectionTableOffset + index * ModelFormat.sectionRecordByteCount
        let bytes = file.extracting(start..<(start + ModelFormat.sectionRecordByteCount))
        return RecordReader(bytes, fileOffset: start, place: .section(record: index))
    }
}
