public import TernImage

/// Why a JPEG file was refused.
public enum JPEGError: Error, Equatable, Sendable {
    /// The first bytes are not those of a JPEG file.
    case notAJPEGFile
    /// libjpeg refuses the file; `message` is its message number (`jerror.h`).
    case invalid(message: Int32)
    /// The data are damaged and libjpeg would have guessed; `message` is the number of its warning (`jerror.h`).
    case corrupt(message: Int32)
    /// The bytes end before the end of the image.
    case truncated(byteCount: Int)
    /// The file is neither grey nor three-component colour: CMYK, YCCK or something private.
    case unsupportedComponents
    /// Samples of `bits` bits: the libjpeg of the distributions reads 8.
    case unsupportedPrecision(bits: Int)
    /// Neither a sequential nor a progressive frame; `marker` is that of the frame, 0xC3 for lossless.
    case unsupportedProcess(marker: UInt8)
    /// The file uses arithmetic coding.
    case arithmeticCoding
    /// The shape is past the limits of this package.
    case shape(ImageLimitError)
    /// The header promises more pixels than `byteCount` bytes of entropy-coded data can hold.
    case morePixelsThanData(width: Int, height: Int, byteCount: Int)
    /// A multi-scan file would hold more than `limitBytes` of coefficients in memory.
    case coefficientsTooLarge(width: Int, height: Int, limitBytes: Int)
    /// A multi-scan file has more than `limit` scans.
    case tooManyScans(limit: Int)
}
