public import TernImage

/// Why a lossless JPEG image was refused. Offsets count bytes from the start of the image; rows and columns count from 0.
public enum JPEGLosslessError: Error, Equatable, Sendable {
    /// The first bytes are not a start of image.
    case notAJPEGFile
    /// The bytes end at `offset`, before the end of image.
    case truncated(offset: Int)
    /// A marker, or another byte than a marker, that may not stand there.
    case unexpectedMarker(code: UInt8, offset: Int)
    /// A segment whose byte count contradicts its content.
    case segmentByteCount(marker: UInt8, offset: Int)
    /// The frame is of another process than 14: baseline (0xC0), progressive (0xC2), arithmetic (0xCB) and so on.
    case unsupportedProcess(marker: UInt8)
    /// Sample precision outside 2 ... 16 bits.
    case precision(Int)
    /// Neither 1 nor 3 components, or two of one name.
    case unsupportedComponents(count: Int)
    /// Components of different sampling factors, or an interleaved scan of factors above 1.
    case unsupportedSampling
    /// The number of lines would follow after the first scan (DNL).
    case heightUnknown
    /// The shape is past the limits of this package.
    case shape(ImageLimitError)
    /// The header promises more samples than `byteCount` bytes hold at one bit each.
    case moreSamplesThanData(width: Int, height: Int, channels: Int, byteCount: Int)
    /// A Huffman table whose codes overlap, or whose categories pass 16.
    case huffmanTable(offset: Int)
    /// A scan asks for a Huffman table that was not defined.
    case missingHuffmanTable(index: Int, offset: Int)
    /// A scan header with a selection value outside 1 ... 7, a point transform that leaves no bits, or components that are unknown or already
    /// decoded.
    case scanHeader(offset: Int)
    /// A restart interval that is no multiple of the line (T.81 H.1.1).
    case restartInterval(Int, sampleCountOfLine: Int)
    /// The entropy-coded data end before the line is complete.
    case lineTruncated(row: Int, column: Int, offset: Int)
    /// Bits that are no code of the table.
    case invalidCode(row: Int, column: Int, offset: Int)
    /// A sample of this line does not fit the precision.
    case sampleOutOfRange(row: Int)
    /// Entropy-coded data go on where the interval is complete.
    case extraData(offset: Int)
    /// The restart marker is not the next in turn.
    case restartMarker(row: Int, offset: Int)
    /// The image ends before every component was decoded.
    case missingComponent(index: Int)
}
