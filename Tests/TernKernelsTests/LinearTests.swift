import CTernKernels
import Testing

@testable import TernKernels

/// One linear layer with its data in guarded buffers.
@safe final class LinearCase {
    let m: Int, n: Int, k: Int
    let kind: WeightsKind
    let codesStride: Int
    let codes: Guarded<Int8>, rowScales: Guarded<Float>, rowSums: Guarded<Int32>
    let input: Guarded<Float>, inputStride: Int
    let packed: Guarded<UInt8>
    let scales: Guarded<Float>, bias: Guarded<Float>?, residual: Guarded<Float>?, residualStride: Int
    let outputStride: Int
    let gelu: Bool
    let levels: Int

    /// `codeRows` [m][k]; `weights` [n][k].
    init(
        codeRows: [Int8], weights: [Int8], m: Int, n: Int, k: Int, kind: WeightsKind, seed: UInt64, hasBias: Bool, hasResidual: Bool, gelu: Bool,
        oneScale: Bool, levels: Int = 127
    ) {
        var random = Generator(seed: seed)
        (self.m, self.n, self.k, self.kind, self.gelu, self.levels) = (m, n, k, kind, gelu, levels)
        codesStride = KernelCapacity.codesStride(depth: k)
        var rows = [Int8](repeating: 0, count: m * codesStride)
        var sums = [Int32](repeating: 0, count: m)
        for row in 0..<m {
            for column in 0..<k {
                rows[row * codesStride + column] = codeRows[row * k + column]
                sums[row] += Int32(codeRows[row * k + column])
            }
        }
        codes = Guarded(rows)
        rowSums = Guarded(sums)
        rowScales = Guarded((0..<m).map { _ in abs(random.unit()) / 64 })
        inputStride = k + 3
        input = Guarded(strided((0..<m * k).map { _ in random.unit() }, rows: m, columns: k, stride: inputStride))
        if kind == .f32 {
            let floats = (0..<n * k).map { _ in random.unit() }
            packed = Guarded(floats.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(8 * $0)) } })
        } else {
            packed = Guarded(pack(weights, rows: n, columns: k, kind))
        }
        scales = Guarded((0..<(oneScale ? 1 : n)).map { _ in abs(random.unit()) / 64 + 0.001 })
        bias = hasBias ? Guarded((0..<n).map { _ in random.unit() }) : nil
        residualStride = n + 5
        residual = hasResidual ? Guarded(strided((0..<m * n).map { _ in random.unit() }, rows: m, columns: n, stride: n + 5)) : nil
        outputStride = n + 7
    }

    /// The output with what lies between its rows, after all parts have run.
    func run(_ table: Table, rows: Int, parts: Int) -> [UInt32] {
        let output = Guarded([Float](repeating: -12345, count: (rows - 1) * outputStride + n))
        var op = unsafe tern_linear()
        unsafe op.m = rows
        unsafe op.n = n
        unsafe op.k = k
        unsafe op.codes = UnsafePointer(codes.pointer)
        unsafe op.codes_stride = codesStride
        unsafe op.row_scales = UnsafePointer(rowScales.pointer)
        unsafe op.row_sums = UnsafePointer(rowSums.pointer)
        unsafe op.input = UnsafePointer(input.pointer)
        unsafe op.input_stride = inputStride
        unsafe op.weights = UnsafeRawPointer(packed.pointer)
        unsafe op.levels = Int32(levels)
        unsafe op.kind = kind.raw
        unsafe op.scales = UnsafePointer(scales.pointer)
        unsafe op.scale_count = scales.count
        unsafe op.bias = bias.map { unsafe UnsafePointer($0.pointer) }
        unsafe op.residual = residual.map { unsafe UnsafePointer($0.pointer) }
        unsafe op.residual_stride = residualStride
        unsafe op.output = output.pointer
        unsafe op.output_stride = outputStride
        unsafe op.gelu = gelu ? 1 : 0
        let preparedByteCount = unsafe table.functions.prepared_bytes.map { $0(kind.raw, k, Int32(levels)) } ?? 0
        let panels = (n + Int(TERN_PANEL) - 1) / Int(TERN_PANEL), atOnce = preparedByteCount > 0 ? min(2, panels) : panels
        // Two panels at a time, so that a layer takes several rounds.
        let prepared = preparedByteCount > 0 ? makeScratch(atOnce * Int(preparedByteCount)) : nil
        unsafe op.panels = prepared.map { unsafe UnsafeMutableRawPointer($0.pointer) }
        for first in stride(from: 0, to: panels, by: atOnce) {
            unsafe op.panel_begin = first
            unsafe op.panel_end = min(first + atOnce, panels)
            for part in 0..<parts where prepared != nil { unsafe table.functions.prepare(&op, part, parts) }
            for part in 0..<parts {
                let scratch = makeScratch(Int(tern_linear_scratch(rows, k)))
                unsafe table.functions.linear(&op, part, parts, scratch.pointer)
            }
        }
        return bits(output.values)
    }

    /// The same from Reference, integer kinds.
    func expected(codeRows: [Int8], weights: [Int8]) -> [UInt32] {
        var output = [Float](repeating: -12345, count: (m - 1) * outputStride + n)
        let (scales, rowScales, bias, residual) = (scales.values, rowScales.values, bias?.values, residual?.values)
        for row in 0..<m {
            let codes = (codes: codeRows[row * k..<(row + 1) * k].map { Int($0) }, scale: rowScales[row])
            for column in 0..<n {
                var y = Reference.linear(
                    codes, weights[column * k..<(column + 1) * k], scale: scales[scales.count == 1 ? 0 : column], bias: bias?[column] ?? 0)
                if gelu { y = Reference.gelu(y) }
                if let residual { y += residual[row * residualStride + column] }
                output[row * outputStride + column] = y
            }
        }
        return bits(output)
    }
}

/// How codes and weights are filled.
enum Fill: String, CaseIterable, Sendable {
    case highest, lowest, opposed, alternating, random

    func code(_ index: Int, levels: Int, _ random: inout Generator) -> Int8 {
        switch self {
        case .highest, .opposed: Int8(levels)
        case .lowest: Int8(-levels)
        case .alternating: Int8(index % 3 == 0 ? levels : index % 3 == 1 ? -levels : 0)
        case .random: Int8(Int(random.next() % UInt64(2 * levels + 1)) - levels)
        }
    }

    func weight(_ index: Int, largest: Int, _ random: inout Generator) -> Int8 {
        switch self {
        case .highest: Int8(largest)
        case .lowest, .opposed: Int8(-largest)
        case .alternating: Int8(index % 2 == 0 ? largest : -largest)
        case .random: Int8(Int(random.next() % UInt64(2 * largest + 1)) - largest)
        }
    }
}

@Suite struct LinearTests {
    static let edges = [1, 3, 4, 5, 19, 20, 21, 63, 64, 65, 129, 192, 200, 211]

    func data(_ fill: Fill, m: Int, n: Int, k: Int, kind: WeightsKind, seed: UInt64, levels: Int = 127) -> (codes: [Int8], weights: [Int8]) {
        var random = Generator(seed: seed)
        let largest = kind == .s8 ? 127 : 1
        return (
            (0..<m * k).map { fill.code($0, levels: levels, &random) }, (0..<n * k).map { fill.weight($0, largest: largest, &random) }
        )
    }

    @Test("scalar matches the straightforward reference", arguments: [WeightsKind.s8, .t2, .t5], Fill.allCases)
    func scalarMatchesReference(kind: WeightsKind, fill: Fill) {
        for (m, n, k) in [(1, 1, 1), (3, 5, 19), (7, 65, 21), (2, 64, 64), (5, 70, 131), (13, 3, 200)] {
            for epilogue in 0..<4 {
                let (codes, weights) = data(fill, m: m, n: n, k: k, kind: kind, seed: 11)
                let layer = LinearCase(
                    codeRows: codes, weights: weights, m: m, n: n, k: k, kind: kind, seed: 12, hasBias: epilogue != 1, hasResidual: epilogue > 1,
                    gelu: epilogue % 2 == 1, oneScale: epilogue == 2)
                #expect(layer.run(.scalar, rows: m, parts: 1) == layer.expected(codeRows: codes, weights: weights), "\(m)x\(n)x\(k)")
            }
        }
    }

    /// Levels choose among ways to compute; f32 weights have none.
    static func levels(_ kind: WeightsKind) -> [Int] { kind == .f32 ? [127] : [127, 63, 42] }

    /// The shapes a table is run on: an emulated one takes a part.
    static func thinned<Value>(_ values: [Value], _ table: Table, keep every: Int) -> [Value] {
        table.isEmulated ? values.enumerated().filter { $0.offset % every == 0 }.map { $0.element } : values
    }

    @Test("every table matches scalar at tile edges, seed 21", arguments: Table.vector, [WeightsKind.f32, .s8, .t2, .t5])
    func matchesScalarAtEdges(table: Table, kind: WeightsKind) {
        let shapes = Self.edges.indices.flatMap { index in Self.edges.indices.map { (index, $0) } }
        for (index, other) in Self.thinned(shapes, table, keep: 11) {
            let (k, n, epilogue) = (Self.edges[index], Self.edges[other], index + other)
            for levels in Self.levels(kind) {
                let (codes, weights) = data(.random, m: 13, n: n, k: k, kind: kind, seed: 21 + UInt64(index), levels: levels)
                let layer = LinearCase(
                    codeRows: codes, weights: weights, m: 13, n: n, k: k, kind: kind, seed: 22, hasBias: epilogue % 3 != 0,
                    hasResidual: epilogue % 2 == 0, gelu: epilogue / 2 % 2 == 0, oneScale: epilogue % 5 == 0, levels: levels)
                let m = 1 + (index * 14 + other) % 13
                #expect(layer.run(table, rows: m, parts: 1) == layer.run(.scalar, rows: m, parts: 1), "\(m)x\(n)x\(k), \(levels) levels")
            }
        }
    }

    @Test("every number of rows matches scalar, seed 31", arguments: Table.vector, [WeightsKind.f32, .s8, .t2, .t5])
    func everyRowCount(table: Table, kind: WeightsKind) {
        for (n, k) in Self.thinned([(65, 21), (16, 64), (33, 200), (129, 129)], table, keep: 2) {
            for (epilogue, levels) in (0..<4).flatMap({ epilogue in Self.levels(kind).map { (epilogue, $0) } }) {
                let (codes, weights) = data(.random, m: 13, n: n, k: k, kind: kind, seed: 31, levels: levels)
                let layer = LinearCase(
                    codeRows: codes, weights: weights, m: 13, n: n, k: k, kind: kind, seed: 32, hasBias: true, hasResidual: epilogue / 2 == 1,
                    gelu: epilogue % 2 == 1, oneScale: false, levels: levels)
                for m in 1...13 {
                    #expect(layer.run(table, rows: m, parts: 1) == layer.run(.scalar, rows: m, parts: 1), "\(m)x\(n)x\(k), \(levels) levels")
                }
            }
        }
    }

    /// 256, 260 and 512 are where an int16 lane is fullest on tables that gather 64 groups of four or 64 steps of eight.
    @Test("extremes match scalar where narrow lanes are fullest", arguments: Table.vector, [WeightsKind.s8, .t2, .t5])
    func matchesScalarAtExtremes(table: Table, kind: WeightsKind) {
        for (fill, levels) in Fill.allCases.flatMap({ fill in Self.levels(kind).map { (fill, $0) } }) {
            for k in Self.thinned([252, 255, 256, 257, 260, 511, 512, 513, 1024, 1031, 1536, 4099], table, keep: 6) {
                let (codes, weights) = data(fill, m: 7, n: 37, k: k, kind: kind, seed: 41, levels: levels)
                let layer = LinearCase(
                    codeRows: codes, weights: weights, m: 7, n: 37, k: k, kind: kind, seed: 42, hasBias: false, hasResidual: false, gelu: false,
                    oneScale: true, levels: levels)
                #expect(layer.run(table, rows: 7, parts: 1) == layer.run(.scalar, rows: 7, parts: 1), "\(fill) \(k), \(levels) levels")
            }
        }
    }

    /// Every pair of weights at every place of a step, one pair at a time: what the tables of sums hold.
    @Test("every pair of ternary weights alone matches scalar", arguments: Table.vector, [WeightsKind.t2, .t5])
    func everyPairAlone(table: Table, kind: WeightsKind) {
        let k = 48, pairs = k / 2
        for (first, second) in [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)] {
            // Channel n holds the pair at place n.
            var weights = [Int8](repeating: 0, count: pairs * k)
            for place in 0..<pairs { (weights[place * k + 2 * place], weights[place * k + 2 * place + 1]) = (Int8(first), Int8(second)) }
            var codes = [Int8]()
            for index in 0..<k { codes.append(Int8(index % 2 == 0 ? 63 - index : index - 50)) }
            for index in 0..<k { codes.append(index % 4 < 2 ? 63 : -63) }
            let layer = LinearCase(
                codeRows: codes, weights: weights, m: 2, n: pairs, k: k, kind: kind, seed: 45, hasBias: false, hasResidual: false, gelu: false,
                oneScale: true, levels: 63)
            #expect(layer.run(table, rows: 2, parts: 1) == layer.run(.scalar, rows: 2, parts: 1), "\(first) \(second)")
        }
    }

    @Test("the deepest layer does not overflow", arguments: Table.all)
    func deepestLayer(table: Table) {
        let k = Int(TERN_LIMIT_DEPTH)
        for (kind, code, weight) in [(WeightsKind.s8, 127, -127), (.t5, 63, 1), (.t5, 63, -1), (.t2, -127, 1)] {
            let codes = [Int8](repeating: Int8(code), count: k), weights = [Int8](repeating: Int8(weight), count: k)
            let layer = LinearCase(
                codeRows: codes, weights: weights, m: 1, n: 1, k: k, kind: kind, seed: 43, hasBias: false, hasResidual: false, gelu: false,
                oneScale: true, levels: abs(code))
            #expect(layer.run(table, rows: 1, parts: 1) == layer.expected(codeRows: codes, weights: weights), "\(code) \(weight)")
        }
    }

    @Test("any number of parts gives the same bits", arguments: Table.all, [WeightsKind.f32, .s8, .t2, .t5])
    func partsAgree(table: Table, kind: WeightsKind) {
        for (m, n, k) in [(13, 200, 65), (1, 130, 40), (25, 10, 21), (23, 70, 45)] {
            let levels = m == 13 ? 127 : 63
            let (codes, weights) = data(.random, m: m, n: n, k: k, kind: kind, seed: 51, levels: levels)
            let layer = LinearCase(
                codeRows: codes, weights: weights, m: m, n: n, k: k, kind: kind, seed: 52, hasBias: true, hasResidual: true, gelu: true,
                oneScale: false, levels: levels)
            let whole = layer.run(table, rows: m, parts: 1)
            for parts in [2, 3, 7, 64] { #expect(layer.run(table, rows: m, parts: parts) == whole, "\(parts) parts") }
        }
    }

    @Test("t2, t5 and s8 give the same bits for the same ternary weights", arguments: Table.all)
    func kindsAgree(table: Table) {
        for k in Self.edges {
            let (codes, weights) = data(.random, m: 8, n: 66, k: k, kind: .t2, seed: 61)
            let results = [WeightsKind.s8, .t2, .t5].map { kind in
                LinearCase(
                    codeRows: codes, weights: weights, m: 8, n: 66, k: k, kind: kind, seed: 62, hasBias: true, hasResidual: false, gelu: false,
                    oneScale: false
                ).run(table, rows: 8, parts: 1)
            }
            #expect(results[0] == results[1] && results[1] == results[2], "\(k)")
        }
    }

    @Test("f32 weights match N-04", arguments: Table.all)
    func floatWeightsMatchReference(table: Table) {
        for k in [1, 15, 16, 17, 40, 200] {
            let layer = LinearCase(
                codeRows: [Int8](repeating: 0, count: 3 * k), weights: [], m: 3, n: 5, k: k, kind: .f32, seed: 71, hasBias: true, hasResidual: false,
                gelu: false, oneScale: true)
            let output = layer.run(table, rows: 3, parts: 1)
            let weights = layer.packed.values, input = layer.input.values
            for row in 0..<3 {
                for column in 0..<5 {
                    let channel = (0..<k).map { index -> Float in
                        let at = (column * k + index) * 4
                        return Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(weights[at + $1]) << UInt32(8 * $1) })
                    }
                    let x = Array(input[row * layer.inputStride..<row * layer.inputStride + k])
                    let expected = Reference.sum16(x, channel) + layer.bias!.values[column]
                    #expect(output[row * layer.outputStride + column] == expected.bitPattern, "\(row) \(column) \(k)")
                }
            }
        }
    }
}
