import TernBytes
public import TernImage

/// Decodes baseline, extended and progressive JPEG files of 8 bits with libjpeg-turbo.
public enum JPEGDecoder {
    /// Coefficients of a multi-scan file cost two bytes a sample and stand beside the samples. As much as those may take: enough for a
    /// progressive grey image of 31 Mi pixels, and for colour of 20 Mi at 4:2:0 or 10 Mi at 4:4:4.
    public static let limitCoefficientBytes = ImageLimits.limitByteCount
    /// Encoders write about ten scans. Each scan may visit every block, so the number of scans multiplies the time.
    public static let limitScans = 32
    /// Every 8 by 8 block of the finest component takes at least one bit of entropy-coded data in one of the scans.
    public static let limitPixelsPerByte = 8 * 64

    /// What becomes of the orientation that an EXIF block names.
    public enum OrientationRule: Equatable, Sendable {
        /// The image is turned upright, as Pillow's `ImageOps.exif_transpose` does.
        case apply
        /// Rows and columns stay as stored; for an image inside DICOM, whose own attributes say how it lies.
        case ignore
    }
    /// How three components become red, green and blue.
    public enum ColourRule: Equatable, Sendable {
        /// What libjpeg concludes from the JFIF and Adobe markers and the component identifiers.
        case fromMarkers
        /// Components are red, green and blue as stored, unless an Adobe marker says otherwise; for DICOM's photometric interpretation RGB.
        case redGreenBlueUnlessMarked
    }

    /// Decodes one JPEG file.
    ///
    /// - Shapes: the result has 1 (grey) or 3 (RGB) channels of 8 bits.
    /// - Throws: `JPEGError`. Whatever libjpeg would merely warn about (truncation, wrong codes, stray bytes) is an error here.
    /// - Source: ITU-T T.81 (1992); the exact integer transform and the smooth chroma upsampling of libjpeg, hence the samples that
    ///   Pillow decodes.
    public static func decode(
        _ bytes: RawSpan, orientation: OrientationRule = .apply, colour: ColourRule = .fromMarkers
    ) throws(JPEGError) -> DecodedImage {
        let header = try readHeader(bytes)
        let (width, height, channels) = (header.width, header.height, header.components)
        let sampleCount: Int
        do throws(ImageLimitError) {
            sampleCount = try ImageLimits.sampleCount(width: width, height: height, channels: channels, bytesPerSample: 1)
        } catch {
            throw .shape(error)
        }
        guard width * height / limitPixelsPerByte <= bytes.byteCount else {
            throw .morePixelsThanData(width: width, height: height, byteCount: bytes.byteCount)
        }
        let isStoredRGB = colour == .redGreenBlueUnlessMarked && !header.hasAdobeMarker
        let samples = try JPEGLibrary.decode(bytes, header, isStoredRGB: isStoredRGB, sampleCount: sampleCount)
        let image = DecodedImage(width: width, height: height, channels: channels, bitsStored: 8, samples: .uint8(samples), greyscale: nil)
        return orientation == .apply ? image.upright(from: exifOrientation(bytes)) : image
    }

    private static func readHeader(_ bytes: RawSpan) throws(JPEGError) -> JPEGLibrary.Header {
        var start = ByteReader(bytes)
        let mark: UInt16
        do throws(ReadError) { mark = try start.readUInt16BE() } catch { throw .truncated(byteCount: bytes.byteCount) }
        guard mark == 0xFFD8 else { throw .notAJPEGFile }
        return try JPEGLibrary.readHeader(bytes)
    }

    /// The orientation of the first EXIF block before the first scan.
    private static func exifOrientation(_ bytes: RawSpan) -> Orientation {
        var reader = ByteReader(bytes)
        var found = Orientation.upright
        do throws(ReadError) {
            _ = try reader.readUInt16BE()
            while true {
                // T.81 B.1.1.2: a marker is 0xFF, fill bytes 0xFF, and a code.
                guard try reader.readUInt8() == 0xFF else { return found }
                var code = try reader.readUInt8()
                while code == 0xFF { code = try reader.readUInt8() }
                // SOS and EOI: no more headers. TEM and RST have no length and no place here.
                guard code != 0xDA, code != 0xD9, code != 0x01, !(0xD0...0xD7).contains(code) else { return found }
                let byteCount = Int(try reader.readUInt16BE())
                guard byteCount >= 2 else { return found }
                var segment = ByteReader(try reader.readBytes(byteCount - 2))
                if code == 0xE1, let orientation = exifOrientation(segment: &segment) {
                    found = orientation
                    return found
                }
            }
        } catch {
            return found
        }
    }

    /// Nil when the APP1 segment is not EXIF (it may be XMP).
    private static func exifOrientation(segment: inout ByteReader) -> Orientation? {
        do throws(ReadError) {
            guard try segment.readUInt32BE() == 0x4578_6966, try segment.readUInt16BE() == 0 else { return nil }
            return Orientation(parsingEXIF: try segment.readBytes(segment.remainingByteCount))
        } catch {
            return nil
        }
    }
}
