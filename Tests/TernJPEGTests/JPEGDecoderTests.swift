import TernBytes
import TernImage
import TernImageTesting
import TernJPEG
import Testing

@Test func decodesEveryGoldenJPEGExactly() throws {
    let vectors = try ImageVectors("TernJPEG")
    #expect(vectors.cases.count > 15)
    for item in vectors.cases {
        let bytes = try vectors.bytes(item.file)
        if let refused = item.refused {
            let error = #expect(throws: JPEGError.self) { try JPEGDecoder.decode(bytes.rawBytes) }
            #expect(error.map { caseName($0) } == refused, "\(item.file)")
        } else {
            let image = try JPEGDecoder.decode(bytes.rawBytes)
            #expect(try image == vectors.expectedImage(item), "\(item.file)")
        }
    }
}

@Test func refusesEveryTruncationOfAJPEG() throws {
    let vectors = try ImageVectors("TernJPEG")
    for name in ["grey.jpg", "rgb_420_progressive.jpg"] {
        let bytes = try vectors.bytes(name)
        for count in 0..<bytes.count {
            #expect(throws: JPEGError.self) { try JPEGDecoder.decode([UInt8](bytes[..<count]).rawBytes) }
        }
    }
}

@Test func namesTruncationWhenTheEntropyCodedDataEnd() throws {
    let bytes = try ImageVectors("TernJPEG").bytes("rgb_420.jpg")
    let half = [UInt8](bytes[..<(bytes.count - 40)])
    #expect(throws: JPEGError.truncated(byteCount: half.count)) { try JPEGDecoder.decode(half.rawBytes) }
}

@Test func survivesFlippedBitsInAJPEG() throws {
    let vectors = try ImageVectors("TernJPEG")
    var random = SeededGenerator(seed: 1)
    var refusedCount = 0
    for name in ["grey.jpg", "rgb_420.jpg", "rgb_422_progressive.jpg", "orientation_6.jpg"] {
        let bytes = try vectors.bytes(name)
        for _ in 0..<400 {
            var damaged = bytes
            damaged[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            do { _ = try JPEGDecoder.decode(damaged.rawBytes) } catch { refusedCount += 1 }
        }
    }
    #expect(refusedCount > 0)
}

/// A file whose frame header names the given sides.
private func resized(_ bytes: [UInt8], width: UInt16, height: UInt16, frame: UInt8 = 0xC0) -> [UInt8] {
    var result = bytes
    for index in 0..<(bytes.count - 9) where bytes[index] == 0xFF && bytes[index + 1] == frame {
        result[index + 5] = UInt8(height >> 8)
        result[index + 6] = UInt8(height & 255)
        result[index + 7] = UInt8(width >> 8)
        result[index + 8] = UInt8(width & 255)
        return result
    }
    return result
}

@Test func refusesAHugeHeaderBeforeAllocating() throws {
    let bytes = try ImageVectors("TernJPEG").bytes("grey.jpg")
    let limit = ImageLimits.limitSide
    #expect(throws: JPEGError.shape(.sideTooLong(width: 60_000, height: 60_000, limit: limit))) {
        try JPEGDecoder.decode(resized(bytes, width: 60_000, height: 60_000).rawBytes)
    }
    #expect(throws: JPEGError.shape(.tooManyBytes(width: 16_000, height: 16_000, byteCount: 256_000_000, limit: ImageLimits.limitByteCount))) {
        try JPEGDecoder.decode(resized(bytes, width: 16_000, height: 16_000).rawBytes)
    }
    #expect(throws: JPEGError.morePixelsThanData(width: 8_000, height: 8_000, byteCount: bytes.count)) {
        try JPEGDecoder.decode(resized(bytes, width: 8_000, height: 8_000).rawBytes)
    }
}

@Test func refusesCoefficientsPastTheLimit() throws {
    var bytes = try ImageVectors("TernJPEG").bytes("rgb_444_progressive.jpg")
    bytes = resized(bytes, width: 4_096, height: 4_096, frame: 0xC2)
    // Enough bytes for the number of pixels; what they hold is not read before the store is asked for.
    bytes += [UInt8](repeating: 0, count: 200_000)
    #expect(throws: JPEGError.coefficientsTooLarge(width: 4_096, height: 4_096, limitBytes: JPEGDecoder.limitCoefficientBytes)) {
        try JPEGDecoder.decode(bytes.rawBytes)
    }
}

/// One grey block, progressive, with a scan of its own for each of the first `scanCount` coefficients; all are zero.
private func oneBlock(scanCount: Int) -> [UInt8] {
    var bytes: [UInt8] = [0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0] + [UInt8](repeating: 1, count: 64)
    bytes += [0xFF, 0xC2, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0]
    // One code of one bit for symbol 0: no difference, end of block.
    for tableClass in [UInt8(0x00), 0x10] { bytes += [0xFF, 0xC4, 0, 20, tableClass, 1] + [UInt8](repeating: 0, count: 15) + [0] }
    for coefficient in 0..<UInt8(scanCount) { bytes += [0xFF, 0xDA, 0, 8, 1, 1, 0, coefficient, coefficient, 0, 0x7F] }
    return bytes + [0xFF, 0xD9]
}

/// A grey image of one value; each block is one bit for its difference and one for its end.
private func flat(width: Int, height: Int) -> [UInt8] {
    var bytes: [UInt8] = [0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0] + [UInt8](repeating: 1, count: 64)
    bytes += [0xFF, 0xC0, 0, 11, 8, UInt8(height >> 8), UInt8(height & 255), UInt8(width >> 8), UInt8(width & 255), 1, 1, 0x11, 0]
    for tableClass in [UInt8(0x00), 0x10] { bytes += [0xFF, 0xC4, 0, 20, tableClass, 1] + [UInt8](repeating: 0, count: 15) + [0] }
    bytes += [0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0] + [UInt8](repeating: 0, count: (width + 7) / 8 * ((height + 7) / 8) / 4)
    return bytes + [0xFF, 0xD9]
}

@Test func decodesTheLargestImageAndRefusesTheNext() throws {
    let image = try JPEGDecoder.decode(flat(width: 8192, height: 8192).rawBytes)
    #expect((image.width, image.height) == (8192, 8192))
    guard case .uint8(let samples) = image.samples else { return #expect(Bool(false), "8 bit samples") }
    #expect(samples.count == ImageLimits.limitByteCount)
    #expect((samples[0], samples[samples.count - 1]) == (128, 128))
    let shape = ImageLimitError.tooManyBytes(width: 8200, height: 8192, byteCount: 8200 * 8192, limit: ImageLimits.limitByteCount)
    #expect(throws: JPEGError.shape(shape)) { try JPEGDecoder.decode(flat(width: 8200, height: 8192).rawBytes) }
}

@Test func refusesTooManyScans() throws {
    let image = try JPEGDecoder.decode(oneBlock(scanCount: JPEGDecoder.limitScans).rawBytes)
    #expect(image.samples == .uint8([UInt8](repeating: 128, count: 64)))
    #expect(throws: JPEGError.tooManyScans(limit: JPEGDecoder.limitScans)) {
        try JPEGDecoder.decode(oneBlock(scanCount: 2 + JPEGDecoder.limitScans).rawBytes)
    }
}

@Test func refusesArithmeticCoding() throws {
    var bytes = try ImageVectors("TernJPEG").bytes("grey.jpg")
    let start = try #require(bytes.indices.dropLast().first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
    bytes[start + 1] = 0xC9
    #expect(throws: JPEGError.arithmeticCoding) { try JPEGDecoder.decode(bytes.rawBytes) }
}

/// `grey.jpg` with the marker and the precision of its frame header replaced.
private func framed(_ marker: UInt8, precision: UInt8) throws -> [UInt8] {
    var bytes = try ImageVectors("TernJPEG").bytes("grey.jpg")
    let start = try #require(bytes.indices.dropLast().first { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xC0 })
    bytes[start + 1] = marker
    bytes[start + 4] = precision
    return bytes
}

@Test func decodesExtendedSequentialOfEightBits() throws {
    let bytes = try ImageVectors("TernJPEG").bytes("grey.jpg")
    let framed = try framed(0xC1, precision: 8)
    let baseline = try JPEGDecoder.decode(bytes.rawBytes)
    let extended = try JPEGDecoder.decode(framed.rawBytes)
    #expect(extended == baseline)
}

@Test func refusesTwelveBitsAndOtherProcesses() throws {
    let twelve = try framed(0xC1, precision: 12)
    #expect(throws: JPEGError.unsupportedPrecision(bits: 12)) { try JPEGDecoder.decode(twelve.rawBytes) }
    let lossless = try framed(0xC3, precision: 8)
    #expect(throws: JPEGError.unsupportedProcess(marker: 0xC3)) { try JPEGDecoder.decode(lossless.rawBytes) }
}

@Test func ignoresBytesBehindTheEndOfAJPEG() throws {
    let bytes = try ImageVectors("TernJPEG").bytes("rgb_420.jpg")
    let padded = bytes + [0, 0, 0x41]
    let expected = try JPEGDecoder.decode(bytes.rawBytes)
    let image = try JPEGDecoder.decode(padded.rawBytes)
    #expect(image == expected)
}

@Test(arguments: [
    ([], JPEGError.truncated(byteCount: 0)), ([UInt8]("a text file".utf8), .notAJPEGFile),
    ([0xFF, 0xD8, 0x41, 0x41, 0xFF, 0xD9], .corrupt(message: 116)),
])
func refusesWhatIsNoJPEG(bytes: [UInt8], error: JPEGError) {
    #expect(throws: error) { try JPEGDecoder.decode(bytes.rawBytes) }
}

@Test func ignoresTheOrientationWhenAsked() throws {
    let bytes = try ImageVectors("TernJPEG").bytes("orientation_6.jpg")
    let stored = try JPEGDecoder.decode(bytes.rawBytes, orientation: .ignore)
    #expect((stored.width, stored.height) == (19, 11))
}
