import TernBytes
import TernImage

/// The attributes of the Image Pixel module once they are known to fit together, PS3.3 2024d C.7.6.3.
struct PixelFormat {
    let width: Int
    let height: Int
    /// Samples of a stored pixel, 1 or 3.
    let channels: Int
    /// 1, 8, 16 or 32.
    let bitsAllocated: Int
    /// 1 ... `bitsAllocated`.
    let bitsStored: Int
    let isSigned: Bool
    /// Of native pixels: whether the planes follow one another.
    let isPlanar: Bool
    let photometric: ImageHeader.Photometric
    let palette: Palette?

    var pixelCount: Int { width * height }
    var sampleCount: Int { pixelCount * channels }
    /// Two native pixels of this kind share their colour differences.
    var isSubsampled: Bool { photometric == .ybrFull422 }
    /// Bits of one native frame; frames follow one another without padding. At most 2^30: `ImageLimits` holds for the samples.
    var frameBitCount: Int { isSubsampled ? pixelCount * 16 : sampleCount * bitsAllocated }

    /// - Throws: `.missingElement`, `.invalidValue`, `.unsupportedPixels`, `.shape`.
    init(validating header: ImageHeader, in bytes: RawSpan, pixels: TransferSyntax.Pixels) throws(DICOMError) {
        width = try required(header.columns, .columns)
        height = try required(header.rows, .rows)
        channels = try required(header.samplesPerPixel, .samplesPerPixel)
        photometric = try required(header.photometric, .photometricInterpretation)
        bitsAllocated = try required(header.bitsAllocated, .bitsAllocated)
        bitsStored = header.bitsStored ?? bitsAllocated
        let highBit = header.highBit ?? bitsStored - 1
        let representation = try required(header.pixelRepresentation, .pixelRepresentation)
        guard representation <= 1 else { throw .invalidValue(tag: .pixelRepresentation) }
        isSigned = representation == 1
        guard channels == 1 || channels == 3 else { throw .unsupportedPixels(.samplesPerPixel(channels)) }
        // PS3.5 2024d 8.1.1: the high bit is one less than the bits stored.
        guard [1, 8, 16, 32].contains(bitsAllocated), (1...bitsAllocated).contains(bitsStored), highBit == bitsStored - 1 else {
            throw .unsupportedPixels(.bits(allocated: bitsAllocated, stored: bitsStored, high: highBit))
        }
        var isCodec = false
        if case .codec = pixels { isCodec = true }
        // Components of a codec lie as the codec says, those of annex G always in planes.
        if channels == 3, pixels == .native || pixels == .encapsulatedUncompressed {
            let planes = try required(header.planarConfiguration, .planarConfiguration)
            guard planes <= 1 else { throw .invalidValue(tag: .planarConfiguration) }
            isPlanar = planes == 1
        } else {
            isPlanar = pixels == .runLength
        }
        palette = photometric == .palette ? try Palette(header, in: bytes, isSigned: isSigned) : nil
        let stored = isSigned ? max(2, bitsAllocated / 8) : max(1, bitsAllocated / 8)
        do throws(ImageLimitError) {
            _ = try ImageLimits.sampleCount(
                width: width, height: height, channels: palette == nil ? channels : 3, bytesPerSample: palette.map { $0.bits / 8 } ?? stored)
        } catch {
            throw .shape(error)
        }
        try check(isCodec: isCodec, pixels: pixels)
    }

    private func check(isCodec: Bool, pixels: TransferSyntax.Pixels) throws(DICOMError) {
        switch photometric {
        case .monochrome1, .monochrome2, .palette:
            guard channels == 1 else { throw .unsupportedPixels(.photometricInterpretation) }
        case .rgb, .ybrFull, .ybrFull422:
            guard channels == 3 else { throw .unsupportedPixels(.photometricInterpretation) }
        case .ybrReversible, .ybrIrreversible:
            guard channels == 3, pixels == .codec(.jpeg2000) else { throw .unsupportedPixels(.photometricInterpretation) }
        case .other: throw .unsupportedPixels(.photometricInterpretation)
        }
        guard channels == 1 || !isSigned else { throw .unsupportedPixels(.signedColour) }
        let isWhole = bitsAllocated > 1 && (channels == 1 || photometric == .rgb || bitsAllocated == 8 && bitsStored == 8)
        // Single bits stand for black and white alone, and only native.
        let isNative = pixels == .native || pixels == .encapsulatedUncompressed
        let isBit = bitsAllocated == 1 && channels == 1 && !isSigned && palette == nil && isNative
        guard isWhole && (palette == nil && !isCodec || bitsAllocated <= 16) || isBit else {
            throw .unsupportedPixels(.depth(allocated: bitsAllocated, stored: bitsStored))
        }
        // C.7.6.3.1.2: an even number of columns; two pixels are not split over two rows.
        let isEven = width % 2 == 0 && !isPlanar && pixels != .runLength
        guard !isSubsampled || isCodec || isEven else { throw .unsupportedPixels(.photometricInterpretation) }
    }
}

func required<Value>(_ value: Value?, _ tag: DICOMTag) throws(DICOMError) -> Value {
    guard let value else { throw .missingElement(tag: tag) }
    return value
}
