import CTernKernels
import Testing

@testable import TernKernels

@Suite struct QuantiseTests {
    struct Result: Equatable {
        var failed: Int32
        var codes: [Int8]
        var scales: [UInt32]
        var sums: [Int32]
    }

    /// `x` [rows][columns] laid out with a stride; codes end at an inaccessible page.
    func quantise(_ table: Table, _ x: [Float], rows: Int, columns: Int, levels: Int) -> Result {
        let stride = columns + 3, codesStride = KernelCapacity.codesStride(depth: columns)
        let input = Guarded(strided(x, rows: rows, columns: columns, stride: stride))
        let codes = Guarded([Int8](repeating: 99, count: rows * codesStride))
        let scales = Guarded([Float](repeating: 99, count: rows)), sums = Guarded([Int32](repeating: 99, count: rows))
        let failed = unsafe table.functions.quantise_rows(
            input.pointer, stride, columns, 0, rows, Int32(levels), codes.pointer, codesStride, scales.pointer, sums.pointer)
        return Result(failed: failed, codes: codes.values, scales: bits(scales.values), sums: sums.values)
    }

    func expected(_ x: [Float], rows: Int, columns: Int, levels: Int) -> Result {
        let codesStride = KernelCapacity.codesStride(depth: columns)
        var result = Result(failed: 0, codes: [], scales: [], sums: [])
        for row in 0..<rows {
            let quantised = Reference.quantise(Array(x[row * columns..<(row + 1) * columns]), levels: levels)
            if quantised == nil { result.failed = 1 }
            let (codes, scale) = quantised ?? ([Int](repeating: 0, count: columns), 0)
            result.codes += codes.map { Int8($0) } + [Int8](repeating: 0, count: codesStride - columns)
            result.scales.append(scale.bitPattern)
            result.sums.append(Int32(codes.reduce(0, +)))
        }
        return result
    }

    @Test("codes, scales and sums match N-02, seed 101", arguments: Table.all, [127, 63, 42])
    func matchesReference(table: Table, levels: Int) {
        var random = Generator(seed: 101)
        for columns in [1, 7, 8, 15, 16, 17, 63, 64, 65, 100, 127, 129, 384, 1009] {
            let x = (0..<5 * columns).map { _ in random.unit() * 8 }
            #expect(
                quantise(table, x, rows: 5, columns: columns, levels: levels) == expected(x, rows: 5, columns: columns, levels: levels),
                "\(columns)")
        }
    }

    @Test("values half way between codes go to the even one", arguments: Table.all)
    func tiesToEven(table: Table) {
        let x: [Float] = [127] + (-126..<126).map { Float($0) + 0.5 }
        let result = quantise(table, x, rows: 1, columns: x.count, levels: 127)
        #expect(result == expected(x, rows: 1, columns: x.count, levels: 127))
        #expect(result.codes[1...4] == [-126, -124, -124, -122])
    }

    @Test("zero, tiny and huge rows", arguments: Table.all)
    func extremeMagnitudes(table: Table) {
        let floor = Float(sign: .plus, exponent: -100, significand: 1)
        let magnitudes: [Float] = [
            0, -0.0, .leastNonzeroMagnitude, .leastNormalMagnitude, floor.nextDown, floor, floor.nextUp, .greatestFiniteMagnitude,
        ]
        for columns in [1, 5, 16, 33, 64, 130] {
            let x = magnitudes.flatMap { magnitude in (0..<columns).map { $0 == columns - 1 ? -magnitude : magnitude / Float($0 + 2) } }
            for levels in [127, 63, 42] {
                #expect(
                    quantise(table, x, rows: magnitudes.count, columns: columns, levels: levels)
                        == expected(x, rows: magnitudes.count, columns: columns, levels: levels), "\(columns) \(levels)")
            }
        }
    }

    @Test("a value that is not finite is found wherever it is", arguments: Table.all)
    func findsNonFinite(table: Table) {
        for columns in [1, 16, 17, 63, 70, 131] {
            for bad in [Float.nan, -.nan, .infinity, -.infinity, Float(bitPattern: 0x7f80_0001), Float(bitPattern: 0xffff_ffff)] {
                for place in Set([0, columns / 2, columns - 1]) {
                    var x = [Float](repeating: 1, count: 3 * columns)
                    x[columns + place] = bad
                    #expect(
                        quantise(table, x, rows: 3, columns: columns, levels: 127) == expected(x, rows: 3, columns: columns, levels: 127),
                        "\(columns) \(place) \(bad)")
                }
            }
        }
    }
}
