import TernModel
import TernPlatform

/// A section as it will stand in the file.
public struct DraftSection: Equatable, Sendable {
    /// `SectionKind` or a later kind.
    public var kind: UInt32
    /// 1: a reader must know this kind.
    public var flags: UInt32
    /// Without padding.
    public var bytes: [UInt8]
    public init(kind: UInt32, flags: UInt32 = 1, bytes: [UInt8]) {
        self.kind = kind
        self.flags = flags
        self.bytes = bytes
    }
}

extension ModelWriter {
    /// The bytes of an unsigned file that nothing has checked, for the tests of the reader.
    public static func uncheckedBytes(of draft: ModelDraft) throws(WriterError) -> [UInt8] {
        try assemble(draft, sections: try sections(of: draft))
    }

    /// The sections of a draft, in order.
    public static func sections(of draft: ModelDraft) throws(WriterError) -> [DraftSection] {
        let (table, weights) = try encodeTensors(draft.tensors)
        var plan: [UInt8] = []
        for operation in draft.operations { plan += try encode(operation) }
        let bodies = [
            table, plan, try encode(draft.recipe), try encode(draft.labels), draft.card, try encode(draft.golden, header: draft.header), weights,
        ]
        var sections = zip(SectionKind.allCases, bodies).map { DraftSection(kind: $0.rawValue, bytes: $1) }
        if let points = draft.operatingPoints {
            sections.append(DraftSection(kind: SectionKind.operatingPoints.rawValue, flags: 0, bytes: try encode(points)))
        }
        if let statistics = draft.featureStatistics {
            sections.append(DraftSection(kind: SectionKind.featureStatistics.rawValue, flags: 0, bytes: try encode(statistics)))
        }
        if let rules = draft.qualityRules {
            sections.append(DraftSection(kind: SectionKind.qualityRules.rawValue, flags: 0, bytes: try encode(rules)))
        }
        if let reference = draft.scoreReference {
            sections.append(DraftSection(kind: SectionKind.scoreReference.rawValue, flags: 0, bytes: try encode(reference)))
        }
        if let rules = draft.readingRules {
            sections.append(DraftSection(kind: SectionKind.readingRules.rawValue, flags: 0, bytes: try encode(rules)))
        }
        return sections
    }

    /// Lays out header and sections and fills in digests and identity.
    public static func assemble(_ draft: ModelDraft, sections: [DraftSection]) throws(WriterError) -> [UInt8] {
        var records = ByteBuilder()
        var offset = ModelFormat.headerByteCount
        var end = offset
        for section in sections {
            records.append(section.kind)
            records.append(section.flags)
            try records.appendUInt64(offset)
            try records.appendUInt64(section.bytes.count)
            records.append(Digest.blake2b256(section.bytes))
            records.appendZeros(8)
            end = offset + section.bytes.count
            offset = (end + ModelFormat.sectionAlignment - 1) / ModelFormat.sectionAlignment * ModelFormat.sectionAlignment
        }
        var file = ByteBuilder()
        file.append(ModelFormat.magic)
        file.append(UInt16(ModelFormat.major))
        let (minor, features) = leastVersion(of: draft)
        file.append(UInt16(minor))
        file.append(features)
        let header = draft.header
        try file.appendUInt64(end)
        try file.appendUInt64(header.arenaByteCount)
        for value in [sections.count, draft.tensors.count, draft.operations.count, header.outputCount] { try file.appendUInt32(value) }
        for value in [header.channels, header.height, header.width, 0] { try file.appendUInt32(value) }
        try file.appendUInt64(header.inputByteOffset)
        try file.appendUInt64(header.outputByteOffset)
        try file.append(header.name, byteCount: ModelFormat.nameByteCount)
        try file.append(header.version, byteCount: ModelFormat.versionByteCount)
        file.pad(to: ModelFormat.sectionTableOffset)
        file.append(records.bytes)
        file.pad(to: ModelFormat.identityOffset)
        file.append(Digest.blake2b256(file.bytes))
        file.pad(to: ModelFormat.headerByteCount)
        for section in sections {
            file.pad(toMultipleOf: ModelFormat.sectionAlignment)
            file.append(section.bytes)
        }
        return file.bytes
    }

    /// The required features of a draft, and the first minor version that has them and its sections.
    private static func leastVersion(of draft: ModelDraft) -> (minor: Int, features: UInt32) {
        var (minor, features) = (ModelFormat.minor, 0 as UInt32)
        if draft.golden.first?.seed != nil { (minor, features) = (ModelFormat.minorGeneratedGolden, ModelFormat.featureGeneratedGolden) }
        if draft.tensors.contains(where: { $0.elementType == .f16 }) { (minor, features) = (ModelFormat.minorHalf, features | ModelFormat.featureHalf) }
        if draft.operatingPoints != nil || draft.featureStatistics != nil { minor = ModelFormat.minorMeasured }
        if draft.qualityRules != nil { minor = ModelFormat.minorQuality }
        if draft.scoreReference != nil { minor = ModelFormat.minorScores }
        if draft.readingRules != nil { minor = ModelFormat.minorReading }
        return (minor, features)
    }
}
