import TernBytes
import TernImage
import TernImageTesting
import TernJPEGLossless
import Testing

private func vector(_ name: String) throws -> [UInt8] { try ImageVectors("TernJPEGLossless").bytes(name) }

private func decoded(_ bytes: [UInt8]) throws(JPEGLosslessError) -> DecodedImage { try JPEGLosslessDecoder.decode(bytes.rawBytes) }

/// The offset behind the marker `code` of a segment.
private func place(of code: UInt8, in bytes: [UInt8]) throws -> Int {
    try #require(bytes.indices.dropLast().first { bytes[$0] == 0xFF && bytes[$0 + 1] == code }) + 2
}

@Test func decodesEveryGoldenLosslessJPEGExactly() throws {
    let vectors = try ImageVectors("TernJPEGLossless")
    #expect(vectors.cases.count > 60)
    for item in vectors.cases {
        let image = try decoded(vectors.bytes(item.file))
        #expect(try image == vectors.expectedImage(item), "\(item.file)")
    }
}

@Test func refusesEveryTruncationOfALosslessJPEG() throws {
    for name in ["restart_3.jpg", "rgb_separate.jpg", "long_codes.jpg"] {
        let bytes = try vector(name)
        for count in 0..<bytes.count {
            #expect(throws: JPEGLosslessError.self) { try decoded([UInt8](bytes[..<count])) }
        }
    }
}

@Test func survivesFlippedBitsInALosslessJPEG() throws {
    var random = SeededGenerator(seed: 5)
    var refusedCount = 0
    for name in ["restart_3.jpg", "rgb_separate_restart.jpg", "long_codes.jpg", "category_16.jpg", "grey_7_bits.jpg"] {
        let bytes = try vector(name)
        for _ in 0..<400 {
            var damaged = bytes
            damaged[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            do { _ = try decoded(damaged) } catch { refusedCount += 1 }
        }
    }
    #expect(refusedCount > 400)
}

@Test func ignoresBytesBehindTheEndOfImage() throws {
    let bytes = try vector("dcmtk_first_order.jpg")
    let padded = bytes + [0, 0, 0xFF, 0xD8]
    let expected = try decoded(bytes)
    #expect(try decoded(padded) == expected)
}

@Test func namesThePlaceOfDamage() throws {
    let bytes = try vector("restart_3.jpg")
    // The first interval holds one line and, with fill bytes, ends before `end`.
    let first = try place(of: 0xD0, in: bytes)
    var end = first - 2
    while bytes[end - 1] == 0xFF { end -= 1 }
    var short = bytes
    short.removeSubrange(end - 2..<end)
    let error = #expect(throws: JPEGLosslessError.self) { try decoded(short) }
    #expect(error.map { caseName($0) } == "lineTruncated")
    var long = bytes
    long.insert(contentsOf: [0x55, 0x55], at: end)
    #expect(throws: JPEGLosslessError.extraData(offset: end + 2)) { try decoded(long) }
    var turn = bytes
    turn[first - 1] = 0xD1
    #expect(throws: JPEGLosslessError.restartMarker(row: 1, offset: end)) { try decoded(turn) }
}

@Test func refusesWhatProcess14DoesNotHave() throws {
    let bytes = try vector("grey_12_bits.jpg")
    let frame = try place(of: 0xC3, in: bytes)
    let scan = try place(of: 0xDA, in: bytes)
    let table = try place(of: 0xC4, in: bytes)
    func decode(_ offset: Int, _ value: UInt8) -> JPEGLosslessError? {
        var changed = bytes
        changed[offset] = value
        do throws(JPEGLosslessError) {
            _ = try decoded(changed)
            return nil
        } catch {
            return error
        }
    }
    #expect(decode(frame - 1, 0xC0) == .unsupportedProcess(marker: 0xC0))
    #expect(decode(frame - 1, 0xF7) == .unsupportedProcess(marker: 0xF7))
    #expect(decode(frame + 2, 1) == .precision(1))
    #expect(decode(frame + 2, 17) == .precision(17))
    #expect(decode(frame + 4, 0) == .heightUnknown)
    #expect(decode(frame + 6, 0) == .shape(.emptySide(width: 0, height: 11)))
    #expect(decode(frame + 5, 0xFF) == .shape(.sideTooLong(width: 0xFF0E, height: 11, limit: ImageLimits.limitSide)))
    #expect(decode(frame + 3, 0x30) == .moreSamplesThanData(width: 14, height: 0x300B, channels: 1, byteCount: bytes.count))
    #expect(decode(frame + 7, 2) == .unsupportedComponents(count: 2))
    #expect(decode(frame + 9, 0x51) == .unsupportedSampling)
    #expect(decode(table + 2, 0x10) == .huffmanTable(offset: table - 2))
    #expect(decode(table + 3, 3) == .huffmanTable(offset: table - 2))
    #expect(decode(table + 20, 17) == .huffmanTable(offset: table - 2))
    #expect(decode(scan + 3, 9) == .scanHeader(offset: scan - 2))
    #expect(decode(scan + 4, 0x10) == .missingHuffmanTable(index: 1, offset: scan + 8))
    #expect(decode(scan + 5, 0) == .scanHeader(offset: scan - 2))
    #expect(decode(scan + 5, 8) == .scanHeader(offset: scan - 2))
    #expect(decode(scan + 7, 12) == .scanHeader(offset: scan - 2))
    #expect(decode(bytes.count - 1, 0xDC) == .heightUnknown)
    #expect(decode(0, 0) == .notAJPEGFile)
}

@Test func refusesASampleThatDoesNotFitThePrecision() throws {
    var bytes = try vector("grey_12_bits.jpg")
    // The same differences around half of a smaller range leave it.
    bytes[try place(of: 0xC3, in: bytes) + 2] = 5
    let error = #expect(throws: JPEGLosslessError.self) { try decoded(bytes) }
    #expect(error.map { caseName($0) } == "sampleOutOfRange")
}

@Test func refusesARestartIntervalThatIsNoWholeLine() throws {
    var bytes = try vector("restart_3.jpg")
    bytes[try place(of: 0xDD, in: bytes) + 3] += 1
    #expect(throws: JPEGLosslessError.restartInterval(16, sampleCountOfLine: 15)) { try decoded(bytes) }
}

@Test func refusesAMissingOrRepeatedComponent() throws {
    var bytes = try vector("rgb_separate.jpg")
    let first = try place(of: 0xDA, in: bytes)
    bytes[first + 3] = 2
    #expect(throws: JPEGLosslessError.self) { try decoded(bytes) }
    let whole = try vector("rgb_separate.jpg")
    let second = try #require(whole.indices.dropLast().first { $0 > first && whole[$0] == 0xFF && whole[$0 + 1] == 0xDA })
    let cut = [UInt8](whole[..<second]) + [0xFF, 0xD9]
    #expect(throws: JPEGLosslessError.missingComponent(index: 1)) { try decoded(cut) }
}
