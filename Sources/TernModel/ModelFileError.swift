/// Why a model file was refused. Rule numbers are those of Models/FORMAT.md; every case says where, with the numbers found there.
public enum ModelFileError: Error, Equatable, Sendable {
    /// F-01: the first eight bytes are not the magic.
    case notAModelFile
    /// F-02: the major version is not 1.
    case unsupportedVersion(major: Int, minor: Int)
    /// F-03: required features this reader does not know.
    case unknownFeatures(bits: UInt32)
    /// F-04: the header's byte count is not the file's, or the file is shorter than a header.
    case byteCountMismatch(declared: UInt64, actual: Int)
    /// F-05: a byte that must be zero is not, at an offset from the start of the file.
    case notZero(Place, byteOffset: Int)
    /// F-05: a text is not printable ASCII padded with zeros, at an offset from the start of the file.
    case badText(Place, byteOffset: Int)
    /// F-06: a size or an end computed from the file does not fit in 63 bits.
    case sizeOverflow(Place)
    /// F-07: the section table, at this record.
    case sectionTable(SectionFault, record: Int, kind: UInt32)
    /// F-08: the bytes of a section do not have its digest.
    case sectionDigest(kind: UInt32)
    /// F-09: the identity is not the digest of the header.
    case identityMismatch
    /// F-10: the signature.
    case signature(SignatureFault)
    /// F-11: a tensor record has an unknown or impossible value.
    case tensorRecord(TensorFault, tensor: Int, value: UInt32)
    /// F-12: a tensor is not where, or not as long as, the rules give.
    case tensorPlacement(PlacementFault, tensor: Int, declared: UInt64, expected: Int)
    /// F-13: two tensors have one name.
    case duplicateName(first: Int, second: Int)
    /// F-14: a value of an `f32` or `f16` tensor is infinite or not a number.
    case notFinite(tensor: Int, valueIndex: Int)
    /// F-15: a byte of packed weights that may not occur, counted from the start of the tensor.
    case badWeight(tensor: Int, byteIndex: Int)
    /// F-16: a field of an operation.
    case operation(OperationFault, operation: Int, field: OperationField, value: UInt64)
    /// F-17: an arena reference of an operation (nil: of the header).
    case arena(ArenaFault, operation: Int?, field: OperationField, end: Int, limit: Int)
    /// F-18: an operation names a tensor that does not exist or does not fit.
    case tensorReference(ReferenceFault, operation: Int, field: OperationField, tensor: Int)
    /// F-19: a weight scale is not positive.
    case scaleNotPositive(tensor: Int, valueIndex: Int)
    /// F-20: the input recipe.
    case recipe(RecipeFault, value: UInt32)
    /// F-21: the labels (nil: their head).
    case labels(LabelsFault, label: Int?, value: UInt32)
    /// F-22: the model card.
    case card(CardFault, byteOffset: Int)
    /// F-23: the golden vectors.
    case goldenVectors(GoldenFault, found: Int, expected: Int)
    /// F-24: a limit.
    case limitExceeded(Limit, declared: UInt64, limit: Int)
    /// F-25: the operating points (nil: their head).
    case operatingPoints(OperatingPointFault, point: Int?, value: UInt32)
    /// F-26: the feature statistics; the value is that of the field or the index of the number.
    case featureStatistics(FeatureFault, value: UInt32)
    /// F-27: the quality gate (nil: its head).
    case qualityRules(QualityFault, rule: Int?, value: UInt32)
    /// F-28: the score reference (nil: its head).
    case scoreReference(ScoreFault, record: Int?, value: UInt32)
    /// F-29: the reading rules (nil: their head).
    case readingRules(ReadingFault, label: Int?, value: UInt32)

    /// A part of the file.
    public enum Place: Equatable, Sendable {
        case header
        case section(record: Int)
        case tensor(Int)
        case operation(Int)
        case recipe
        case labelsHead
        case label(Int)
        case golden
        case operatingPoints
        case operatingPoint(Int)
        case featureStatistics
        case qualityRules
        case qualityRule(Int)
        case scoreReference
        case scoreDistribution(Int)
        case readingRules
        case readingRule(Int)
    }
    /// What is wrong with a section record, F-07.
    public enum SectionFault: CaseIterable, Equatable, Sendable {
        case unknownRequired, unknownFlag, missing, repeated, order, offset, outsideFile, byteCount, padding, trailingBytes
    }
    /// What is wrong with the signature, F-10; the last two are the caller's wish, `ModelFile.Options`.
    public enum SignatureFault: CaseIterable, Equatable, Sendable {
        case unknownKind, unsignedWithBytes, doesNotVerify, unsignedNotAllowed, untrustedKey
    }
    /// Which field of a tensor record is wrong, F-11.
    public enum TensorFault: CaseIterable, Equatable, Sendable {
        case elementType, rank, packing, recipe, dimension, combination
    }
    /// What about the place of a tensor is wrong, F-12.
    public enum PlacementFault: CaseIterable, Equatable, Sendable {
        case offset, byteCount, padding, sectionEnd
    }
    /// What about a field of an operation is wrong, F-16.
    public enum OperationFault: CaseIterable, Equatable, Sendable {
        case unknownKind, unknownFlag, unusedField, dimension, levels, stride, parameter
    }
    /// What about an arena reference is wrong, F-17.
    public enum ArenaFault: CaseIterable, Equatable, Sendable {
        case arenaByteCount, alignment, outside, overlap, notTheImage, unwritten
    }
    /// Why a tensor does not fit where it is named, F-18.
    public enum ReferenceFault: CaseIterable, Equatable, Sendable {
        case missing, elementType, shape
    }
    /// Which part of the input recipe is wrong, F-20.
    public enum RecipeFault: CaseIterable, Equatable, Sendable {
        case dimension, crop, filter, intensity, window, scale
    }
    /// Which part of the labels is wrong, F-21.
    public enum LabelsFault: CaseIterable, Equatable, Sendable {
        case byteCount, activation, flags, temperature, outputIndex, threshold, emptyText, noScores
    }
    /// Why the model card is refused, F-22.
    public enum CardFault: CaseIterable, Equatable, Sendable {
        case notUTF8, tooLong
    }
    /// Which number or value of the golden vectors is wrong, F-23.
    public enum GoldenFault: CaseIterable, Equatable, Sendable {
        case count, inputCount, outputCount, byteCount, notFinite
    }
    /// Which limit is exceeded, F-24.
    public enum Limit: CaseIterable, Equatable, Sendable {
        case sections, tensors, operations, labels, outputs, fileByteCount, arenaByteCount, scatteredRows, operatingPoints
    }
    /// What about the operating points is wrong, F-25.
    public enum OperatingPointFault: CaseIterable, Equatable, Sendable {
        case byteCount, label, threshold, share, cases, order, repeatedName, noDefault
    }
    /// What about the feature statistics is wrong, F-26.
    public enum FeatureFault: CaseIterable, Equatable, Sendable {
        case byteCount, noFeature, overwritten, count, rank, threshold, precision, falseAlarmRate, mean, direction
    }
    /// What about the quality gate is wrong, F-27.
    public enum QualityFault: CaseIterable, Equatable, Sendable {
        case byteCount, criterion, order, channels, threshold, cases
    }
    /// What about the score reference is wrong, F-28.
    public enum ScoreFault: CaseIterable, Equatable, Sendable {
        case byteCount, label, order, binCount, cases, edge
    }
    /// What about the reading rules is wrong, F-29.
    public enum ReadingFault: CaseIterable, Equatable, Sendable {
        case byteCount, flags, level, region, name, bound, count
    }

    /// The number of the rule, for example `F-07`.
    public var rule: String {
        switch self {
        case .notAModelFile: "F-01"
        case .unsupportedVersion: "F-02"
        case .unknownFeatures: "F-03"
        case .byteCountMismatch: "F-04"
        case .notZero, .badText: "F-05"
        case .sizeOverflow: "F-06"
        case .sectionTable: "F-07"
        case .sectionDigest: "F-08"
        case .identityMismatch: "F-09"
        case .signature: "F-10"
        case .tensorRecord: "F-11"
        case .tensorPlacement: "F-12"
        case .duplicateName: "F-13"
        case .notFinite: "F-14"
        case .badWeight: "F-15"
        case .operation: "F-16"
        case .arena: "F-17"
        case .tensorReference: "F-18"
        case .scaleNotPositive: "F-19"
        case .recipe: "F-20"
        case .labels: "F-21"
        case .card: "F-22"
        case .goldenVectors: "F-23"
        case .limitExceeded: "F-24"
        case .operatingPoints: "F-25"
        case .featureStatistics: "F-26"
        case .qualityRules: "F-27"
        case .scoreReference: "F-28"
        case .readingRules: "F-29"
        }
    }
}

/// The fields of an operation record, in the order of the record.
public enum OperationField: Int, CaseIterable, Equatable, Sendable {
    case kind, flags, rows, columns, depth, levels, input, secondInput, output, residual, weights, scale, bias, residualTensor, heads,
        keyValueHeads, headWidth, parameter
}
