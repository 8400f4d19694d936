import TernBytes
import TernKernels

/// Rule F-26; nil for a file without the section.
func readFeatureStatistics(
    _ file: RawSpan, sections: SectionTable, header: ModelHeader, operations: [NamedOperation]
) throws(ModelFileError) -> FeatureStatistics? {
    guard let range = sections.featureStatistics else { return nil }
    guard range.count >= ModelFormat.featureStatisticsHeadByteCount else {
        throw .featureStatistics(.byteCount, value: UInt32(range.count))
    }
    let bytes = file.extracting(range)
    let head = RecordReader(
        bytes.extracting(0..<ModelFormat.featureStatisticsHeadByteCount), fileOffset: range.lowerBound, place: .featureStatistics)
    guard case .linear(let last)? = operations.last?.operation, last.rows == 1, last.columns == header.outputCount,
        last.output.byteOffset == header.outputByteOffset
    else { throw .featureStatistics(.noFeature, value: UInt32(operations.count)) }
    // Nothing may lie on the feature when the plan has run: the output of a linear layer is never on its own input.
    var byteOffset = last.input.byteOffset
    if operations.count > 1, case .layerNorm(let norm) = operations[operations.count - 2].operation, norm.rows == 1,
        norm.output.byteOffset == last.input.byteOffset, norm.columns == last.depth
    {
        byteOffset = norm.input.byteOffset
        let distance = byteOffset - last.output.byteOffset
        guard byteOffset != norm.output.byteOffset, distance >= 4 * last.columns || -distance >= 4 * last.depth else {
            throw .featureStatistics(.overwritten, value: UInt32(truncatingIfNeeded: byteOffset))
        }
    }
    guard head.uint32(0) == UInt32(last.depth) else { throw .featureStatistics(.count, value: head.uint32(0)) }
    guard head.uint32(4) <= head.uint32(0) else { throw .featureStatistics(.rank, value: head.uint32(4)) }
    // At most 2^20 values and as many directions: the byte count fits in 63 bits.
    let (count, rank) = (last.depth, Int(head.uint32(4)))
    guard range.count == ModelFormat.featureStatisticsHeadByteCount + 4 * (count + rank + rank * count) else {
        throw .featureStatistics(.byteCount, value: UInt32(truncatingIfNeeded: range.count))
    }
    func positive(_ offset: Int, _ fault: ModelFileError.FeatureFault) throws(ModelFileError) -> Float {
        let value = head.float(offset)
        guard value.isFinite, value > 0 else { throw .featureStatistics(fault, value: value.bitPattern) }
        return value
    }
    let statistics = FeatureStatistics(
        byteOffset: byteOffset, count: count, rank: rank, threshold: try positive(8, .threshold), residualPrecision: try positive(12, .precision),
        falseAlarmRate: head.float(16))
    guard statistics.falseAlarmRate >= 0, statistics.falseAlarmRate <= 1 else { throw .featureStatistics(.falseAlarmRate, value: head.uint32(16)) }
    try head.checkZero(20..<ModelFormat.featureStatisticsHeadByteCount)
    let values = bytes.extracting(ModelFormat.featureStatisticsHeadByteCount..<range.count)
    if let index = WeightScan.firstNonFinite(values.extracting(0..<(4 * count))) { throw .featureStatistics(.mean, value: UInt32(index)) }
    if let index = WeightScan.firstNonPositive(values.extracting((4 * count)..<(4 * (count + rank)))) {
        throw .featureStatistics(.precision, value: UInt32(index))
    }
    for direction in 0..<rank {
        let start = 4 * (count + rank + direction * count)
        // A value that is not finite makes a sum that is not in the range.
        var sum: Float = 0
        for index in 0..<count {
            let value = values.floatLE(at: start + 4 * index)
            sum += value * value
        }
        guard sum >= ModelFormat.leastDirection, sum <= ModelFormat.mostDirection else { throw .featureStatistics(.direction, value: UInt32(direction)) }
    }
    return statistics
}
