import TernBytes

/// The boxes of a JP2 file (ISO/IEC 15444-1 annex I), as far as they change what the samples mean.
enum FileFormat {
    private static let signature: (UInt32, UInt32, UInt32) = (12, 0x6A50_2020, 0x0D0A_870A)

    /// Where the code stream lies: all of `bytes`, or the box of it in a JP2 file.
    static func codeStream(_ bytes: RawSpan) throws(JPEG2000Error) -> Range<Int> {
        guard bytes.byteCount >= 12 else { throw .truncated(offset: bytes.byteCount) }
        if bytes.uint16BE(at: 0) == CodeStream.Marker.start { return 0..<bytes.byteCount }
        guard (bytes.uint32BE(at: 0), bytes.uint32BE(at: 4), bytes.uint32BE(at: 8)) == signature else { throw .notAJPEG2000File }
        var offset = 12
        while offset < bytes.byteCount {
            let box = try Box(at: offset, end: bytes.byteCount, bytes)
            if box.type == 0x6A70_3263 { return box.content }
            if box.type == 0x6A70_3268 { try checkHeader(box.content, bytes) }
            offset = box.content.upperBound
        }
        throw .box(offset: bytes.byteCount)
    }

    /// The boxes within the header box `jp2h`.
    private static func checkHeader(_ range: Range<Int>, _ bytes: RawSpan) throws(JPEG2000Error) {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let box = try Box(at: offset, end: range.upperBound, bytes)
            let start = box.content.lowerBound
            switch box.type {
            // `pclr` and `cmap`.
            case 0x7063_6C72, 0x636D_6170: throw .unsupported(.palette)
            // `cdef`: a count, then channel, type and association of each.
            case 0x6364_6566: try checkChannels(box.content, bytes)
            // `colr` with the enumerated colour space sYCC; a profile describes RGB or grey and is not applied.
            case 0x636F_6C72:
                guard box.content.count >= 3 else { throw .box(offset: offset) }
                if bytes.uint8(at: start) == 1 {
                    guard box.content.count >= 7 else { throw .box(offset: offset) }
                    let space = bytes.uint32BE(at: start + 3)
                    if space != 16, space != 17 { throw .unsupported(.luminanceChrominance) }
                }
            default: break
            }
            offset = box.content.upperBound
        }
    }

    private static func checkChannels(_ range: Range<Int>, _ bytes: RawSpan) throws(JPEG2000Error) {
        guard range.count >= 2, range.count == 2 + 6 * Int(bytes.uint16BE(at: range.lowerBound)) else { throw .box(offset: range.lowerBound) }
        for start in stride(from: range.lowerBound + 2, to: range.upperBound, by: 6) {
            // Type 0 is colour; the association counts colours from 1.
            guard bytes.uint16BE(at: start + 2) == 0, bytes.uint16BE(at: start + 4) == bytes.uint16BE(at: start) &+ 1 else {
                throw .unsupported(.palette)
            }
        }
    }

    private struct Box {
        let type: UInt32
        let content: Range<Int>

        init(at offset: Int, end: Int, _ bytes: RawSpan) throws(JPEG2000Error) {
            guard end - offset >= 8 else { throw .truncated(offset: end) }
            type = bytes.uint32BE(at: offset + 4)
            let declared = bytes.uint32BE(at: offset)
            var start = offset + 8
            var byteCount = Int(declared)
            if declared == 1 {
                guard end - offset >= 16 else { throw .truncated(offset: end) }
                guard bytes.uint32BE(at: offset + 8) == 0 else { throw .box(offset: offset) }
                byteCount = Int(bytes.uint32BE(at: offset + 12))
                start += 8
            } else if declared == 0 {
                byteCount = end - offset
            }
            guard byteCount >= start - offset else { throw .box(offset: offset) }
            guard byteCount <= end - offset else { throw .truncated(offset: end) }
            content = start..<offset + byteCount
        }
    }
}
