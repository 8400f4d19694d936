import TernBytes

/// Bits of a label's `flags` field.
public enum LabelFlags {
    /// The label is a finding, not only computed.
    public static let reported: UInt32 = 1
    /// Scheme, value and meaning stand in the record.
    public static let code: UInt32 = 2
    /// Threshold and operating point stand in the record.
    public static let threshold: UInt32 = 4
}

/// Rule F-21.
func readLabels(_ file: RawSpan, sections: SectionTable, header: ModelHeader) throws(ModelFileError) -> Labels {
    let range = sections[.labels]
    guard range.count >= ModelFormat.labelsHeadByteCount else { throw .labels(.byteCount, label: nil, value: UInt32(range.count)) }
    let head = RecordReader(
        file.extracting(range.lowerBound..<(range.lowerBound + ModelFormat.labelsHeadByteCount)), fileOffset: range.lowerBound,
        place: .labelsHead)
    let count = head.uint32(0)
    guard count <= UInt32(ModelFormat.limitLabels) else {
        throw .limitExceeded(.labels, declared: UInt64(count), limit: ModelFormat.limitLabels)
    }
    guard range.count == ModelFormat.labelsHeadByteCount + Int(count) * ModelFormat.labelByteCount else {
        throw .labels(.byteCount, label: nil, value: count)
    }
    guard let activation = Labels.Activation(rawValue: head.uint32(4)) else { throw .labels(.activation, label: nil, value: head.uint32(4)) }
    let temperature = head.float(8)
    guard temperature.isFinite, temperature > 0 else { throw .labels(.temperature, label: nil, value: head.uint32(8)) }
    guard head.uint32(12) <= 1 else { throw .labels(.flags, label: nil, value: head.uint32(12)) }
    // Raw outputs are no scores of 0 ... 1, which alone can be probabilities or be held against a threshold.
    guard activation != .none || head.uint32(12) == 0 else { throw .labels(.noScores, label: nil, value: head.uint32(12)) }
    try head.checkZero(16..<ModelFormat.labelsHeadByteCount)
    var labels: [Label] = []
    labels.reserveCapacity(Int(count))
    for index in 0..<Int(count) {
        let start = range.lowerBound + ModelFormat.labelsHeadByteCount + index * ModelFormat.labelByteCount
        let bytes = file.extracting(start..<(start + ModelFormat.labelByteCount))
        let label = try readLabel(RecordReader(bytes, fileOffset: start, place: .label(index)), index: index, header: header)
        if activation == .none, let threshold = label.threshold {
            throw .labels(.noScores, label: index, value: threshold.bitPattern)
        }
        labels.append(label)
    }
    return Labels(activation: activation, temperature: temperature, isCalibrated: head.uint32(12) == 1, labels: labels)
}

private func readLabel(_ record: borrowing RecordReader, index: Int, header: ModelHeader) throws(ModelFileError) -> Label {
    let flags = record.uint32(192)
    guard flags & ~(LabelFlags.reported | LabelFlags.code | LabelFlags.threshold) == 0 else {
        throw .labels(.flags, label: index, value: flags)
    }
    let output = record.uint32(196)
    guard output < UInt32(header.outputCount) else { throw .labels(.outputIndex, label: index, value: output) }
    try record.checkZero(236..<ModelFormat.labelByteCount)
    let name = try record.text(0..<48, mayBeEmpty: true)
    if name.isEmpty { throw .labels(.emptyText, label: index, value: 0) }
    var code: Code?
    if flags & LabelFlags.code != 0 {
        let (scheme, value) = (try record.text(48..<64, mayBeEmpty: true), try record.text(64..<96, mayBeEmpty: true))
        let meaning = try record.text(96..<192, mayBeEmpty: true)
        if scheme.isEmpty || value.isEmpty || meaning.isEmpty { throw .labels(.emptyText, label: index, value: flags) }
        code = Code(scheme: scheme, value: value, meaning: meaning)
    } else {
        try record.checkZero(48..<192)
    }
    var threshold: Float?
    var operatingPoint = ""
    if flags & LabelFlags.threshold != 0 {
        let value = record.float(200)
        guard value >= 0, value <= 1 else { throw .labels(.threshold, label: index, value: value.bitPattern) }
        threshold = value
        operatingPoint = try record.text(204..<236, mayBeEmpty: true)
    } else {
        try record.checkZero(200..<236)
    }
    return Label(
        name: name, outputIndex: Int(output), isReported: flags & LabelFlags.reported != 0, code: code, threshold: threshold,
        operatingPoint: operatingPoint)
}
