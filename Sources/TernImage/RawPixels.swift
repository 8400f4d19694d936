/// How the pixels of one picture lie in memory that somebody else holds: rows from the top, channels interleaved, nothing compressed.
public struct RawPixels: Equatable, Sendable {
    /// What a pixel is.
    public enum Format: String, Equatable, Sendable {
        /// One byte, 0 black.
        case grey8
        /// Two bytes, little endian, 0 black.
        case grey16
        /// Red, green, blue, a byte each.
        case rgb8

        /// Bytes of one pixel.
        public var pixelByteCount: Int {
            switch self {
            case .grey8: 1
            case .grey16: 2
            case .rgb8: 3
            }
        }
    }
    public let format: Format
    /// Columns and rows, within `ImageLimits`.
    public let width: Int
    public let height: Int
    /// From the start of a row to the start of the next.
    public let byteStride: Int
    /// Significant bits of a sample: 8, of `grey16` 1 ... 16. The highest value of these is white.
    public let bitsStored: Int

    /// - Parameter bitsStored: 0 for all that a sample has.
    /// - Throws: `RawPixelsError`, before anything is computed that could overflow.
    public init(format: Format, width: Int, height: Int, byteStride: Int, bitsStored: Int = 0) throws(RawPixelsError) {
        do throws(ImageLimitError) {
            let (channels, sample) = format == .rgb8 ? (3, 1) : (1, format.pixelByteCount)
            _ = try ImageLimits.sampleCount(width: width, height: height, channels: channels, bytesPerSample: sample)
        } catch {
            throw .shape(error)
        }
        let row = width * format.pixelByteCount
        guard byteStride >= row, byteStride <= Self.limitByteStride else { throw .byteStride(byteStride, needed: row, limit: Self.limitByteStride) }
        let bits = format == .grey16 ? 16 : 8
        guard bitsStored == 0 || bitsStored == bits || (format == .grey16 && (1..<16).contains(bitsStored)) else { throw .bitsStored(bitsStored) }
        self.format = format
        self.width = width
        self.height = height
        self.byteStride = byteStride
        self.bitsStored = bitsStored == 0 ? bits : bitsStored
    }

    /// Twenty times the longest row.
    public static let limitByteStride = 1 << 20

    /// 1 or 3.
    public var channels: Int { format == .rgb8 ? 3 : 1 }
    /// Bytes from the first pixel to the last, at most 2^34; the last row needs no padding behind it.
    public var byteCount: Int { byteStride * (height - 1) + width * format.pixelByteCount }
}

/// Why a description of pixels was refused.
public enum RawPixelsError: Error, Equatable, Sendable {
    case shape(ImageLimitError)
    /// Rows overlap, or lie further apart than `limit`.
    case byteStride(Int, needed: Int, limit: Int)
    /// A sample has not so many bits.
    case bitsStored(Int)
}
