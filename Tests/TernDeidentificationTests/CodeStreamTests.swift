import Testing

@testable import TernDeidentification

struct CodeStreamTests {
    private let layout = CodeStream.Layout(pixelCount: 8, samplesPerPixel: 1, bitsAllocated: 8)
    private let text = Array("SECRET".utf8)

    private func segment(_ marker: UInt8, _ payload: [UInt8]) -> [UInt8] { [0xFF, marker, 0, UInt8(payload.count + 2)] + payload }

    /// A baseline stream: quantisation, frame header, one table, a scan. `extra` stands behind SOI.
    private func jpeg(_ extra: [UInt8] = [], beforeScan: [UInt8] = []) -> [UInt8] {
        let codes: [UInt8] = [0, 2] + [UInt8](repeating: 0, count: 14)
        return [0xFF, 0xD8] + extra + segment(0xDB, [0] + [UInt8](repeating: 1, count: 64)) + segment(0xC0, [8, 0, 8, 0, 8, 1, 1, 0x11, 0])
            + segment(0xC4, [0x00] + codes + [0, 1]) + segment(0xC4, [0x10] + codes + [0, 1]) + beforeScan
            + segment(0xDA, [1, 1, 0, 0, 63, 0]) + [0x12, 0xFF, 0, 0x34, 0xFF, 0xD0, 0x56, 0xFF, 0xD9]
    }

    private func cleaned(_ bytes: [UInt8], _ family: CodeStream.Family) -> [UInt8]? { CodeStream.cleaned(bytes, as: family, layout: layout)?.bytes }

    @Test func jpegKeepsWhatDecodingNeeds() {
        let plain = jpeg()
        #expect(cleaned(plain, .jpeg) == plain)
        for extra in [segment(0xFE, text), segment(0xE1, text), segment(0xE8, Array("mrfx".utf8) + text)] { #expect(cleaned(jpeg(extra), .jpeg) == plain) }
        #expect(cleaned([0xFF] + plain, .jpeg) == plain)
        for tail in [text, text + [0xFF, 0xD9], jpeg(segment(0xFE, text))] { #expect(cleaned(plain + tail, .jpeg) == plain) }
        // Adobe and JFIF with more than numbers.
        let adobe = Array("Adobe".utf8)
        #expect(cleaned(jpeg(segment(0xEE, adobe + [0, 1, 9, 9, 9, 9, 1] + text)), .jpeg) == jpeg(segment(0xEE, adobe + [0, 100, 0, 0, 0, 0, 1])))
        let jfif = Array("JFIF".utf8)
        #expect(cleaned(jpeg(segment(0xE0, jfif + [0, 1, 2, 1, 9, 9, 9, 9, 0, 0] + text)), .jpeg) == jpeg(segment(0xE0, jfif + [0, 1, 1, 0, 0, 1, 0, 1, 0, 0])))
        // Tables that no scan uses.
        let unused = segment(0xC4, [0x01, 0, 0, 6] + [UInt8](repeating: 0, count: 13) + Array("SECRTX".utf8))
        #expect(cleaned(jpeg(beforeScan: unused), .jpeg) == plain)
        #expect(cleaned(jpeg(segment(0xDB, [3] + [UInt8](repeating: 0x53, count: 64))), .jpeg) == plain)
    }

    @Test func jpegThatCannotBeFollowedIsRefused() {
        let plain = jpeg()
        for marker: UInt8 in [0x02, 0xBF, 0xC8, 0xF0, 0xFD, 0xDE, 0xD8] { #expect(cleaned(jpeg(segment(marker, text)), .jpeg) == nil, "\(marker)") }
        #expect(cleaned(jpeg(text), .jpeg) == nil && cleaned(Array(plain.dropLast(2)), .jpeg) == nil)
        #expect(cleaned(jpeg(segment(0xDB, [0] + [UInt8](repeating: 1, count: 64) + text)), .jpeg) == nil)
        for count in 0..<plain.count { #expect(cleaned(Array(plain[..<count]), .jpeg) == nil) }
        for offset in plain.indices {
            for bit in 0..<8 {
                var damaged = plain
                damaged[offset] ^= 1 << bit
                _ = cleaned(damaged, .jpeg)
                _ = cleaned(damaged, .jpegLS)
            }
        }
    }

    @Test func jpegLSKeepsItsParameters() {
        let scan: [UInt8] = [0x12, 0xFF, 0x7F, 0x34, 0xFF, 0xD9]
        let head = segment(0xF7, [8, 0, 8, 0, 8, 1, 1, 0x11, 0]) + segment(0xF8, [1, 0, 255, 0, 3, 0, 7, 0, 21, 0, 64])
        let plain = [0xFF, 0xD8] + segment(0xE8, Array("mrfx".utf8) + [1]) + head + segment(0xDA, [1, 1, 0, 0, 0, 0]) + scan
        #expect(cleaned(plain, .jpegLS) == plain)
        #expect(cleaned([0xFF, 0xD8] + segment(0xFE, text) + plain[2...] + text, .jpegLS) == plain)
        #expect(cleaned([0xFF, 0xD8] + segment(0xF8, [2] + text) + plain[2...], .jpegLS) == nil)
    }

    /// `extra` stands in the main header, `inner` in that of the tile-part.
    private func jpeg2000(_ extra: [UInt8] = [], inner: [UInt8] = [], tail: [UInt8] = [0xFF, 0xD9]) -> [UInt8] {
        let size: [UInt8] = [0, 0] + [0, 0, 0, 8, 0, 0, 0, 8] + [UInt8](repeating: 0, count: 8) + [0, 0, 0, 8, 0, 0, 0, 8] + [UInt8](repeating: 0, count: 8)
        let header = [0xFF, 0x4F] + segment(0x51, size + [0, 1, 7, 1, 1]) + segment(0x52, [0, 0, 0, 1, 0, 1, 3, 3, 0, 1]) + segment(0x5C, [0x40, 8, 9, 9, 10])
        let data: [UInt8] = [0xC1, 0xFF, 0x8F, 0x12]
        let byteCount = UInt8(12 + inner.count + 2 + data.count)
        return header + extra + [0xFF, 0x90, 0, 10, 0, 0, 0, 0, 0, byteCount, 0, 1] + inner + [0xFF, 0x93] + data + tail
    }

    @Test func jpeg2000KeepsWhatDecodingNeeds() {
        let plain = jpeg2000()
        #expect(cleaned(plain, .jpeg2000) == plain)
        for marker: UInt8 in [0x64, 0x55, 0x57, 0x63] { #expect(cleaned(jpeg2000(segment(marker, text)), .jpeg2000) == plain) }
        for marker: UInt8 in [0x64, 0x58] { #expect(cleaned(jpeg2000(inner: segment(marker, text)), .jpeg2000) == plain) }
        #expect(cleaned(plain + text + [0xFF, 0xD9], .jpeg2000) == plain && cleaned(jpeg2000(tail: [0]), .jpeg2000) == plain)
        for marker: UInt8 in [0x6A, 0x50, 0x60, 0x74] { #expect(cleaned(jpeg2000(segment(marker, text)), .jpeg2000) == nil, "\(marker)") }
        #expect(cleaned(jpeg2000(tail: text), .jpeg2000) == nil)
        for count in 0..<plain.count - 2 { #expect(cleaned(Array(plain[..<count]), .jpeg2000) == nil, "\(count)") }
        for offset in plain.indices {
            for bit in 0..<8 {
                var damaged = plain
                damaged[offset] ^= 1 << bit
                _ = cleaned(damaged, .jpeg2000)
            }
        }
    }

    @Test func boxesAreLeftOut() {
        let box = { (kind: String, content: [UInt8]) in [0, 0, 0, UInt8(content.count + 8)] + Array(kind.utf8) + content }
        let signature = box("jP  ", [0x0D, 0x0A, 0x87, 0x0A])
        let plain = jpeg2000()
        let boxed = signature + box("ftyp", text) + box("jp2h", box("ihdr", text)) + box("xml ", text) + box("jp2c", plain) + box("uuid", text)
        #expect(cleaned(boxed, .jpeg2000) == plain)
        #expect(cleaned(signature + box("jp2h", box("pclr", text)) + box("jp2c", plain), .jpeg2000) == nil)
        #expect(cleaned(signature + box("xml ", text), .jpeg2000) == nil)
    }

    @Test func runLengthsEndWithTheirPlane() {
        let header: [UInt8] = [1, 0, 0, 0, 64, 0, 0, 0] + [UInt8](repeating: 0, count: 56)
        let plain = header + [3, 1, 2, 3, 4, 253, 9, 0]
        #expect(cleaned(plain, .runLength) == plain)
        #expect(cleaned(plain + text, .runLength) == plain)
        #expect(cleaned(header[..<16] + text + header[22...] + plain[64...], .runLength) == plain)
        // A run that goes on behind the plane is cut.
        #expect(cleaned(header + [3, 1, 2, 3, 4, 9, 9, 9, 9, 9] + text, .runLength) == header + [3, 1, 2, 3, 4, 3, 9, 9, 9, 9])
        #expect(cleaned(header + [3, 1, 2, 3], .runLength) == nil && cleaned([2] + header[1...] + plain[64...], .runLength) == nil)
        #expect(cleaned([1, 2, 3, 4, 5, 6, 7, 8] + text, .uncompressed) == [1, 2, 3, 4, 5, 6, 7, 8] && cleaned([1, 2], .uncompressed) == nil)
    }

    @Test func videoHasNoFamily() {
        for number in [100, 101, 102, 103, 107, 110, 92] { #expect(CodeStream.family("1.2.840.10008.1.2.4.\(number)") == nil) }
        #expect(CodeStream.family("1.2.3") == nil && CodeStream.family("1.2.840.10008.1.2.4.90") == .jpeg2000)
    }
}
