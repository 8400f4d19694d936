/// Frames of the families that are read here hold more than pictures: comments, application data, unused tables, bytes behind the end. A frame is written anew
/// from what decoding needs; one that cannot be walked from its first byte to the end of its picture gives nil and is never copied.
enum CodeStream {
    /// How the frames of a transfer syntax are walked.
    enum Family: Equatable, Sendable {
        /// ISO/IEC 10918-1.
        case jpeg
        /// ISO/IEC 14495-1.
        case jpegLS
        /// ISO/IEC 15444-1 and -15.
        case jpeg2000
        /// PS3.5 annex G.
        case runLength
        /// Native pixels in fragments, PS3.5 A.4.11.
        case uncompressed
    }

    /// Nil for video, for families with parts that are not known here, and for what is not known at all.
    static func family(_ transferSyntax: String) -> Family? {
        let root = "1.2.840.10008.1.2."
        guard transferSyntax.hasPrefix(root) else { return nil }
        switch transferSyntax.dropFirst(root.count) {
        case "4.50", "4.51", "4.57", "4.70": return .jpeg
        case "4.80", "4.81": return .jpegLS
        case "4.90", "4.91", "4.201", "4.202", "4.203": return .jpeg2000
        case "5": return .runLength
        case "1.98": return .uncompressed
        default: return nil
        }
    }

    /// A frame with nothing but its picture.
    struct Cleaned: Equatable, Sendable {
        var bytes: [UInt8]
        /// Segments that were left out, and one more for bytes behind the end.
        var droppedCount = 0
    }

    /// What the data set says of a frame, for the families that do not say it themselves.
    struct Layout: Equatable, Sendable {
        var pixelCount: Int
        var samplesPerPixel: Int
        var bitsAllocated: Int
    }

    /// - Parameter frame: the fragments of one frame, joined.
    static func cleaned(_ frame: [UInt8], as family: Family, layout: Layout) -> Cleaned? {
        switch family {
        case .jpeg, .jpegLS:
            var walk = JPEGWalk(frame, isLS: family == .jpegLS)
            return walk.run()
        case .jpeg2000:
            guard let range = jpeg2000Range(frame) else { return nil }
            var walk = JPEG2000Walk(range.isBoxed ? Array(frame[range.bytes]) : frame)
            guard var result = walk.run() else { return nil }
            if range.isBoxed { result.droppedCount += 1 }
            return result
        case .runLength: return cleanedRunLengths(frame, layout)
        case .uncompressed:
            let (bits, overflow) = layout.pixelCount.multipliedReportingOverflow(by: layout.samplesPerPixel * layout.bitsAllocated)
            guard !overflow, bits > 0, bits % 8 == 0, frame.count >= bits / 8 else { return nil }
            return Cleaned(bytes: Array(frame.prefix(bits / 8)), droppedCount: hasContent(frame[(bits / 8)...]) ? 1 : 0)
        }
    }

    /// Whether bytes are more than padding.
    static func hasContent(_ bytes: ArraySlice<UInt8>) -> Bool { bytes.contains { $0 != 0 } }

    // MARK: JP2

    /// Where the code stream lies, in boxes of ISO/IEC 15444-1 annex I or bare. Nil where a box changes how the code stream is to be read: palettes and the meaning of channels.
    private static func jpeg2000Range(_ frame: [UInt8]) -> (bytes: Range<Int>, isBoxed: Bool)? {
        guard frame.starts(with: [0, 0, 0, 12, 0x6A, 0x50, 0x20, 0x20]) else { return (0..<frame.count, false) }
        var stack = [0..<frame.count]
        while var range = stack.popLast() {
            while range.count >= 8 {
                guard let box = box(frame, at: range) else { return nil }
                range = box.content.upperBound..<range.upperBound
                switch box.kind {
                case "jp2c": return (box.content, true)
                case "jp2h": stack += [range, box.content]
                case "pclr", "cmap", "cdef": return nil
                default: continue
                }
                range = 0..<0
            }
        }
        return nil
    }

    private static func box(_ frame: [UInt8], at range: Range<Int>) -> (kind: String, content: Range<Int>)? {
        let number = { (offset: Int, count: Int) in frame[offset..<(offset + count)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
        let start = range.lowerBound
        var byteCount = number(start, 4)
        var headByteCount: UInt64 = 8
        if byteCount == 1 {
            guard range.count >= 16 else { return nil }
            byteCount = number(start + 8, 8)
            headByteCount = 16
        } else if byteCount == 0 {
            byteCount = UInt64(range.count)
        }
        guard byteCount >= headByteCount, byteCount <= UInt64(range.count) else { return nil }
        let kind = String(decoding: frame[(start + 4)..<(start + 8)], as: UTF8.self)
        return (kind, (start + Int(headByteCount))..<(start + Int(byteCount)))
    }

    // MARK: Run lengths

    /// PS3.5 annex G: a header of 16 words, then one segment for each byte of a sample. Each segment is written up to the run that fills its plane.
    private static func cleanedRunLengths(_ frame: [UInt8], _ layout: Layout) -> Cleaned? {
        let count = layout.samplesPerPixel * (layout.bitsAllocated / 8)
        guard frame.count >= 64, (1...15).contains(count), layout.bitsAllocated % 8 == 0, layout.pixelCount > 0 else { return nil }
        let word = { (index: Int) in (0..<4).reduce(0) { $0 | Int(frame[index * 4 + $1]) << ($1 * 8) } }
        guard word(0) == count else { return nil }
        let starts = (1...count).map(word) + [frame.count]
        var header = [UInt8](repeating: 0, count: 64)
        header[0] = UInt8(count)
        var body: [UInt8] = []
        var isTrimmed = hasContent(frame[(4 + 4 * count)..<64])
        for index in 0..<count {
            guard starts[index] >= 64, starts[index] <= starts[index + 1], starts[index + 1] <= frame.count else { return nil }
            let start = 64 + body.count
            for place in 0..<4 { header[4 + 4 * index + place] = UInt8(start >> (8 * place) & 0xFF) }
            guard let rest = appendPlane(frame[starts[index]..<starts[index + 1]], pixelCount: layout.pixelCount, to: &body) else { return nil }
            if hasContent(rest) { isTrimmed = true }
            if body.count % 2 == 1 { body.append(0) }
        }
        if starts[0] > 64, hasContent(frame[64..<starts[0]]) { isTrimmed = true }
        return Cleaned(bytes: header + body, droppedCount: isTrimmed ? 1 : 0)
    }

    /// Appends runs for `pixelCount` bytes and gives what is left; nil when they end before.
    private static func appendPlane(_ segment: ArraySlice<UInt8>, pixelCount: Int, to body: inout [UInt8]) -> ArraySlice<UInt8>? {
        var offset = segment.startIndex
        var count = 0
        while count < pixelCount {
            guard offset < segment.endIndex else { return nil }
            let control = Int(segment[offset])
            offset += 1
            if control < 128 {
                let taken = min(control + 1, pixelCount - count)
                guard offset + taken <= segment.endIndex else { return nil }
                body.append(UInt8(taken - 1))
                body += segment[offset..<(offset + taken)]
                offset += taken
                count += taken
            } else if control > 128 {
                guard offset < segment.endIndex else { return nil }
                let taken = min(257 - control, pixelCount - count)
                body += taken == 1 ? [0, segment[offset]] : [UInt8(257 - taken), segment[offset]]
                offset += 1
                count += taken
            }
        }
        return segment[offset...]
    }
}
