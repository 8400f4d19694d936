import CTernPNG
import TernBytes
public import TernImage

/// Decodes PNG files of every bit depth with libpng.
public enum PNGDecoder {
    /// An upper bound of deflate's expansion: a pair of codes of one bit each can stand for 258 bytes (RFC 1951 3.2.5), 1,032 to one.
    public static let limitExpansion = 1_032
    /// An EXIF block longer than a JPEG segment carries previews, not an orientation that anything else would read.
    public static let limitEXIFBytes = 65_536

    /// Decodes one PNG file.
    ///
    /// - Shapes: the result has 1 (grey) or 3 (RGB; palettes are looked up) channels, of 16 bits when the file has 16, else of 8.
    /// - Range: grey of 1, 2 and 4 bits is scaled to 0 ... 255. Samples are given as stored: gamma and profiles are not applied.
    /// - Throws: `PNGError`. Alpha is accepted only where every pixel is opaque.
    /// - Source: ISO/IEC 15948:2004. An eXIf orientation is applied as Pillow's `ImageOps.exif_transpose` does.
    public static func decode(_ bytes: RawSpan) throws(PNGError) -> DecodedImage {
        try checkShape(bytes)
        var exif = [UInt8](repeating: 0, count: limitEXIFBytes)
        let header = try readHeader(bytes, exif: &exif)
        let (width, height, channels) = (Int(header.width), Int(header.height), Int(header.channels))
        let storedChannels = channels + Int(header.has_alpha)
        let storedCount: Int
        do throws(ImageLimitError) {
            storedCount = try ImageLimits.sampleCount(
                width: width, height: height, channels: storedChannels, bytesPerSample: Int(header.sample_byte_count))
        } catch {
            throw .shape(error)
        }
        let sampleCount = width * height * channels
        let isWide = header.sample_byte_count == 2
        let samples: DecodedImage.Samples =
            isWide
            ? .uint16(try decodeSamples(bytes, storedCount: storedCount, sampleCount: sampleCount))
            : .uint8(try decodeSamples(bytes, storedCount: storedCount, sampleCount: sampleCount))
        let image = DecodedImage(
            width: width, height: height, channels: channels, bitsStored: isWide ? 16 : 8, samples: samples, greyscale: nil)
        guard header.exif_byte_count > 0 else { return image }
        return image.upright(from: Orientation(parsingEXIF: exif.rawBytes.extracting(0..<Int(header.exif_byte_count))))
    }

    /// Reads the first chunk without libpng, so that a shape past the limits costs nothing and is told from damage.
    private static func checkShape(_ bytes: RawSpan) throws(PNGError) {
        var reader = ByteReader(bytes)
        let signature: (UInt32, UInt32), chunk: (UInt32, UInt32), width: Int, height: Int, depth: Int, type: UInt8
        do throws(ReadError) {
            signature = (try reader.readUInt32BE(), try reader.readUInt32BE())
            chunk = (try reader.readUInt32BE(), try reader.readUInt32BE())
            width = Int(try reader.readUInt32BE())
            height = Int(try reader.readUInt32BE())
            depth = Int(try reader.readUInt8())
            type = try reader.readUInt8()
        } catch {
            throw .truncated(byteCount: bytes.byteCount)
        }
        guard signature == (0x8950_4E47, 0x0D0A_1A0A) else { throw .notAPNGFile }
        // 13 bytes of `IHDR`.
        guard chunk == (13, 0x4948_4452) else { throw .invalid }
        // ISO/IEC 15948 table 11.1. A palette is stored as one index and decoded to three channels.
        let channels = type == 2 ? 3 : type == 4 ? 2 : type == 6 ? 4 : 1
        do throws(ImageLimitError) {
            _ = try ImageLimits.sampleCount(
                width: width, height: height, channels: type == 3 ? 3 : channels, bytesPerSample: depth == 16 ? 2 : 1)
        } catch {
            throw .shape(error)
        }
        // At most 2^26 pixels of 2^10 bits: no overflow.
        let rawByteCount = width * height * channels * depth / 8
        guard rawByteCount / limitExpansion <= bytes.byteCount else {
            throw .morePixelsThanData(width: width, height: height, byteCount: bytes.byteCount)
        }
    }

    private static func readHeader(_ bytes: RawSpan, exif: inout [UInt8]) throws(PNGError) -> tern_png_header {
        var header = tern_png_header()
        // SAFETY: the shim reads and writes only inside the two buffers whose counts it is told, and keeps no pointer.
        let status = unsafe bytes.withUnsafeBytes { source in
            unsafe exif.withUnsafeMutableBufferPointer { target in
                unsafe tern_png_read_header(
                    source.baseAddress, source.count, UInt32(ImageLimits.limitSide), target.baseAddress, target.count, &header)
            }
        }
        try check(status, byteCount: bytes.byteCount)
        return header
    }

    private static func decodeSamples<Sample: FixedWidthInteger>(
        _ bytes: RawSpan, storedCount: Int, sampleCount: Int
    ) throws(PNGError) -> [Sample] {
        var status = TERN_PNG_OK
        // SAFETY: `target` has room for `storedCount` samples, whose byte count the shim is told; it initialises all of them before it reports
        // OK, and the first `sampleCount` are the image. On any other status no sample counts as initialised.
        let samples = unsafe [Sample](unsafeUninitializedCapacity: storedCount) { target, initializedCount in
            unsafe bytes.withUnsafeBytes { source in
                status = unsafe tern_png_decode(
                    source.baseAddress, source.count, UInt32(ImageLimits.limitSide), target.baseAddress,
                    storedCount * MemoryLayout<Sample>.stride)
            }
            initializedCount = status == TERN_PNG_OK ? sampleCount : 0
        }
        try check(status, byteCount: bytes.byteCount)
        return samples
    }

    private static func check(_ status: tern_png_status, byteCount: Int) throws(PNGError) {
        switch status {
        case TERN_PNG_OK: return
        case TERN_PNG_TRUNCATED: throw .truncated(byteCount: byteCount)
        case TERN_PNG_TRANSPARENT: throw .notOpaque
        case TERN_PNG_MEMORY: throw .outOfMemory
        case TERN_PNG_SHAPE: preconditionFailure("the shape comes from the same bytes")
        default: throw .invalid
        }
    }
}
