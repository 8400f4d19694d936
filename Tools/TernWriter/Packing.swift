public import TernModel

/// Packs a weight matrix [rows][columns] of integer codes as `panel64x4`, Models/FORMAT.md section 2.
///
/// - Throws: `WriterError.count`, `.code` for a code the type does not have, `.notPackable` for `f32` and `f16`.
public func pack(codes: [Int8], rows: Int, columns: Int, as elementType: ElementType) throws(WriterError) -> [UInt8] {
    guard !elementType.isFloat else { throw .notPackable(elementType) }
    guard rows > 0, columns > 0, let byteCount = PackedLayout.byteCount(elementType, rows: rows, columns: columns) else {
        throw .number(columns)
    }
    guard codes.count == rows * columns else { throw .count(tensor: "", expected: rows * columns, actual: codes.count) }
    let limit: Int8 = elementType == .s8 ? 127 : 1
    for (index, code) in codes.enumerated() where code > limit || code < -limit {
        throw .code(code, index: index, elementType: elementType)
    }
    var bytes = [UInt8](repeating: 0, count: byteCount)
    let depth = PackedLayout.blockDepth(elementType)
    let groups = depth / PackedLayout.group
    let blocks = (columns + depth - 1) / depth
    for index in 0..<byteCount {
        let position = index % PackedLayout.blockByteCount
        let block = index / PackedLayout.blockByteCount
        let row = block / blocks * PackedLayout.panel + position / 4
        let firstColumn = block % blocks * depth + position % 4
        func code(_ group: Int) -> Int8 {
            let column = firstColumn + group * PackedLayout.group
            return row < rows && column < columns ? codes[row * columns + column] : 0
        }
        switch elementType {
        case .f32, .f16: break
        case .s8: bytes[index] = UInt8(bitPattern: code(0))
        case .t2:
            for group in 0..<groups { bytes[index] |= UInt8(code(group) + 1) << (2 * group) }
        case .t5:
            var value = 0
            for group in 0..<groups { value = value * 3 + Int(code(group)) + 1 }
            bytes[index] = UInt8((256 * value + 242) / 243)
        }
    }
    return bytes
}

/// The integer codes [rows][columns] of a packed weight matrix; nil when the bytes are not one.
public func unpack(_ bytes: [UInt8], rows: Int, columns: Int, as elementType: ElementType) -> [Int8]? {
    guard !elementType.isFloat, rows > 0, columns > 0 else { return nil }
    guard bytes.count == PackedLayout.byteCount(elementType, rows: rows, columns: columns) else { return nil }
    let depth = PackedLayout.blockDepth(elementType)
    let blocks = (columns + depth - 1) / depth
    var codes = [Int8](repeating: 0, count: rows * columns)
    for row in 0..<rows {
        for column in 0..<columns {
            let block = row / PackedLayout.panel * blocks + column / depth
            let byte = bytes[block * PackedLayout.blockByteCount + row % PackedLayout.panel * 4 + column % 4]
            let group = column % depth / PackedLayout.group
            let code: Int8
            switch elementType {
            case .f32, .f16: return nil
            case .s8: code = Int8(bitPattern: byte)
            case .t2: code = Int8(byte >> (2 * group) & 3) - 1
            case .t5:
                var rest = UInt16(byte)
                for _ in 0..<group { rest = (rest * 3) & 255 }
                code = Int8((rest * 3) >> 8) - 1
            }
            codes[row * columns + column] = code
        }
    }
    return codes
}
