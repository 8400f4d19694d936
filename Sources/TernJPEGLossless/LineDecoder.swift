import TernBytes

/// Decodes the lines of one scan: differences from the bits, then samples from differences (T.81 annex H).
struct LineDecoder {
    private var buffer: BitBuffer
    private let tables: [HuffmanTable]
    /// The lookups of all tables one behind the other.
    private let lookup: [HuffmanTable.Entry]
    /// Samples of one line: differences first, samples after `reconstruct`; components interleaved.
    private(set) var line: [UInt16]
    private var above: [UInt16]
    private let selection: Int
    /// Bits of a sample before the point transform is undone, 1 ... 16.
    private let bits: Int

    /// - Parameters:
    ///   - tables: one for each component of the scan.
    ///   - bits: precision less point transform.
    init(tables: [HuffmanTable], width: Int, selection: Int, bits: Int, offset: Int) {
        self.tables = tables
        self.selection = selection
        self.bits = bits
        var entries: [HuffmanTable.Entry] = []
        entries.reserveCapacity(tables.count * HuffmanTable.lookupCount)
        for table in tables { table.appendLookup(to: &entries) }
        lookup = entries
        line = [UInt16](repeating: 0, count: width * tables.count)
        above = line
        buffer = BitBuffer(offset: offset)
    }

    /// Decodes the next line into `line`. `isFirst`: the first of the scan or of a restart interval, predicted from its own samples alone.
    mutating func decodeLine(_ row: Int, isFirst: Bool, from bytes: RawSpan) throws(JPEGLosslessError) {
        // The arrays change places: `target` is the only owner of the older line.
        var target = above
        above = line
        line = []
        let step = tables.count
        var state = buffer
        do throws(LineFailure) {
            var samples = target.mutableSpan
            try readDifferences(into: &samples, &state, lookup: lookup.span, tables, from: bytes)
        } catch {
            // Zeros stand for the bits behind the end: with fewer left than the longest code, the end is what is wrong.
            let column = error.index / step
            throw error.isAtMarker && error.bitCount < 16
                ? .lineTruncated(row: row, column: column, offset: error.offset) : .invalidCode(row: row, column: column, offset: error.offset)
        }
        buffer = state
        var samples = target.mutableSpan
        let all = reconstruct(
            &samples, above.span, step: step, selection: isFirst ? 1 : selection, start: isFirst ? 1 << UInt16(bits - 1) : nil)
        line = target
        guard Int(all) >> bits == 0 else { throw .sampleOutOfRange(row: row) }
    }

    /// Ends an interval and gives the offset of the marker behind it.
    ///
    /// - Throws: `extraData` when more than the padding of the last byte is left.
    mutating func finishInterval(from bytes: RawSpan) throws(JPEGLosslessError) -> Int {
        buffer.refill(from: bytes)
        guard buffer.isAtMarker, buffer.count < 8 else { throw .extraData(offset: buffer.offset) }
        return buffer.offset
    }

    /// Begins the interval whose data start at `offset`.
    mutating func startInterval(at offset: Int) { buffer = BitBuffer(offset: offset) }
}

/// Where a line could not be read on.
private struct LineFailure: Error {
    var index: Int
    var isAtMarker: Bool
    var bitCount: Int
    var offset: Int
    init(_ index: Int, _ buffer: BitBuffer) {
        self.index = index
        isAtMarker = buffer.isAtMarker
        bitCount = buffer.count
        offset = buffer.offset
    }
}

private func readDifferences(
    into target: inout MutableSpan<UInt16>, _ state: inout BitBuffer, lookup: Span<HuffmanTable.Entry>, _ tables: [HuffmanTable], from bytes: RawSpan
) throws(LineFailure) {
    var buffer = state
    var base = 0
    for index in 0..<target.count {
        if buffer.count < 32 { buffer.refill(from: bytes) }
        var entry = lookup[base &+ Int(truncatingIfNeeded: buffer.bits &>> UInt64(64 - HuffmanTable.lookupBits))]
        if entry == 0 {
            entry = tables[base / HuffmanTable.lookupCount].longEntry(Int(buffer.bits >> 48))
            guard entry != 0 else { throw LineFailure(index, buffer) }
        }
        buffer.skip(Int(entry & 255))
        let extra = UInt64((entry &>> 8) & 255)
        // T.81 F.2.2.1 EXTEND: a first bit of 0 means the negative half of the category.
        let isNegative = ~UInt64(bitPattern: Int64(bitPattern: buffer.bits) &>> 63)
        let value = ((buffer.bits &>> 1) &>> (63 &- extra)) &+ (isNegative & (1 &- (1 &<< extra))) &+ UInt64(entry &>> 16)
        buffer.skip(Int(extra))
        guard buffer.count >= 0 else { throw LineFailure(index, buffer) }
        target[index] = UInt16(truncatingIfNeeded: value)
        base &+= HuffmanTable.lookupCount
        if base == lookup.count { base = 0 }
    }
    state = buffer
}

/// Adds predictions to the differences in `samples`, modulo 2^16 (T.81 H.2.1), and gives the union of the bits of all samples.
///
/// `start`: what predicts the first sample of a first line; nil on other lines, whose first sample is predicted by the one above.
private func reconstruct(
    _ samples: inout MutableSpan<UInt16>, _ above: Span<UInt16>, step: Int, selection: Int, start: UInt16?
) -> UInt16 {
    var all: UInt16 = 0
    for index in 0..<step {
        samples[index] &+= start ?? above[index]
        all |= samples[index]
    }
    // T.81 table H.1; a, b and c are left, above, and above left. Sums are exact in 32 bits, and shifts keep the sign.
    switch selection {
    case 1: all |= predict(&samples, above, step) { a, _, _ in a }
    case 2: all |= predict(&samples, above, step) { _, b, _ in b }
    case 3: all |= predict(&samples, above, step) { _, _, c in c }
    case 4: all |= predict(&samples, above, step) { a, b, c in a &+ b &- c }
    case 5: all |= predict(&samples, above, step) { a, b, c in a &+ ((b &- c) &>> 1) }
    case 6: all |= predict(&samples, above, step) { a, b, c in b &+ ((a &- c) &>> 1) }
    default: all |= predict(&samples, above, step) { a, b, _ in (a &+ b) &>> 1 }
    }
    return all
}

@inline(__always)
private func predict(
    _ samples: inout MutableSpan<UInt16>, _ above: Span<UInt16>, _ step: Int, _ prediction: (Int32, Int32, Int32) -> Int32
) -> UInt16 {
    var all: UInt16 = 0
    let count = samples.count
    guard step < count, above.count == count else { return 0 }
    for index in step..<count {
        let left = index &- step
        let value = samples[index] &+ UInt16(truncatingIfNeeded: prediction(Int32(samples[left]), Int32(above[index]), Int32(above[left])))
        samples[index] = value
        all |= value
    }
    return all
}
