public import TernImage
public import TernZlib

/// Why a NIfTI file was refused.
public enum NIfTIError: Error, Equatable, Sendable {
    /// The bytes do not begin with a header of 348 or 540 bytes and its magic.
    case notANIfTIFile
    /// A header of ANALYZE 7.5: it has no magic, and says nothing reliable of orientation and scaling.
    case analyzeFormat
    /// The file is one half of a pair and came alone.
    case halfOfAPair
    /// The header given as that of a pair belongs to a single file.
    case notAPairHeader
    /// The gzip stream is damaged, cut or holds more than its header says.
    case compressed(InflateError)
    /// The bytes end inside the header.
    case truncatedHeader(byteCount: Int)
    /// `dim[axis]` is `count`, which is not a number of samples (for axis 0: of axes).
    case dimension(axis: Int, count: Int)
    /// More axes than columns, rows, slices and volumes: the fifth or a later axis has `count` samples.
    case tooManyAxes(axis: Int, count: Int)
    /// One axis only: a row of values is no picture.
    case oneAxis
    /// The datatype is not read: `code` of the standard's table.
    case datatype(code: Int)
    /// Where the samples begin is negative, not a whole number, or not finite.
    case dataOffset
    /// The samples need `needed` bytes of which `available` are there.
    case samplesMissing(needed: Int, available: Int)
    /// After the samples come `count` bytes, more than `limit`.
    case trailingBytes(count: Int, limit: Int)
    /// Header and samples of a compressed file take `byteCount` bytes, more than `limit`.
    case tooManyBytes(byteCount: Int, limit: Int)
    /// Compressed samples make more frames than `limit`, which the compressed bytes set.
    case tooManyFrames(count: Int, limit: Int)
    /// The slope is a number and the intercept is none.
    case intercept
    /// The transformation in use has numbers that are not finite, or maps the volume onto a plane, or its quaternion is none.
    case orientation
    /// A sample of this frame, 0-based, is infinite or no number, or becomes so in binary32.
    case notFinite(frame: Int)
    /// A frame is past the limits of this package.
    case shape(ImageLimitError)
}
