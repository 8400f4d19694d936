import TernBytes

/// The values an operation's `kind` field may have.
public enum OperationKind: UInt32, CaseIterable, Equatable, Sendable {
    case patches = 1
    case fill = 2
    case layerNorm = 3
    case linear = 4
    case attention = 5
    case meanPool = 6
}

/// Bits of an operation's `flags` field.
public enum OperationFlags {
    /// N-07 after the product.
    public static let gelu: UInt32 = 1
    /// The residual region is added last.
    public static let residualFromArena: UInt32 = 2
    /// The residual tensor is added last.
    public static let residualFromTensor: UInt32 = 4
    /// The bias tensor is added to the product.
    public static let bias: UInt32 = 8
    static let linear: UInt32 = 15
}

/// The fields of one operation record as they stand in the file, Models/FORMAT.md section 3.
struct OperationRecord {
    var index: Int
    var name: String
    var kind: OperationKind
    var flags: UInt32
    var rows, columns, depth: UInt32
    var levels: UInt32
    var input, secondInput, output, residual: Region
    var weights, scale, bias, residualTensor: UInt32
    var heads, keyValueHeads, headWidth: UInt32
    var parameter: Float

    init(_ record: borrowing RecordReader, index: Int) throws(ModelFileError) {
        self.index = index
        guard let kind = OperationKind(rawValue: record.uint32(0)) else {
            throw .operation(.unknownKind, operation: index, field: .kind, value: UInt64(record.uint32(0)))
        }
        self.kind = kind
        flags = record.uint32(4)
        (rows, columns, depth) = (record.uint32(8), record.uint32(12), record.uint32(16))
        levels = record.uint32(20)
        input = try Self.region(record, 24)
        secondInput = try Self.region(record, 40)
        output = try Self.region(record, 56)
        residual = try Self.region(record, 72)
        (weights, scale, bias, residualTensor) = (record.uint32(88), record.uint32(92), record.uint32(96), record.uint32(100))
        (heads, keyValueHeads, headWidth) = (record.uint32(104), record.uint32(108), record.uint32(112))
        parameter = record.float(116)
        name = try record.text(120..<152, mayBeEmpty: true)
        try record.checkZero(152..<192)
    }

    private static func region(_ record: borrowing RecordReader, _ offset: Int) throws(ModelFileError) -> Region {
        try record.checkZero((offset + 12)..<(offset + 16))
        return Region(byteOffset: try record.size(offset), stride: Int(record.uint32(offset + 8)))
    }

    /// F-16: every field that the operation does not use is zero.
    func checkUnused(except used: [OperationField]) throws(ModelFileError) {
        for field in OperationField.allCases where field != .kind && !used.contains(field) {
            let value = bits(of: field)
            if value == 0 { continue }
            throw .operation(field == .flags ? .unknownFlag : .unusedField, operation: index, field: field, value: value)
        }
    }

    /// F-16: a dimension of 1 ... `most`.
    func dimension(_ field: OperationField, most: Int = ModelFormat.limitDimension) throws(ModelFileError) -> Int {
        let value = bits(of: field)
        guard value >= 1, value <= UInt64(most) else { throw .operation(.dimension, operation: index, field: field, value: value) }
        return Int(value)
    }

    /// F-16: a dimension that the others determine.
    func check(_ field: OperationField, equals expected: Int) throws(ModelFileError) {
        let value = bits(of: field)
        guard value == UInt64(expected) else { throw .operation(.dimension, operation: index, field: field, value: value) }
    }

    /// F-16: finite and positive.
    func positiveParameter() throws(ModelFileError) -> Float {
        guard parameter.isFinite, parameter > 0 else {
            throw .operation(.parameter, operation: index, field: .parameter, value: UInt64(parameter.bitPattern))
        }
        return parameter
    }

    /// The bits of a field; not zero exactly when one of its bytes is not.
    private func bits(of field: OperationField) -> UInt64 {
        func bits(_ region: Region) -> UInt64 { UInt64(region.byteOffset) | UInt64(region.stride) }
        return switch field {
        case .kind: UInt64(kind.rawValue)
        case .flags: UInt64(flags)
        case .rows: UInt64(rows)
        case .columns: UInt64(columns)
        case .depth: UInt64(depth)
        case .levels: UInt64(levels)
        case .input: bits(input)
        case .secondInput: bits(secondInput)
        case .output: bits(output)
        case .residual: bits(residual)
        case .weights: UInt64(weights)
        case .scale: UInt64(scale)
        case .bias: UInt64(bias)
        case .residualTensor: UInt64(residualTensor)
        case .heads: UInt64(heads)
        case .keyValueHeads: UInt64(keyValueHeads)
        case .headWidth: UInt64(headWidth)
        case .parameter: UInt64(parameter.bitPattern)
        }
    }
}
