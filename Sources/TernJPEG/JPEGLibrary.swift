import CTernJPEG

/// The calls into libjpeg's shim; the one file of this target that knows pointers.
enum JPEGLibrary {
    struct Header {
        var width: Int
        var height: Int
        /// 1 or 3.
        var components: Int
        /// An Adobe marker states the colour transform.
        var hasAdobeMarker: Bool
    }

    static func readHeader(_ bytes: RawSpan) throws(JPEGError) -> Header {
        var header = tern_jpeg_header()
        // SAFETY: the shim reads only inside the buffer whose count it is told, and keeps no pointer.
        let status = unsafe bytes.withUnsafeBytes { source in
            unsafe tern_jpeg_read_header(source.baseAddress, source.count, &header)
        }
        let found = Header(
            width: Int(header.width), height: Int(header.height), components: Int(header.components), hasAdobeMarker: header.has_adobe_marker != 0)
        try check(status, header.message, found, byteCount: bytes.byteCount)
        return found
    }

    /// Gives `sampleCount` samples.
    static func decode(_ bytes: RawSpan, _ header: Header, isStoredRGB: Bool, sampleCount: Int) throws(JPEGError) -> [UInt8] {
        var message: Int32 = 0
        var status = TERN_JPEG_OK
        // SAFETY: `target` has room for `sampleCount` bytes; the shim zeroes nothing it does not write and reads and writes inside the two
        // buffers it is given, whose counts it is told. On any status but OK no byte counts as initialised.
        let samples = unsafe [UInt8](unsafeUninitializedCapacity: sampleCount) { target, initializedCount in
            unsafe bytes.withUnsafeBytes { source in
                status = unsafe tern_jpeg_decode(
                    source.baseAddress, source.count, isStoredRGB ? 1 : 0, JPEGDecoder.limitCoefficientBytes, Int32(JPEGDecoder.limitScans),
                    target.baseAddress, sampleCount, &message)
            }
            initializedCount = status == TERN_JPEG_OK ? sampleCount : 0
        }
        try check(status, message, header, byteCount: bytes.byteCount)
        return samples
    }

    /// Nil when memory is refused.
    ///
    /// - Precondition: `samples` has width * height * components bytes, and libjpeg's limits on the sides are kept.
    static func encode(_ samples: RawSpan, width: Int, height: Int, components: Int, quality: Int) -> [UInt8]? {
        precondition(samples.byteCount == width * height * components, "samples of the picture's shape")
        var bytes: UnsafeMutablePointer<UInt8>? = nil
        var byteCount = 0
        // SAFETY: the shim reads the samples whose count the precondition proves, and keeps no pointer to them. On 1 `bytes` has `byteCount` bytes and is
        // ours to free, which happens once they are copied.
        let isWhole = unsafe samples.withUnsafeBytes { source in
            unsafe tern_jpeg_encode(
                source.baseAddress, UInt32(width), UInt32(height), Int32(components), Int32(quality), &bytes, &byteCount)
        }
        guard isWhole == 1, let start = unsafe bytes else { return nil }
        // SAFETY: as above.
        let copy = unsafe [UInt8](UnsafeBufferPointer(start: start, count: byteCount))
        unsafe tern_jpeg_free(start)
        return copy
    }

    private static func check(_ status: tern_jpeg_status, _ message: Int32, _ header: Header, byteCount: Int) throws(JPEGError) {
        switch status {
        case TERN_JPEG_OK: return
        case TERN_JPEG_CORRUPT: throw .corrupt(message: message)
        case TERN_JPEG_TRUNCATED: throw .truncated(byteCount: byteCount)
        case TERN_JPEG_COMPONENTS: throw .unsupportedComponents
        case TERN_JPEG_ARITHMETIC: throw .arithmeticCoding
        case TERN_JPEG_PRECISION: throw .unsupportedPrecision(bits: Int(message))
        case TERN_JPEG_PROCESS: throw .unsupportedProcess(marker: UInt8(truncatingIfNeeded: message))
        case TERN_JPEG_MEMORY: throw .coefficientsTooLarge(width: header.width, height: header.height, limitBytes: JPEGDecoder.limitCoefficientBytes)
        case TERN_JPEG_SCANS: throw .tooManyScans(limit: JPEGDecoder.limitScans)
        case TERN_JPEG_SHAPE: preconditionFailure("the shape comes from the same bytes")
        default: throw .invalid(message: message)
        }
    }
}
