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

    /// Compressed frames to write, cleaned of what is no picture.
    var frames: CompressedFrames?

    /// Frames that are decoded to be written uncompressed take so much memory at most.
    static let limitByteCount = 4 << 30

    /// - Throws: `.pixelsNotCleaned`, `.framesNotCleaned`.
    /// - Cost: every frame that differs from the one before is searched, 12 to 20 ms a megapixel.
    init(_ file: [UInt8], _ source: SourceFile, _ facts: DataSetFacts, _ options: DeidentificationOptions, decoder: @escaping FrameDecoder) throws(DeidentificationError) {
        guard facts.pixels != nil else { return }
        let family = CodeStream.family(source.transferSyntax ?? "")
        // Compressed frames stand in fragments, native ones do not: else nobody can tell what the bytes are.
        guard facts.isEncapsulated ? facts.rows > 0 && facts.columns > 0 : family == nil else {
            throw .framesNotCleaned(transferSyntax: source.transferSyntax ?? "")
        }
        guard facts.rows > 0, facts.columns > 0 else { return }
        let reader = PictureReader(file: file, source: source, facts: facts, decoder: decoder)
        if options.cleansPixels { try clean(reader, facts, options) } else { report.status = "notAsked" }
        guard facts.isEncapsulated, pixels == nil else { return }
        frames = family.flatMap { CompressedFrames(source, facts, family: $0) }
        if frames != nil { return }
        do throws(DeidentificationError) { pixels = try reader.allFrames() } catch { throw .framesNotCleaned(transferSyntax: source.transferSyntax ?? "") }
        report.wasDecompressed = true
    }

    private mutating func clean(_ reader: PictureReader, _ facts: DataSetFacts, _ options: DeidentificationOptions) throws(DeidentificationError) {
        guard facts.ultrasoundRegions.count <= CleaningRules.limitRegionCount else { throw .pixelsNotCleaned(.regionCount(limit: CleaningRules.limitRegionCount)) }
        report.rectangles = options.cleaningRules.rectangles(for: facts)
        let isSearched = PixelPlan.isSearched(facts, options)
        if isSearched { try search(reader, facts) }
        guard facts.burnedInAnnotation != "YES" || !report.rectangles.isEmpty || options.cleaningRules.isRuled(facts) else {
            throw .pixelsNotCleaned(.nothingFound)
        }
        report.status = !report.rectangles.isEmpty ? "cleaned" : isSearched ? "searched" : "notSearched"
        guard !report.rectangles.isEmpty else { return }
        var whole = try reader.allFrames()
        whole.fill(report.rectangles.map(\.rectangle), darkest: reader.darkestIndex)
        pixels = whole
        report.wasDecompressed = facts.isEncapsulated
    }

    private mutating func search(_ reader: PictureReader, _ facts: DataSetFacts) throws(DeidentificationError) {
        var last: [UInt8] = []
        for index in 0..<facts.frameCount {
            report.searchedFrameCount += 1
            let frame = try reader.frame(index)
            if frame.bytes == last { continue }
            last = frame.bytes
            for values in frame.planes(frame: 0, palette: reader.brightness, window: reader.window) {
                let found = textRegions(in: GreyPlane(width: frame.width, height: frame.height, values: values))
                // Colour Doppler looks like letters, which have few colours.
                let doppler = ["US", "IVUS"].contains(facts.modality) ? found.filter { frame.isManyColoured(frame: 0, $0) } : []
                add(found.filter { !doppler.contains($0) })
                // Letters over it are white.
                guard !doppler.isEmpty, let least = frame.leastColour(frame: 0) else { continue }
                let white = textRegions(in: GreyPlane(width: frame.width, height: frame.height, values: least))
                add(white.filter { letters in doppler.contains { $0.meets(letters) } })
            }
        }
    }

    private mutating func add(_ found: [PixelRectangle]) {
        for rectangle in found where !report.rectangles.contains(where: { $0.rectangle.contains(rectangle) }) {
            report.rectangles.append(CleanedRectangle(rectangle: rectangle, cause: .text))
        }
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

    func frame(_ index: Int) throws(DeidentificationError) -> NativePixels {
        facts.isEncapsulated ? try decoded(index...index) : try native(index...index)
    }

    /// The stored values that the first window of the file shows black and white.
    var window: ClosedRange<Double>? {
        guard let centre = facts.windowCentre, let width = facts.windowWidth, width >= 1, facts.rescaleSlope != 0 else { return nil }
        let bounds = [centre - width / 2, centre + width / 2].map { ($0 - facts.rescaleIntercept) / facts.rescaleSlope }
        guard bounds.allSatisfy(\.isFinite) else { return nil }
        return min(bounds[0], bounds[1])...max(bounds[0], bounds[1])
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
    var brightness: [UInt8] {
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
    func meets(_ other: PixelRectangle) -> Bool {
        x < other.x + other.width && other.x < x + width && y < other.y + other.height && other.y < y + height
    }

    func contains(_ other: PixelRectangle) -> Bool {
        x <= other.x && y <= other.y && x + width >= other.x + other.width && y + height >= other.y + other.height
    }
}
