import TernBytes
import Testing

@Suite struct RawSpanLoadTests {
    @Test func loadsLittleEndianAtEveryOffset() {
        let bytes = (0..<32).map { UInt8($0 * 7) }
        let span = bytes.rawBytes
        for offset in 0...24 {
            let expected = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[offset + $1]) << (8 * UInt64($1)) }
            #expect(span.uint64LE(at: offset) == expected)
            #expect(span.uint32LE(at: offset) == UInt32(truncatingIfNeeded: expected))
            #expect(span.uint16LE(at: offset) == UInt16(truncatingIfNeeded: expected))
            #expect(span.uint8(at: offset) == bytes[offset])
        }
        #expect(span.array == bytes)
        #expect(([0, 0, 0x80, 0xBF] as [UInt8]).rawBytes.floatLE(at: 0) == -1)
    }

    @Test func findsTheFirstByteThatIsNotZero() {
        for count in 0..<40 {
            var bytes = [UInt8](repeating: 0, count: count)
            #expect(bytes.rawBytes.firstNonZeroOffset == nil)
            for position in 0..<count {
                bytes[position] = 0x80
                #expect(bytes.rawBytes.firstNonZeroOffset == position)
                bytes[position] = 0
            }
        }
    }

    /// The standard library decides what is UTF-8.
    @Test func agreesWithTheStandardLibraryOnUTF8() {
        let leads: [[UInt8]] = [[], Array("12345678".utf8), Array("123456789".utf8), Array("ä".utf8), Array("😀".utf8)]
        var state: UInt64 = 1
        for first in UInt8.min ... .max {
            for second in stride(from: 0 as Int, through: 255, by: 1) {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let tail: [UInt8] = [0x80 | UInt8(state >> 58), 0x80 | UInt8(state >> 50 & 63)]
                for count in 0...2 {
                    let bytes = leads[Int(state >> 33) % leads.count] + [first, UInt8(second)] + tail[..<count]
                    let isValid = String(validating: bytes, as: UTF8.self) != nil
                    if (bytes.rawBytes.firstInvalidUTF8Offset == nil) != isValid { Issue.record("\(bytes)") }
                }
            }
        }
    }

    @Test func namesTheOffsetThatIsNotUTF8() {
        let bytes = Array("123456789".utf8) + [0xC3] + Array("x".utf8)
        #expect(bytes.rawBytes.firstInvalidUTF8Offset == 9)
    }
}
