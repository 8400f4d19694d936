public import TernImage

/// Why a PNG file was refused.
public enum PNGError: Error, Equatable, Sendable {
    /// The first bytes are not those of a PNG file.
    case notAPNGFile
    /// libpng refuses the file: a chunk or the compressed data are damaged.
    case invalid
    /// The bytes end before the end of the image.
    case truncated(byteCount: Int)
    /// The image has a pixel that is not fully opaque: what lies behind it is not in the file.
    case notOpaque
    /// The shape is past the limits of this package.
    case shape(ImageLimitError)
    /// The header promises more samples than `byteCount` bytes can hold after the strongest compression.
    case morePixelsThanData(width: Int, height: Int, byteCount: Int)
    /// libpng could not allocate its state.
    case outOfMemory
}
