/// One walk over a JPEG or JPEG-LS interchange stream (ISO/IEC 10918-1 annex B, 14495-1 annex C), which writes it anew.
///
/// What is written: SOI, frame headers, the tables that a scan uses, restart intervals, scans, the number of lines, EOI; JFIF with fixed densities; Adobe's and HP's colour
/// transforms without anything else. Everything else that has a length is left out, and so is all behind the first EOI.
struct JPEGWalk {
    /// A part of the output. Tables are written where a scan uses them before they are defined anew.
    private struct Part {
        var bytes: [UInt8]
        var isUsed: Bool
    }
    private let bytes: [UInt8]
    private let isLS: Bool
    private var offset = 0
    private var parts: [Part] = []
    private var droppedCount = 0
    /// The part that defines each table now in force: class and number for Huffman tables, number for quantisation.
    private var huffman: [UInt8: Int] = [:]
    private var quantisation: [UInt8: Int] = [:]
    /// The quantisation table of each component of the frame header.
    private var components: [UInt8: UInt8] = [:]
    private var hasScan = false

    init(_ bytes: [UInt8], isLS: Bool) {
        self.bytes = bytes
        self.isLS = isLS
    }

    /// Nil when the stream cannot be followed to its end.
    mutating func run() -> CodeStream.Cleaned? {
        guard marker() == 0xD8 else { return nil }
        if offset > 2 { droppedCount += 1 }
        parts.append(Part(bytes: [0xFF, 0xD8], isUsed: true))
        while let marker = marker() {
            if marker == 0xD9 { return finished() }
            guard let payload = payload() else { return nil }
            guard isLS && (0xF7...0xF8).contains(marker) ? takeLS(marker, payload) : take(marker, payload) else { return nil }
        }
        return nil
    }

    private mutating func finished() -> CodeStream.Cleaned? {
        guard hasScan else { return nil }
        parts.append(Part(bytes: [0xFF, 0xD9], isUsed: true))
        if CodeStream.hasContent(bytes[offset...]) { droppedCount += 1 }
        droppedCount += parts.lazy.filter { !$0.isUsed }.count
        return CodeStream.Cleaned(bytes: Array(parts.lazy.filter { $0.isUsed }.map { $0.bytes }.joined()), droppedCount: droppedCount)
    }

    /// The marker at hand, without the fill bytes before it; nil when there is none.
    private mutating func marker() -> UInt8? {
        guard offset + 1 < bytes.count, bytes[offset] == 0xFF else { return nil }
        while offset + 1 < bytes.count, bytes[offset + 1] == 0xFF { offset += 1 }
        guard offset + 1 < bytes.count else { return nil }
        offset += 2
        return bytes[offset - 1]
    }

    private mutating func payload() -> [UInt8]? {
        guard offset + 2 <= bytes.count else { return nil }
        let end = offset + (Int(bytes[offset]) << 8 | Int(bytes[offset + 1]))
        guard end >= offset + 2, end <= bytes.count else { return nil }
        defer { offset = end }
        return Array(bytes[(offset + 2)..<end])
    }

    private mutating func append(_ marker: UInt8, _ payload: [UInt8], isUsed: Bool = true) {
        let count = payload.count + 2
        parts.append(Part(bytes: [0xFF, marker, UInt8(count >> 8), UInt8(count & 0xFF)] + payload, isUsed: isUsed))
    }

    // MARK: Segments

    private mutating func take(_ marker: UInt8, _ payload: [UInt8]) -> Bool {
        switch marker {
        case 0xC0...0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF: return !isLS && takeFrame(marker, payload)
        case 0xC4: return !isLS && takeHuffman(payload)
        case 0xDB: return !isLS && takeQuantisation(payload)
        // Statistics of arithmetic coding: a table and a number each.
        case 0xCC: return takeFixed(marker, payload, !isLS && payload.count % 2 == 0 && payload.count <= 16)
        case 0xDD: return takeFixed(marker, payload, payload.count == 2 || isLS && payload.count <= 4)
        case 0xDC: return takeFixed(marker, payload, hasScan && payload.count == 2)
        case 0xDA: return takeScan(payload)
        case 0xE0...0xEF: takeApplication(marker, payload)
        case 0xFE: droppedCount += 1
        // Reserved codes, hierarchical frames, a second SOI, a stray restart marker.
        default: return false
        }
        return true
    }

    private mutating func takeFixed(_ marker: UInt8, _ payload: [UInt8], _ isWellFormed: Bool) -> Bool {
        guard isWellFormed else { return false }
        append(marker, payload)
        return true
    }

    /// Precision, lines, columns, and three bytes for each component.
    private mutating func takeFrame(_ marker: UInt8, _ payload: [UInt8]) -> Bool {
        guard components.isEmpty, payload.count >= 9, (2...16).contains(payload[0]), (1...4).contains(payload[5]), payload.count == 6 + 3 * Int(payload[5])
        else { return false }
        for start in stride(from: 6, to: payload.count, by: 3) {
            guard (1...4).contains(payload[start + 1] >> 4), (1...4).contains(payload[start + 1] & 15), payload[start + 2] < 4 else { return false }
            components[payload[start]] = payload[start + 2]
        }
        guard components.count == Int(payload[5]) else { return false }
        append(marker, payload)
        return true
    }

    private mutating func takeHuffman(_ payload: [UInt8]) -> Bool {
        var place = 0
        while place < payload.count {
            guard place + 17 <= payload.count, payload[place] >> 4 < 2, payload[place] & 15 < 4 else { return false }
            let count = payload[(place + 1)..<(place + 17)].reduce(0) { $0 + Int($1) }
            guard count <= 256, place + 17 + count <= payload.count else { return false }
            // A symbol has one code, and no more codes of a length are there than a prefix code has.
            guard Set(payload[(place + 17)..<(place + 17 + count)]).count == count else { return false }
            var free = 1
            for length in 1...16 {
                free = free * 2 - Int(payload[place + length])
                guard free >= 0 else { return false }
            }
            append(0xC4, Array(payload[place..<(place + 17 + count)]), isUsed: false)
            huffman[payload[place]] = parts.count - 1
            place += 17 + count
        }
        return true
    }

    private mutating func takeQuantisation(_ payload: [UInt8]) -> Bool {
        var place = 0
        while place < payload.count {
            guard payload[place] >> 4 < 2, payload[place] & 15 < 4 else { return false }
            let count = payload[place] >> 4 == 0 ? 65 : 129
            guard place + count <= payload.count else { return false }
            append(0xDB, Array(payload[place..<(place + count)]), isUsed: false)
            quantisation[payload[place] & 15] = parts.count - 1
            place += count
        }
        return true
    }

    /// Components and their tables, then entropy-coded data up to a marker that is no restart.
    private mutating func takeScan(_ payload: [UInt8]) -> Bool {
        guard let count = payload.first.map(Int.init), (1...4).contains(count), payload.count == 4 + 2 * count else { return false }
        for start in stride(from: 1, to: 1 + 2 * count, by: 2) {
            guard let table = components[payload[start]] else { return false }
            if isLS { continue }
            // The first and last coefficient of the scan; a scan of lossless samples has a predictor and 0.
            let (first, last) = (payload[payload.count - 3], payload[payload.count - 2])
            if first == 0 || last == 0, let part = huffman[payload[start + 1] >> 4] { parts[part].isUsed = true }
            if last > 0, let part = huffman[0x10 | payload[start + 1] & 15] { parts[part].isUsed = true }
            if let part = quantisation[table] { parts[part].isUsed = true }
        }
        append(0xDA, payload)
        let start = offset
        while offset + 1 < bytes.count {
            guard bytes[offset] == 0xFF else {
                offset += 1
                continue
            }
            let next = bytes[offset + 1]
            // JPEG-LS stuffs a bit: after FF the highest one is 0.
            guard next == 0 || (0xD0...0xD7).contains(next) || isLS && next < 0x80 else { break }
            offset += 2
        }
        guard offset + 1 < bytes.count, offset > start else { return false }
        parts.append(Part(bytes: Array(bytes[start..<offset]), isUsed: true))
        hasScan = true
        return true
    }

    /// JFIF says that colours are transformed, Adobe says whether, HP says how; the numbers alone are written.
    private mutating func takeApplication(_ marker: UInt8, _ payload: [UInt8]) {
        let fixed: [UInt8]
        if marker == 0xE0, payload.count >= 14, payload.starts(with: Array("JFIF\0".utf8)) {
            fixed = Array("JFIF\0".utf8) + [1, 1, 0, 0, 1, 0, 1, 0, 0]
        } else if marker == 0xEE, payload.count >= 12, payload.starts(with: Array("Adobe".utf8)), payload[11] < 3 {
            fixed = Array("Adobe".utf8) + [0, 100, 0, 0, 0, 0, payload[11]]
        } else if isLS, marker == 0xE8, payload.count >= 5, payload.starts(with: Array("mrfx".utf8)), payload[4] < 6 {
            fixed = Array("mrfx".utf8) + [payload[4]]
        } else {
            droppedCount += 1
            return
        }
        if payload.count > fixed.count { droppedCount += 1 }
        append(marker, fixed)
    }

    // MARK: JPEG-LS

    private mutating func takeLS(_ marker: UInt8, _ payload: [UInt8]) -> Bool {
        if marker == 0xF7 { return takeFrame(marker, payload) }
        // Preset parameters: five numbers. Mapping tables and larger sizes are not walked.
        guard payload.count == 11, payload[0] == 1 else { return false }
        append(marker, payload)
        return true
    }
}
