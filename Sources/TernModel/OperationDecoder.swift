/// Turns a record into an operation: F-16 for its fields and F-18 for the tensors it names. The arena is `ArenaVerifier`'s.
struct OperationDecoder {
    let record: OperationRecord
    let header: ModelHeader
    let tensors: [Tensor]

    func operation() throws(ModelFileError) -> Operation {
        switch record.kind {
        case .patches: .patches(try patches())
        case .fill: .fill(try fill())
        case .layerNorm: .layerNorm(try layerNorm())
        case .linear: .linear(try linear())
        case .attention: .attention(try attention())
        case .meanPool: .meanPool(try meanPool())
        }
    }

    private func patches() throws(ModelFileError) -> Operation.Patches {
        try record.checkUnused(except: [.rows, .columns, .depth, .input, .output])
        let patch = try record.dimension(.columns, most: min(header.height, header.width))
        guard header.height % patch == 0, header.width % patch == 0 else {
            throw .operation(.dimension, operation: record.index, field: .columns, value: UInt64(patch))
        }
        let (area, areaOverflow) = patch.multipliedReportingOverflow(by: patch)
        let (depth, depthOverflow) = area.multipliedReportingOverflow(by: header.channels)
        let (rows, rowsOverflow) = (header.height / patch).multipliedReportingOverflow(by: header.width / patch)
        guard !areaOverflow, !depthOverflow, !rowsOverflow else { throw .sizeOverflow(.operation(record.index)) }
        for (field, expected) in [(OperationField.rows, rows), (.depth, depth)] {
            _ = try record.dimension(field)
            try record.check(field, equals: expected)
        }
        guard record.input.stride == header.width else {
            throw .operation(.stride, operation: record.index, field: .input, value: UInt64(record.input.stride))
        }
        return Operation.Patches(
            image: record.input, channels: header.channels, height: header.height, width: header.width, patch: patch,
            output: try region(.output, record.output, rowLength: depth))
    }

    private func fill() throws(ModelFileError) -> Operation.Fill {
        try record.checkUnused(except: [.rows, .columns, .output, .weights])
        let (rows, columns) = (try record.dimension(.rows), try record.dimension(.columns))
        guard try checkTensor(.weights, record.weights, shape: [rows, columns]).elementType.isFloat else {
            throw .tensorReference(.elementType, operation: record.index, field: .weights, tensor: Int(record.weights))
        }
        return Operation.Fill(
            rows: rows, columns: columns, tensor: Int(record.weights),
            output: try region(.output, record.output, rowLength: columns))
    }

    private func layerNorm() throws(ModelFileError) -> Operation.LayerNorm {
        try record.checkUnused(except: [.rows, .columns, .input, .output, .weights, .bias, .parameter])
        let (rows, columns) = (try record.dimension(.rows), try record.dimension(.columns))
        return Operation.LayerNorm(
            rows: rows, columns: columns,
            input: try region(.input, record.input, rowLength: columns),
            output: try region(.output, record.output, rowLength: columns),
            gamma: try tensor(.weights, record.weights, shape: [columns]),
            beta: try tensor(.bias, record.bias, shape: [columns]),
            epsilon: try record.positiveParameter())
    }

    private func linear() throws(ModelFileError) -> Operation.Linear {
        let flags = record.flags
        let both = OperationFlags.residualFromArena | OperationFlags.residualFromTensor
        guard flags & ~OperationFlags.linear == 0, flags & both != both else {
            throw .operation(.unknownFlag, operation: record.index, field: .flags, value: UInt64(flags))
        }
        let (rows, columns, depth) = (try record.dimension(.rows), try record.dimension(.columns), try record.dimension(.depth))
        let elementType = try checkTensor(.weights, record.weights, shape: [columns, depth]).elementType
        guard elementType != .f16 else {
            throw .tensorReference(.elementType, operation: record.index, field: .weights, tensor: Int(record.weights))
        }
        try record.checkUnused(except: usedByLinear(elementType))
        if elementType != .f32, record.levels != 127, record.levels != 63, record.levels != 42 {
            throw .operation(.levels, operation: record.index, field: .levels, value: UInt64(record.levels))
        }
        if elementType != .f32 {
            _ = try record.dimension(.depth, most: elementType == .s8 ? ModelFormat.limitByteDepth : ModelFormat.limitTernaryDepth)
        }
        let residual: Operation.Linear.Residual =
            if flags & OperationFlags.residualFromArena != 0 {
                .arena(try region(.residual, record.residual, rowLength: columns))
            } else if flags & OperationFlags.residualFromTensor != 0 {
                .tensor(try tensor(.residualTensor, record.residualTensor, shape: [rows, columns]))
            } else {
                .none
            }
        return Operation.Linear(
            rows: rows, columns: columns, depth: depth, levels: Int(record.levels),
            input: try region(.input, record.input, rowLength: depth),
            output: try region(.output, record.output, rowLength: columns),
            weights: Int(record.weights),
            scale: elementType == .f32 ? nil : try scaleTensor(columns: columns),
            bias: flags & OperationFlags.bias == 0 ? nil : try tensor(.bias, record.bias, shape: [columns]),
            gelu: flags & OperationFlags.gelu != 0,
            residual: residual)
    }

    private func usedByLinear(_ elementType: ElementType) -> [OperationField] {
        var used: [OperationField] = [.flags, .rows, .columns, .depth, .input, .output, .weights]
        if elementType != .f32 { used += [.levels, .scale] }
        if record.flags & OperationFlags.bias != 0 { used.append(.bias) }
        if record.flags & OperationFlags.residualFromArena != 0 { used.append(.residual) }
        if record.flags & OperationFlags.residualFromTensor != 0 { used.append(.residualTensor) }
        return used
    }

    private func attention() throws(ModelFileError) -> Operation.Attention {
        try record.checkUnused(
            except: [.rows, .columns, .depth, .input, .secondInput, .output, .heads, .keyValueHeads, .headWidth, .parameter])
        let tokens = try record.dimension(.rows, most: ModelFormat.limitTokens)
        let queryCount = try record.dimension(.depth, most: tokens)
        let heads = try record.dimension(.heads)
        let keyValueHeads = try record.dimension(.keyValueHeads, most: heads)
        let width = try record.dimension(.headWidth, most: ModelFormat.limitHeadWidth)
        guard heads % keyValueHeads == 0 else {
            throw .operation(.dimension, operation: record.index, field: .keyValueHeads, value: UInt64(keyValueHeads))
        }
        // heads <= 2^20 and width <= 2^12: no product here can overflow.
        let columns = heads * width
        _ = try record.dimension(.columns)
        try record.check(.columns, equals: columns)
        return Operation.Attention(
            tokens: tokens, queryCount: queryCount, heads: heads, keyValueHeads: keyValueHeads, width: width,
            queries: try region(.input, record.input, rowLength: columns),
            keys: try region(.secondInput, record.secondInput, rowLength: 2 * keyValueHeads * width),
            output: try region(.output, record.output, rowLength: columns),
            factor: try record.positiveParameter())
    }

    private func meanPool() throws(ModelFileError) -> Operation.MeanPool {
        try record.checkUnused(except: [.rows, .columns, .input, .output])
        let (rows, columns) = (try record.dimension(.rows), try record.dimension(.columns))
        return Operation.MeanPool(
            rows: rows, columns: columns, input: try region(.input, record.input, rowLength: columns),
            output: try region(.output, record.output, rowLength: columns))
    }

    /// F-16: the stride is at least the row length.
    private func region(_ field: OperationField, _ region: Region, rowLength: Int) throws(ModelFileError) -> Region {
        guard region.stride >= rowLength else {
            throw .operation(.stride, operation: record.index, field: field, value: UInt64(region.stride))
        }
        return region
    }

    /// F-18: an `f32` tensor of exactly this shape.
    private func tensor(_ field: OperationField, _ index: UInt32, shape: [Int]) throws(ModelFileError) -> Int {
        guard try checkTensor(field, index, shape: shape).elementType == .f32 else {
            throw .tensorReference(.elementType, operation: record.index, field: field, tensor: Int(index))
        }
        return Int(index)
    }

    /// F-18: one scale for the whole weight matrix or one for each output channel.
    private func scaleTensor(columns: Int) throws(ModelFileError) -> Int {
        let isSingle = Int(record.scale) < tensors.count && tensors[Int(record.scale)].dimensions == [1]
        return try tensor(.scale, record.scale, shape: isSingle ? [1] : [columns])
    }

    /// F-18: a tensor that exists and has exactly this shape.
    private func checkTensor(_ field: OperationField, _ index: UInt32, shape: [Int]) throws(ModelFileError) -> Tensor {
        guard Int(index) < tensors.count else {
            throw .tensorReference(.missing, operation: record.index, field: field, tensor: Int(index))
        }
        let tensor = tensors[Int(index)]
        guard tensor.dimensions == shape else {
            throw .tensorReference(.shape, operation: record.index, field: field, tensor: Int(index))
        }
        return tensor
    }
}
