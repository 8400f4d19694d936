/// The largest image that any decoder of this package accepts; checked on the header, before anything is allocated.
public enum ImageLimits {
    /// A stitched whole-spine radiograph has about 3,000 by 10,000 pixels; a side beyond 16,384 is no scanner's image.
    public static let limitSide = 16_384
    /// 64 MiB of decoded samples, every channel counted, alpha too: the largest radiographs (mammography of 4,728 by 5,928 and a spine of
    /// 3,000 by 10,000 pixels, 16 bit) take 54 and 58 MiB, and a decoder holds at most one more store of this size. Grey of 8 bits reaches
    /// 64 Mi pixels, grey of 16 bits 32 Mi, colour of 8 bits 21 Mi.
    public static let limitByteCount = 64 << 20

    /// Gives the number of samples of an image, once its shape is within the limits.
    ///
    /// - Parameters:
    ///   - channels: those that the decoder must store, 1 ... 4.
    ///   - bytesPerSample: 1, 2 or 4.
    /// - Range: the result is 1 ... `limitByteCount` / `bytesPerSample`.
    /// - Throws: `ImageLimitError` when a side is not positive or a limit is passed.
    public static func sampleCount(width: Int, height: Int, channels: Int, bytesPerSample: Int) throws(ImageLimitError) -> Int {
        precondition((1...4).contains(channels) && (1...4).contains(bytesPerSample), "a decoder makes 1 ... 4 channels of at most 32 bits")
        guard width > 0, height > 0 else { throw .emptySide(width: width, height: height) }
        guard width <= limitSide, height <= limitSide else { throw .sideTooLong(width: width, height: height, limit: limitSide) }
        // Both sides are at most 2^14 and a pixel has at most 16 bytes: the product fits in 33 bits.
        let sampleCount = width * height * channels
        let byteCount = sampleCount * bytesPerSample
        guard byteCount <= limitByteCount else {
            throw .tooManyBytes(width: width, height: height, byteCount: byteCount, limit: limitByteCount)
        }
        return sampleCount
    }
}

/// Why the shape of an image was refused.
public enum ImageLimitError: Error, Equatable, Sendable {
    /// A side is zero or negative.
    case emptySide(width: Int, height: Int)
    /// A side is longer than `limit` pixels.
    case sideTooLong(width: Int, height: Int, limit: Int)
    /// The samples would take `byteCount` bytes, more than `limit`.
    case tooManyBytes(width: Int, height: Int, byteCount: Int, limit: Int)
}
