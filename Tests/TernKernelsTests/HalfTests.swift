import Testing

@testable import TernKernels

@Suite struct HalfTests {
    /// Every finite binary16 value, -0 and subnormals among them, against the compiler's conversion; rows with gaps that stay as they were.
    @Test func everyHalfWidensToItself() throws {
        let halves = (0..<UInt16.max).filter { $0 & 0x7C00 != 0x7C00 }
        let (columns, stride) = (31, 33)
        let rows = halves.count / columns
        #expect(halves.count == 63_488 && rows * columns == halves.count)
        let bytes = halves.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        let arena = try Arena(byteCount: rows * stride * 4)
        arena.copyIn([Float](repeating: 7, count: rows * stride).span, at: 0)
        let table = try KernelTable(.scalar, threadCount: 1, capacity: KernelCapacity())
        let output = ArenaMatrix(byteOffset: 0, stride: stride)
        table.fill(rows: rows, columns: columns, output: output, halves: bytes.raw, in: arena)
        var wrong = 0
        for row in 0..<rows {
            let line = arena.values(at: row * stride * 4, count: row == rows - 1 ? columns : stride)
            for column in line.indices {
                let expected = column < columns ? Float(Float16(bitPattern: halves[row * columns + column])) : 7
                wrong += line[column].bitPattern == expected.bitPattern ? 0 : 1
            }
        }
        #expect(wrong == 0)
    }

    @Test func findsTheFirstHalfThatIsNotFinite() {
        func bytes(_ halves: [UInt16]) -> [UInt8] { halves.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] } }
        #expect(WeightScan.firstNonFiniteHalf(bytes([0, 0x8000, 0x7BFF, 0xFBFF, 0x0001]).raw) == nil)
        for bad in [0x7C00, 0xFC00, 0x7C01, 0xFFFF] as [UInt16] {
            #expect(WeightScan.firstNonFiniteHalf(bytes([0, 0x7BFF, bad, bad]).raw) == 2)
        }
    }
}
