import TernModel
import TernWriter

/// A plan whose operations write and read as many separate rows as the limits allow, then one more.
enum HostilePlan {
    static func bytes() throws -> [UInt8] {
        var draft = try SampleModel.draft()
        draft.header.arenaByteCount = 1 << 20
        // One column of 4000 rows, 16 values apart: 4000 pieces of the arena.
        let comb = DraftTensor(name: "comb", values: [Float](repeating: 0, count: 4000), dimensions: [4000, 1])
        draft.tensors.append(comb)
        let one = Region(byteOffset: 4096, stride: 16)
        let fill = Operation.fill(.init(rows: 4000, columns: 1, tensor: draft.tensors.count - 1, output: one))
        let norm = DraftTensor(name: "one", values: [1], dimensions: [1])
        draft.tensors.append(norm)
        let index = draft.tensors.count - 1
        let copy = Operation.layerNorm(.init(rows: 4000, columns: 1, input: one, output: one, gamma: index, beta: index, epsilon: 1))
        draft.operations = [NamedOperation(name: "", operation: fill)] + [NamedOperation](repeating: NamedOperation(name: "", operation: copy), count: 4000)
        return try ModelWriter.uncheckedBytes(of: draft)
    }
}
