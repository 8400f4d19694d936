import CTernKernels
import Testing

@testable import TernKernels

@Suite struct AttentionTests {
    struct Shape: Sendable, CustomStringConvertible {
        var tokens: Int, queries: Int, heads: Int, keyValueHeads: Int, width: Int
        var description: String { "\(tokens) tokens, \(queries) queries, \(heads)/\(keyValueHeads) heads of \(width)" }
    }

    /// Multi-head, multi-query and grouped; queries fewer than tokens; every token count and width of the shipped plans and odd ones.
    static let shapes: [Shape] =
        [1, 5, 16, 17, 50, 63, 64, 65, 197, 257].flatMap { tokens in
            [32, 48, 64].map { Shape(tokens: tokens, queries: min(tokens, 7), heads: 2, keyValueHeads: 2, width: $0) }
        } + [
            Shape(tokens: 197, queries: 197, heads: 3, keyValueHeads: 3, width: 64),
            Shape(tokens: 50, queries: 50, heads: 6, keyValueHeads: 1, width: 32), Shape(tokens: 17, queries: 1, heads: 4, keyValueHeads: 2, width: 64),
            Shape(tokens: 33, queries: 13, heads: 2, keyValueHeads: 1, width: 1), Shape(tokens: 9, queries: 9, heads: 1, keyValueHeads: 1, width: 3),
            Shape(tokens: 21, queries: 6, heads: 1, keyValueHeads: 1, width: 17), Shape(tokens: 30, queries: 12, heads: 2, keyValueHeads: 2, width: 40),
            Shape(tokens: 70, queries: 11, heads: 1, keyValueHeads: 1, width: 130),
        ]

    /// Queries with a stride, keys and values in one matrix as the plan has them.
    struct Data {
        var q: [Float], kv: [Float]
        var qStride: Int, kvStride: Int
        var factor: Float

        init(_ shape: Shape, seed: UInt64, magnitude: Float) {
            var random = Generator(seed: seed)
            let columns = shape.heads * shape.width, keys = shape.keyValueHeads * shape.width
            qStride = columns + 5
            kvStride = 2 * keys + 3
            q = strided((0..<shape.queries * columns).map { _ in random.unit() * magnitude }, rows: shape.queries, columns: columns, stride: qStride)
            kv = strided((0..<shape.tokens * 2 * keys).map { _ in random.unit() * magnitude }, rows: shape.tokens, columns: 2 * keys, stride: kvStride)
            factor = 1.442695 / Float(shape.width).squareRoot()
        }
    }

    struct Result: Equatable {
        var failed: Bool
        var output: [UInt32]
    }

    func run(_ table: Table, _ shape: Shape, _ data: Data, parts: Int) -> Result {
        let columns = shape.heads * shape.width, stride = columns + 2
        let q = Guarded(data.q), kv = Guarded(data.kv)
        let output = Guarded([Float](repeating: -12345, count: (shape.queries - 1) * stride + columns))
        var op = unsafe tern_attention()
        unsafe op.tokens = shape.tokens
        unsafe op.queries = shape.queries
        unsafe op.heads = shape.heads
        unsafe op.kv_heads = shape.keyValueHeads
        unsafe op.width = shape.width
        unsafe op.q = UnsafePointer(q.pointer)
        unsafe op.q_stride = data.qStride
        unsafe op.k = UnsafePointer(kv.pointer)
        unsafe op.v = UnsafePointer(kv.pointer + shape.keyValueHeads * shape.width)
        unsafe op.kv_stride = data.kvStride
        unsafe op.factor = data.factor
        unsafe op.output = output.pointer
        unsafe op.output_stride = stride
        var failed = false
        for part in 0..<parts {
            let scratch = makeScratch(Int(tern_attention_scratch(shape.tokens, shape.width)))
            if unsafe table.functions.attention(&op, part, parts, scratch.pointer) != 0 { failed = true }
        }
        return Result(failed: failed, output: bits(output.values))
    }

    @Test("scalar matches the straightforward reference, seed 201", arguments: shapes)
    func scalarMatchesReference(shape: Shape) throws {
        let data = Data(shape, seed: 201, magnitude: 4)
        let result = run(.scalar, shape, data, parts: 1)
        let columns = shape.heads * shape.width, keys = shape.keyValueHeads * shape.width
        for head in 0..<shape.heads {
            let group = head * shape.keyValueHeads / shape.heads
            func slice(_ values: [Float], rows: Int, stride: Int, column: Int) -> [[Float]] {
                (0..<rows).map { row in Array(values[row * stride + column..<row * stride + column + shape.width]) }
            }
            let expected = try #require(
                Reference.attention(
                    slice(data.q, rows: shape.queries, stride: data.qStride, column: head * shape.width),
                    slice(data.kv, rows: shape.tokens, stride: data.kvStride, column: group * shape.width),
                    slice(data.kv, rows: shape.tokens, stride: data.kvStride, column: keys + group * shape.width), factor: data.factor))
            for row in 0..<shape.queries {
                let start = row * (columns + 2) + head * shape.width
                #expect(Array(result.output[start..<start + shape.width]) == bits(expected[row]), "head \(head) row \(row)")
            }
        }
        #expect(!result.failed)
    }

    /// Every table with its shapes. An emulated one traps at every product: it takes those of a few tiles.
    static let cases: [(Table, Shape)] = Table.vector.flatMap { table in
        shapes.filter { !table.isEmulated || $0.tokens <= 70 }.map { (table, $0) }
    }

    @Test("every table matches scalar, seed 211", arguments: cases)
    func matchesScalar(table: Table, shape: Shape) {
        for magnitude in table.isEmulated ? [30] : [Float(0.01), 1, 30, 1e18] {
            let data = Data(shape, seed: 211, magnitude: magnitude)
            let expected = run(.scalar, shape, data, parts: 1)
            #expect(run(table, shape, data, parts: 1) == expected, "magnitude \(magnitude)")
            #expect(run(table, shape, data, parts: 3) == expected, "magnitude \(magnitude), 3 parts")
        }
    }

    /// All codes at +127 or -127, and rows that are zero: the sums are as large as they can be and the softmax is flat or one-sided.
    @Test("extremes match scalar", arguments: Table.vector)
    func matchesScalarAtExtremes(table: Table) {
        for shape in [Shape(tokens: 257, queries: table.isEmulated ? 5 : 257, heads: 1, keyValueHeads: 1, width: 64), Shape(tokens: 66, queries: 5, heads: 2, keyValueHeads: 1, width: 48)] {
            for pattern in 0..<6 {
                var data = Data(shape, seed: 221, magnitude: 1)
                for index in data.q.indices where pattern > 0 { data.q[index] = pattern == 5 ? 0 : pattern % 2 == 0 ? -3 : 3 }
                for index in data.kv.indices where pattern > 0 { data.kv[index] = pattern == 4 ? -0.0 : pattern == 3 && index % 2 == 0 ? -2 : 2 }
                #expect(run(table, shape, data, parts: 1) == run(.scalar, shape, data, parts: 1), "\(shape) pattern \(pattern)")
            }
        }
    }

    @Test("any number of parts gives the same bits, seed 231", arguments: Table.all)
    func partsAgree(table: Table) {
        let shape = Shape(tokens: 61, queries: 61, heads: 3, keyValueHeads: 1, width: 32)
        let data = Data(shape, seed: 231, magnitude: 2)
        let whole = run(table, shape, data, parts: 1)
        for parts in [2, 3, 5, 64] { #expect(run(table, shape, data, parts: parts) == whole, "\(parts) parts") }
    }

    @Test("a value that is not finite is refused in q, k and v", arguments: Table.all)
    func refusesNonFinite(table: Table) {
        let shape = Shape(tokens: 21, queries: 21, heads: 2, keyValueHeads: 2, width: 20)
        for bad in [Float.nan, .infinity, -.infinity] {
            for place in 0..<3 {
                var data = Data(shape, seed: 241, magnitude: 1)
                switch place {
                case 0: data.q[20 * data.qStride + 39] = bad
                case 1: data.kv[20 * data.kvStride + 39] = bad
                default: data.kv[20 * data.kvStride + 79] = bad
                }
                #expect(run(table, shape, data, parts: 1).failed, "\(bad) at \(place)")
                #expect(run(table, shape, data, parts: 2).failed, "\(bad) at \(place), 2 parts")
            }
        }
    }
}
