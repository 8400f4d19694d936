import TernBytes

/// Index of the first binary32 value that is infinite or not a number, or nil.
func firstNonFinite(_ bytes: RawSpan) -> Int? {
    for index in 0..<(bytes.byteCount / 4) where bytes.uint32LE(at: 4 * index) & 0x7F80_0000 == 0x7F80_0000 { return index }
    return nil
}

/// Index of the first binary32 value that is not finite and greater than zero, or nil.
func firstNonPositive(_ bytes: RawSpan) -> Int? {
    for index in 0..<(bytes.byteCount / 4) {
        let bits = bytes.uint32LE(at: 4 * index)
        if bits == 0 || bits >= 0x7F80_0000 { return index }
    }
    return nil
}

/// Index of the first byte of a packed matrix [rows, columns] that may not occur, or nil: a reserved code, or padding that is not zero.
func firstBadWeight(_ bytes: RawSpan, _ elementType: ElementType, rows: Int, columns: Int) -> Int? {
    let depth = PackedLayout.blockDepth(elementType)
    let blocks = (columns + depth - 1) / depth
    let groups = depth / PackedLayout.group
    for index in 0..<bytes.byteCount {
        let byte = bytes.uint8(at: index)
        let position = index % PackedLayout.blockByteCount
        let block = index / PackedLayout.blockByteCount
        let row = block / blocks * PackedLayout.panel + position / 4
        let firstColumn = block % blocks * depth + position % 4
        if elementType == .s8 {
            if byte == 0x80 || (byte != 0 && (row >= rows || firstColumn >= columns)) { return index }
            continue
        }
        guard let codes = ternaryCodes(byte, elementType) else { return index }
        for group in 0..<groups where row >= rows || firstColumn + group * PackedLayout.group >= columns {
            if codes[group] != 1 { return index }
        }
    }
    return nil
}

/// The four (`t2`) or five (`t5`) codes 0 ... 2 of a byte, group by group; nil when it has none.
func ternaryCodes(_ byte: UInt8, _ elementType: ElementType) -> [UInt8]? {
    if elementType == .t2 {
        let codes = [byte & 3, byte >> 2 & 3, byte >> 4 & 3, byte >> 6]
        return codes.contains(3) ? nil : codes
    }
    var rest = UInt16(byte)
    var codes: [UInt8] = []
    var value: UInt16 = 0
    for _ in 0..<5 {
        rest *= 3
        let digit = rest >> 8
        codes.append(UInt8(digit))
        value = value * 3 + digit
        rest &= 255
    }
    return UInt16(byte) == (256 * value + 242) / 243 ? codes : nil
}
