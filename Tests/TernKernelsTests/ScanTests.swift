import Testing

@testable import TernKernels

@Suite struct ScanTests {
    func bytes(_ values: [Float]) -> [UInt8] {
        values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(8 * $0)) } }
    }

    @Test func packedSizesFollowTheFormat() {
        #expect(WeightScan.packedByteCount(.f32, rows: 3, columns: 5) == 60)
        #expect(WeightScan.packedByteCount(.s8, rows: 64, columns: 4) == 256)
        #expect(WeightScan.packedByteCount(.s8, rows: 65, columns: 5) == 1024)
        #expect(WeightScan.packedByteCount(.t2, rows: 1, columns: 16) == 256)
        #expect(WeightScan.packedByteCount(.t2, rows: 1, columns: 17) == 512)
        #expect(WeightScan.packedByteCount(.t5, rows: 128, columns: 20) == 512)
        #expect(WeightScan.packedByteCount(.t5, rows: 129, columns: 21) == 1536)
        for kind in WeightsKind.allCases {
            #expect(WeightScan.packedByteCount(kind, rows: Int.max, columns: Int.max) == nil)
            #expect(WeightScan.packedByteCount(kind, rows: 0, columns: 4) == nil)
            #expect(WeightScan.packedByteCount(kind, rows: 4, columns: -1) == nil)
        }
    }

    @Test func findsTheFirstNonFiniteValue() {
        for count in [1, 2, 4095, 4096, 4097, 9000] {
            var values = [Float](repeating: 1, count: count)
            #expect(WeightScan.firstNonFinite(bytes(values).raw) == nil)
            for bad in [Float.nan, .infinity, -.infinity] {
                values[count - 1] = bad
                #expect(WeightScan.firstNonFinite(bytes(values).raw) == count - 1)
                values[count / 2] = bad
                #expect(WeightScan.firstNonFinite(bytes(values).raw) == count / 2)
                values[count / 2] = 1
            }
        }
    }

    @Test func findsTheFirstNonPositiveValue() {
        #expect(WeightScan.firstNonPositive(bytes([1, .leastNonzeroMagnitude, .greatestFiniteMagnitude]).raw) == nil)
        for bad in [Float(0), -0.0, -1, .nan, .infinity, -.infinity, -.leastNonzeroMagnitude] {
            #expect(WeightScan.firstNonPositive(bytes([1, 2, bad, 3]).raw) == 2)
        }
    }

    @Test("valid weights pass, every wrong byte is found where it is", arguments: [WeightsKind.s8, .t2, .t5])
    func findsBadCodes(kind: WeightsKind) {
        for (rows, columns) in [(1, 1), (64, 20), (65, 21), (70, 16), (3, 500), (129, 63)] {
            var random = Generator(seed: 401)
            let largest = kind == .s8 ? 127 : 1
            let weights = (0..<rows * columns).map { _ in Int8(Int(random.next() % UInt64(2 * largest + 1)) - largest) }
            var packed = pack(weights, rows: rows, columns: columns, kind)
            #expect(WeightScan.firstBadWeight(kind, packed.raw, rows: rows, columns: columns) == nil)
            for at in Set([0, 1, packed.count / 2, packed.count - 1]) {
                let right = packed[at]
                // -128, the code 3, and 0x01, which no five digits encode.
                packed[at] = kind == .s8 ? 0x80 : kind == .t2 ? right | 0x0c : 0x01
                #expect(WeightScan.firstBadWeight(kind, packed.raw, rows: rows, columns: columns) == at, "\(rows)x\(columns) byte \(at)")
                packed[at] = right
            }
        }
    }

    /// A weight that is not zero in every position past [rows, columns], one at a time.
    @Test("padding that is not a zero weight is found", arguments: [WeightsKind.s8, .t2, .t5])
    func findsBadPadding(kind: WeightsKind) {
        for (rows, columns) in [(63, 23), (1, 1), (65, 19), (64, 21)] {
            let blockColumns = kind == .s8 ? 4 : kind == .t2 ? 16 : 20
            let paddedRows = (rows + 63) / 64 * 64, paddedColumns = (columns + blockColumns - 1) / blockColumns * blockColumns
            for row in stride(from: 0, to: paddedRows, by: 3) {
                for column in 0..<paddedColumns where row >= rows || column >= columns {
                    var weights = [Int8](repeating: 0, count: paddedRows * paddedColumns)
                    weights[row * paddedColumns + column] = 1
                    let packed = pack(weights, rows: paddedRows, columns: paddedColumns, kind)
                    #expect(WeightScan.firstBadWeight(kind, packed.raw, rows: rows, columns: columns) != nil, "\(row) \(column)")
                }
            }
        }
    }
}
