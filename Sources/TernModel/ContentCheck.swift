import TernBytes
import TernKernels

/// Rule F-22.
func checkCard(_ card: RawSpan) throws(ModelFileError) {
    guard card.byteCount <= ModelFormat.limitCardByteCount else { throw .card(.tooLong, byteOffset: ModelFormat.limitCardByteCount) }
    if let offset = card.firstInvalidUTF8Offset { throw .card(.notUTF8, byteOffset: offset) }
}

/// Rule F-23 without the values: gives the number of vectors.
func checkGoldenHead(_ golden: RawSpan, header: ModelHeader, fileOffset: Int) throws(ModelFileError) -> Int {
    guard golden.byteCount >= ModelFormat.goldenHeadByteCount else {
        throw .goldenVectors(.byteCount, found: golden.byteCount, expected: ModelFormat.goldenHeadByteCount)
    }
    let record = RecordReader(golden, fileOffset: fileOffset, place: .golden)
    let count = Int(record.uint32(0))
    guard count >= 1, count <= ModelFormat.limitGoldenVectors else {
        throw .goldenVectors(.count, found: count, expected: ModelFormat.limitGoldenVectors)
    }
    guard let inputCount = PackedLayout.product(header.channels, header.height, header.width) else { throw .sizeOverflow(.golden) }
    guard Int(record.uint32(4)) == inputCount else {
        throw .goldenVectors(.inputCount, found: Int(record.uint32(4)), expected: inputCount)
    }
    guard Int(record.uint32(8)) == header.outputCount else {
        throw .goldenVectors(.outputCount, found: Int(record.uint32(8)), expected: header.outputCount)
    }
    try record.checkZero(12..<16)
    // inputCount is a 32-bit number and outputCount at most 65,536: the product fits.
    let expected = ModelFormat.goldenHeadByteCount + count * (inputCount + header.outputCount) * 4
    guard golden.byteCount == expected else { throw .goldenVectors(.byteCount, found: golden.byteCount, expected: expected) }
    return count
}

/// The values of rule F-23.
func checkGoldenValues(_ golden: RawSpan) throws(ModelFileError) {
    let values = golden.extracting(ModelFormat.goldenHeadByteCount..<golden.byteCount)
    if let index = WeightScan.firstNonFinite(values) { throw .goldenVectors(.notFinite, found: index, expected: values.byteCount / 4) }
}

/// Rules F-14, F-15 and F-19.
func checkWeights(_ weights: RawSpan, tensors: [Tensor], scaleTensors: [Int]) throws(ModelFileError) {
    for (index, tensor) in tensors.enumerated() {
        let bytes = weights.extracting(tensor.byteOffset..<(tensor.byteOffset + tensor.byteCount))
        if tensor.elementType == .f32 {
            if let value = WeightScan.firstNonFinite(bytes) { throw .notFinite(tensor: index, valueIndex: value) }
        } else if let byte = tensor.firstBadWeight(bytes) {
            throw .badWeight(tensor: index, byteIndex: byte)
        }
    }
    for index in scaleTensors {
        let tensor = tensors[index]
        let bytes = weights.extracting(tensor.byteOffset..<(tensor.byteOffset + tensor.byteCount))
        if let value = WeightScan.firstNonPositive(bytes) { throw .scaleNotPositive(tensor: index, valueIndex: value) }
    }
}

extension Tensor {
    /// Offset of the first byte of a packed matrix that may not occur, or nil.
    fileprivate func firstBadWeight(_ bytes: RawSpan) -> Int? {
        let kind: WeightsKind
        switch elementType {
        case .f32: return nil
        case .s8: kind = .s8
        case .t2: kind = .t2
        case .t5: kind = .t5
        }
        return WeightScan.firstBadWeight(kind, bytes, rows: dimensions[0], columns: dimensions[1])
    }
}
