import TernBytes

/// The operating points of a file that has them.
struct OperatingPoints {
    /// In the order of the file: labels ascend, and a label's thresholds do not descend.
    var points: [OperatingPoint] = []
    /// The cases they were measured on, for example `validation`; empty without points.
    var measuredOn = ""

    /// Rule F-25.
    init(validating file: RawSpan, sections: SectionTable, labels: Labels) throws(ModelFileError) {
        guard let range = sections.operatingPoints else { return }
        guard range.count >= ModelFormat.operatingPointsHeadByteCount else {
            throw .operatingPoints(.byteCount, point: nil, value: UInt32(range.count))
        }
        let bytes = file.extracting(range)
        let head = RecordReader(
            bytes.extracting(0..<ModelFormat.operatingPointsHeadByteCount), fileOffset: range.lowerBound, place: .operatingPoints)
        let count = Int(head.uint32(0))
        guard count > 0, range.count == ModelFormat.operatingPointsHeadByteCount + count * ModelFormat.operatingPointRecordByteCount else {
            throw .operatingPoints(.byteCount, point: nil, value: head.uint32(0))
        }
        try head.checkZero(4..<16)
        measuredOn = try head.text(16..<48)
        try head.checkZero(48..<ModelFormat.operatingPointsHeadByteCount)
        /// Of the first point of the label at hand.
        var first = 0
        for index in 0..<count {
            let start = ModelFormat.operatingPointsHeadByteCount + index * ModelFormat.operatingPointRecordByteCount
            let record = RecordReader(
                bytes.extracting(start..<(start + ModelFormat.operatingPointRecordByteCount)), fileOffset: range.lowerBound + start,
                place: .operatingPoint(index))
            let point = try readPoint(record, index: index, labels: labels)
            if let last = points.last {
                if point.labelIndex != last.labelIndex {
                    guard point.labelIndex > last.labelIndex else { throw .operatingPoints(.order, point: index, value: record.uint32(32)) }
                    try checkDefault(first..<index, labels)
                    first = index
                } else {
                    guard point.threshold >= last.threshold else { throw .operatingPoints(.order, point: index, value: record.uint32(36)) }
                }
            }
            guard index - first < ModelFormat.limitOperatingPoints else {
                throw .limitExceeded(.operatingPoints, declared: UInt64(index - first + 1), limit: ModelFormat.limitOperatingPoints)
            }
            for other in first..<index where points[other].name == point.name {
                throw .operatingPoints(.repeatedName, point: index, value: UInt32(other))
            }
            points.append(point)
        }
        try checkDefault(first..<count, labels)
    }

    /// The label's own threshold is one of its points.
    private func checkDefault(_ range: Range<Int>, _ labels: Labels) throws(ModelFileError) {
        let index = points[range.lowerBound].labelIndex
        for point in range where points[point].threshold == labels.labels[index].threshold {
            if points[point].name == labels.labels[index].operatingPoint { return }
        }
        throw .operatingPoints(.noDefault, point: range.lowerBound, value: UInt32(index))
    }
}

private func readPoint(_ record: borrowing RecordReader, index: Int, labels: Labels) throws(ModelFileError) -> OperatingPoint {
    func fault(_ fault: ModelFileError.OperatingPointFault, _ value: UInt32) -> ModelFileError {
        .operatingPoints(fault, point: index, value: value)
    }
    let name = try record.text(0..<ModelFormat.operatingPointByteCount)
    let label = record.uint32(32)
    guard label < UInt32(labels.labels.count), labels.labels[Int(label)].threshold != nil else { throw fault(.label, label) }
    let threshold = record.float(36)
    guard threshold >= 0, threshold <= 1 else { throw fault(.threshold, threshold.bitPattern) }
    var shares: [MeasuredShare] = []
    for offset in [40, 52] {
        let share = MeasuredShare(value: record.float(offset), low: record.float(offset + 4), high: record.float(offset + 8))
        guard share.low >= 0, share.low <= share.value, share.value <= share.high, share.high <= 1 else {
            throw fault(.share, share.value.bitPattern)
        }
        shares.append(share)
    }
    let (positives, negatives) = (record.uint32(64), record.uint32(68))
    guard positives > 0, negatives > 0 else { throw fault(.cases, 0) }
    try record.checkZero(72..<ModelFormat.operatingPointRecordByteCount)
    return OperatingPoint(
        labelIndex: Int(label), name: name, threshold: threshold, sensitivity: shares[0], specificity: shares[1], positives: Int(positives),
        negatives: Int(negatives))
}
