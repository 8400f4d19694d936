public import TernImage

/// Native pixels of all frames, little endian, as Pixel Data holds them.
public struct NativePixels: Equatable, Sendable {
    public var bytes: [UInt8]
    public var width, height, frameCount: Int
    /// 1 or 3.
    public var samplesPerPixel: Int
    /// 8, 16 or 32.
    public var bitsAllocated: Int
    public var bitsStored: Int
    public var isSigned: Bool
    /// Colours one after the other, plane by plane.
    public var isPlanar: Bool
    public var photometricInterpretation: String

    var sampleByteCount: Int { bitsAllocated / 8 }
    /// YBR_FULL_422 holds Y, Y, Cb, Cr for two pixels of a row.
    var isSubsampled: Bool { samplesPerPixel == 3 && photometricInterpretation == "YBR_FULL_422" }
    var frameByteCount: Int { (isSubsampled ? width * height * 2 : width * height * samplesPerPixel) * sampleByteCount }

    /// Where sample `channel` of a pixel lies.
    private func offset(frame: Int, x: Int, y: Int, channel: Int) -> Int {
        let pixel = y * width + x
        let base = frame * frameByteCount
        if isSubsampled { return base + (pixel / 2) * 4 + (channel == 0 ? pixel % 2 : channel + 1) }
        if samplesPerPixel == 1 { return base + pixel * sampleByteCount }
        return base + (isPlanar ? channel * width * height + pixel : pixel * samplesPerPixel + channel) * sampleByteCount
    }

    private func stored(_ offset: Int) -> Int {
        var value = 0
        for index in (0..<sampleByteCount).reversed() { value = value << 8 | Int(bytes[offset + index]) }
        return isSigned && value >> (bitsAllocated - 1) == 1 ? value - (1 << bitsAllocated) : value
    }

    /// The frame as a person sees it in grey, 0 black ... 255 white, over the range of its own values.
    ///
    /// - Parameter palette: brightness of each index, for palette colour.
    public func plane(frame: Int, palette: [UInt8] = []) -> [UInt8] {
        var values = [Int](repeating: 0, count: width * height)
        for y in 0..<height {
            for x in 0..<width {
                let pixel = y * width + x
                if samplesPerPixel == 3, photometricInterpretation == "RGB" {
                    let sample = { stored(offset(frame: frame, x: x, y: y, channel: $0)) }
                    // Text may have one bright colour alone.
                    values[pixel] = max(sample(0), sample(1), sample(2))
                } else {
                    values[pixel] = stored(offset(frame: frame, x: x, y: y, channel: 0))
                }
                if !palette.isEmpty { values[pixel] = Int(palette[min(max(values[pixel], 0), palette.count - 1)]) }
            }
        }
        let low = values.min() ?? 0, high = values.max() ?? 0
        let range = max(high - low, 1)
        let isByte = bitsAllocated == 8 && !isSigned
        return values.map { value in
            let shown = isByte ? value : (value - low) * 255 / range
            return UInt8(photometricInterpretation == "MONOCHROME1" ? 255 - shown : shown)
        }
    }

    /// Fills rectangles in every frame with black: the smallest value of the image (the largest of MONOCHROME1), so that no range grows.
    ///
    /// - Parameter darkest: the index to use for palette colour.
    public mutating func fill(_ rectangles: [PixelRectangle], darkest: Int? = nil) {
        guard !rectangles.isEmpty else { return }
        let black = samplesPerPixel == 1 ? darkest ?? extreme() : 0
        for frame in 0..<frameCount {
            for rectangle in rectangles {
                for y in rectangle.y..<(rectangle.y + rectangle.height) {
                    for x in rectangle.x..<(rectangle.x + rectangle.width) { blacken(frame: frame, x: x, y: y, black) }
                }
            }
        }
    }

    private mutating func blacken(frame: Int, x: Int, y: Int, _ black: Int) {
        // A colour difference of zero is stored as the middle.
        let isDifference = photometricInterpretation.hasPrefix("YBR_FULL")
        for channel in 0..<samplesPerPixel {
            let value = channel > 0 && isDifference ? 1 << (bitsStored - 1) : black
            let offset = offset(frame: frame, x: x, y: y, channel: channel)
            for index in 0..<sampleByteCount { bytes[offset + index] = UInt8(value >> (8 * index) & 0xFF) }
        }
    }

    private func extreme() -> Int {
        let isInverted = photometricInterpretation == "MONOCHROME1"
        var result = stored(0)
        for offset in stride(from: 0, to: frameByteCount * frameCount, by: sampleByteCount) {
            let value = stored(offset)
            if isInverted ? value > result : value < result { result = value }
        }
        return result
    }
}

extension NativePixels {
    /// Pixels as a decoder gives them: grey as stored, colour as RGB. Nil for real numbers and for frames of several shapes.
    init?(decoded frames: [DecodedImage]) {
        guard let first = frames.first else { return nil }
        var bytes: [UInt8] = []
        var isSigned = false
        var bits = 8
        for frame in frames {
            guard frame.width == first.width, frame.height == first.height, frame.channels == first.channels else { return nil }
            switch frame.samples {
            case .uint8(let values): bytes += values
            case .uint16(let values):
                bits = 16
                for value in values { bytes += [UInt8(value & 0xFF), UInt8(value >> 8)] }
            case .int16(let values):
                (bits, isSigned) = (16, true)
                for value in values { bytes += [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)] }
            case .uint32(let values):
                bits = 32
                for value in values { bytes += (0..<4).map { UInt8(value >> ($0 * 8) & 0xFF) } }
            case .int32(let values):
                (bits, isSigned) = (32, true)
                for value in values { bytes += (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
            case .real: return nil
            }
        }
        guard bytes.count == frames.count * first.width * first.height * first.channels * bits / 8 else { return nil }
        self.init(
            bytes: bytes, width: first.width, height: first.height, frameCount: frames.count, samplesPerPixel: first.channels, bitsAllocated: bits,
            bitsStored: min(first.bitsStored, bits), isSigned: isSigned, isPlanar: false,
            photometricInterpretation: first.channels == 3 ? "RGB" : first.greyscale?.isInverted == true ? "MONOCHROME1" : "MONOCHROME2")
    }
}
