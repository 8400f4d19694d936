import TernBytes
import TernImage

/// The frame header of process 14 (T.81 B.2.2).
struct Frame {
    var precision: Int
    var width: Int
    var height: Int
    /// Names of the components, in order.
    var identifiers: [UInt8]
    /// Whether the sampling factors are 1.
    var isSampledOnce: Bool

    /// Reads the segment behind the marker; `segment` begins after its byte count.
    init(parsing segment: RawSpan, byteCountOfFile: Int, offset: Int) throws(JPEGLosslessError) {
        guard segment.byteCount >= 6 else { throw .segmentByteCount(marker: 0xC3, offset: offset) }
        precision = Int(segment.uint8(at: 0))
        height = Int(segment.uint16BE(at: 1))
        width = Int(segment.uint16BE(at: 3))
        let count = Int(segment.uint8(at: 5))
        guard (2...16).contains(precision) else { throw .precision(precision) }
        guard count == 1 || count == 3 else { throw .unsupportedComponents(count: count) }
        guard segment.byteCount == 6 + 3 * count else { throw .segmentByteCount(marker: 0xC3, offset: offset) }
        guard height > 0 else { throw .heightUnknown }
        identifiers = []
        let sampling = segment.uint8(at: 7)
        for index in 0..<count {
            let identifier = segment.uint8(at: 6 + 3 * index)
            guard !identifiers.contains(identifier) else { throw .unsupportedComponents(count: count) }
            identifiers.append(identifier)
            guard segment.uint8(at: 7 + 3 * index) == sampling else { throw .unsupportedSampling }
        }
        guard (1...4).contains(sampling >> 4), (1...4).contains(sampling & 15) else { throw .unsupportedSampling }
        isSampledOnce = sampling == 0x11
        let sampleCount: Int
        do throws(ImageLimitError) {
            sampleCount = try ImageLimits.sampleCount(width: width, height: height, channels: count, bytesPerSample: precision <= 8 ? 1 : 2)
        } catch {
            throw .shape(error)
        }
        // The shortest code has one bit.
        guard sampleCount / 8 <= byteCountOfFile else {
            throw .moreSamplesThanData(width: width, height: height, channels: count, byteCount: byteCountOfFile)
        }
    }
}

/// The scan header (T.81 B.2.3) against its frame.
struct ScanHeader {
    /// Index of the first component, and whether the scan holds all of them.
    var firstComponent: Int
    var componentCount: Int
    /// Index of the Huffman table of each component.
    var tableIndexes: [Int]
    /// Predictor, 1 ... 7.
    var selection: Int
    /// Point transform: low bits that were dropped before coding.
    var shift: Int

    init(parsing segment: RawSpan, frame: Frame, offset: Int) throws(JPEGLosslessError) {
        guard segment.byteCount >= 1 else { throw .segmentByteCount(marker: 0xDA, offset: offset) }
        componentCount = Int(segment.uint8(at: 0))
        guard componentCount == 1 || componentCount == frame.identifiers.count else { throw .scanHeader(offset: offset) }
        guard segment.byteCount == 4 + 2 * componentCount else { throw .segmentByteCount(marker: 0xDA, offset: offset) }
        var first = 0
        tableIndexes = []
        for index in 0..<componentCount {
            let identifier = segment.uint8(at: 1 + 2 * index)
            guard let component = frame.identifiers.firstIndex(of: identifier), componentCount == 1 || component == index else {
                throw .scanHeader(offset: offset)
            }
            if index == 0 { first = component }
            tableIndexes.append(Int(segment.uint8(at: 2 + 2 * index) >> 4))
        }
        firstComponent = first
        selection = Int(segment.uint8(at: 1 + 2 * componentCount))
        let approximation = segment.uint8(at: 3 + 2 * componentCount)
        shift = Int(approximation & 15)
        guard (1...7).contains(selection), segment.uint8(at: 2 + 2 * componentCount) == 0, approximation >> 4 == 0, shift < frame.precision else {
            throw .scanHeader(offset: offset)
        }
        guard componentCount == 1 || frame.isSampledOnce else { throw .unsupportedSampling }
    }
}

extension RawSpan {
    /// The two bytes at `offset`, most significant first.
    func uint16BE(at offset: Int) -> UInt16 { uint16LE(at: offset).byteSwapped }
}
