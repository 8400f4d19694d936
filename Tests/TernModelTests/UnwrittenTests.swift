import TernModel
import TernPlatform
import TernWriter
import Testing

/// F-17, order: the reader's verdict on random plans against the set of values that the plan has written.
@Suite struct UnwrittenTests {
    @Test(arguments: 0..<400 as Range<UInt64>)
    func isExact(seed: UInt64) throws {
        var random = SeededRandom(state: seed)
        var draft = try SampleModel.draft()
        draft.header.arenaByteCount = 1 << 13
        draft.header.outputByteOffset = 64
        draft.tensors = [DraftTensor(name: "y", values: [0, 0], dimensions: [1, 2])]
        var operations: [Operation] = [.fill(.init(rows: 1, columns: 2, tensor: 0, output: Region(byteOffset: 64, stride: 2)))]
        var written = Set<Int>()
        for _ in 0..<random.between(1, 6) {
            let block = block(&random)
            draft.tensors.append(
                DraftTensor(
                    name: "x\(draft.tensors.count)", values: [Float](repeating: 0, count: block.rows * block.columns),
                    dimensions: [block.rows, block.columns]))
            operations.append(.fill(.init(rows: block.rows, columns: block.columns, tensor: draft.tensors.count - 1, output: block.region)))
            written.formUnion(values(block))
        }
        let read = block(&random)
        let output = Region(byteOffset: 6000, stride: read.columns)
        draft.tensors.append(DraftTensor(name: "one", values: [Float](repeating: 1, count: read.columns), dimensions: [read.columns]))
        let one = draft.tensors.count - 1
        operations.append(
            .layerNorm(
                .init(rows: read.rows, columns: read.columns, input: read.region, output: output, gamma: one, beta: one, epsilon: 1)))
        draft.operations = operations.map { NamedOperation(name: "", operation: $0) }
        let mapping = try MappedFile(copying: try ModelWriter.uncheckedBytes(of: draft))
        do throws(ModelFileError) {
            _ = try ModelFile(validating: mapping, options: .init(allowsUnsigned: true))
            #expect(values(read).isSubset(of: written))
        } catch {
            guard case .arena(.unwritten, operations.count - 1, .input, _, _) = error else { throw error }
            #expect(!values(read).isSubset(of: written))
        }
    }

    /// Small blocks close together behind byte 1024, so that about half of the reads are covered.
    private func block(_ random: inout SeededRandom) -> (region: Region, rows: Int, columns: Int) {
        let columns = random.between(1, 6)
        let stride = random.pick([columns, 6, 8])
        return (Region(byteOffset: 1024 + 4 * random.between(0, 10), stride: stride), random.between(1, 4), columns)
    }

    private func values(_ block: (region: Region, rows: Int, columns: Int)) -> Set<Int> {
        Set((0..<block.rows).flatMap { row in (0..<block.columns).map { block.region.byteOffset / 4 + row * block.region.stride + $0 } })
    }
}
