import TernBytes
import TernImage

/// The datatypes that are read, with the codes of nifti1.h.
enum SampleType: Equatable, Sendable {
    case uint8, int8, uint16, int16, uint32, int32, uint64, int64, float32, float64, redGreenBlue

    /// Nil for what is not read: bits (1), complex (32, 1792, 2048), 128-bit reals (1536), RGBA (2304), and numbers without a meaning.
    init?(code: Int) {
        switch code {
        case 2: self = .uint8
        case 4: self = .int16
        case 8: self = .int32
        case 16: self = .float32
        case 64: self = .float64
        case 128: self = .redGreenBlue
        case 256: self = .int8
        case 512: self = .uint16
        case 768: self = .uint32
        case 1024: self = .int64
        case 1280: self = .uint64
        default: return nil
        }
    }

    /// Bytes of a stored sample, all channels.
    var byteCount: Int {
        switch self {
        case .uint8, .int8: 1
        case .uint16, .int16: 2
        case .redGreenBlue: 3
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64: 8
        }
    }
    var channels: Int { self == .redGreenBlue ? 3 : 1 }
    /// Bytes of one channel of a decoded sample.
    var decodedByteCount: Int {
        switch self {
        case .uint8, .redGreenBlue: 1
        case .int8, .uint16, .int16: 2
        default: 4
        }
    }
}

/// Rescaled = stored * slope + intercept.
struct Scaling: Equatable, Sendable {
    var slope: Double
    var intercept: Double

    init(slope: Double, intercept: Double) {
        self.slope = slope
        self.intercept = intercept
    }

    /// Nil when the header asks for none: nifti1.h says so with slope 0, and libraries write a slope that is no number.
    init?(_ header: NIfTIHeader) throws(NIfTIError) {
        guard header.slope != 0, header.slope.isFinite else { return nil }
        guard header.intercept.isFinite else { throw .intercept }
        slope = header.slope
        intercept = header.intercept
    }
}

extension NIfTIFile {
    /// - Precondition: the bytes reach to the end of the samples.
    func decode(_ index: Int, _ bytes: RawSpan) throws(NIfTIError) -> DecodedImage {
        let walk = FrameWalk(layout: layout, start: layout.offset(ofFrame: index), isBigEndian: isBigEndian)
        switch sampleType {
        case .uint8: return grey(.uint8(walk.collect(bytes) { bytes, at, _ in bytes.uint8(at: at) }), bits: 8, range: nil)
        case .int8:
            let values = walk.collect(bytes) { bytes, at, _ in Int16(Int8(bitPattern: bytes.uint8(at: at))) }
            return grey(.int16(values), bits: 8, range: range(values))
        case .uint16:
            let values = walk.collect(bytes) { bytes, at, swaps in bytes.uint16(at: at, swaps) }
            return grey(.uint16(values), bits: 16, range: range(values))
        case .int16:
            let values = walk.collect(bytes) { bytes, at, swaps in Int16(bitPattern: bytes.uint16(at: at, swaps)) }
            return grey(.int16(values), bits: 16, range: range(values))
        case .uint32:
            let values = walk.collect(bytes) { bytes, at, swaps in bytes.uint32(at: at, swaps) }
            return grey(.uint32(values), bits: 32, range: range(values))
        case .int32:
            let values = walk.collect(bytes) { bytes, at, swaps in Int32(bitPattern: bytes.uint32(at: at, swaps)) }
            return grey(.int32(values), bits: 32, range: range(values))
        case .redGreenBlue:
            var values: [UInt8] = []
            values.reserveCapacity(3 * width * height)
            walk.visit { at in
                for channel in 0..<3 { values.append(bytes.uint8(at: at + channel)) }
            }
            return DecodedImage(width: width, height: height, channels: 3, bitsStored: 8, samples: .uint8(values), greyscale: nil)
        case .uint64, .int64, .float32, .float64: return try real(index, walk, bytes)
        }
    }

    private func real(_ index: Int, _ walk: FrameWalk, _ bytes: RawSpan) throws(NIfTIError) -> DecodedImage {
        let type = sampleType
        let scaling = scaling
        let values: [Float] = walk.collect(bytes) { bytes, at, swaps in
            let stored: Double =
                switch type {
                case .float32: Double(Float(bitPattern: bytes.uint32(at: at, swaps)))
                case .float64: Double(bitPattern: bytes.uint64(at: at, swaps))
                case .int64: Double(Int64(bitPattern: bytes.uint64(at: at, swaps)))
                default: Double(bytes.uint64(at: at, swaps))
                }
            return Float(scaling.map { stored * $0.slope + $0.intercept } ?? stored)
        }
        guard values.allSatisfy({ $0.isFinite }) else { throw .notFinite(frame: index) }
        let ends = range(values)
        return DecodedImage(
            width: width, height: height, channels: 1, bitsStored: 32, samples: .real(values),
            greyscale: greyscale(Scaling(slope: 1, intercept: 0), Double(ends.lowerBound)...Double(ends.upperBound)))
    }

    private func grey(_ samples: DecodedImage.Samples, bits: Int, range: ClosedRange<Int>?) -> DecodedImage {
        DecodedImage(
            width: width, height: height, channels: 1, bitsStored: bits, samples: samples,
            greyscale: greyscale(scaling ?? Scaling(slope: 1, intercept: 0), range.map { Double($0.lowerBound)...Double($0.upperBound) }))
    }

    /// `range`: of stored values.
    private func greyscale(_ scaling: Scaling, _ range: ClosedRange<Double>?) -> DecodedImage.Greyscale {
        if let display {
            return DecodedImage.Greyscale(slope: scaling.slope, intercept: scaling.intercept, voi: .window(display))
        }
        var own: DecodedImage.VOI?
        if let range {
            let low = range.lowerBound * scaling.slope + scaling.intercept
            let high = range.upperBound * scaling.slope + scaling.intercept
            let window = DecodedImage.Window(centre: (low + high) / 2, width: abs(high - low), function: .linearExact)
            if window.width > 0, window.width.isFinite, window.centre.isFinite { own = .window(window) }
        }
        return DecodedImage.Greyscale(slope: scaling.slope, intercept: scaling.intercept, voi: own, voiCount: 0)
    }

    private func range<Sample: FixedWidthInteger>(_ values: [Sample]) -> ClosedRange<Int> {
        var (low, high) = (values[0], values[0])
        for value in values {
            low = min(low, value)
            high = max(high, value)
        }
        return Int(low)...Int(high)
    }

    private func range(_ values: [Float]) -> ClosedRange<Float> {
        var (low, high) = (values[0], values[0])
        for value in values {
            low = min(low, value)
            high = max(high, value)
        }
        return low...high
    }
}

/// The way through a frame's samples, row by row.
private struct FrameWalk {
    let layout: FrameLayout
    let start: Int
    let isBigEndian: Bool

    @inline(__always)
    func visit(_ body: (Int) -> Void) {
        for y in 0..<layout.height {
            var at = start + y * layout.rowStride
            for _ in 0..<layout.width {
                body(at)
                at += layout.columnStride
            }
        }
    }

    @inline(__always)
    func collect<Sample>(_ bytes: RawSpan, _ load: (RawSpan, Int, Bool) -> Sample) -> [Sample] {
        var values: [Sample] = []
        values.reserveCapacity(layout.width * layout.height)
        visit { values.append(load(bytes, $0, isBigEndian)) }
        return values
    }
}

extension RawSpan {
    @inline(__always)
    fileprivate func uint16(at offset: Int, _ isBigEndian: Bool) -> UInt16 {
        isBigEndian ? uint16LE(at: offset).byteSwapped : uint16LE(at: offset)
    }
    @inline(__always)
    fileprivate func uint32(at offset: Int, _ isBigEndian: Bool) -> UInt32 {
        isBigEndian ? uint32LE(at: offset).byteSwapped : uint32LE(at: offset)
    }
    @inline(__always)
    fileprivate func uint64(at offset: Int, _ isBigEndian: Bool) -> UInt64 {
        isBigEndian ? uint64LE(at: offset).byteSwapped : uint64LE(at: offset)
    }
}
