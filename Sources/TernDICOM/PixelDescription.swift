import TernBytes
import TernImage

/// The attributes of the Image Pixel module once they are known to fit together.
struct PixelDescription {
    private let width: Int
    private let height: Int
    private let channels: Int
    private let sampleCount: Int
    private let bitsAllocated: Int
    private let bitsStored: Int
    private let isSigned: Bool
    private let isPlanar: Bool
    private let photometric: Attributes.Photometric
    private let greyscale: DecodedImage.Greyscale?

    init(validating attributes: Attributes, isEncapsulated: Bool) throws(DICOMError) {
        if let count = attributes.frameCount, count != 1 {
            guard count > 0 else { throw .invalidValue(tag: .numberOfFrames) }
            throw .unsupportedFrameCount(count)
        }
        guard !attributes.hasFunctionalGroups else { throw .unsupportedGreyscale(tag: .sharedFunctionalGroups) }
        width = try required(attributes.columns, .columns)
        height = try required(attributes.rows, .rows)
        channels = try required(attributes.samplesPerPixel, .samplesPerPixel)
        photometric = try required(attributes.photometric, .photometricInterpretation)
        bitsAllocated = try required(attributes.bitsAllocated, .bitsAllocated)
        bitsStored = try required(attributes.bitsStored, .bitsStored)
        let highBit = try required(attributes.highBit, .highBit)
        let representation = try required(attributes.pixelRepresentation, .pixelRepresentation)
        guard representation <= 1 else { throw .invalidValue(tag: .pixelRepresentation) }
        isSigned = representation == 1
        guard channels == 1 || channels == 3 else { throw .unsupportedPixels(.samplesPerPixel(channels)) }
        // PS3.5 2024d 8.1.1: the high bit is one less than the bits stored.
        guard bitsAllocated == 8 || bitsAllocated == 16, (1...bitsAllocated).contains(bitsStored), highBit == bitsStored - 1 else {
            throw .unsupportedPixels(.bits(allocated: bitsAllocated, stored: bitsStored, high: highBit))
        }
        do throws(ImageLimitError) {
            sampleCount = try ImageLimits.sampleCount(
                // Signed samples become Int16, of 8 bits too.
                width: width, height: height, channels: channels, bytesPerSample: isSigned ? 2 : bitsAllocated / 8)
        } catch {
            throw .shape(error)
        }
        if channels == 1 {
            guard photometric == .monochrome1 || photometric == .monochrome2 else { throw .unsupportedPixels(.photometricInterpretation) }
            isPlanar = false
            greyscale = try attributes.greyscale(isInverted: photometric == .monochrome1)
        } else {
            guard photometric == .rgb || isEncapsulated && (photometric == .ybrFull || photometric == .ybrFull422) else {
                throw .unsupportedPixels(.photometricInterpretation)
            }
            guard !isSigned else { throw .unsupportedPixels(.signedColour) }
            let planes = try required(attributes.planarConfiguration, .planarConfiguration)
            guard planes <= 1 else { throw .invalidValue(tag: .planarConfiguration) }
            isPlanar = planes == 1
            greyscale = nil
        }
        if channels == 3 || isEncapsulated {
            guard bitsAllocated == 8, bitsStored == 8, !isSigned else {
                throw .unsupportedPixels(.depth(allocated: bitsAllocated, stored: bitsStored))
            }
        }
    }

    /// Reads uncompressed pixels, PS3.5 2024d 8.1 and A.1, A.2.
    @_lifetime(reader: copy reader)
    func readNative(_ reader: inout ByteReader, header: ElementHeader) throws(DICOMError) -> DecodedImage {
        guard let byteCount = header.byteCount else { throw .undefinedLength(tag: header.tag, offset: header.offset) }
        let expected = sampleCount * (bitsAllocated / 8)
        // An odd number of bytes is padded with one more (PS3.5 2024d 8.1.1), which some writers forget.
        guard byteCount == expected || byteCount == expected + expected % 2 else { throw .pixelDataByteCount(expected: expected, actual: byteCount) }
        let samples: DecodedImage.Samples
        do throws(ReadError) {
            samples =
                bitsAllocated == 8
                ? samples8(try reader.readUInt8Array(count: sampleCount)) : samples16(try reader.readUInt16LEArray(count: sampleCount))
        } catch {
            throw DICOMError(error)
        }
        return DecodedImage(
            width: width, height: height, channels: channels, bitsStored: bitsStored, samples: samples, greyscale: greyscale)
    }

    /// Joins the fragments of the only frame, PS3.5 2024d A.4.
    @_lifetime(reader: copy reader)
    func readEncapsulated(
        _ reader: inout ByteReader, header: ElementHeader, transferSyntax: DICOMUID
    ) throws(DICOMError) -> EncapsulatedFrame {
        guard header.byteCount == nil else { throw .invalidValue(tag: .pixelData) }
        var bytes: [UInt8] = []
        // The fragments are part of what remains: one store of at most the file's size instead of one that grows by doubling.
        bytes.reserveCapacity(reader.remainingByteCount)
        var isOffsetTable = true
        while true {
            let item = try reader.readElementHeader(isExplicit: true)
            if item.tag == .sequenceDelimitation, !isOffsetTable { break }
            guard item.tag == .item, let byteCount = item.byteCount else { throw .unexpectedTag(tag: item.tag, offset: item.offset) }
            do throws(ReadError) {
                if isOffsetTable {
                    _ = try reader.readBytes(byteCount)
                } else {
                    bytes += try reader.readUInt8Array(count: byteCount)
                }
            } catch {
                throw DICOMError(error)
            }
            isOffsetTable = false
        }
        guard !bytes.isEmpty else { throw .noPixelData }
        let colour: EncapsulatedFrame.Colour = channels == 1 ? .grey : photometric == .rgb ? .redGreenBlue : .luminanceChrominance
        return EncapsulatedFrame(
            transferSyntax: transferSyntax, bytes: bytes, width: width, height: height, colour: colour, greyscale: greyscale)
    }

    private func samples8(_ stored: [UInt8]) -> DecodedImage.Samples {
        if isSigned { return .int16(signed(stored)) }
        var values = isPlanar ? interleaved(stored) : stored
        // Bits above the stored ones are no part of the sample (PS3.5 2024d 8.1.1).
        let mask = UInt8.max >> UInt8(8 - bitsStored)
        if mask != UInt8.max {
            for index in values.indices { values[index] &= mask }
        }
        return .uint8(values)
    }

    private func samples16(_ stored: consuming [UInt16]) -> DecodedImage.Samples {
        if isSigned { return .int16(signed(stored)) }
        let mask = UInt16.max >> UInt16(16 - bitsStored)
        if mask != UInt16.max {
            var values = stored.mutableSpan
            for index in values.indices { values[index] &= mask }
        }
        return .uint16(stored)
    }

    /// Spreads the sign bit, bit `bitsStored` - 1, over the bits above it.
    private func signed<Stored: FixedWidthInteger>(_ stored: [Stored]) -> [Int16] {
        let shift = Int16(16 - bitsStored)
        return stored.map { (Int16(truncatingIfNeeded: $0) << shift) >> shift }
    }

    private func interleaved(_ planes: [UInt8]) -> [UInt8] {
        let pixelCount = width * height
        var values: [UInt8] = []
        values.reserveCapacity(planes.count)
        for pixel in 0..<pixelCount {
            for channel in 0..<channels { values.append(planes[channel * pixelCount + pixel]) }
        }
        return values
    }
}

private func required<Value>(_ value: Value?, _ tag: DICOMTag) throws(DICOMError) -> Value {
    guard let value else { throw .missingElement(tag: tag) }
    return value
}

extension Attributes {
    /// The greyscale steps of PS3.3 2024d C.11.1 and C.11.2.
    fileprivate func greyscale(isInverted: Bool) throws(DICOMError) -> DecodedImage.Greyscale {
        guard !hasModalityLookupTable else { throw .unsupportedGreyscale(tag: .modalityLookupTable) }
        if rescaleSlope != nil || rescaleIntercept != nil {
            _ = try required(rescaleSlope, .rescaleSlope)
            _ = try required(rescaleIntercept, .rescaleIntercept)
        }
        let slope = rescaleSlope ?? 1
        // C.11.1.1.2: the slope may not be zero.
        guard slope.isFinite, slope != 0 else { throw .invalidValue(tag: .rescaleSlope) }
        return DecodedImage.Greyscale(
            slope: slope, intercept: rescaleIntercept ?? 0, voi: try window().map { .window($0) }, isInverted: isInverted)
    }

    private func window() throws(DICOMError) -> DecodedImage.Window? {
        guard windowCentre != nil || windowWidth != nil else {
            // A window and a table are alternatives (C.11.2.1.1): with a window the table is not needed.
            guard !hasVOILookupTable else { throw .unsupportedGreyscale(tag: .voiLookupTable) }
            return nil
        }
        let centre = try required(windowCentre, .windowCentre)
        let width = try required(windowWidth, .windowWidth)
        switch voiFunction {
        case nil, .linear:
            // C.11.2.1.2.1: at least 1.
            guard width >= 1 else { throw .invalidValue(tag: .windowWidth) }
            return DecodedImage.Window(centre: centre, width: width, function: .linear)
        case .linearExact:
            guard width > 0 else { throw .invalidValue(tag: .windowWidth) }
            return DecodedImage.Window(centre: centre, width: width, function: .linearExact)
        case .other:
            throw .unsupportedGreyscale(tag: .voiLookupFunction)
        }
    }
}
