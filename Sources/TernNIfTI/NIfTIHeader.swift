import TernBytes

/// The fields of a header that decide what the samples are and how they lie.
///
/// - Source: nifti1.h of the NIfTI-1 standard (2 October 2003, with the revision of 2007) and nifti2.h (2011).
struct NIfTIHeader: Equatable {
    enum Version: Equatable { case one, two }

    var version: Version
    var isBigEndian: Bool
    /// Whether samples follow in the same file.
    var isSingleFile: Bool
    /// dim[0 ... 7].
    var dimensions: [Int]
    var datatype: Int
    /// pixdim[0 ... 7]; [0] is qfac.
    var spacings: [Double]
    /// Where the samples begin as written.
    var dataOffset: Double
    var slope: Double
    var intercept: Double
    var displayLow: Double
    var displayHigh: Double
    /// xyzt_units.
    var units: Int
    var qformCode: Int
    var sformCode: Int
    /// b, c, d.
    var quaternion: [Double]
    var quaternionOffset: [Double]
    /// Three rows of four.
    var affineRows: [[Double]]

    /// Bytes of the longer header and of the four that say whether extensions follow.
    static let limitByteCount = 544

    /// The format, byte order and extent that the first bytes name, or nil.
    private static func mark(_ bytes: RawSpan) -> (version: Version, isBigEndian: Bool)? {
        guard bytes.byteCount >= 4 else { return nil }
        switch bytes.uint32LE(at: 0) {
        case 348: return (.one, false)
        case 540: return (.two, false)
        case UInt32(348).byteSwapped: return (.one, true)
        case UInt32(540).byteSwapped: return (.two, true)
        default: return nil
        }
    }

    /// Whether the bytes begin like a header of NIfTI or ANALYZE.
    static func recognises(_ bytes: RawSpan) -> Bool {
        guard let mark = mark(bytes) else { return false }
        switch mark.version {
        case .one: return bytes.byteCount >= 348
        case .two: return bytes.byteCount >= 12 && hasMagicOfTwo(bytes)
        }
    }

    /// nifti2.h: four bytes of name and four that text conversions would break.
    private static func hasMagicOfTwo(_ bytes: RawSpan) -> Bool {
        let name = bytes.uint32LE(at: 4)
        return (name == singleTwo || name == pairTwo) && bytes.uint32LE(at: 8) == 0x0A1A_0A0D
    }

    private static let singleOne: UInt32 = 0x0031_2B6E  // n+1
    private static let pairOne: UInt32 = 0x0031_696E  // ni1
    private static let singleTwo: UInt32 = 0x0032_2B6E  // n+2
    private static let pairTwo: UInt32 = 0x0032_696E  // ni2

    /// Reads the header at the beginning of `bytes`.
    init(parsing bytes: RawSpan) throws(NIfTIError) {
        guard let mark = Self.mark(bytes) else { throw .notANIfTIFile }
        guard bytes.byteCount >= (mark.version == .one ? 348 : 540) else { throw .truncatedHeader(byteCount: bytes.byteCount) }
        version = mark.version
        isBigEndian = mark.isBigEndian
        let fields = Fields(bytes, isBigEndian: mark.isBigEndian)
        switch mark.version {
        case .one:
            let magic = bytes.uint32LE(at: 344)
            guard magic == Self.singleOne || magic == Self.pairOne else { throw .analyzeFormat }
            isSingleFile = magic == Self.singleOne
            dimensions = (0..<8).map { fields.int16(at: 40 + 2 * $0) }
            datatype = fields.int16(at: 70)
            spacings = (0..<8).map { fields.float(at: 76 + 4 * $0) }
            dataOffset = fields.float(at: 108)
            (slope, intercept) = (fields.float(at: 112), fields.float(at: 116))
            units = Int(bytes.uint8(at: 123))
            (displayHigh, displayLow) = (fields.float(at: 124), fields.float(at: 128))
            (qformCode, sformCode) = (fields.int16(at: 252), fields.int16(at: 254))
            quaternion = (0..<3).map { fields.float(at: 256 + 4 * $0) }
            quaternionOffset = (0..<3).map { fields.float(at: 268 + 4 * $0) }
            affineRows = (0..<3).map { row in (0..<4).map { fields.float(at: 280 + 16 * row + 4 * $0) } }
        case .two:
            guard Self.hasMagicOfTwo(bytes) else { throw .notANIfTIFile }
            isSingleFile = bytes.uint32LE(at: 4) == Self.singleTwo
            dimensions = (0..<8).map { fields.int64(at: 16 + 8 * $0) }
            datatype = fields.int16(at: 12)
            spacings = (0..<8).map { fields.double(at: 104 + 8 * $0) }
            dataOffset = Double(fields.int64(at: 168))
            (slope, intercept) = (fields.double(at: 176), fields.double(at: 184))
            (displayHigh, displayLow) = (fields.double(at: 192), fields.double(at: 200))
            units = fields.int32(at: 500)
            (qformCode, sformCode) = (fields.int32(at: 344), fields.int32(at: 348))
            quaternion = (0..<3).map { fields.double(at: 352 + 8 * $0) }
            quaternionOffset = (0..<3).map { fields.double(at: 376 + 8 * $0) }
            affineRows = (0..<3).map { row in (0..<4).map { fields.double(at: 400 + 32 * row + 8 * $0) } }
        }
    }

    /// Where the samples begin in their file.
    ///
    /// A single file's samples never begin before the header, its four bytes of extension marks included: smaller numbers mean that (nifti1.h,
    /// vox_offset). Extensions lie before the samples and are passed over.
    func dataStart() throws(NIfTIError) -> Int {
        // 2^53: every whole number below is exact.
        guard dataOffset.isFinite, dataOffset >= 0, dataOffset < 9_007_199_254_740_992, dataOffset.rounded(.towardZero) == dataOffset else {
            throw .dataOffset
        }
        let offset = Int(dataOffset)
        return isSingleFile ? max(offset, version == .one ? 352 : 544) : offset
    }
}

/// Numbers at known offsets in either byte order.
private struct Fields: ~Escapable {
    private let bytes: RawSpan
    private let isBigEndian: Bool

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan, isBigEndian: Bool) {
        self.bytes = bytes
        self.isBigEndian = isBigEndian
    }

    private func word(at offset: Int) -> UInt32 {
        let word = bytes.uint32LE(at: offset)
        return isBigEndian ? word.byteSwapped : word
    }
    private func longWord(at offset: Int) -> UInt64 {
        let word = bytes.uint64LE(at: offset)
        return isBigEndian ? word.byteSwapped : word
    }
    func int16(at offset: Int) -> Int {
        let half = bytes.uint16LE(at: offset)
        return Int(Int16(bitPattern: isBigEndian ? half.byteSwapped : half))
    }
    func int32(at offset: Int) -> Int { Int(Int32(bitPattern: word(at: offset))) }
    func int64(at offset: Int) -> Int { Int(Int64(bitPattern: longWord(at: offset))) }
    func float(at offset: Int) -> Double { Double(Float(bitPattern: word(at: offset))) }
    func double(at offset: Int) -> Double { Double(bitPattern: longWord(at: offset)) }
}
