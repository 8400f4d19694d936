import TernBytes

/// The Huffman codes of difference categories (T.81 annex C and H.1.2.2), read through a table over the next bits.
struct HuffmanTable {
    /// Codes up to this length are found in one step.
    static let lookupBits = 10
    static let lookupCount = 1 << lookupBits
    /// What a code stands for: bits 0 ... 7 its length, 8 ... 15 the additional bits, 16 ... 31 a difference to add. 0: no such code.
    typealias Entry = UInt32

    /// Codes of each length, 1 ... 16 at index 0 ... 15.
    private let counts: [UInt8]
    private let categories: [UInt8]

    /// Reads one table of a DHT segment behind its class and index; `offset` moves past it.
    ///
    /// - Throws: `huffmanTable` when the codes overlap, there are none, or a category passes 16; `truncated` past the end.
    init(parsing bytes: RawSpan, offset: inout Int, end: Int) throws(JPEGLosslessError) {
        let start = offset
        guard start + 16 <= end else { throw .segmentByteCount(marker: 0xC4, offset: start) }
        counts = bytes.extracting(start..<start + 16).array
        var total = 0
        var code = 0
        for length in 1...16 {
            total += Int(counts[length - 1])
            code = code << 1 + Int(counts[length - 1])
            guard code <= 1 << length else { throw .huffmanTable(offset: start) }
        }
        guard total > 0 else { throw .huffmanTable(offset: start) }
        guard start + 16 + total <= end else { throw .segmentByteCount(marker: 0xC4, offset: start) }
        categories = bytes.extracting(start + 16..<start + 16 + total).array
        for category in categories where category > 16 { throw .huffmanTable(offset: start) }
        offset = start + 16 + total
    }

    private static func entry(length: Int, category: UInt8) -> Entry {
        // T.81 H.1.2.2: category 16 is the difference 32,768 and has no additional bits.
        category == 16 ? Entry(length) | 32_768 << 16 : Entry(length) | Entry(category) << 8
    }

    /// Appends the entries for every value of the next `lookupBits` bits; 0 where the code is longer or there is none.
    func appendLookup(to lookup: inout [Entry]) {
        let start = lookup.count
        lookup.append(contentsOf: repeatElement(0, count: HuffmanTable.lookupCount))
        var code = 0
        var symbol = 0
        for length in 1...HuffmanTable.lookupBits {
            let repeats = 1 << (HuffmanTable.lookupBits - length)
            for _ in 0..<Int(counts[length - 1]) {
                let entry = HuffmanTable.entry(length: length, category: categories[symbol])
                for place in 0..<repeats { lookup[start + code * repeats + place] = entry }
                code += 1
                symbol += 1
            }
            code <<= 1
        }
    }

    /// The entry of the code that begins the 16 bits `next`, whatever its length; 0 when there is none.
    func longEntry(_ next: Int) -> Entry {
        var first = 0
        var symbol = 0
        for length in 1...16 {
            let code = next >> (16 - length)
            let count = Int(counts[length - 1])
            if code - first < count { return HuffmanTable.entry(length: length, category: categories[symbol + code - first]) }
            first = (first + count) << 1
            symbol += count
        }
        return 0
    }
}
