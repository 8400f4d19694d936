import TernBytes

/// Where the frames lie in the pixels; found once, used for every frame.
enum FrameIndex {
    /// Frames of `PixelFormat.frameBitCount` bits without padding from the start of the value.
    case native(DataElement)
    case encapsulated(FragmentIndex)

    /// Checks the length of native pixels.
    ///
    /// - Throws: `.pixelDataByteCount` when bytes are missing, or when there is a frame or more too much.
    static func native(_ element: DataElement, format: PixelFormat, frameCount: Int, strictness: DICOMStrictness) throws(DICOMError) -> FrameIndex {
        // At most 2^30 bits by 2^20 frames.
        let expected = (format.frameBitCount * frameCount + 7) / 8
        let actual = element.valueRange.count
        // An odd number of bytes is padded with one more (PS3.5 2024d 8.1.1), which some writers forget; others pad further.
        let isPadded = actual == expected || actual == expected + expected % 2
        guard isPadded || strictness == .lenient && actual > expected && actual - expected < max(format.frameBitCount / 8, 2) else {
            throw .pixelDataByteCount(expected: expected, actual: actual)
        }
        return .native(element)
    }
}

/// The fragments of encapsulated pixels and which of them make a frame, PS3.5 2024d A.4.
struct FragmentIndex {
    private let fragments: [Range<Int>]
    /// The first fragment of each frame, and one more for the end.
    private var firsts: [Int] = []
    /// Bytes of each frame in its one fragment, where an extended offset table gives them.
    private var byteCounts: [Int] = []

    /// - Parameter items: the offset table, then the fragments.
    /// - Throws: `.noPixelData`, `.frameCount`, `.invalidValue`.
    init(_ items: [Range<Int>], header: ImageHeader, frameCount: Int, isMarked: Bool, in bytes: RawSpan) throws(DICOMError) {
        guard let table = items.first else { throw .noPixelData }
        fragments = Array(items.dropFirst())
        guard let start = fragments.first else { throw .noPixelData }
        // Offsets count from the first fragment's item, whose head has 8 bytes.
        let origin = start.lowerBound - 8
        if let offsets = header.extendedOffsets {
            try useExtended(offsets, header.extendedLengths, frameCount: frameCount, origin: origin, in: bytes)
        } else if frameCount == 1 {
            firsts = [0, fragments.count]
        } else if try useBasic(table, frameCount: frameCount, origin: origin, in: bytes) {
            return
        } else if fragments.count == frameCount {
            firsts = Array(0...frameCount)
        } else {
            guard isMarked, fragments.count > frameCount else { throw .frameCount(expected: frameCount, actual: fragments.count) }
            try splitAtMarkers(frameCount: frameCount, in: bytes)
        }
    }

    /// The bytes of a frame, its fragments joined.
    func frame(_ index: Int, of bytes: RawSpan) throws(DICOMError) -> [UInt8] {
        let ranges = fragments[firsts[index]..<firsts[index + 1]]
        var joined: [UInt8] = []
        joined.reserveCapacity(ranges.reduce(0) { $0 + $1.count })
        for range in ranges {
            var reader = ByteReader(bytes.extracting(range))
            do throws(ReadError) { joined += try reader.readUInt8Array(count: range.count) } catch { throw DICOMError(error) }
        }
        if !byteCounts.isEmpty { joined.removeLast(joined.count - byteCounts[index]) }
        guard !joined.isEmpty else { throw .noPixelData }
        return joined
    }

    /// A basic offset table: 4 bytes for each frame, ascending, each where a fragment starts. One that is not so is passed over.
    private mutating func useBasic(_ table: Range<Int>, frameCount: Int, origin: Int, in bytes: RawSpan) throws(DICOMError) -> Bool {
        guard table.count == 4 * frameCount else { return false }
        var found: [Int] = []
        found.reserveCapacity(frameCount + 1)
        var fragment = 0
        for index in 0..<frameCount {
            let offset = origin + Int(bytes.uint32LE(at: table.lowerBound + 4 * index))
            // Fragments ascend too: both are passed over once.
            while fragment < fragments.count, fragments[fragment].lowerBound - 8 < offset { fragment += 1 }
            guard fragment < fragments.count, fragments[fragment].lowerBound - 8 == offset, fragment > found.last ?? -1 else { return false }
            found.append(fragment)
        }
        guard found[0] == 0 else { return false }
        firsts = found + [fragments.count]
        return true
    }

    /// An extended offset table: 8 bytes for each frame, each of one fragment.
    private mutating func useExtended(
        _ offsets: DataElement, _ lengths: DataElement?, frameCount: Int, origin: Int, in bytes: RawSpan
    ) throws(DICOMError) {
        guard let lengths, fragments.count == frameCount, offsets.valueRange.count == 8 * frameCount, lengths.valueRange.count == 8 * frameCount
        else {
            throw .invalidValue(tag: .extendedOffsetTable)
        }
        for index in 0..<frameCount {
            let offset = bytes.uint64LE(at: offsets.valueRange.lowerBound + 8 * index)
            let byteCount = bytes.uint64LE(at: lengths.valueRange.lowerBound + 8 * index)
            guard offset == UInt64(fragments[index].lowerBound - 8 - origin), byteCount <= UInt64(fragments[index].count) else {
                throw .invalidValue(tag: .extendedOffsetTable)
            }
            byteCounts.append(Int(byteCount))
        }
        firsts = Array(0...frameCount)
    }

    /// Without a table a frame ends with the fragment that has the end-of-image marker of JPEG and JPEG 2000 in its last bytes.
    private mutating func splitAtMarkers(frameCount: Int, in bytes: RawSpan) throws(DICOMError) {
        firsts = [0]
        for (index, range) in fragments.enumerated() {
            var offset = max(range.lowerBound, range.upperBound - 10)
            while offset + 1 < range.upperBound {
                if bytes.uint8(at: offset) == 0xFF, bytes.uint8(at: offset + 1) == 0xD9 {
                    firsts.append(index + 1)
                    break
                }
                offset += 1
            }
        }
        guard firsts.count == frameCount + 1, firsts.last == fragments.count else {
            throw .frameCount(expected: frameCount, actual: firsts.count - 1)
        }
    }
}
