import CTernOpenJPEG
import TernBytes
public import TernImage

/// Decodes JPEG 2000 images, lossless and lossy, with OpenJPEG.
public enum JPEG2000Decoder {
    /// Decodes one raw code stream, or the code stream of one JP2 file.
    ///
    /// - Shapes: 1 or 3 channels; 8-bit samples for unsigned precisions up to 8, else 16-bit ones, signed where the code stream says so. The
    ///   multiple component transformation is undone; no other colour transformation is.
    /// - Throws: `JPEG2000Error`. Headers are checked and their cost bounded before OpenJPEG sees them; whatever OpenJPEG would merely warn
    ///   about is an error. Bytes behind the end of code stream are ignored: DICOM pads fragments.
    /// - Source: ISO/IEC 15444-1 (2019).
    public static func decode(_ bytes: RawSpan) throws(JPEG2000Error) -> DecodedImage {
        let range = try FileFormat.codeStream(bytes)
        let stream = try CodeStream(parsing: bytes.extracting(range))
        let data = bytes.extracting(range.lowerBound..<range.lowerBound + stream.byteCount)
        let shape = stream.shape
        let samples: DecodedImage.Samples =
            shape.isSigned
            ? .int16(try decodeSamples(data, shape))
            : shape.precision <= 8 ? .uint8(try decodeSamples(data, shape)) : .uint16(try decodeSamples(data, shape))
        return DecodedImage(
            width: shape.width, height: shape.height, channels: shape.components, bitsStored: shape.precision, samples: samples, greyscale: nil)
    }

    private static func decodeSamples<Sample: FixedWidthInteger>(_ bytes: RawSpan, _ shape: CodeStreamShape) throws(JPEG2000Error) -> [Sample] {
        let sampleCount = shape.width * shape.height * shape.components
        var description = tern_openjpeg_shape(
            width: UInt32(shape.width), height: UInt32(shape.height), components: UInt32(shape.components), precision: UInt32(shape.precision),
            is_signed: shape.isSigned ? 1 : 0, sample_byte_count: UInt32(MemoryLayout<Sample>.stride))
        var status = TERN_OPENJPEG_OK
        // SAFETY: `target` has room for `sampleCount` samples of the byte count that the shim is told; it writes all of them before it reports
        // OK, reads inside `source`, whose count it is told, and keeps no pointer. On any other status no sample counts as initialised.
        let samples = unsafe [Sample](unsafeUninitializedCapacity: sampleCount) { target, initializedCount in
            unsafe bytes.withUnsafeBytes { source in
                status = unsafe tern_openjpeg_decode(
                    source.baseAddress, source.count, &description, target.baseAddress, sampleCount)
            }
            initializedCount = status == TERN_OPENJPEG_OK ? sampleCount : 0
        }
        switch status {
        case TERN_OPENJPEG_OK: return samples
        case TERN_OPENJPEG_MEMORY: throw .outOfMemory
        default: throw .corrupt
        }
    }
}
