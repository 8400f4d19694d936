internal import TernModel

extension Engine {
    /// Bytes that one operation must read and write by its shapes: packed weights and other tensors once, its input and residual values, its output
    /// values. What a kernel keeps for itself, such as quantised rows, and what it reads again is not counted.
    public func trafficByteCount(ofOperation index: Int) -> Int {
        func tensors(_ indices: Int?...) -> Int { indices.reduce(0) { $0 + ($1.map { model.tensors[$0].byteCount } ?? 0) } }
        switch model.operations[index].operation {
        case .patches(let patches): return 8 * patches.channels * patches.height * patches.width
        case .fill(let fill): return tensors(fill.tensor) + 4 * fill.rows * fill.columns
        case .layerNorm(let norm): return 8 * norm.rows * norm.columns + tensors(norm.gamma, norm.beta)
        case .linear(let linear):
            var values = linear.rows * (linear.depth + linear.columns)
            var residual: Int?
            switch linear.residual {
            case .none: break
            case .arena: values += linear.rows * linear.columns
            case .tensor(let tensor): residual = tensor
            }
            return 4 * values + tensors(linear.weights, linear.scale, linear.bias, residual)
        case .attention(let attention):
            let queries = 2 * attention.queryCount * attention.heads, keys = 2 * attention.tokens * attention.keyValueHeads
            return 4 * attention.width * (queries + keys)
        case .meanPool(let pool): return 4 * (pool.rows + 1) * pool.columns
        }
    }
}
