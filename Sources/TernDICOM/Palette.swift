import TernBytes

/// The three tables of a palette image, PS3.3 2024d C.7.6.3.1.5, C.7.6.3.1.6 and C.7.9.
struct Palette {
    /// The stored value of the first entry; what is below gets the first entry, what is above the last gets the last.
    let firstInput: Int
    /// 8 or 16.
    let bits: Int
    /// Red, green and blue, of the same count.
    let planes: [[UInt16]]

    /// - Throws: `.missingElement`, `.invalidValue`.
    init(_ header: ImageHeader, in bytes: RawSpan, isSigned: Bool) throws(DICOMError) {
        var shapes: [TableShape] = []
        for (index, element) in header.paletteDescriptors.enumerated() {
            guard let element else { throw .missingElement(tag: DICOMTag.paletteDescriptors[index]) }
            shapes.append(try TableShape(element, in: bytes, isSigned: isSigned))
        }
        let shape = shapes[0]
        // C.7.6.3.1.5: the three are the same.
        guard shapes[1] == shape, shapes[2] == shape, shape.bits == 8 || shape.bits == 16 else {
            throw .invalidValue(tag: DICOMTag.paletteDescriptors[0])
        }
        var tables: [[UInt16]] = []
        var highest: UInt16 = 0
        for index in 0..<3 {
            let table: [UInt16]
            if let data = header.paletteData[index] {
                table = try tableEntries(data, count: shape.count, bits: shape.bits, in: bytes)
            } else if let segments = header.paletteSegments[index] {
                table = try SegmentedTable(segments, in: bytes, bits: shape.bits).expanded(count: shape.count)
            } else {
                throw .missingElement(tag: DICOMTag.paletteData[index])
            }
            for entry in table { highest = max(highest, entry) }
            tables.append(table)
        }
        firstInput = shape.firstInput
        // Entries of 16 bits under a descriptor that says 8 are known: they are taken as what they are.
        bits = shape.bits == 8 && highest <= 255 ? 8 : 16
        planes = tables
    }

    /// The position of a stored value in the tables.
    func entry(of stored: Int) -> Int { min(max(stored - firstInput, 0), planes[0].count - 1) }
}

/// A table written as segments, PS3.3 2024d C.7.9.2: discrete and linear ones; indirect ones are refused.
struct SegmentedTable {
    private let tag: DICOMTag
    private let words: [UInt16]

    /// Segments have the width of the entries.
    init(_ element: DataElement, in bytes: RawSpan, bits: Int) throws(DICOMError) {
        tag = element.tag
        let count = element.valueRange.count / (bits / 8)
        guard count > 0, count <= SegmentedTable.limitWordCount else { throw .invalidValue(tag: tag) }
        if bits == 8 {
            // Of bytes, as many as there are.
            let value = bytes.extracting(element.valueRange)
            let flip = element.isBigEndian && element.representation == .otherWord ? 1 : 0
            guard flip == 0 || value.byteCount % 2 == 0 else { throw .invalidValue(tag: tag) }
            words = (0..<count).map { UInt16(value.uint8(at: $0 ^ flip)) }
        } else {
            words = try tableEntries(element, count: count, bits: 16, in: bytes)
        }
    }

    /// Every segment gives at least one of at most 65,536 entries and takes at most twice its entries and two words.
    private static let limitWordCount = 1 << 20

    /// - Throws: `.invalidValue` unless the segments give exactly `count` entries.
    func expanded(count: Int) throws(DICOMError) -> [UInt16] {
        var table: [UInt16] = []
        table.reserveCapacity(count)
        var offset = 0
        // A single word at the end is padding.
        while offset + 1 < words.count, table.count < count {
            // The standard counts the bytes of an indirect segment's offset, known writers and readers count its entries.
            guard words[offset] != 2 else { throw .unsupportedPixels(.indirectPalette) }
            offset = try expandSegment(at: offset, into: &table, count: count)
        }
        guard table.count == count else { throw .invalidValue(tag: tag) }
        return table
    }

    /// A discrete or a linear segment; gives the offset behind it.
    private func expandSegment(at offset: Int, into table: inout [UInt16], count: Int) throws(DICOMError) -> Int {
        guard offset + 2 < words.count, words[offset + 1] > 0, table.count + Int(words[offset + 1]) <= count else { throw .invalidValue(tag: tag) }
        let length = Int(words[offset + 1])
        if words[offset] == 0 {
            guard offset + 2 + length <= words.count else { throw .invalidValue(tag: tag) }
            table += words[(offset + 2)..<(offset + 2 + length)]
            return offset + 2 + length
        }
        guard words[offset] == 1, let first = table.last else { throw .invalidValue(tag: tag) }
        let step = Double(Int(words[offset + 2]) - Int(first)) / Double(length)
        for index in 1...length { table.append(rounded(Double(first) + step * Double(index))) }
        return offset + 3
    }

    /// To the nearest, ties to even, of a value between two entries of 16 bits.
    private func rounded(_ value: Double) -> UInt16 {
        let whole = Int(value)
        let rest = value - Double(whole)
        return UInt16(rest > 0.5 || rest == 0.5 && whole % 2 == 1 ? whole + 1 : whole)
    }
}
