import CTernKernels
import Foundation
import Testing

@testable import TernKernels

@Suite struct FloatTests {
    func layerNorm(_ table: Table, _ x: [Float], rows: Int, columns: Int, gamma: [Float], beta: [Float], inPlace: Bool) -> [UInt32] {
        let stride = columns + 3
        let input = Guarded(strided(x, rows: rows, columns: columns, stride: stride, between: -12345))
        let output = inPlace ? input : Guarded([Float](repeating: -12345, count: (rows - 1) * stride + columns))
        let gamma = Guarded(gamma), beta = Guarded(beta)
        unsafe table.functions.layer_norm(input.pointer, stride, columns, 0, rows, gamma.pointer, beta.pointer, 1e-6, output.pointer, stride)
        return bits(output.values)
    }

    @Test("layer norm matches N-05 at every tail, seed 301", arguments: Table.all)
    func layerNormMatchesReference(table: Table) {
        var random = Generator(seed: 301)
        for columns in Array(1...40) + [63, 64, 65, 191, 192, 384, 769] {
            for magnitude in [Float(1), 1e-20, 1e15] {
                let x = (0..<3 * columns).map { _ in random.unit() * magnitude }
                let gamma = (0..<columns).map { _ in random.unit() }, beta = (0..<columns).map { _ in random.unit() }
                let expected = (0..<3).map { row in
                    Reference.layerNorm(Array(x[row * columns..<(row + 1) * columns]), gamma: gamma, beta: beta, epsilon: 1e-6)
                }
                let laidOut = bits(strided(expected.flatMap { $0 }, rows: 3, columns: columns, stride: columns + 3, between: -12345))
                #expect(layerNorm(table, x, rows: 3, columns: columns, gamma: gamma, beta: beta, inPlace: false) == laidOut, "\(columns) \(magnitude)")
                #expect(layerNorm(table, x, rows: 3, columns: columns, gamma: gamma, beta: beta, inPlace: true) == laidOut, "\(columns) in place")
            }
        }
    }

    /// Deviations so small that their squares vanish, of either sign: a lane of +0 must not become -0, nor the other way round.
    @Test("layer norm of constant, zero and subnormal rows", arguments: Table.all)
    func layerNormOfDegenerateRows(table: Table) {
        for columns in [1, 5, 16, 17, 31, 40] {
            let ones = [Float](repeating: 1, count: columns)
            for value in [Float(0), -0.0, 3, -Float.leastNonzeroMagnitude, 1e-30] {
                let x = (0..<columns).map { $0 % 2 == 0 ? value : -value }
                let expected = Reference.layerNorm(x, gamma: ones, beta: ones, epsilon: 1e-6)
                #expect(layerNorm(table, x, rows: 1, columns: columns, gamma: ones, beta: ones, inPlace: false) == bits(expected), "\(columns) \(value)")
            }
        }
    }

    /// GELU as a linear layer computes it: one weight 1, scale 1, a row scale per value.
    func gelu(_ table: Table, _ values: [Float]) -> [UInt32] {
        let n = values.count
        let codes = Guarded([Int8](repeating: 0, count: 64)), rowScales = Guarded([Float(1)]), rowSums = Guarded([Int32(0)])
        let weights = Guarded(pack([Int8](repeating: 0, count: n), rows: n, columns: 1, .s8))
        let scales = Guarded([Float(1)]), bias = Guarded(values), output = Guarded([Float](repeating: 0, count: n))
        let scratch = makeScratch(Int(tern_linear_scratch(1, 1)))
        var op = unsafe tern_linear()
        unsafe op.m = 1
        unsafe op.n = n
        unsafe op.k = 1
        unsafe op.codes = UnsafePointer(codes.pointer)
        unsafe op.codes_stride = 64
        unsafe op.row_scales = UnsafePointer(rowScales.pointer)
        unsafe op.row_sums = UnsafePointer(rowSums.pointer)
        unsafe op.weights = UnsafeRawPointer(weights.pointer)
        unsafe op.kind = TERN_WEIGHTS_S8
        unsafe op.scales = UnsafePointer(scales.pointer)
        unsafe op.scale_count = 1
        unsafe op.bias = UnsafePointer(bias.pointer)
        unsafe op.output = output.pointer
        unsafe op.output_stride = n
        unsafe op.gelu = 1
        unsafe table.functions.linear(&op, 0, 1, scratch.pointer)
        return bits(output.values)
    }

    static let geluInputs: [Float] =
        (-40000...40000).map { Float($0) / 5000 } + [
            -0.0, Float.leastNonzeroMagnitude, -Float.leastNonzeroMagnitude, 5, -5, Float(5).nextUp, Float(-5).nextDown, 1e30, -1e30,
            Float.infinity, -Float.infinity,
        ]

    @Test("GELU has the bits of N-07 on every table", arguments: Table.all)
    func geluMatchesReference(table: Table) {
        // The layer's sum is 0, which turns a bias of -0 into +0.
        let expected = bits(Self.geluInputs.map { Reference.gelu(Reference.fma(0, 1, $0)) })
        let actual = gelu(table, Self.geluInputs)
        #expect(expected.indices.first { actual[$0] != expected[$0] } == nil)
        #expect(Float(bitPattern: gelu(table, [1, .nan])[1]).isNaN)
    }

    /// N-07 states 1.6e-4 on [-8, 8].
    @Test func geluIsCloseToErf() {
        let inputs = Self.geluInputs.filter { abs($0) <= 8 }
        var worst = 0.0
        for (input, output) in zip(inputs, gelu(.scalar, inputs)) {
            let x = Double(input)
            let exact: Double = 0.5 * x * (1.0 + erf(x / 2.0.squareRoot()))
            worst = max(worst, abs(Double(Float(bitPattern: output)) - exact))
        }
        #expect(worst < 1.6e-4)
    }

    /// N-08 states a relative error of 2.2e-7.
    @Test func exp2IsCloseToFoundation() {
        let worst = (0...250_000).map { index -> Double in
            let x = -Float(index) / 2000
            let exact = Foundation.exp2(Double(x))
            return abs(Double(Reference.exp2(x)) - exact) / exact
        }.max() ?? .infinity
        #expect(worst < 2.2e-7)
        #expect(Reference.exp2(-1000) == Reference.exp2(-125))
    }

    @Test func meanPoolMatchesReference() {
        var random = Generator(seed: 311)
        for (rows, columns) in [(1, 1), (3, 5), (197, 192), (7, 33)] {
            let x = (0..<rows * columns).map { _ in random.unit() }
            let input = Guarded(strided(x, rows: rows, columns: columns, stride: columns + 2)), output = Guarded([Float](repeating: 9, count: columns))
            unsafe tern_mean_pool(input.pointer, columns + 2, rows, columns, output.pointer)
            let expected = (0..<columns).map { column in (0..<rows).reduce(Float(0)) { $0 + x[$1 * columns + column] } / Float(rows) }
            #expect(bits(output.values) == bits(expected))
        }
    }

    @Test func patchesFollowTheRule() {
        let (channels, height, width, patch) = (3, 8, 12, 4)
        let image = Guarded((0..<channels * height * width).map { Float($0) })
        let columns = channels * patch * patch, stride = columns + 1
        let rows = Guarded([Float](repeating: -1, count: 5 * stride + columns))
        unsafe tern_patches(image.pointer, channels, height, width, patch, 0, height / patch, rows.pointer, stride)
        let values = rows.values
        for py in 0..<2 {
            for px in 0..<3 {
                for c in 0..<channels {
                    for y in 0..<patch {
                        for x in 0..<patch {
                            let expected = Float((c * height + py * patch + y) * width + px * patch + x)
                            #expect(values[(py * 3 + px) * stride + (c * patch + y) * patch + x] == expected)
                        }
                    }
                }
            }
        }
        #expect(values[columns] == -1)
    }
}
