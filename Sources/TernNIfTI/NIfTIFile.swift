import TernBytes
public import TernImage
import TernZlib

/// A NIfTI-1 or NIfTI-2 volume: offsets and shape, and the bytes only when they came compressed.
///
/// Frames are axial pictures: of the stored axes the one closest to the patient's left-right axis becomes columns, running to the left, the one
/// closest to front-back becomes rows, running to posterior, and the third one frames, running to superior. Those are DICOM's axes. A single
/// slice is one picture in its own plane: coronal and sagittal ones have their feet below, sagittal ones the back at the right. Volumes follow
/// one another.
public struct NIfTIFile: Sendable {
    /// What says how the samples lie in the patient.
    public enum OrientationSource: Equatable, Sendable {
        case sform
        case qform
        /// Neither: rows are taken to run to the patient's left, as readers of ANALYZE do. Left and right are not known then.
        case none
    }

    public let orientationSource: OrientationSource
    /// Of a frame.
    public let width: Int
    public let height: Int
    /// Frames of one volume, ascending to superior.
    public let sliceCount: Int
    public let volumeCount: Int
    /// Spacing within a frame.
    public let attributes: ImageAttributes
    /// Millimetres between slices.
    public let sliceSpacing: Double

    let layout: FrameLayout
    let sampleType: SampleType
    let isBigEndian: Bool
    let scaling: Scaling?
    let display: DecodedImage.Window?
    private let inflated: [UInt8]?

    /// Slices of all volumes.
    public var frameCount: Int { sliceCount * volumeCount }

    /// Header and samples of a compressed file, or of the compressed half of a pair, unpacked: 500 slices of 512 x 512, or an hour of functional MRI.
    public static let limitByteCount = 256 << 20

    /// Most frames that compressed samples of so many bytes may have: every frame costs whoever reads them all, also one of a single sample.
    public static func limitFrameCount(compressedByteCount: Int) -> Int { 4_096 + compressedByteCount / 4 }
    /// Bytes that may follow the samples: tools pad files to whole blocks.
    public static let limitTrailingByteCount = 65_536

    /// Whether the bytes begin like a NIfTI or ANALYZE header, or like a gzip file, whose content only `init` looks at.
    public static func recognises(_ bytes: RawSpan) -> Bool { isCompressed(bytes) || NIfTIHeader.recognises(bytes) }

    /// Whether the bytes are the header of a pair, compressed or not.
    public static func isPairHeader(_ bytes: RawSpan) -> Bool {
        do throws(NIfTIError) { return try !header(bytes).isSingleFile } catch { return false }
    }

    /// Reads a single file, `.nii` or `.nii.gz`.
    ///
    /// - Throws: `NIfTIError`; `.halfOfAPair` for the header of a pair.
    public init(parsing bytes: RawSpan) throws(NIfTIError) {
        let header = try Self.header(bytes)
        guard header.isSingleFile else { throw .halfOfAPair }
        try self.init(header, data: bytes)
    }

    /// Reads a pair, `.hdr` and `.img`, each of which may be compressed.
    ///
    /// - Throws: `NIfTIError`; `.notAPairHeader` when the header says that samples follow it in its own file.
    public init(pairHeader: RawSpan, data: RawSpan) throws(NIfTIError) {
        let header = try Self.header(pairHeader)
        guard !header.isSingleFile else { throw .notAPairHeader }
        try self.init(header, data: data)
    }

    private static func isCompressed(_ bytes: RawSpan) -> Bool { bytes.byteCount >= 2 && bytes.uint16LE(at: 0) == 0x8B1F }

    private static func header(_ bytes: RawSpan) throws(NIfTIError) -> NIfTIHeader {
        guard isCompressed(bytes) else { return try NIfTIHeader(parsing: bytes) }
        let start: [UInt8]
        do throws(InflateError) {
            start = try inflatePrefix(bytes, as: .gzip, byteCount: NIfTIHeader.limitByteCount)
        } catch {
            throw .compressed(error)
        }
        return try NIfTIHeader(parsing: start.rawBytes)
    }

    private init(_ header: NIfTIHeader, data: RawSpan) throws(NIfTIError) {
        let counts = try header.axisCounts()
        guard let type = SampleType(code: header.datatype) else { throw .datatype(code: header.datatype) }
        sampleType = type
        isBigEndian = header.isBigEndian
        scaling = try Scaling(header)
        let axes = try VoxelAxes(header, isFlat: counts[2] == 1)
        layout = FrameLayout(axes, counts: counts, isFlat: counts[2] == 1, dataStart: try header.dataStart(), byteCount: type.byteCount)
        (width, height, sliceCount, volumeCount) = (layout.width, layout.height, layout.sliceCount, counts[3])
        do throws(ImageLimitError) {
            _ = try ImageLimits.sampleCount(
                width: width, height: height, channels: type.channels, bytesPerSample: type.decodedByteCount)
        } catch {
            throw .shape(error)
        }
        var attributes = ImageAttributes()
        attributes.pixelSpacing = layout.spacing
        if header.orientationSource != .none {
            (attributes.rowDirection, attributes.columnDirection) = (layout.rowDirection, layout.columnDirection)
        }
        self.attributes = attributes
        sliceSpacing = layout.sliceSpacing
        orientationSource = header.orientationSource
        display = type == .redGreenBlue ? nil : DecodedImage.Window(displayRangeOf: header)
        let (end, isTooLong) = try header.sampleByteCount(counts, type).addingReportingOverflow(try header.dataStart())
        guard !isTooLong else { throw .samplesMissing(needed: .max, available: data.byteCount) }
        guard Self.isCompressed(data) else {
            inflated = nil
            try Self.check(end, data.byteCount)
            return
        }
        let limit = Self.limitFrameCount(compressedByteCount: data.byteCount)
        // The product of the counts is at most that of the samples, which fits.
        guard sliceCount * volumeCount <= limit else { throw .tooManyFrames(count: sliceCount * volumeCount, limit: limit) }
        inflated = try Self.unpack(data, end: end)
    }

    /// Unpacks as much as the header asks for, once the compressed bytes can hold it.
    private static func unpack(_ data: RawSpan, end: Int) throws(NIfTIError) -> [UInt8] {
        guard end <= limitByteCount else { throw .tooManyBytes(byteCount: end, limit: limitByteCount) }
        guard end / limitDeflateExpansion <= data.byteCount else {
            throw .samplesMissing(needed: end, available: data.byteCount.multipliedReportingOverflow(by: limitDeflateExpansion).partialValue)
        }
        let bytes: [UInt8]
        do throws(InflateError) {
            let limit = end + limitTrailingByteCount
            bytes = try inflate(data, as: .gzip, limitByteCount: limit, expectedByteCount: limit).bytes
        } catch {
            throw .compressed(error)
        }
        try check(end, bytes.count)
        return bytes
    }

    private static func check(_ end: Int, _ byteCount: Int) throws(NIfTIError) {
        guard end <= byteCount else { throw .samplesMissing(needed: end, available: byteCount) }
        guard byteCount - end <= limitTrailingByteCount else {
            throw .trailingBytes(count: byteCount - end, limit: limitTrailingByteCount)
        }
    }

    /// Decodes one frame: slice `index % sliceCount` of volume `index / sliceCount`.
    ///
    /// Integers of at most 32 bits stay as they are stored, with the file's slope and intercept beside them; 64-bit integers and reals become the
    /// binary32 nearest to the rescaled value in binary64. Grey frames of more than 8 bits carry a window: the file's display range, else the range
    /// of the frame's own values, which `voiCount` 0 tells from the former.
    ///
    /// - Parameters:
    ///   - index: 0 ..< `frameCount`.
    ///   - bytes: those of the file that was parsed, of a pair those of the data.
    /// - Throws: `.notFinite`; and `.samplesMissing` when the bytes are fewer than when the file was parsed.
    public func frame(_ index: Int, of bytes: RawSpan) throws(NIfTIError) -> DecodedImage {
        precondition((0..<frameCount).contains(index), "a frame of the file")
        if let inflated { return try decode(index, inflated.rawBytes) }
        guard layout.end(volumeCount: volumeCount) <= bytes.byteCount else {
            throw .samplesMissing(needed: layout.end(volumeCount: volumeCount), available: bytes.byteCount)
        }
        return try decode(index, bytes)
    }
}

extension NIfTIHeader {
    /// Samples along the axes 1 to 4.
    fileprivate func axisCounts() throws(NIfTIError) -> [Int] {
        let rank = dimensions[0]
        guard (1...7).contains(rank) else { throw .dimension(axis: 0, count: rank) }
        for axis in 1...rank where dimensions[axis] < 1 { throw .dimension(axis: axis, count: dimensions[axis]) }
        guard rank >= 2 else { throw .oneAxis }
        for axis in 5..<max(rank + 1, 5) where dimensions[axis] != 1 { throw .tooManyAxes(axis: axis, count: dimensions[axis]) }
        return (1...4).map { $0 <= rank ? dimensions[$0] : 1 }
    }

    /// Bytes of all samples.
    fileprivate func sampleByteCount(_ counts: [Int], _ type: SampleType) throws(NIfTIError) -> Int {
        var product = type.byteCount
        for count in counts {
            let (next, isTooLarge) = product.multipliedReportingOverflow(by: count)
            guard !isTooLarge else { throw .samplesMissing(needed: .max, available: 0) }
            product = next
        }
        return product
    }
}

extension DecodedImage.Window {
    /// cal_min and cal_max, which are in rescaled units; nil when the file sets no range.
    fileprivate init?(displayRangeOf header: NIfTIHeader) {
        let (low, high) = (header.displayLow, header.displayHigh)
        guard low.isFinite, high.isFinite, high > low else { return nil }
        self.init(centre: (low + high) / 2, width: high - low, function: .linearExact)
    }
}
