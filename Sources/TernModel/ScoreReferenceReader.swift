import TernBytes

/// Rule F-28; nil for a file without the section.
func readScoreReference(_ file: RawSpan, sections: SectionTable, labels: Labels) throws(ModelFileError) -> ScoreReference? {
    guard let range = sections.scoreReference else { return nil }
    let headByteCount = ModelFormat.scoreReferenceHeadByteCount
    guard range.count >= headByteCount else { throw .scoreReference(.byteCount, record: nil, value: UInt32(range.count)) }
    let bytes = file.extracting(range)
    let head = RecordReader(bytes.extracting(0..<headByteCount), fileOffset: range.lowerBound, place: .scoreReference)
    let count = Int(head.uint32(0))
    guard count > 0, range.count == headByteCount + count * ModelFormat.scoreDistributionByteCount else {
        throw .scoreReference(.byteCount, record: nil, value: head.uint32(0))
    }
    try head.checkZero(4..<16)
    var found = ScoreReference(labels: [], measuredOn: try head.text(16..<48), cases: Int(head.uint32(48)))
    guard found.cases > 0 else { throw .scoreReference(.cases, record: nil, value: 0) }
    try head.checkZero(52..<headByteCount)
    for index in 0..<count {
        let start = headByteCount + index * ModelFormat.scoreDistributionByteCount
        let record = RecordReader(
            bytes.extracting(start..<(start + ModelFormat.scoreDistributionByteCount)), fileOffset: range.lowerBound + start,
            place: .scoreDistribution(index))
        let one = try readDistribution(record, index: index, labels: labels, cases: found.cases)
        // Labels ascend, so there are never more records than labels.
        if let last = found.labels.last, one.labelIndex <= last.labelIndex {
            throw .scoreReference(.order, record: index, value: UInt32(one.labelIndex))
        }
        found.labels.append(one)
    }
    return found
}

private func readDistribution(
    _ record: borrowing RecordReader, index: Int, labels: Labels, cases: Int
) throws(ModelFileError) -> ScoreDistribution {
    func fault(_ fault: ModelFileError.ScoreFault, _ value: UInt32) -> ModelFileError { .scoreReference(fault, record: index, value: value) }
    let label = record.uint32(0)
    guard label < UInt32(labels.labels.count), labels.labels[Int(label)].isReported, labels.activation != .none else { throw fault(.label, label) }
    let binCount = Int(record.uint32(4))
    guard binCount >= 2, binCount <= ModelFormat.limitScoreBins else { throw fault(.binCount, record.uint32(4)) }
    let (countsStart, edgesStart) = (8, 8 + 4 * ModelFormat.limitScoreBins)
    var (counts, edges) = ([Int](), [Float]())
    for bin in 0..<binCount {
        let count = record.uint32(countsStart + 4 * bin)
        guard count > 0 else { throw fault(.cases, 0) }
        counts.append(Int(count))
    }
    // At most fifteen counts of 32 bits: the sum does not overflow.
    let sum = counts.reduce(0, +)
    guard sum == cases else { throw fault(.cases, UInt32(clamping: sum)) }
    for bin in 0..<(binCount - 1) {
        let edge = record.float(edgesStart + 4 * bin)
        guard edge > edges.last ?? 0, edge <= 1 else { throw fault(.edge, edge.bitPattern) }
        edges.append(edge)
    }
    try record.checkZero((countsStart + 4 * binCount)..<edgesStart)
    try record.checkZero((edgesStart + 4 * (binCount - 1))..<ModelFormat.scoreDistributionByteCount)
    return ScoreDistribution(labelIndex: Int(label), edges: edges, counts: counts)
}
