import TernBytes
import TernImage

extension ImageHeader.TableElements {
    /// The table, once it is known how its first input is written.
    ///
    /// - Throws: `.missingElement`, `.invalidValue`: a descriptor that is none, fewer entries than it says, an entry above its range.
    /// - Source: PS3.3 2024d C.11.1.1, C.11.2.1.1.
    func table(in bytes: RawSpan, isSigned: Bool) throws(DICOMError) -> DecodedImage.LookupTable {
        guard let descriptor else { throw .missingElement(tag: .lookupTableDescriptor) }
        guard let data else { throw .missingElement(tag: .lookupTableData) }
        let shape = try TableShape(descriptor, in: bytes, isSigned: isSigned)
        guard (8...16).contains(shape.bits) else { throw .invalidValue(tag: .lookupTableDescriptor) }
        let entries = try tableEntries(data, count: shape.count, bits: shape.bits, in: bytes)
        for entry in entries where Int(entry) >> shape.bits != 0 { throw .invalidValue(tag: .lookupTableData) }
        return DecodedImage.LookupTable(firstInput: shape.firstInput, bits: shape.bits, entries: entries)
    }
}

/// The three values of a LUT Descriptor.
struct TableShape: Equatable {
    /// 1 ... 65,536.
    var count: Int
    var firstInput: Int
    var bits: Int

    init(_ descriptor: DataElement, in bytes: RawSpan, isSigned: Bool) throws(DICOMError) {
        let values = try ElementValue(descriptor, in: bytes).integers(limitCount: 3)
        guard values.count == 3 else { throw .invalidValue(tag: descriptor.tag) }
        // The first and the last are unsigned however the second is written.
        let words = values.map { UInt16(truncatingIfNeeded: $0) }
        count = words[0] == 0 ? 1 << 16 : Int(words[0])
        // Explicit representations say US for values that are negative too (C.11.2.1.1): what the stored values are counts.
        firstInput = isSigned || descriptor.representation == .signedShort ? Int(Int16(bitPattern: words[1])) : Int(words[1])
        bits = Int(words[2])
    }
}

/// Reads the entries of a table: two bytes each, or one byte where 8 bits are enough and there are too few for two; more bytes than entries
/// are padding.
func tableEntries(_ data: DataElement, count: Int, bits: Int, in bytes: RawSpan) throws(DICOMError) -> [UInt16] {
    let value = bytes.extracting(data.valueRange)
    let isBytes = bits <= 8 && value.byteCount < 2 * count
    guard value.byteCount >= (isBytes ? count : 2 * count) else { throw .invalidValue(tag: data.tag) }
    // Bytes inside words of a big-endian file are swapped in pairs.
    let flip = isBytes && data.isBigEndian && data.representation == .otherWord ? 1 : 0
    guard flip == 0 || value.byteCount % 2 == 0 else { throw .invalidValue(tag: data.tag) }
    var values: [UInt16] = []
    values.reserveCapacity(count)
    for index in 0..<count {
        if isBytes {
            values.append(UInt16(value.uint8(at: index ^ flip)))
        } else {
            let word = value.uint16LE(at: 2 * index)
            values.append(data.isBigEndian ? word.byteSwapped : word)
        }
    }
    return values
}
