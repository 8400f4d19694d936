internal import TernKernels
internal import TernModel

/// Where a plan that takes the mean of its patches keeps what N-16 needs: patches, blocks, perhaps a norm, mean, perhaps a norm, head.
struct SharesPlan {
    let shape: MapShape
    /// The mean, an index of an operation.
    let pool: Int
    let rows, columns: Int
    /// What the mean is taken of, and the mean, in the plan's arena.
    let tokens, pooled: Region
    /// Whether a later operation writes where they lie, so that they are copied when the mean has been taken.
    let savesTokens, savesPooled: Bool
    /// Tensors: beta of the norm before the mean, gamma of the one behind it.
    let betaBefore, gammaBehind: Int?
    let epsilon: Float
    let head: Operation.Linear

    /// Nil for a plan of another kind.
    init?(_ model: ModelFile) {
        let operations = model.operations
        guard let last = operations.indices.last, case .linear(let head) = operations[last].operation, head.rows == 1, !head.gelu,
            head.columns == model.header.outputCount, head.output.byteOffset == model.header.outputByteOffset, case .none = head.residual
        else { return nil }
        var index = last - 1
        var source = head.input
        var behind: Operation.LayerNorm?
        if index >= 0, case .layerNorm(let norm) = operations[index].operation, norm.output == source, norm.rows == 1, norm.columns == head.depth {
            behind = norm
            source = norm.input
            index -= 1
        }
        guard index >= 0, case .meanPool(let pool) = operations[index].operation, pool.output == source, pool.columns == head.depth,
            let grid = PatchGrid(operations), grid.shape.count == pool.rows
        else { return nil }
        var stream = pool.input
        var before: Operation.LayerNorm?
        if index > 0, case .layerNorm(let norm) = operations[index - 1].operation, let place = norm.rowsRead(for: pool) {
            before = norm
            stream = place
        }
        // The blocks work in place, so that row p of the mean is patch p exactly where it reads what the patch embedding wrote.
        guard stream == grid.output else { return nil }
        self.pool = index
        shape = MapShape(method: .patchShares, columns: grid.columns, rows: grid.rows)
        rows = pool.rows
        columns = pool.columns
        tokens = pool.input
        pooled = pool.output
        savesTokens = operations.isWritten(tokens, rows: rows, columns: columns, after: index)
        savesPooled = operations.isWritten(pooled, rows: 1, columns: columns, after: index)
        betaBefore = before?.beta
        gammaBehind = behind?.gamma
        epsilon = behind?.epsilon ?? 0
        self.head = head
    }
}

/// The patches of a plan, and where their embedding puts them as tokens.
struct PatchGrid {
    let columns, rows: Int
    /// The embedding: its operation, what it writes, and the channels of a token.
    let operation: Int
    let output: Region
    let width: Int

    var shape: (columns: Int, rows: Int, count: Int) { (columns, rows, columns * rows) }

    /// Nil for a plan that does not start as `patches` and one embedding of them.
    init?(_ operations: [NamedOperation]) {
        for (index, named) in operations.enumerated() {
            guard case .patches(let patches) = named.operation else { continue }
            columns = patches.width / patches.patch
            rows = patches.height / patches.patch
            for following in index + 1..<operations.count {
                guard case .linear(let linear) = operations[following].operation, linear.input == patches.output else { continue }
                guard linear.rows == columns * rows else { return nil }
                operation = following
                output = linear.output
                width = linear.columns
                return
            }
            return nil
        }
        return nil
    }
}

extension Operation.LayerNorm {
    /// Where the norm reads the rows that `pool` reads of its output; nil when it does not make them.
    fileprivate func rowsRead(for pool: Operation.MeanPool) -> Region? {
        let lineByteCount = 4 * output.stride, distance = pool.input.byteOffset - output.byteOffset
        guard pool.input.stride == output.stride, distance >= 0, distance % lineByteCount == 0, columns == pool.columns,
            distance / lineByteCount + pool.rows <= rows
        else { return nil }
        return Region(byteOffset: input.byteOffset + distance / lineByteCount * 4 * input.stride, stride: input.stride)
    }
}

extension [NamedOperation] {
    /// True when an operation past `index` writes between the first and the last byte of a region.
    func isWritten(_ region: Region, rows: Int, columns: Int, after index: Int) -> Bool {
        func bytes(_ region: Region, _ rows: Int, _ columns: Int) -> Range<Int> {
            region.byteOffset..<region.byteOffset + 4 * ((rows - 1) * region.stride + columns)
        }
        let kept = bytes(region, rows, columns)
        return self[(index + 1)...].contains { named in
            let (output, rows, columns) = named.operation.outputMatrix
            return bytes(output, rows, columns).overlaps(kept)
        }
    }
}

extension Operation {
    /// What the operation writes.
    var outputMatrix: (Region, rows: Int, columns: Int) {
        switch self {
        case .patches(let patches):
            let rows = (patches.height / patches.patch) * (patches.width / patches.patch)
            return (patches.output, rows, patches.channels * patches.patch * patches.patch)
        case .fill(let fill): return (fill.output, fill.rows, fill.columns)
        case .layerNorm(let norm): return (norm.output, norm.rows, norm.columns)
        case .linear(let linear): return (linear.output, linear.rows, linear.columns)
        case .attention(let attention): return (attention.output, attention.queryCount, attention.heads * attention.width)
        case .meanPool(let pool): return (pool.output, 1, pool.columns)
        }
    }
}
