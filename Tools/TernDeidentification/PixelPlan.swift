import TernBytes
import TernDICOM
public import TernImage
import TernQuality

/// Decodes frames, counted from 0, of a DICOM file; nil where one of them cannot be decoded. Grey as stored, colour as RGB.
public typealias FrameDecoder = (_ file: [UInt8], _ frames: ClosedRange<Int>) -> [DecodedImage]?

/// What is done with the picture of one file.
struct PixelPlan {
    var report = DeidentificationReport.PixelReport()
    /// Pixels to write instead of those of the file.
    var pixels: NativePixels?

    /// At most so many frames are searched, evenly over a cine; text that a device burns in stands in all of them.
    static let limitSearchedFrames = 12
    /// Frames that are decoded to be written uncompressed take so much memory at most.
    static let limitByteCount = 4 << 30

    init(_ file: [UInt8], _ source: SourceFile, _ facts: DataSetFacts, _ options: DeidentificationOptions, decoder: @escaping FrameDecoder) throws(DeidentificationError) {
        guard facts.pixels != nil, facts.rows > 0, facts.columns > 0 else { return }
        guard options.cleansPixels else {
            report.status = "notAsked"
            return
        }
        let rules = options.cleaningRules.rectangles(for: facts)
        let isSearched = PixelPlan.isSearched(facts, options)
        guard isSearched || !rules.isEmpty else {
            report.status = "notSearched"
            return
        }
        let reader = PictureReader(file: file, source: source, facts: facts, decoder: decoder)
        report.rectangles = rules
        if isSearched {
            let step = max((facts.frameCount + PixelPlan.limitSearchedFrames - 1) / PixelPlan.limitSearchedFrames, 1)
            for frame in stride(from: 0, to: facts.frameCount, by: step) {
                report.searchedFrameCount += 1
                for found in textRegions(in: try reader.plane(frame)) where !report.rectangles.contains(where: { $0.rectangle.contains(found) }) {
                    report.rectangles.append(CleanedRectangle(rectangle: found, cause: .text))
                }
            }
        }
        report.status = report.rectangles.isEmpty ? "searched" : "cleaned"
        guard !report.rectangles.isEmpty else { return }
        var whole = try reader.allFrames()
        whole.fill(report.rectangles.map(\.rectangle), darkest: reader.darkestIndex)
        pixels = whole
        report.wasDecompressed = facts.isEncapsulated
    }

    /// Kinds that carry burned-in text: PS3.15 E.3.1 names ultrasound, secondary captures and photographs.
    private static func isSearched(_ facts: DataSetFacts, _ options: DeidentificationOptions) -> Bool {
        switch options.detection {
        case .never: return false
        case .always: return true
        case .auto:
            let secondaryCapture = Array("1.2.840.10008.5.1.4.1.1.7".utf8)
            return facts.burnedInAnnotation == "YES" || facts.sopClassUID.starts(with: secondaryCapture)
                || ["US", "IVUS", "ES", "XC", "GM", "SC", "OT", "RF", "XA", "HC", "DG", "OP", "BDUS", "ECG", "HD", "DOC", ""].contains(facts.modality)
        }
    }
}

/// Gives the frames of one file, native or decoded.
private struct PictureReader {
    let file: [UInt8]
    let source: SourceFile
    let facts: DataSetFacts
    let decoder: FrameDecoder

    func plane(_ frame: Int) throws(DeidentificationError) -> GreyPlane {
        let pixels = facts.isEncapsulated ? try decoded(frame...frame) : try native(frame...frame)
        return GreyPlane(width: pixels.width, height: pixels.height, values: pixels.plane(frame: 0, palette: brightness))
    }

    func allFrames() throws(DeidentificationError) -> NativePixels {
        facts.isEncapsulated ? try decoded(0...(facts.frameCount - 1)) : try native(0...(facts.frameCount - 1))
    }

    private func native(_ frames: ClosedRange<Int>) throws(DeidentificationError) -> NativePixels {
        guard [8, 16, 32].contains(facts.bitsAllocated), facts.samplesPerPixel == 1 || facts.samplesPerPixel == 3,
            !(facts.photometricInterpretation == "YBR_FULL_422" && (facts.bitsAllocated != 8 || facts.columns % 2 == 1)), let expected = facts.pixelByteCount
        else { throw .pixelsNotCleaned(.layout(bitsAllocated: facts.bitsAllocated, samplesPerPixel: facts.samplesPerPixel)) }
        guard let pixels = facts.pixels, pixels.valueRange.count >= expected else {
            throw .pixelsNotCleaned(.byteCount(expected: expected, actual: facts.pixels?.valueRange.count ?? 0))
        }
        let frameByteCount = expected / facts.frameCount
        let start = pixels.valueRange.lowerBound + frames.lowerBound * frameByteCount
        // One frame of an odd number of words of 16 bits cannot start inside a word.
        guard !pixels.isBigEndian || pixels.representation == .otherByte || start % 2 == pixels.valueRange.lowerBound % 2 else {
            throw .pixelsNotCleaned(.layout(bitsAllocated: facts.bitsAllocated, samplesPerPixel: facts.samplesPerPixel))
        }
        var bytes = Array(source.bytes[start..<(start + frames.count * frameByteCount)])
        if pixels.isBigEndian { swapBytes(&bytes, unit: pixels.representation == .otherByte ? 1 : max(facts.bitsAllocated / 8, 2)) }
        return NativePixels(
            bytes: bytes, width: facts.columns, height: facts.rows, frameCount: frames.count, samplesPerPixel: facts.samplesPerPixel,
            bitsAllocated: facts.bitsAllocated, bitsStored: (1...facts.bitsAllocated).contains(facts.bitsStored) ? facts.bitsStored : facts.bitsAllocated,
            isSigned: facts.isSigned, isPlanar: facts.isPlanar, photometricInterpretation: facts.photometricInterpretation)
    }

    private func decoded(_ frames: ClosedRange<Int>) throws(DeidentificationError) -> NativePixels {
        guard PixelPlan.limitByteCount / max(facts.rows * facts.columns * facts.samplesPerPixel * 4, 1) >= frames.count else {
            throw .pixelsNotCleaned(.layout(bitsAllocated: facts.bitsAllocated, samplesPerPixel: facts.samplesPerPixel))
        }
        guard var images = decoder(file, frames) else { throw .pixelsNotCleaned(.transferSyntax(source.transferSyntax ?? "")) }
        // A palette has 16 bits, the objects that use one are shown in 8.
        if facts.photometricInterpretation == "PALETTE COLOR" { images = images.map(eightBits) }
        guard let pixels = NativePixels(decoded: images), pixels.width == facts.columns, pixels.height == facts.rows else {
            throw .pixelsNotCleaned(.layout(bitsAllocated: facts.bitsAllocated, samplesPerPixel: facts.samplesPerPixel))
        }
        return pixels
    }

    // MARK: Palettes

    private func eightBits(_ image: DecodedImage) -> DecodedImage {
        guard case .uint16(let values) = image.samples, image.bitsStored == 16 else { return image }
        var result = image
        result.samples = .uint8(values.map { UInt8($0 >> 8) })
        result.bitsStored = 8
        return result
    }

    /// The brightest of the three colours of each index; empty where there is no palette of 16 bits.
    private var brightness: [UInt8] {
        guard !facts.isEncapsulated, facts.photometricInterpretation == "PALETTE COLOR", facts.palette.count == 3 else { return [] }
        let count = facts.palette.map(\.count).min().map { $0 / 2 } ?? 0
        return (0..<count).map { index in
            facts.palette.map { source.bytes[$0.lowerBound + index * 2 + (source.encoding.isBigEndian ? 0 : 1)] }.max() ?? 0
        }
    }

    var darkestIndex: Int? {
        guard facts.photometricInterpretation == "PALETTE COLOR", !facts.isEncapsulated else { return nil }
        let levels = brightness
        return levels.indices.min { levels[$0] < levels[$1] } ?? 0
    }
}

extension PixelRectangle {
    func contains(_ other: PixelRectangle) -> Bool {
        x <= other.x && y <= other.y && x + width >= other.x + other.width && y + height >= other.y + other.height
    }
}
