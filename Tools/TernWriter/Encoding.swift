import TernModel

/// Models/FORMAT.md section 2: the table, and the weights it points into.
func encodeTensors(_ tensors: [DraftTensor]) throws(WriterError) -> (table: [UInt8], weights: [UInt8]) {
    var table = ByteBuilder()
    var weights = ByteBuilder()
    for tensor in tensors {
        weights.pad(toMultipleOf: ModelFormat.tensorAlignment)
        try table.append(tensor.name, byteCount: ModelFormat.tensorNameByteCount)
        table.append(tensor.elementType.rawValue)
        table.append(UInt8(truncatingIfNeeded: tensor.dimensions.count))
        table.append(tensor.elementType.isFloat ? 0 : 1 as UInt8)
        table.append(tensor.recipe.rawValue)
        table.append(UInt32(0))
        for axis in 0..<4 { try table.appendUInt32(axis < tensor.dimensions.count ? tensor.dimensions[axis] : 1) }
        try table.appendUInt64(weights.bytes.count)
        try table.appendUInt64(tensor.bytes.count)
        table.pad(toMultipleOf: ModelFormat.tensorRecordByteCount)
        weights.append(tensor.bytes)
    }
    return (table.bytes, weights.bytes)
}

/// Models/FORMAT.md section 3.
func encode(_ named: NamedOperation) throws(WriterError) -> [UInt8] {
    var record = OperationFields(named.operation)
    return try record.encode(name: named.name)
}

/// The fields of an operation record.
private struct OperationFields {
    var kind = OperationKind.patches
    var flags: UInt32 = 0
    var shape = [0, 0, 0]
    var levels = 0
    /// Input, second input, output, residual.
    var regions = [Region](repeating: Region(byteOffset: 0, stride: 0), count: 4)
    /// Weights, scale, bias, residual.
    var tensors = [0, 0, 0, 0]
    var heads = [0, 0, 0]
    var parameter: Float = 0

    init(_ operation: Operation) {
        switch operation {
        case .patches(let patches):
            kind = .patches
            let rows = patches.patch == 0 ? 0 : (patches.height / patches.patch) * (patches.width / patches.patch)
            shape = [rows, patches.patch, patches.channels * patches.patch * patches.patch]
            (regions[0], regions[2]) = (patches.image, patches.output)
        case .fill(let fill):
            kind = .fill
            shape = [fill.rows, fill.columns, 0]
            regions[2] = fill.output
            tensors[0] = fill.tensor
        case .layerNorm(let norm):
            kind = .layerNorm
            shape = [norm.rows, norm.columns, 0]
            (regions[0], regions[2]) = (norm.input, norm.output)
            (tensors[0], tensors[2]) = (norm.gamma, norm.beta)
            parameter = norm.epsilon
        case .linear(let linear): setLinear(linear)
        case .attention(let attention):
            kind = .attention
            shape = [attention.tokens, attention.heads * attention.width, attention.queryCount]
            (regions[0], regions[1], regions[2]) = (attention.queries, attention.keys, attention.output)
            heads = [attention.heads, attention.keyValueHeads, attention.width]
            parameter = attention.factor
        case .meanPool(let pool):
            kind = .meanPool
            shape = [pool.rows, pool.columns, 0]
            (regions[0], regions[2]) = (pool.input, pool.output)
        }
    }

    private mutating func setLinear(_ linear: Operation.Linear) {
        kind = .linear
        shape = [linear.rows, linear.columns, linear.depth]
        levels = linear.levels
        (regions[0], regions[2]) = (linear.input, linear.output)
        (tensors[0], tensors[1], tensors[2]) = (linear.weights, linear.scale ?? 0, linear.bias ?? 0)
        if linear.gelu { flags |= OperationFlags.gelu }
        if linear.bias != nil { flags |= OperationFlags.bias }
        switch linear.residual {
        case .none: break
        case .arena(let region):
            flags |= OperationFlags.residualFromArena
            regions[3] = region
        case .tensor(let tensor):
            flags |= OperationFlags.residualFromTensor
            tensors[3] = tensor
        }
    }

    mutating func encode(name: String) throws(WriterError) -> [UInt8] {
        var record = ByteBuilder()
        record.append(kind.rawValue)
        record.append(flags)
        for value in shape { try record.appendUInt32(value) }
        try record.appendUInt32(levels)
        for region in regions {
            try record.appendUInt64(region.byteOffset)
            try record.appendUInt32(region.stride)
            record.append(UInt32(0))
        }
        for value in tensors + heads { try record.appendUInt32(value) }
        record.append(parameter)
        try record.append(name, byteCount: ModelFormat.operationNameByteCount)
        record.pad(to: ModelFormat.operationRecordByteCount)
        return record.bytes
    }
}

/// Models/FORMAT.md section 4.
func encode(_ recipe: InputRecipe) throws(WriterError) -> [UInt8] {
    var record = ByteBuilder()
    try record.append(recipe.modality, byteCount: ModelFormat.modalityByteCount)
    for value in [recipe.channels, recipe.height, recipe.width] { try record.appendUInt32(value) }
    record.append(recipe.crop.rawValue)
    record.append(recipe.filter.rawValue)
    switch recipe.intensity {
    case .fileWindow: record.appendZeros(12)
    case .window(let centre, let width):
        record.append(UInt32(1))
        record.append(centre)
        record.append(width)
    }
    for values in [recipe.scale, recipe.offset] {
        guard values.count == recipe.channels, values.count <= 4 else {
            throw .count(tensor: "recipe", expected: recipe.channels, actual: values.count)
        }
        for value in values { record.append(value) }
        record.appendZeros(4 * (4 - values.count))
    }
    record.pad(to: ModelFormat.recipeByteCount)
    return record.bytes
}

/// Models/FORMAT.md section 5.
func encode(_ labels: Labels) throws(WriterError) -> [UInt8] {
    var section = ByteBuilder()
    try section.appendUInt32(labels.labels.count)
    section.append(labels.activation.rawValue)
    section.append(labels.temperature)
    section.append(labels.isCalibrated ? 1 : 0 as UInt32)
    section.pad(to: ModelFormat.labelsHeadByteCount)
    for label in labels.labels {
        try section.append(label.name, byteCount: ModelFormat.labelNameByteCount)
        try section.append(label.code?.scheme ?? "", byteCount: ModelFormat.codeSchemeByteCount)
        try section.append(label.code?.value ?? "", byteCount: ModelFormat.codeValueByteCount)
        try section.append(label.code?.meaning ?? "", byteCount: ModelFormat.codeMeaningByteCount)
        var flags: UInt32 = label.isReported ? LabelFlags.reported : 0
        if label.code != nil { flags |= LabelFlags.code }
        if label.threshold != nil { flags |= LabelFlags.threshold }
        section.append(flags)
        try section.appendUInt32(label.outputIndex)
        section.append(label.threshold ?? 0)
        try section.append(label.operatingPoint, byteCount: ModelFormat.operatingPointByteCount)
        section.pad(toMultipleOf: 64)
    }
    return section.bytes
}

/// Models/FORMAT.md section 6.
func encode(_ golden: [GoldenVector], header: ModelHeader) throws(WriterError) -> [UInt8] {
    var section = ByteBuilder()
    try section.appendUInt32(golden.count)
    try section.appendUInt32(header.inputValueCount)
    try section.appendUInt32(header.outputCount)
    section.append(UInt32(0))
    for vector in golden {
        guard (vector.seed == nil) == (golden[0].seed == nil) else { throw .mixedGoldenVectors }
        if let seed = vector.seed { section.append(seed) } else { section.append(littleEndianBytes(vector.input)) }
        section.append(littleEndianBytes(vector.output))
    }
    return section.bytes
}
