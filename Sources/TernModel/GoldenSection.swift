import TernBytes
import TernKernels

/// Where the golden vectors of a file lie in their section.
struct GoldenSection: Equatable, Sendable {
    /// 1 ... 64.
    var count: Int
    var inputCount: Int
    var outputCount: Int
    /// Whether a seed stands in the place of each input's values.
    var isGenerated: Bool

    /// Bytes of an input's values or of its seed.
    var inputByteCount: Int { isGenerated ? ModelFormat.goldenSeedByteCount : 4 * inputCount }

    /// Offset of a vector's input from the start of the section.
    func inputOffset(_ index: Int) -> Int { ModelFormat.goldenHeadByteCount + index * (inputByteCount + 4 * outputCount) }

    /// Offset of a vector's output from the start of the section.
    func outputOffset(_ index: Int) -> Int { inputOffset(index) + inputByteCount }

    /// Rule F-23 without the values.
    init(validating golden: RawSpan, page: HeaderPage, fileOffset: Int) throws(ModelFileError) {
        guard golden.byteCount >= ModelFormat.goldenHeadByteCount else {
            throw .goldenVectors(.byteCount, found: golden.byteCount, expected: ModelFormat.goldenHeadByteCount)
        }
        let record = RecordReader(golden, fileOffset: fileOffset, place: .golden), header = page.header
        count = Int(record.uint32(0))
        guard count >= 1, count <= ModelFormat.limitGoldenVectors else {
            throw .goldenVectors(.count, found: count, expected: ModelFormat.limitGoldenVectors)
        }
        guard let values = PackedLayout.product(header.channels, header.height, header.width) else { throw .sizeOverflow(.golden) }
        guard Int(record.uint32(4)) == values else { throw .goldenVectors(.inputCount, found: Int(record.uint32(4)), expected: values) }
        guard Int(record.uint32(8)) == header.outputCount else {
            throw .goldenVectors(.outputCount, found: Int(record.uint32(8)), expected: header.outputCount)
        }
        try record.checkZero(12..<16)
        inputCount = values
        outputCount = header.outputCount
        isGenerated = page.hasGeneratedGolden
        // inputCount is a 32-bit number, outputCount at most 65,536 and count at most 64: the offset fits.
        let expected = inputOffset(count)
        guard golden.byteCount == expected else { throw .goldenVectors(.byteCount, found: golden.byteCount, expected: expected) }
    }

    /// The values of rule F-23.
    func checkValues(_ golden: RawSpan) throws(ModelFileError) {
        if !isGenerated {
            let values = golden.extracting(ModelFormat.goldenHeadByteCount..<golden.byteCount)
            if let index = WeightScan.firstNonFinite(values) { throw .goldenVectors(.notFinite, found: index, expected: values.byteCount / 4) }
            return
        }
        for vector in 0..<count {
            let values = golden.extracting(outputOffset(vector)..<inputOffset(vector + 1))
            for index in 0..<outputCount where !values.floatLE(at: 4 * index).isFinite {
                throw .goldenVectors(.notFinite, found: vector * outputCount + index, expected: count * outputCount)
            }
        }
    }
}
