/// One walk over a JPEG 2000 code stream (ISO/IEC 15444-1 annex A), which writes it anew: SOC, the segments that decoding needs, tile-parts, EOC.
///
/// Comments, registrations of components and pointers (TLM, PLM, PLT) are left out; packed packet headers, extensions of part 2 and unknown segments are refused.
struct JPEG2000Walk {
    private let bytes: [UInt8]
    private var offset = 0
    private var output: [UInt8] = []
    private var droppedCount = 0
    private var componentCount = 0
    /// Decomposition levels that coding styles name, and those that quantisations have steps for.
    private var levels: Set<Int> = []
    private var quantisedLevels: Set<Int> = []

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Nil when the stream cannot be followed to its end.
    mutating func run() -> CodeStream.Cleaned? {
        guard bytes.starts(with: [0xFF, 0x4F, 0xFF, 0x51]) else { return nil }
        output = [0xFF, 0x4F]
        offset = 2
        guard takeSegments(until: 0x90, isMain: true), componentCount > 0 else { return nil }
        while offset + 2 <= bytes.count, bytes[offset] == 0xFF, bytes[offset + 1] == 0x90 {
            guard takeTilePart() else { return nil }
        }
        guard quantisedLevels.isSubset(of: levels) else { return nil }
        let hasEnd = offset + 2 <= bytes.count && bytes[offset] == 0xFF && bytes[offset + 1] == 0xD9
        let rest = bytes[(offset + (hasEnd ? 2 : 0))...]
        // A stream without an end may be padded, no more.
        guard hasEnd || !CodeStream.hasContent(rest) else { return nil }
        if CodeStream.hasContent(rest) { droppedCount += 1 }
        return CodeStream.Cleaned(bytes: output + [0xFF, 0xD9], droppedCount: droppedCount)
    }

    private func number(_ place: Int, _ count: Int) -> Int { bytes[place..<(place + count)].reduce(0) { $0 << 8 | Int($1) } }

    // MARK: Headers

    /// Takes the segments of a header; the marker that ends it is left at hand.
    private mutating func takeSegments(until last: UInt8, isMain: Bool) -> Bool {
        while offset + 2 <= bytes.count, bytes[offset] == 0xFF {
            let marker = bytes[offset + 1]
            if marker == last { return true }
            guard offset + 4 <= bytes.count else { return false }
            let end = offset + 2 + number(offset + 2, 2)
            guard end >= offset + 4, end <= bytes.count else { return false }
            let payload = Array(bytes[(offset + 4)..<end])
            switch marker {
            // Comment, registration of components, pointers to tile-parts and packets, profile.
            case 0x55, 0x57, 0x58, 0x59, 0x63, 0x64: droppedCount += 1
            default:
                guard isKnown(marker, payload, isMain: isMain) else { return false }
                output += bytes[offset..<end]
            }
            offset = end
        }
        return false
    }

    private mutating func isKnown(_ marker: UInt8, _ payload: [UInt8], isMain: Bool) -> Bool {
        let word = { (place: Int) in Int(payload[place]) << 8 | Int(payload[place + 1]) }
        // Numbers of components have two bytes from 257 components on.
        let wide = componentCount > 256 ? 2 : 1
        switch marker {
        case 0x51:
            guard isMain, componentCount == 0, payload.count >= 39 else { return false }
            componentCount = word(34)
            return componentCount > 0 && payload.count == 36 + 3 * componentCount
        case 0x50: return isMain && payload.count >= 4 && payload.count == 4 + 2 * payload[0..<4].reduce(0) { $0 + $1.nonzeroBitCount }
        case 0x52:
            guard payload.count >= 10 else { return false }
            return isCodingStyle(payload[0], levels: payload[5], precinctCount: payload.count - 10)
        case 0x53:
            guard payload.count >= wide + 6 else { return false }
            return isCodingStyle(payload[wide], levels: payload[wide + 1], precinctCount: payload.count - wide - 6)
        case 0x5C: return isQuantisation(payload[...])
        case 0x5D: return isQuantisation(payload.dropFirst(wide))
        case 0x5E: return payload.count == wide + 2
        case 0x5F: return !payload.isEmpty && payload.count % (5 + 2 * wide) == 0 && payload.count <= 32 * (5 + 2 * wide)
        default: return false
        }
    }

    private mutating func isCodingStyle(_ style: UInt8, levels count: UInt8, precinctCount: Int) -> Bool {
        levels.insert(Int(count))
        return count <= 32 && precinctCount == (style & 1 == 1 ? Int(count) + 1 : 0)
    }

    private mutating func isQuantisation(_ payload: ArraySlice<UInt8>) -> Bool {
        guard let style = payload.first else { return false }
        let count = payload.count - 1
        switch style & 31 {
        case 1: return count == 2
        case 0, 2:
            let steps = style & 31 == 0 ? count : count / 2
            guard style & 31 == 0 || count % 2 == 0, steps % 3 == 1 else { return false }
            quantisedLevels.insert((steps - 1) / 3)
            return true
        default: return false
        }
    }

    // MARK: Tile-parts

    private mutating func takeTilePart() -> Bool {
        let start = offset
        guard offset + 12 <= bytes.count, number(offset + 2, 2) == 10 else { return false }
        let stated = number(offset + 6, 4)
        let place = output.count
        output += bytes[offset..<(offset + 12)]
        offset += 12
        guard takeSegments(until: 0x93, isMain: false) else { return false }
        output += [0xFF, 0x93]
        offset += 2
        // The last one may leave its length open: it goes up to the end marker, which coded data cannot hold.
        guard stated == 0 || stated <= bytes.count - start else { return false }
        guard let end = endOfPackets(limit: stated == 0 ? bytes.count : start + stated, isOpen: stated == 0) else { return false }
        output += bytes[offset..<end]
        offset = end
        let byteCount = output.count - place
        for index in 0..<4 { output[place + 6 + index] = UInt8(byteCount >> (24 - 8 * index) & 0xFF) }
        return true
    }

    /// Packets hold no marker but SOP and EPH: after FF a byte is at most 8F.
    private func endOfPackets(limit: Int, isOpen: Bool) -> Int? {
        guard offset <= limit else { return nil }
        var place = offset
        while place < limit {
            guard bytes[place] == 0xFF, place + 1 < limit, bytes[place + 1] > 0x8F else {
                place += 1
                continue
            }
            if bytes[place + 1] == 0x92 {
                place += 2
            } else if bytes[place + 1] == 0x91, place + 6 <= limit, number(place + 2, 2) == 4 {
                place += 6
            } else {
                return isOpen && bytes[place + 1] == 0xD9 ? place : nil
            }
        }
        return isOpen ? nil : limit
    }
}
