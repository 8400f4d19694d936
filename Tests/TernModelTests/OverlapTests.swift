import TernModel
import TernPlatform
import TernWriter
import Testing

/// F-17, overlap: the reader's verdict against the sets of values themselves.
@Suite struct OverlapTests {
    /// A layer norm [rows, columns] from a region to another that lies `shift` values further, with their strides.
    private func refuses(rows: Int, columns: Int, stride: Int, outputStride: Int, shift: Int) throws -> Bool {
        var draft = try SampleModel.draft()
        draft.header.arenaByteCount = 1 << 13
        draft.tensors = [
            DraftTensor(name: "x", values: [Float](repeating: 0, count: rows * columns), dimensions: [rows, columns]),
            DraftTensor(name: "one", values: [Float](repeating: 1, count: columns), dimensions: [columns]),
            DraftTensor(name: "y", values: [0, 0], dimensions: [1, 2]),
        ]
        let input = Region(byteOffset: 2048, stride: stride)
        let output = Region(byteOffset: 2048 + 4 * shift, stride: outputStride)
        draft.header.outputByteOffset = 64
        draft.operations = [
            .fill(.init(rows: rows, columns: columns, tensor: 0, output: input)),
            .layerNorm(.init(rows: rows, columns: columns, input: input, output: output, gamma: 1, beta: 1, epsilon: 1)),
            .fill(.init(rows: 1, columns: 2, tensor: 2, output: Region(byteOffset: 64, stride: 2))),
        ].map { NamedOperation(name: "", operation: $0) }
        let mapping = try MappedFile(copying: try ModelWriter.uncheckedBytes(of: draft))
        do throws(ModelFileError) {
            _ = try ModelFile(validating: mapping, options: .init(allowsUnsigned: true))
            return false
        } catch {
            guard case .arena(.overlap, 1, .input, _, _) = error else { throw error }
            return true
        }
    }

    private func values(rows: Int, columns: Int, stride: Int, start: Int) -> Set<Int> {
        Set((0..<rows).flatMap { row in (0..<columns).map { start + row * stride + $0 } })
    }

    @Test(arguments: [(rows: 3, columns: 5, stride: 5), (3, 5, 8), (3, 5, 10), (2, 5, 13), (1, 5, 9)])
    func isExactForOneStride(_ shape: (rows: Int, columns: Int, stride: Int)) throws {
        let input = values(rows: shape.rows, columns: shape.columns, stride: shape.stride, start: 0)
        for shift in -40...40 where shift != 0 {
            let output = values(rows: shape.rows, columns: shape.columns, stride: shape.stride, start: shift)
            let refused = try refuses(
                rows: shape.rows, columns: shape.columns, stride: shape.stride, outputStride: shape.stride, shift: shift)
            #expect(refused == !input.isDisjoint(with: output), "shift \(shift)")
        }
    }

    @Test func isNeverTooWeakForTwoStrides() throws {
        let input = values(rows: 3, columns: 5, stride: 8, start: 0)
        for shift in -40...40 {
            let output = values(rows: 3, columns: 5, stride: 6, start: shift)
            let refused = try refuses(rows: 3, columns: 5, stride: 8, outputStride: 6, shift: shift)
            #expect(refused || input.isDisjoint(with: output), "shift \(shift)")
        }
    }

    @Test func allowsTheSameRegion() throws {
        #expect(try !refuses(rows: 3, columns: 5, stride: 8, outputStride: 8, shift: 0))
        #expect(try refuses(rows: 3, columns: 5, stride: 8, outputStride: 9, shift: 0))
    }
}
