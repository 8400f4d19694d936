/// Frames of the JPEG family hold more than pictures: comments, application data, bytes behind the end. These are set to zero, so that no length changes.
enum CodeStream {
    /// Clears what is no picture in one fragment; gives how many places were cleared.
    static func clearText(_ bytes: inout [UInt8]) -> Int {
        guard bytes.count >= 4, bytes[0] == 0xFF else { return 0 }
        var cleared = bytes[1] == 0x4F ? clearJPEG2000(&bytes) : bytes[1] == 0xD8 ? clearJPEG(&bytes) : 0
        if bytes[1] == 0x4F || bytes[1] == 0xD8 { cleared += clearTail(&bytes) }
        return cleared
    }

    /// ISO/IEC 10918-1 B.1.1 and 14495-1: in coded data a byte FF is followed by 00, a restart marker, or (JPEG-LS) a byte below 80.
    private static func clearJPEG(_ bytes: inout [UInt8]) -> Int {
        var cleared = 0
        var offset = 2
        while offset + 4 <= bytes.count {
            guard bytes[offset] == 0xFF else {
                offset += 1
                continue
            }
            let marker = bytes[offset + 1]
            guard marker != 0xFF else {
                offset += 1
                continue
            }
            guard marker >= 0x80, !(0xD0...0xD8).contains(marker) else {
                offset += 2
                continue
            }
            if marker == 0xD9 { break }
            let end = offset + 2 + (Int(bytes[offset + 2]) << 8 | Int(bytes[offset + 3]))
            guard end <= bytes.count, end >= offset + 4 else { break }
            if marker == 0xFE || (0xE0...0xEF).contains(marker) {
                let kept = keptByteCount(bytes, marker, payload: offset + 4)
                if clear(&bytes, min(offset + 4 + kept, end)..<end) { cleared += 1 }
            }
            offset = end
        }
        return cleared
    }

    /// How much of an application segment decoders need: the densities of JFIF, the colour transform of Adobe, the parameters of HP's JPEG-LS.
    private static func keptByteCount(_ bytes: [UInt8], _ marker: UInt8, payload: Int) -> Int {
        let name = Array(bytes[payload..<min(payload + 5, bytes.count)])
        switch marker {
        case 0xE0 where name == Array("JFIF\0".utf8): return 14
        case 0xEE where name == Array("Adobe".utf8): return 12
        case 0xE8 where name.starts(with: Array("mrfx".utf8)): return Int.max / 2
        default: return 0
        }
    }

    /// ISO/IEC 15444-1 annex A: comments (FF64) stand in the main header and in headers of tile-parts; SOT says where the next tile-part is.
    private static func clearJPEG2000(_ bytes: inout [UInt8]) -> Int {
        var cleared = 0
        var offset = 2
        var nextTilePart: Int?
        while offset + 4 <= bytes.count, bytes[offset] == 0xFF {
            let marker = bytes[offset + 1]
            if marker == 0xD9 { break }
            if marker == 0x93 {
                guard let next = nextTilePart, next > offset else { break }
                offset = next
                nextTilePart = nil
                continue
            }
            let end = offset + 2 + (Int(bytes[offset + 2]) << 8 | Int(bytes[offset + 3]))
            guard end <= bytes.count, end >= offset + 4 else { break }
            if marker == 0x90, end == offset + 12 {
                let length = bytes[(offset + 6)..<(offset + 10)].reduce(0) { $0 << 8 | Int($1) }
                nextTilePart = length > 0 ? offset + length : nil
            }
            // Rcom, the first two bytes, says whether the comment is text.
            if marker == 0x64, clear(&bytes, min(offset + 6, end)..<end) { cleared += 1 }
            offset = end
        }
        return cleared
    }

    /// What follows the last end marker, FFD9 in both families; coded data cannot hold it.
    private static func clearTail(_ bytes: inout [UInt8]) -> Int {
        var offset = bytes.count - 2
        while offset >= 2, bytes[offset] != 0xFF || bytes[offset + 1] != 0xD9 { offset -= 1 }
        guard offset >= 2 else { return 0 }
        return clear(&bytes, (offset + 2)..<bytes.count) ? 1 : 0
    }

    private static func clear(_ bytes: inout [UInt8], _ range: Range<Int>) -> Bool {
        guard range.contains(where: { bytes[$0] != 0 }) else { return false }
        for offset in range { bytes[offset] = 0 }
        return true
    }
}
