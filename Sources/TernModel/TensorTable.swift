import TernBytes

/// Rules F-11 to F-13: reads the tensor table and checks the place of every tensor in the weights section.
func readTensors(_ file: RawSpan, sections: SectionTable, page: HeaderPage) throws(ModelFileError) -> [Tensor] {
    let count = page.tensorCount
    let range = sections[.tensors]
    guard range.count == count * ModelFormat.tensorRecordByteCount else {
        throw .sectionTable(.byteCount, record: 0, kind: SectionKind.tensors.rawValue)
    }
    let weights = file.extracting(sections[.weights])
    var tensors: [Tensor] = []
    tensors.reserveCapacity(count)
    var names: [NameKey] = []
    names.reserveCapacity(count)
    var end = 0
    for index in 0..<count {
        let start = range.lowerBound + index * ModelFormat.tensorRecordByteCount
        let bytes = file.extracting(start..<(start + ModelFormat.tensorRecordByteCount))
        let record = RecordReader(bytes, fileOffset: start, place: .tensor(index))
        let tensor = try readTensor(record, index: index, hasHalf: page.hasHalf)
        end = try checkPlacement(tensor, index: index, weights: weights, previousEnd: end)
        tensors.append(tensor)
        names.append(NameKey(bytes, index: index))
    }
    guard end == weights.byteCount else {
        throw .tensorPlacement(.sectionEnd, tensor: count - 1, declared: UInt64(weights.byteCount), expected: end)
    }
    try checkUnique(names)
    return tensors
}

/// F-11.
private func readTensor(_ record: borrowing RecordReader, index: Int, hasHalf: Bool) throws(ModelFileError) -> Tensor {
    let name = try record.text(0..<ModelFormat.tensorNameByteCount)
    guard let elementType = ElementType(rawValue: record.uint8(48)), elementType != .f16 || hasHalf else {
        throw .tensorRecord(.elementType, tensor: index, value: UInt32(record.uint8(48)))
    }
    let rank = Int(record.uint8(49))
    guard rank >= 1, rank <= 4 else { throw .tensorRecord(.rank, tensor: index, value: UInt32(rank)) }
    let packing = record.uint8(50)
    guard packing <= 1 else { throw .tensorRecord(.packing, tensor: index, value: UInt32(packing)) }
    guard let recipe = QuantisationRecipe(rawValue: record.uint8(51)) else {
        throw .tensorRecord(.recipe, tensor: index, value: UInt32(record.uint8(51)))
    }
    try record.checkZero(52..<56)
    var dimensions: [Int] = []
    for axis in 0..<4 {
        let dimension = record.uint32(56 + 4 * axis)
        let most = axis < rank ? UInt32(ModelFormat.limitDimension) : 1
        guard dimension >= 1, dimension <= most else { throw .tensorRecord(.dimension, tensor: index, value: dimension) }
        if axis < rank { dimensions.append(Int(dimension)) }
    }
    let isPossible =
        switch elementType {
        case .f32, .f16: packing == 0 && recipe == .none
        case .s8: packing == 1 && rank == 2 && recipe == .absmaxPerChannel
        case .t2, .t5: packing == 1 && rank == 2 && (recipe == .absmean || recipe == .ternaryAsTrained)
        }
    guard isPossible else { throw .tensorRecord(.combination, tensor: index, value: UInt32(elementType.rawValue)) }
    try record.checkZero(88..<128)
    return Tensor(
        name: name, elementType: elementType, recipe: recipe, dimensions: dimensions, byteOffset: try record.size(72),
        byteCount: try record.size(80))
}

/// F-12: gives the end of the tensor in the weights section.
private func checkPlacement(_ tensor: Tensor, index: Int, weights: RawSpan, previousEnd: Int) throws(ModelFileError) -> Int {
    guard let byteCount = tensor.expectedByteCount else { throw .sizeOverflow(.tensor(index)) }
    guard tensor.byteCount == byteCount else {
        throw .tensorPlacement(.byteCount, tensor: index, declared: UInt64(tensor.byteCount), expected: byteCount)
    }
    guard let start = PackedLayout.roundedUp(previousEnd, to: ModelFormat.tensorAlignment) else { throw .sizeOverflow(.tensor(index)) }
    guard tensor.byteOffset == start else {
        throw .tensorPlacement(.offset, tensor: index, declared: UInt64(tensor.byteOffset), expected: start)
    }
    let end = start.addingReportingOverflow(byteCount)
    guard !end.overflow else { throw .sizeOverflow(.tensor(index)) }
    guard end.partialValue <= weights.byteCount else {
        throw .tensorPlacement(.sectionEnd, tensor: index, declared: UInt64(weights.byteCount), expected: end.partialValue)
    }
    if let offset = weights.extracting(previousEnd..<start).firstNonZeroOffset {
        throw .tensorPlacement(.padding, tensor: index, declared: UInt64(previousEnd + offset), expected: 0)
    }
    return end.partialValue
}

extension Tensor {
    /// The byte count that type, packing and dimensions give; nil when it does not fit in 63 bits.
    public var expectedByteCount: Int? {
        if !elementType.isFloat {
            guard dimensions.count == 2 else { return nil }
            return PackedLayout.byteCount(elementType, rows: dimensions[0], columns: dimensions[1])
        }
        var count = elementType == .f32 ? 4 : 2
        for dimension in dimensions {
            guard let product = PackedLayout.product(count, dimension) else { return nil }
            count = product
        }
        return count
    }

    /// Number of elements; the dimensions of a validated tensor give a product that fits.
    public var elementCount: Int { dimensions.reduce(1) { $0 * $1 } }
}

/// The 48 bytes of a name as numbers, so that duplicates are found by sorting.
private struct NameKey {
    var words: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)
    var index: Int

    init(_ record: RawSpan, index: Int) {
        words = (
            record.uint64LE(at: 0), record.uint64LE(at: 8), record.uint64LE(at: 16), record.uint64LE(at: 24), record.uint64LE(at: 32),
            record.uint64LE(at: 40)
        )
        self.index = index
    }
}

/// F-13.
private func checkUnique(_ names: [NameKey]) throws(ModelFileError) {
    guard names.count > 1 else { return }
    let sorted = names.sorted { $0.words < $1.words }
    for next in 1..<sorted.count where sorted[next - 1].words == sorted[next].words {
        let (first, second) = (sorted[next - 1].index, sorted[next].index)
        throw .duplicateName(first: min(first, second), second: max(first, second))
    }
}
