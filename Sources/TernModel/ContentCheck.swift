import TernBytes
import TernKernels

/// Rule F-22.
func checkCard(_ card: RawSpan) throws(ModelFileError) {
    guard card.byteCount <= ModelFormat.limitCardByteCount else { throw .card(.tooLong, byteOffset: ModelFormat.limitCardByteCount) }
    if let offset = card.firstInvalidUTF8Offset { throw .card(.notUTF8, byteOffset: offset) }
}

/// Rules F-14, F-15 and F-19.
func checkWeights(_ weights: RawSpan, tensors: [Tensor], scaleTensors: [Int]) throws(ModelFileError) {
    for (index, tensor) in tensors.enumerated() {
        let bytes = weights.extracting(tensor.byteOffset..<(tensor.byteOffset + tensor.byteCount))
        if tensor.elementType.isFloat {
            let value = tensor.elementType == .f32 ? WeightScan.firstNonFinite(bytes) : WeightScan.firstNonFiniteHalf(bytes)
            if let value { throw .notFinite(tensor: index, valueIndex: value) }
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
        case .f32, .f16: return nil
        case .s8: kind = .s8
        case .t2: kind = .t2
        case .t5: kind = .t5
        }
        return WeightScan.firstBadWeight(kind, bytes, rows: dimensions[0], columns: dimensions[1])
    }
}
