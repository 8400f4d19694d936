import TernBytes
import TernKernels
import TernModel
import TernWriter
import Testing

@Suite struct PackingTests {
    static let shapes = [(1, 1), (1, 20), (2, 4), (3, 21), (63, 16), (64, 15), (64, 20), (65, 17), (128, 40), (130, 39), (7, 383)]

    @Test(arguments: shapes, [ElementType.s8, .t2, .t5])
    func unpacksWhatItPacked(_ shape: (rows: Int, columns: Int), _ elementType: ElementType) throws {
        let limit = elementType == .s8 ? 127 : 1
        let codes = (0..<(shape.rows * shape.columns)).map { Int8(($0 * 7919 + $0 / 3) % (2 * limit + 1) - limit) }
        let bytes = try pack(codes: codes, rows: shape.rows, columns: shape.columns, as: elementType)
        #expect(bytes.count == PackedLayout.byteCount(elementType, rows: shape.rows, columns: shape.columns))
        #expect(unpack(bytes, rows: shape.rows, columns: shape.columns, as: elementType) == codes)
        let kind = try #require(WeightsKind(rawValue: elementType.rawValue))
        #expect(WeightScan.firstBadWeight(kind, bytes.rawBytes, rows: shape.rows, columns: shape.columns) == nil)
    }

    /// Places written out by hand from the page: channel 65, depth 9 of a matrix [66, 10].
    @Test func placesAreThoseOfThePage() throws {
        var codes = [Int8](repeating: 0, count: 66 * 10)
        codes[65 * 10 + 9] = 1
        let s8 = try pack(codes: codes, rows: 66, columns: 10, as: .s8)
        #expect(s8.count == 2 * 3 * 256)
        #expect(s8.firstIndex(of: 1) == 3 * 256 + 2 * 256 + 4 * 1 + 1)
        let t2 = try pack(codes: codes, rows: 66, columns: 10, as: .t2)
        #expect(t2.count == 2 * 256)
        #expect(t2[256 + 5] == 1 + 1 * 4 + 2 * 16 + 1 * 64)
        let t5 = try pack(codes: codes, rows: 66, columns: 10, as: .t5)
        #expect(t5.count == 2 * 256)
        let value = 81 + 27 + 2 * 9 + 3 + 1
        #expect(Int(t5[256 + 5]) == (256 * value + 242) / 243)
    }

    @Test(arguments: [ElementType.s8, .t2, .t5, .f32])
    func byteCountsAreThoseOfTheKernels(_ elementType: ElementType) throws {
        let kind = try #require(WeightsKind(rawValue: elementType.rawValue))
        for rows in [1, 2, 63, 64, 65, 1000, 1 << 20] {
            for columns in [1, 3, 4, 5, 15, 16, 17, 19, 20, 21, 384, 1 << 20] {
                let count = PackedLayout.byteCount(elementType, rows: rows, columns: columns)
                #expect(count == WeightScan.packedByteCount(kind, rows: rows, columns: columns))
            }
        }
        #expect(PackedLayout.byteCount(elementType, rows: Int.max, columns: Int.max) == nil)
        #expect(PackedLayout.byteCount(elementType, rows: -1, columns: 4) == nil)
    }

    @Test func refusesCodesThatDoNotExist() {
        #expect(throws: WriterError.code(-128, index: 0, elementType: .s8)) { try pack(codes: [-128], rows: 1, columns: 1, as: .s8) }
        #expect(throws: WriterError.code(2, index: 1, elementType: .t5)) { try pack(codes: [1, 2], rows: 1, columns: 2, as: .t5) }
        #expect(throws: WriterError.count(tensor: "", expected: 6, actual: 5)) {
            try pack(codes: [0, 0, 0, 0, 0], rows: 2, columns: 3, as: .t2)
        }
        #expect(throws: WriterError.notPackable(.f32)) { try pack(codes: [0], rows: 1, columns: 1, as: .f32) }
        #expect(throws: WriterError.notPackable(.f16)) { try pack(codes: [0], rows: 1, columns: 1, as: .f16) }
        #expect(unpack([0, 0], rows: 1, columns: 1, as: .f16) == nil)
        #expect(PackedLayout.byteCount(.f16, rows: 3, columns: 5) == 30)
        #expect(unpack([0], rows: 1, columns: 1, as: .s8) == nil)
        #expect(unpack([0, 0, 0, 0], rows: 1, columns: 1, as: .f32) == nil)
    }
}
