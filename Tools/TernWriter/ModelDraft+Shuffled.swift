import TernModel

extension ModelDraft {
    /// Parts of the network from the outputs back to the image, each with the tensors that its operations name: what follows the last block, every block,
    /// what comes before the first. A block is operations whose names share `blocks.N.`; a plan without such names is one part.
    public var partsFromTheOutput: [(name: String, tensors: [Int])] {
        var parts: [(name: String, tensors: [Int])] = []
        var hasBlock = false
        for named in operations {
            let words = named.name.split(separator: ".")
            let isBlock = words.count > 1 && words[0] == "blocks"
            hasBlock = hasBlock || isBlock
            let name = isBlock ? "blocks.\(words[1])" : hasBlock ? "head" : "embedding"
            if parts.last?.name != name { parts.append((name, [])) }
            parts[parts.count - 1].tensors += named.operation.tensors
        }
        return parts.filter { !$0.tensors.isEmpty }.reversed()
    }

    /// Brings the values of tensors into a random order, each tensor's own among themselves: the network keeps its shape and the distribution of its
    /// weights, and forgets what it learnt. The golden vectors no longer hold.
    ///
    /// - Throws: `WriterError` where a tensor is not packed as its type says.
    public mutating func shuffle(_ indices: [Int], using generator: inout some RandomNumberGenerator) throws(WriterError) {
        for index in indices {
            let tensor = tensors[index]
            guard !tensor.elementType.isFloat else {
                let width = tensor.elementType == .f32 ? 4 : 2
                let order = (0..<(tensor.bytes.count / width)).shuffled(using: &generator)
                tensors[index].bytes = order.flatMap { tensor.bytes[(width * $0)..<(width * ($0 + 1))] }
                continue
            }
            guard tensor.dimensions.count == 2,
                var codes = unpack(tensor.bytes, rows: tensor.dimensions[0], columns: tensor.dimensions[1], as: tensor.elementType)
            else { throw .count(tensor: tensor.name, expected: tensor.dimensions.reduce(1, *), actual: tensor.bytes.count) }
            codes.shuffle(using: &generator)
            tensors[index].bytes = try pack(codes: codes, rows: tensor.dimensions[0], columns: tensor.dimensions[1], as: tensor.elementType)
        }
    }
}

extension Operation {
    /// The tensors that the operation reads.
    fileprivate var tensors: [Int] {
        switch self {
        case .patches, .attention, .meanPool: []
        case .fill(let fill): [fill.tensor]
        case .layerNorm(let norm): [norm.gamma, norm.beta]
        case .linear(let linear): [linear.weights, linear.scale, linear.bias, linear.residual.tensor].compactMap { $0 }
        }
    }
}

extension Operation.Linear.Residual {
    fileprivate var tensor: Int? {
        guard case .tensor(let index) = self else { return nil }
        return index
    }
}
