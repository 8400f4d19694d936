import TernBytes
public import TernImage

/// A DICOM file that has been read up to its pixels: what it says, and where its frames lie.
///
/// It holds offsets and attributes; the bytes stay with the caller, who gives the same ones for each frame. Nothing in it names a patient.
public struct DICOMFile: Sendable {
    /// Hours of cine, or the tiles of a large slide.
    public static let limitFrameCount = 1 << 20
    /// The largest image and 16 MiB of attributes; at most 1,032 times the bytes of the file in any case.
    public static let limitInflatedByteCount = 80 << 20

    /// Most frames that a file of so many bytes may have, compressed as they are: every frame costs whoever reads them all, also one of a single bit.
    public static func limitFrameCount(fileByteCount: Int) -> Int { min(1_024 + fileByteCount / 16, limitFrameCount) }

    /// Nil for a bare data set.
    public let transferSyntax: DICOMUID?
    public let sopClassUID: DICOMUID?
    public let sopInstanceUID: DICOMUID?
    public let seriesInstanceUID: DICOMUID?
    /// Modality (CS), nil when the file has none.
    public let modality: String?
    /// Of the first frame where frames differ.
    public let attributes: ImageAttributes
    /// At least 1.
    public let frameCount: Int
    /// Columns of a frame.
    public var width: Int { format.width }
    /// Rows of a frame.
    public var height: Int { format.height }

    private let header: ImageHeader
    private let format: PixelFormat
    private let tables: GreyscaleTables
    private let frames: FrameIndex
    private let pixels: TransferSyntax.Pixels
    private let frameStarts: [Double]
    /// A deflated data set, unpacked: offsets are in it and not in the caller's bytes.
    private let inflated: [UInt8]?

    /// Reads a Part 10 file or a bare data set up to the end of its pixels.
    ///
    /// - Throws: `DICOMError`.
    /// - Cost: one pass over the attributes and over the heads of the fragments; memory in proportion to the frames and fragments that the
    ///   bytes hold.
    /// - Source: PS3.10 2024d section 7, PS3.5 2024d sections 7, 8 and annex A, PS3.3 2024d C.7.6.3 and C.11.
    public init(parsing bytes: RawSpan, strictness: DICOMStrictness = .lenient) throws(DICOMError) {
        let start = try DataSetStart(bytes, strictness: strictness)
        guard start.syntax.isDeflated else {
            try self.init(bytes, start, inflated: nil, strictness, fileByteCount: bytes.byteCount)
            return
        }
        let inflated = try start.inflated(bytes)
        var inner = start
        inner.offset = 0
        try self.init(inflated.rawBytes, inner, inflated: inflated, strictness, fileByteCount: bytes.byteCount)
    }

    private init(
        _ bytes: RawSpan, _ start: DataSetStart, inflated: [UInt8]?, _ strictness: DICOMStrictness, fileByteCount: Int
    ) throws(DICOMError) {
        self.inflated = inflated
        transferSyntax = start.identifier
        let element: PixelElement
        let limit = DICOMFile.limitFrameCount(fileByteCount: fileByteCount)
        (header, element) = try HeaderReader.read(
            bytes, encoding: start.syntax.encoding, offset: start.offset, strictness: strictness, limitFrameCount: limit)
        (sopClassUID, sopInstanceUID, seriesInstanceUID, modality) = (header.sopClass, header.sopInstance, header.seriesInstance, header.modality)
        // Writers give 0 for a single frame.
        frameCount = max(header.frameCount ?? 1, 1)
        guard frameCount <= limit else { throw .tooManyFrames(frameCount, limit: limit) }
        // What is said of single frames is said of each (PS3.3 2024d C.7.6.16); of the others it would be a guess.
        guard header.frames.count == 0 || header.frames.count == frameCount else { throw .invalidValue(tag: .perFrameFunctionalGroups) }
        pixels = start.syntax.pixels
        format = try PixelFormat(validating: header, in: bytes, pixels: pixels)
        tables =
            format.channels == 1 && format.palette == nil
            ? try GreyscaleTables(header, in: bytes, isSigned: format.isSigned) : GreyscaleTables()
        switch element {
        case .native(let element):
            guard pixels == .native else { throw .invalidValue(tag: .pixelData) }
            frames = try .native(element, format: format, frameCount: frameCount, strictness: strictness)
        case .encapsulated(let items):
            guard pixels != .native else { throw .undefinedLength(tag: .pixelData, offset: items.first?.lowerBound ?? 0) }
            var isMarked = false
            if case .codec = pixels { isMarked = true }
            frames = .encapsulated(try FragmentIndex(items, header: header, frameCount: frameCount, isMarked: isMarked, in: bytes))
        }
        attributes = header.pictureAttributes(transferSyntax)
        frameStarts = header.frameStarts(count: frameCount)
        // What is said of the first frame is checked here, so that a file that cannot be shown is refused as a whole.
        _ = try greyscale(ofFrame: 0)
    }

    /// Gives one frame.
    ///
    /// - Parameters:
    ///   - index: 0 ..< `frameCount`.
    ///   - bytes: those that the file was parsed from.
    /// - Shapes: 1 channel of up to 32 bits, signed or not, or 3 channels of RGB, unsigned.
    /// - Throws: `DICOMError`.
    /// - Cost: one copy of the frame; what comes before it is not looked at.
    public func frame(_ index: Int, of bytes: RawSpan) throws(DICOMError) -> DICOMFrame {
        guard (0..<frameCount).contains(index) else { throw .noSuchFrame(index, count: frameCount) }
        if let inflated { return try storedFrame(index, of: inflated.rawBytes) }
        return try storedFrame(index, of: bytes)
    }

    private func storedFrame(_ index: Int, of bytes: RawSpan) throws(DICOMError) -> DICOMFrame {
        let grey = try greyscale(ofFrame: index)
        switch frames {
        case .native(let element):
            guard element.valueRange.upperBound <= bytes.byteCount else {
                throw .truncated(offset: element.valueRange.lowerBound, needed: element.valueRange.count, available: bytes.byteCount)
            }
            let stored = try format.nativeSamples(
                bytes.extracting(element.valueRange), frame: index, isBigEndian: element.isBigEndian,
                isSwappedInPairs: element.isBigEndian && element.representation == .otherWord)
            return .native(format.image(stored, greyscale: grey))
        case .encapsulated(let fragments):
            return try encapsulatedFrame(try fragments.frame(index, of: bytes), greyscale: grey)
        }
    }

    private func encapsulatedFrame(_ joined: consuming [UInt8], greyscale: DecodedImage.Greyscale?) throws(DICOMError) -> DICOMFrame {
        switch pixels {
        case .native: throw .invalidValue(tag: .pixelData)
        case .encapsulatedUncompressed:
            guard joined.count >= (format.frameBitCount + 7) / 8 else {
                throw .pixelDataByteCount(expected: (format.frameBitCount + 7) / 8, actual: joined.count)
            }
            let stored = try format.nativeSamples(joined.rawBytes, frame: 0, isBigEndian: false, isSwappedInPairs: false)
            return .native(format.image(stored, greyscale: greyscale))
        case .runLength:
            let stored = try decodeRunLengths(
                joined.rawBytes, pixelCount: format.pixelCount, channels: format.channels, bytesPerSample: format.bitsAllocated / 8)
            return .native(format.image(stored, greyscale: greyscale))
        case .codec(let codec):
            guard let transferSyntax else { throw .missingElement(tag: .transferSyntaxUID) }
            return .encapsulated(
                EncapsulatedFrame(
                    transferSyntax: transferSyntax, codec: codec, bytes: joined, width: format.width, height: format.height,
                    channels: format.channels, bitsAllocated: format.bitsAllocated, bitsStored: format.bitsStored, isSigned: format.isSigned,
                    colour: format.codecColour))
        }
    }

    /// Finishes what a codec decoded of an encapsulated frame: checks it against the data set, gives the values their sign, looks palettes up,
    /// makes RGB of luminance and colour differences, and adds the grey scale.
    ///
    /// - Parameters:
    ///   - decoded: the codec's components as they lie in the code stream; of JPEG, colour is RGB already.
    ///   - index: 0 ..< `frameCount`.
    /// - Throws: `.frameDiffersFromDataSet`, and what the grey scale of the frame throws.
    public func image(from decoded: DecodedImage, frame index: Int) throws(DICOMError) -> DecodedImage {
        guard (0..<frameCount).contains(index) else { throw .noSuchFrame(index, count: frameCount) }
        return try format.image(fromCodec: decoded, isRGB: pixels == .codec(.jpeg), greyscale: try greyscale(ofFrame: index))
    }

    /// Where a frame lies in the patient; nil when the file does not say.
    public func geometry(ofFrame index: Int) -> SlicePosition? {
        let fields = header.fields(ofFrame: index)
        guard let origin = fields.position, let row = fields.rowDirection, let column = fields.columnDirection else { return nil }
        return SlicePosition(origin: origin, rowDirection: row, columnDirection: column, pixelSpacing: fields.pixelSpacing)
    }

    /// Milliseconds from the first frame to this one, by Frame Time or Frame Time Vector; nil when the file does not say.
    public func milliseconds(toFrame index: Int) -> Double? {
        if frameStarts.indices.contains(index) { return frameStarts[index] }
        return attributes.frameTimeMilliseconds.map { $0 * Double(index) }
    }

    private func greyscale(ofFrame index: Int) throws(DICOMError) -> DecodedImage.Greyscale? {
        guard format.channels == 1, format.palette == nil else { return nil }
        // Of a presentation shape, IDENTITY is the usual case of both interpretations; INVERSE beside MONOCHROME1 says the same once more.
        let isInverted = format.photometric == .monochrome1 || header.isPresentationInverted
        return try header.fields(ofFrame: index).greyscale(tables, isInverted: isInverted)
    }
}

extension PixelFormat {
    fileprivate var codecColour: EncapsulatedFrame.Colour {
        switch photometric {
        case .palette: .palette
        case .rgb: .redGreenBlue
        case .ybrFull, .ybrFull422, .ybrReversible, .ybrIrreversible: .luminanceChrominance
        case .monochrome1, .monochrome2, .other: .grey
        }
    }
}

extension ImageHeader {
    /// The attributes that the file carries, with what its transfer syntax adds.
    fileprivate func pictureAttributes(_ transferSyntax: DICOMUID?) -> ImageAttributes {
        var result = attributes
        result.pixelSpacing = fields(ofFrame: 0).pixelSpacing
        result.laterality = (imageLaterality ?? frameLaterality ?? laterality).map { String(decoding: [$0], as: UTF8.self) }
        if result.rowDirection == nil, result.columnDirection == nil {
            let fields = fields(ofFrame: 0)
            result.rowDirection = fields.rowDirection.flatMap { ImageAttributes.Direction(closestTo: $0) }
            result.columnDirection = fields.columnDirection.flatMap { ImageAttributes.Direction(closestTo: $0) }
        }
        result.viewPosition = result.viewPosition ?? viewCode.viewPosition
        let lossy = transferSyntax?.lossyCompression ?? (isCertain: false, isPossible: false)
        result.isLossyCompressed = lossy.isCertain || isLossy ?? lossy.isPossible
        // A vector of equal times is a frame time.
        let count = max(frameCount ?? 1, 1)
        if result.frameTimeMilliseconds == nil, hasFrameTimes(count: count), frameTimes[1] > 0, frameTimes.dropFirst().allSatisfy({ $0 == frameTimes[1] }) {
            result.frameTimeMilliseconds = frameTimes[1]
        }
        return result
    }

    /// What the functional groups say; nil when they say it of some frames only, or not the same of all.
    private var frameLaterality: UInt8? {
        let first = fields(ofFrame: 0).laterality
        return frames.fields.allSatisfy { ($0.laterality ?? shared.laterality) == first } ? first : nil
    }

    /// Whether the Frame Time Vector has one value for each frame, none of them negative; another one says nothing.
    private func hasFrameTimes(count: Int) -> Bool {
        frameTimes.count == count && count > 1 && frameTimes.allSatisfy { $0 >= 0 } && frameTimes.reduce(0, +).isFinite
    }

    /// The sums of a Frame Time Vector (PS3.3 2024d C.7.6.5.1.2).
    fileprivate func frameStarts(count: Int) -> [Double] {
        guard hasFrameTimes(count: count) else { return [] }
        var sum = 0.0
        return frameTimes.enumerated().map { index, time in
            sum += index == 0 ? 0 : time
            return sum
        }
    }
}
