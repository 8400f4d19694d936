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

    /// The frame in grey as it may be shown, 0 black ... 255 white: for bytes and colour as they are; by the window of the file; between the percentiles
    /// that leave 0.1 % of the pixels on either side; and, where single pixels lie far outside these, over the whole range. Text that can be read stands out in one.
    ///
    /// - Parameter palette: brightness of each index, for palette colour.
    /// - Parameter window: stored values that are shown black and white.
    func planes(frame: Int, palette: [UInt8] = [], window: ClosedRange<Double>? = nil) -> [[UInt8]] {
        let values = greyValues(frame: frame, palette: palette)
        let low = Double(values.min() ?? 0), high = Double(values.max() ?? 0)
        let inner = innerRange(values, low, high)
        var ranges: [ClosedRange<Double>] = []
        if bitsAllocated == 8 && !isSigned || !palette.isEmpty {
            ranges.append(0...255)
            if inner.upperBound - inner.lowerBound < 128 { ranges.append(inner) }
        } else {
            ranges.append(inner)
            if high - low > 1.5 * (inner.upperBound - inner.lowerBound) { ranges.append(low...high) }
        }
        if let window, palette.isEmpty, samplesPerPixel == 1, !ranges.contains(window) { ranges.append(window) }
        let isInverted = photometricInterpretation == "MONOCHROME1"
        return ranges.map { range in
            let scale = 255 / max(range.upperBound - range.lowerBound, 1)
            return values.map { value in
                let shown = UInt8(min(max((Double(value) - range.lowerBound) * scale, 0), 255))
                return isInverted ? 255 - shown : shown
            }
        }
    }

    private func greyValues(frame: Int, palette: [UInt8]) -> [Int] {
        var values = [Int](repeating: 0, count: width * height)
        let isColour = samplesPerPixel == 3 && photometricInterpretation == "RGB"
        for y in 0..<height {
            for x in 0..<width {
                let pixel = y * width + x
                values[pixel] = stored(offset(frame: frame, x: x, y: y, channel: 0))
                // Text may have one bright colour alone.
                if isColour {
                    for channel in 1...2 { values[pixel] = max(values[pixel], stored(offset(frame: frame, x: x, y: y, channel: channel))) }
                }
                if !palette.isEmpty { values[pixel] = Int(palette[min(max(values[pixel], 0), palette.count - 1)]) }
            }
        }
        return values
    }

    /// Between the 0.1 and 99.9 percentiles. Bins of a histogram, made finer twice around what lies inside.
    private func innerRange(_ values: [Int], _ low: Double, _ high: Double) -> ClosedRange<Double> {
        var (low, high) = (low, high)
        let binCount = 1_024
        let outside = values.count / 1_000
        for _ in 0..<3 where high - low >= 1 {
            let width = (high - low) / Double(binCount)
            var counts = [Int](repeating: 0, count: binCount)
            for value in values { counts[min(max(Int((Double(value) - low) / width), 0), binCount - 1)] += 1 }
            var (first, last, below, above) = (0, binCount - 1, counts[0], counts[binCount - 1])
            while below <= outside, first < binCount - 1 {
                first += 1
                below += counts[first]
            }
            while above <= outside, last > first {
                last -= 1
                above += counts[last]
            }
            (low, high) = (low + Double(first) * width, low + Double(last + 1) * width)
        }
        return low...max(high, low)
    }

    /// The darkest of the three colours of each pixel: white and grey letters stand out from any colour in it. Nil where there is no colour.
    func leastColour(frame: Int) -> [UInt8]? {
        guard samplesPerPixel == 3, photometricInterpretation == "RGB", bitsAllocated == 8 else { return nil }
        return (0..<(width * height)).map { pixel in
            (0..<3).reduce(UInt8(255)) { min($0, bytes[offset(frame: frame, x: pixel % width, y: pixel / width, channel: $1)]) }
        }
    }

    /// Whether what is bright in a rectangle runs through many colours, as a colour Doppler signal does: hardly any of it is grey, and two colours do not make it up.
    func isManyColoured(frame: Int, _ rectangle: PixelRectangle) -> Bool {
        guard samplesPerPixel == 3, photometricInterpretation == "RGB", bitsAllocated == 8 else { return false }
        var pixels: [(red: Int, green: Int, blue: Int, peak: Int)] = []
        for y in rectangle.y..<(rectangle.y + rectangle.height) {
            for x in rectangle.x..<(rectangle.x + rectangle.width) {
                let sample = { Int(bytes[offset(frame: frame, x: x, y: y, channel: $0)]) }
                let (red, green, blue) = (sample(0), sample(1), sample(2))
                pixels.append((red, green, blue, max(red, green, blue)))
            }
        }
        guard let low = pixels.min(by: { $0.peak < $1.peak })?.peak, let high = pixels.max(by: { $0.peak < $1.peak })?.peak else { return false }
        var inkCount = 0, alikeCount = 0, greyCount = 0
        // Eight levels of each colour.
        var bins = [Int](repeating: 0, count: 512)
        for pixel in pixels where 2 * pixel.peak > low + high {
            inkCount += 1
            if 4 * (pixel.peak - min(pixel.red, pixel.green, pixel.blue)) <= 255 {
                greyCount += 1
            } else {
                bins[pixel.red / 32 * 64 + pixel.green / 32 * 8 + pixel.blue / 32] += 1
            }
        }
        for _ in 0..<2 {
            guard let top = bins.indices.max(by: { bins[$0] < bins[$1] }) else { break }
            let isNear = { (bin: Int) in [6, 3, 0].allSatisfy { abs((bin >> $0) & 7 - (top >> $0) & 7) <= 1 } }
            for bin in bins.indices where isNear(bin) {
                alikeCount += bins[bin]
                bins[bin] = 0
            }
        }
        return 4 * greyCount < inkCount && 4 * (greyCount + alikeCount) < 3 * inkCount
    }

    /// Fills rectangles in every frame with black: the smallest value of the image (the largest of MONOCHROME1), so that no range grows.
    ///
    /// - Parameter darkest: the index to use for palette colour.
    public mutating func fill(_ rectangles: [PixelRectangle], darkest: Int? = nil) {
        guard !rectangles.isEmpty else { return }
        let black = samplesPerPixel == 1 ? darkest ?? extreme() : 0
        // Rectangles may lie over one another, and each pixel is filled once.
        var isFilled = [Bool](repeating: false, count: width * height)
        for rectangle in rectangles {
            for y in rectangle.y..<(rectangle.y + rectangle.height) {
                let row = y * width + rectangle.x
                for pixel in row..<(row + rectangle.width) { isFilled[pixel] = true }
            }
        }
        for pixel in isFilled.indices where isFilled[pixel] {
            for frame in 0..<frameCount { blacken(frame: frame, x: pixel % width, y: pixel / width, black) }
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
