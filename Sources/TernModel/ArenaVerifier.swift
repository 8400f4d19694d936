/// Rule F-17: every read and write of the plan lies inside the arena, no output lies on what its operation still reads, and nothing is read
/// that neither the image nor an earlier operation of the same inference has written.
struct ArenaVerifier {
    private let header: ModelHeader
    private let image: Block
    private var written: WrittenIntervals

    /// Checks the header's own references; the image counts as written.
    init(header: ModelHeader) throws(ModelFileError) {
        self.header = header
        written = WrittenIntervals()
        let size = header.arenaByteCount
        guard size > 0, size % ModelFormat.arenaAlignment == 0 else {
            throw .arena(.arenaByteCount, operation: nil, field: .kind, end: size, limit: ModelFormat.limitArenaByteCount)
        }
        guard let image = Self.imageBlock(header) else { throw .sizeOverflow(.header) }
        self.image = image
        try check(image, .input, operation: nil, alignment: ModelFormat.arenaAlignment)
        try check(Self.outputBlock(header), .output, operation: nil, alignment: ModelFormat.arenaAlignment)
        try written.insert(image)
    }

    /// F-17 for one operation, in the order in which the engine runs them.
    mutating func verify(_ operation: Operation, index: Int) throws(ModelFileError) {
        var reads: [(OperationField, Block)] = []
        /// A read that may be exactly the output: the operation reads each of its values before it writes there.
        var inPlace: OperationField?
        let output: Block
        switch operation {
        case .patches(let patches):
            guard patches.image.byteOffset == header.inputByteOffset else {
                throw .arena(.notTheImage, operation: index, field: .input, end: patches.image.byteOffset, limit: header.inputByteOffset)
            }
            reads.append((.input, image))
            let count = (patches.height / patches.patch) * (patches.width / patches.patch)
            output = Block(patches.output, rows: count, columns: patches.channels * patches.patch * patches.patch)
        case .fill(let fill):
            output = Block(fill.output, rows: fill.rows, columns: fill.columns)
        case .layerNorm(let norm):
            reads.append((.input, Block(norm.input, rows: norm.rows, columns: norm.columns)))
            output = Block(norm.output, rows: norm.rows, columns: norm.columns)
            inPlace = .input
        case .linear(let linear):
            reads.append((.input, Block(linear.input, rows: linear.rows, columns: linear.depth)))
            output = Block(linear.output, rows: linear.rows, columns: linear.columns)
            if case .arena(let residual) = linear.residual {
                reads.append((.residual, Block(residual, rows: linear.rows, columns: linear.columns)))
                inPlace = .residual
            }
        case .attention(let attention):
            let columns = attention.heads * attention.width
            reads.append((.input, Block(attention.queries, rows: attention.queryCount, columns: columns)))
            let keyColumns = 2 * attention.keyValueHeads * attention.width
            reads.append((.secondInput, Block(attention.keys, rows: attention.tokens, columns: keyColumns)))
            output = Block(attention.output, rows: attention.queryCount, columns: columns)
        case .meanPool(let pool):
            reads.append((.input, Block(pool.input, rows: pool.rows, columns: pool.columns)))
            output = Block(pool.output, rows: 1, columns: pool.columns)
        }
        try check(output, .output, operation: index, alignment: ModelFormat.regionAlignment)
        for (field, block) in reads {
            try check(block, field, operation: index, alignment: ModelFormat.regionAlignment)
            if block.overlaps(output), !(field == inPlace && block == output) {
                throw .arena(.overlap, operation: index, field: field, end: block.end ?? Int.max, limit: output.region.byteOffset)
            }
            try checkWritten(block, field, operation: index)
        }
        try written.insert(output)
    }

    /// F-17: the plan writes every value of the model's output.
    mutating func verifyOutput(_ header: ModelHeader) throws(ModelFileError) {
        try checkWritten(Self.outputBlock(header), .output, operation: nil)
    }

    private mutating func checkWritten(_ block: Block, _ field: OperationField, operation: Int?) throws(ModelFileError) {
        guard try written.contains(block) else {
            throw .arena(.unwritten, operation: operation, field: field, end: block.end ?? Int.max, limit: header.arenaByteCount)
        }
    }

    private func check(_ block: Block, _ field: OperationField, operation: Int?, alignment: Int) throws(ModelFileError) {
        guard let end = block.end else { throw .sizeOverflow(operation.map { .operation($0) } ?? .header) }
        guard block.region.byteOffset % alignment == 0 else {
            throw .arena(.alignment, operation: operation, field: field, end: block.region.byteOffset, limit: alignment)
        }
        guard end <= header.arenaByteCount else {
            throw .arena(.outside, operation: operation, field: field, end: end, limit: header.arenaByteCount)
        }
    }

    private static func imageBlock(_ header: ModelHeader) -> Block? {
        guard let rows = PackedLayout.product(header.channels, header.height) else { return nil }
        return Block(Region(byteOffset: header.inputByteOffset, stride: header.width), rows: rows, columns: header.width)
    }

    private static func outputBlock(_ header: ModelHeader) -> Block {
        Block(Region(byteOffset: header.outputByteOffset, stride: header.outputCount), rows: 1, columns: header.outputCount)
    }
}

/// The values of a region: `rows` rows of `columns`.
struct Block: Equatable {
    let region: Region
    let rows: Int
    let columns: Int

    init(_ region: Region, rows: Int, columns: Int) {
        self.region = region
        self.rows = rows
        self.columns = columns
    }

    /// Whether the rows follow each other without a gap.
    var isContiguous: Bool { rows == 1 || region.stride == columns }

    /// The byte after the last value, nil when it does not fit in 63 bits.
    var end: Int? {
        guard let lastRow = PackedLayout.product(rows - 1, region.stride, 4), let row = PackedLayout.product(columns, 4) else { return nil }
        let (start, startOverflow) = region.byteOffset.addingReportingOverflow(lastRow)
        let (end, endOverflow) = start.addingReportingOverflow(row)
        return startOverflow || endOverflow ? nil : end
    }

    /// Whether some value may belong to both. Blocks of one stride that keep to different columns do not overlap; blocks of different
    /// strides overlap when their extents do.
    func overlaps(_ other: Block) -> Bool {
        guard let end, let otherEnd = other.end else { return true }
        guard region.byteOffset < otherEnd, other.region.byteOffset < end else { return false }
        guard region.stride == other.region.stride else { return true }
        let stride = region.stride
        let shift = (((other.region.byteOffset - region.byteOffset) / 4) % stride + stride) % stride
        return !(shift >= columns && shift + other.columns <= stride)
    }
}
