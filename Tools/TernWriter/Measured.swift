public import TernModel

/// Named thresholds with what was measured there, as they will stand in the file.
public struct DraftOperatingPoints: Equatable, Sendable {
    /// Labels ascend, and a label's thresholds do not descend; at least one.
    public var points: [OperatingPoint]
    /// At most 31 ASCII bytes, for example `validation`.
    public var measuredOn: String
    public init(points: [OperatingPoint], measuredOn: String) {
        self.points = points
        self.measuredOn = measuredOn
    }
}

/// What the out-of-distribution gate compares an image with, N-13.
public struct DraftFeatureStatistics: Equatable, Sendable {
    public var threshold: Float
    public var residualPrecision: Float
    public var falseAlarmRate: Float
    /// One for each value of the feature.
    public var mean: [Float]
    /// Inverse variances, one for each direction.
    public var precisions: [Float]
    /// Unit vectors, row-major [directions][values].
    public var basis: [Float]
    public init(threshold: Float, residualPrecision: Float, falseAlarmRate: Float, mean: [Float], precisions: [Float], basis: [Float]) {
        self.threshold = threshold
        self.residualPrecision = residualPrecision
        self.falseAlarmRate = falseAlarmRate
        self.mean = mean
        self.precisions = precisions
        self.basis = basis
    }
}

/// Models/FORMAT.md section 7.
func encode(_ draft: DraftOperatingPoints) throws(WriterError) -> [UInt8] {
    var section = ByteBuilder()
    try section.appendUInt32(draft.points.count)
    section.appendZeros(12)
    try section.append(draft.measuredOn, byteCount: ModelFormat.operatingPointByteCount)
    section.pad(to: ModelFormat.operatingPointsHeadByteCount)
    for point in draft.points {
        try section.append(point.name, byteCount: ModelFormat.operatingPointByteCount)
        try section.appendUInt32(point.labelIndex)
        section.append(point.threshold)
        for share in [point.sensitivity, point.specificity] {
            for value in [share.value, share.low, share.high] { section.append(value) }
        }
        try section.appendUInt32(point.positives)
        try section.appendUInt32(point.negatives)
        section.pad(toMultipleOf: 64)
    }
    return section.bytes
}

/// Models/FORMAT.md section 8.
func encode(_ draft: DraftFeatureStatistics) throws(WriterError) -> [UInt8] {
    let expected = draft.mean.count * draft.precisions.count
    guard draft.basis.count == expected else { throw .count(tensor: "feature statistics", expected: expected, actual: draft.basis.count) }
    var section = ByteBuilder()
    try section.appendUInt32(draft.mean.count)
    try section.appendUInt32(draft.precisions.count)
    for value in [draft.threshold, draft.residualPrecision, draft.falseAlarmRate] { section.append(value) }
    section.pad(to: ModelFormat.featureStatisticsHeadByteCount)
    for values in [draft.mean, draft.precisions, draft.basis] { section.append(littleEndianBytes(values)) }
    return section.bytes
}

/// Models/FORMAT.md section 9.
func encode(_ rules: QualityRules) throws(WriterError) -> [UInt8] {
    var section = ByteBuilder()
    try section.appendUInt32(rules.rules.count)
    section.appendZeros(12)
    try section.append(rules.measuredOn, byteCount: ModelFormat.operatingPointByteCount)
    try section.appendUInt32(rules.cases)
    try section.appendUInt32(rules.refused)
    section.pad(to: ModelFormat.qualityRulesHeadByteCount)
    for rule in rules.rules {
        section.append(rule.criterion.rawValue)
        section.append(rule.threshold)
        try section.appendUInt32(rule.cases)
        try section.appendUInt32(rule.refused)
        try section.append(rule.text, byteCount: ModelFormat.qualityTextByteCount)
    }
    return section.bytes
}

/// Models/FORMAT.md section 10.
func encode(_ reference: ScoreReference) throws(WriterError) -> [UInt8] {
    var section = ByteBuilder()
    try section.appendUInt32(reference.labels.count)
    section.appendZeros(12)
    try section.append(reference.measuredOn, byteCount: ModelFormat.operatingPointByteCount)
    try section.appendUInt32(reference.cases)
    section.pad(to: ModelFormat.scoreReferenceHeadByteCount)
    for one in reference.labels {
        let (binCount, limit) = (one.counts.count, ModelFormat.limitScoreBins)
        guard (2...limit).contains(binCount) else { throw .count(tensor: "score reference", expected: limit, actual: binCount) }
        guard one.edges.count == binCount - 1 else { throw .count(tensor: "score reference", expected: binCount - 1, actual: one.edges.count) }
        try section.appendUInt32(one.labelIndex)
        try section.appendUInt32(binCount)
        for count in one.counts { try section.appendUInt32(count) }
        section.appendZeros(4 * (limit - binCount))
        for edge in one.edges { section.append(edge) }
        section.pad(toMultipleOf: 64)
    }
    return section.bytes
}
