import TernBytes

/// The next bits of entropy-coded data, most significant first, byte stuffing removed.
struct BitBuffer {
    /// The next bits, left-aligned; zero below them.
    private(set) var bits: UInt64 = 0
    /// Valid bits, 0 ... 64. Negative once more were taken than the data hold.
    private(set) var count = 0
    /// The byte after those that were loaded; that of the marker once `isAtMarker`.
    private(set) var offset: Int
    /// The data are loaded as far as they go: the byte at `offset` is a marker's or the end.
    private(set) var isAtMarker = false

    /// Starts at `offset`.
    init(offset: Int) { self.offset = offset }

    /// Loads until at least 56 bits are valid or a marker or the end of `bytes` is reached.
    @inline(__always)
    mutating func refill(from bytes: RawSpan) {
        if offset &+ 8 <= bytes.byteCount {
            let word = bytes.uint64LE(at: offset).byteSwapped
            // A byte is 0xFF exactly when its complement is zero; the test finds every word with a zero byte.
            if (~word &- 0x0101_0101_0101_0101) & word & 0x8080_8080_8080_8080 == 0 {
                let byteCount = (64 &- count) &>> 3
                guard byteCount > 0 else { return }
                let dropped = UInt64(64 &- 8 &* byteCount)
                bits |= ((word &>> dropped) &<< dropped) &>> UInt64(count)
                count &+= 8 &* byteCount
                offset &+= byteCount
                return
            }
        }
        refillBytewise(from: bytes)
    }

    @inline(never)
    private mutating func refillBytewise(from bytes: RawSpan) {
        while count <= 56, !isAtMarker {
            guard offset < bytes.byteCount else {
                isAtMarker = true
                return
            }
            let byte = bytes.uint8(at: offset)
            if byte == 0xFF {
                // T.81 F.1.2.3: a zero byte follows every 0xFF of the data.
                guard offset + 1 < bytes.byteCount, bytes.uint8(at: offset + 1) == 0 else {
                    isAtMarker = true
                    return
                }
                offset += 1
            }
            offset += 1
            bits |= UInt64(byte) << UInt64(56 - count)
            count += 8
        }
    }

    /// Passes over `number` bits, 0 ... 32.
    @inline(__always)
    mutating func skip(_ number: Int) {
        bits &<<= UInt64(truncatingIfNeeded: number)
        count &-= number
    }
}
