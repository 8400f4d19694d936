/// Constants of Models/FORMAT.md, shared by the reader and the writer.
public enum ModelFormat {
    /// The first bytes of a file; a copy in text mode breaks them.
    public static let magic: [UInt8] = [0x89, 0x54, 0x45, 0x52, 0x4E, 0x0D, 0x0A, 0x1A]
    /// A reader refuses every other major version.
    public static let major = 1
    /// What the writer writes for a file without required features; a reader takes every minor version.
    public static let minor = 0
    /// Required feature: section 6 gives the seed of every golden input instead of its values. Since minor version 1.
    public static let featureGeneratedGolden: UInt32 = 1
    /// The minor version that the writer gives a file with `featureGeneratedGolden`.
    public static let minorGeneratedGolden = 1
    /// Required feature: tensors of element type `f16`. Since minor version 2.
    public static let featureHalf: UInt32 = 2
    /// The minor version that the writer gives a file with `featureHalf`.
    public static let minorHalf = 2
    /// The first minor version with the sections operating points and feature statistics, which a reader may ignore.
    public static let minorMeasured = 3
    /// The first minor version with the section quality gate, which a reader may ignore.
    public static let minorQuality = 4
    /// The first minor version with the section score reference, which a reader may ignore.
    public static let minorScores = 5
    /// The first minor version with the section reading rules, which a reader may ignore: it then knows of no confirmation.
    public static let minorReading = 6

    /// The header page; the first section starts behind it.
    public static let headerByteCount = 4096
    /// Sections start at multiples of this.
    public static let sectionAlignment = 4096
    /// Tensors start at multiples of this, in the weights section and so in the file.
    public static let tensorAlignment = 64
    /// Of the arena byte count and of the header's arena offsets.
    public static let arenaAlignment = 64
    /// Operations address single binary32 values.
    public static let regionAlignment = 4

    /// Byte counts of the header's fields, and offsets from the start of the file.
    public static let nameByteCount = 64
    public static let versionByteCount = 32
    public static let sectionTableOffset = 256
    public static let sectionRecordByteCount = 64
    /// Records for which the header has room.
    public static let sectionRecordCapacity = 16
    /// Bytes 0 ..< identityOffset are what the identity is the digest of.
    public static let identityOffset = 3840
    public static let signatureKindOffset = 3872
    public static let publicKeyOffset = 3904
    public static let signatureOffset = 3936
    /// BLAKE2b-256.
    public static let digestByteCount = 32

    /// Byte counts of records and of their text fields, which keep one byte for the closing zero.
    public static let tensorRecordByteCount = 128
    public static let tensorNameByteCount = 48
    public static let operationRecordByteCount = 192
    public static let operationNameByteCount = 32
    public static let recipeByteCount = 256
    public static let modalityByteCount = 16
    public static let labelsHeadByteCount = 64
    public static let labelByteCount = 256
    public static let labelNameByteCount = 48
    public static let codeSchemeByteCount = 16
    public static let codeValueByteCount = 32
    public static let codeMeaningByteCount = 96
    public static let operatingPointByteCount = 32
    public static let goldenHeadByteCount = 16
    public static let goldenSeedByteCount = 8
    public static let operatingPointsHeadByteCount = 64
    public static let operatingPointRecordByteCount = 128
    public static let featureStatisticsHeadByteCount = 64
    public static let qualityRulesHeadByteCount = 64
    public static let qualityRuleByteCount = 64
    public static let scoreReferenceHeadByteCount = 64
    public static let scoreDistributionByteCount = 128
    public static let readingRulesHeadByteCount = 256
    public static let readingRuleByteCount = 256
    /// Of the Chinese name of a label.
    public static let chineseNameByteCount = 64
    /// Of the list of permitted view positions.
    public static let qualityTextByteCount = 48

    /// Far more than any version of this page defines.
    public static let limitSections = 16
    /// A ViT-L with 24 blocks needs about 500.
    public static let limitTensors = 4096
    public static let limitOperations = 4096
    public static let limitLabels = 256
    public static let limitOutputs = 65_536
    /// Offsets stay far from overflow, and a device has no more memory to map.
    public static let limitFileByteCount = 1 << 32
    /// A ViT-L at 518 x 518 needs about 200 MB.
    public static let limitArenaByteCount = 1 << 30
    /// Of a tensor or an operation.
    public static let limitDimension = 1 << 20
    /// 255 * 127 * 65_536 < Int32.max: the deepest sum of unsigned times signed bytes that is exact in 32 bits.
    public static let limitByteDepth = 65_536
    /// 127 * 127 * 131_072 < Int32.max: the deepest sum of ternary weights and activation codes that the kernels' byte products take exactly.
    public static let limitTernaryDepth = 131_072
    /// 255 * 127 * 65_536 < Int32.max: attention sums codes 0 ... 255 of all tokens.
    public static let limitTokens = 65_536
    /// Far more than any attention head has; the kernels keep rows of heads in their scratch.
    public static let limitHeadWidth = 4_096
    /// A card is text for people.
    public static let limitCardByteCount = 1 << 20
    public static let limitGoldenVectors = 64
    /// Rows that the check for unwritten values may walk through one by one, in all; see F-17.
    public static let limitScatteredRows = 1 << 18
    /// Separate pieces of the arena that may hold written values at one time; see F-17.
    public static let limitIntervals = 4096
    /// Of one label; a person chooses among them by name.
    public static let limitOperatingPoints = 16
    /// Of the score distribution of one label: what a record of 128 bytes holds. Deciles have 10.
    public static let limitScoreBins = 15
    /// Bounds of the squared length of a direction of the feature statistics: it is a unit vector, rounded.
    public static let leastDirection: Float = 0.999
    public static let mostDirection: Float = 1.001

    /// What an Ed25519 signature is made of: a fixed text and the identity, 51 bytes.
    public static func signedMessage(identity: [UInt8]) -> [UInt8] {
        Array("tern-model-file-v1\n".utf8) + identity
    }
}

/// Kinds of sections, in the order they have in a file.
public enum SectionKind: UInt32, CaseIterable, Equatable, Sendable {
    case tensors = 1
    case plan = 2
    case recipe = 3
    case labels = 4
    case card = 5
    case golden = 6
    case weights = 7
    case operatingPoints = 8
    case featureStatistics = 9
    case qualityRules = 10
    case scoreReference = 11
    case readingRules = 12

    /// Whether a file without this section is refused; the others may be left out, and ignored by a reader that does not know them.
    public var isRequired: Bool { rawValue <= SectionKind.weights.rawValue }
    /// The first minor version that has this kind.
    public var sinceMinor: Int {
        switch self {
        case .operatingPoints, .featureStatistics: ModelFormat.minorMeasured
        case .qualityRules: ModelFormat.minorQuality
        case .scoreReference: ModelFormat.minorScores
        case .readingRules: ModelFormat.minorReading
        default: ModelFormat.minor
        }
    }
    /// Whether an output or a call depends on it; what is confirmed is confirmed for these.
    public var isDecisive: Bool {
        switch self {
        case .tensors, .plan, .recipe, .labels, .weights, .operatingPoints, .featureStatistics, .qualityRules: true
        case .card, .golden, .scoreReference, .readingRules: false
        }
    }
    /// How many sections every file has.
    public static let requiredCount = 7
}

/// Byte counts of tensors as Models/FORMAT.md section 2 gives them.
public enum PackedLayout {
    /// Output channels of one panel.
    public static let panel = 64
    /// Consecutive K values that lie side by side for one output channel.
    public static let group = 4
    /// Bytes of one group of `s8`, or of one block of `t2` or `t5`.
    public static let blockByteCount = 256

    /// K values that one block of 256 bytes holds; 0 for `f32` and `f16`, which have no blocks.
    public static func blockDepth(_ elementType: ElementType) -> Int {
        switch elementType {
        case .f32, .f16: 0
        case .s8: 4
        case .t2: 16
        case .t5: 20
        }
    }

    /// Bytes of a weight matrix [rows, columns] in `panel64x4`, or of that many `f32` or `f16` values; nil when the product overflows or a
    /// dimension is negative.
    public static func byteCount(_ elementType: ElementType, rows: Int, columns: Int) -> Int? {
        guard rows >= 0, columns >= 0 else { return nil }
        if elementType.isFloat { return product(rows, columns, elementType == .f32 ? 4 : 2) }
        let depth = blockDepth(elementType)
        let panels = rows / panel + (rows % panel == 0 ? 0 : 1)
        let blocks = columns / depth + (columns % depth == 0 ? 0 : 1)
        return product(panels, blocks, blockByteCount)
    }

    /// The product, or nil when it does not fit in 63 bits.
    static func product(_ first: Int, _ second: Int, _ third: Int = 1) -> Int? {
        let partial = first.multipliedReportingOverflow(by: second)
        if partial.overflow { return nil }
        let whole = partial.partialValue.multipliedReportingOverflow(by: third)
        return whole.overflow ? nil : whole.partialValue
    }

    /// `value` rounded up to a multiple of `alignment`, or nil when it does not fit in 63 bits.
    static func roundedUp(_ value: Int, to alignment: Int) -> Int? {
        let rest = value % alignment
        if rest == 0 { return value }
        let sum = value.addingReportingOverflow(alignment - rest)
        return sum.overflow ? nil : sum.partialValue
    }
}
