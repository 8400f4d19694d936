/// The largest image that any decoder of this package accepts; checked on the header, before anything is allocated.
public enum ImageLimits {
    /// A stitched whole-spine radiograph has about 3,000 by 10,000 pixels; a side beyond 16,384 is no scanner's image.
    public static let limitSide = 16_384
    /// 64 Mi pixels, 128 MiB of 16-bit samples: four times the largest mammography detector, and still within a small device's memory.
    public static let limitPixels = 64 << 20

    /// Gives the number of samples of an image, once its shape is within the limits.
    ///
    /// - Range: the result is 1 ... `limitPixels` * `channels`.
    /// - Precondition: `channels` is 1 ... 4.
    /// - Throws: `ImageLimitError` when a side is not positive or a limit is passed.
    public static func sampleCount(width: Int, height: Int, channels: Int) throws(ImageLimitError) -> Int {
        precondition((1...4).contains(channels), "a decoder makes 1 ... 4 channels")
        guard width > 0, height > 0 else { throw .emptySide(width: width, height: height) }
        guard width <= limitSide, height <= limitSide else { throw .sideTooLong(width: width, height: height, limit: limitSide) }
        // Both sides are at most 2^14 and channels at most 4: the product fits in 31 bits.
        guard width * height <= limitPixels else { throw .tooManyPixels(width: width, height: height, limit: limitPixels) }
        return width * height * channels
    }
}

/// Why the shape of an image was refused.
public enum ImageLimitError: Error, Equatable, Sendable {
    /// A side is zero or negative.
    case emptySide(width: Int, height: Int)
    /// A side is longer than `limit` pixels.
    case sideTooLong(width: Int, height: Int, limit: Int)
    /// The product of the sides is more than `limit` pixels.
    case tooManyPixels(width: Int, height: Int, limit: Int)
}
