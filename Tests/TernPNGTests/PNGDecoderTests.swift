import TernBytes
import TernImage
import TernImageTesting
import TernPNG
import Testing

@Test func decodesEveryGoldenPNGExactly() throws {
    let vectors = try ImageVectors("TernPNG")
    #expect(vectors.cases.count > 25)
    for item in vectors.cases {
        let bytes = try vectors.bytes(item.file)
        if let refused = item.refused {
            let error = #expect(throws: PNGError.self) { try PNGDecoder.decode(bytes.rawBytes) }
            #expect(error.map { caseName($0) } == refused, "\(item.file)")
        } else {
            let image = try PNGDecoder.decode(bytes.rawBytes)
            #expect(try image == vectors.expectedImage(item), "\(item.file)")
        }
    }
}

@Test func refusesEveryTruncationOfAPNG() throws {
    let vectors = try ImageVectors("TernPNG")
    for name in ["grey_8.png", "rgb_16_interlaced.png", "palette_4.png"] {
        let bytes = try vectors.bytes(name)
        for count in 0..<bytes.count {
            #expect(throws: PNGError.self) { try PNGDecoder.decode([UInt8](bytes[..<count]).rawBytes) }
        }
    }
}

@Test func refusesEverySingleFlippedBitOfAPNG() throws {
    let vectors = try ImageVectors("TernPNG")
    let bytes = try vectors.bytes("grey_4.png")
    // A bit that turns a chunk's name into an unknown ancillary one is caught by its checksum.
    for index in bytes.indices {
        for bit in 0..<8 {
            var damaged = bytes
            damaged[index] ^= 1 << UInt8(bit)
            #expect(throws: PNGError.self, "byte \(index) bit \(bit)") { try PNGDecoder.decode(damaged.rawBytes) }
        }
    }
}

private func resized(_ bytes: [UInt8], width: UInt32, height: UInt32) -> [UInt8] {
    var result = bytes
    for byte in 0..<4 {
        result[16 + byte] = UInt8(width >> UInt32(24 - 8 * byte) & 255)
        result[20 + byte] = UInt8(height >> UInt32(24 - 8 * byte) & 255)
    }
    return result
}

@Test func refusesAHugeHeaderBeforeAllocating() throws {
    let bytes = try ImageVectors("TernPNG").bytes("grey_8.png")
    #expect(throws: PNGError.shape(.sideTooLong(width: 60_000, height: 60_000, limit: ImageLimits.limitSide))) {
        try PNGDecoder.decode(resized(bytes, width: 60_000, height: 60_000).rawBytes)
    }
    #expect(throws: PNGError.shape(.sideTooLong(width: 4_294_967_295, height: 4_294_967_295, limit: ImageLimits.limitSide))) {
        try PNGDecoder.decode(resized(bytes, width: .max, height: .max).rawBytes)
    }
    #expect(throws: PNGError.morePixelsThanData(width: 8_000, height: 8_000, byteCount: bytes.count)) {
        try PNGDecoder.decode(resized(bytes, width: 8_000, height: 8_000).rawBytes)
    }
    #expect(throws: PNGError.shape(.emptySide(width: 0, height: 5))) {
        try PNGDecoder.decode(resized(bytes, width: 0, height: 5).rawBytes)
    }
}

/// The channels and bytes of a sample for a depth and a colour type, and the side of the largest square of them.
@Test(arguments: [(8, 0, 8192, 1), (16, 0, 5792, 2), (8, 2, 4729, 3), (8, 3, 4729, 3), (8, 6, 4096, 4), (16, 4, 4096, 4), (16, 6, 2896, 8)])
func countsEveryChannelOfTheHeader(depth: UInt8, type: UInt8, side: Int, pixelBytes: Int) throws {
    var bytes = try ImageVectors("TernPNG").bytes("grey_8.png")
    bytes[24] = depth
    bytes[25] = type
    // Past the check of the shape, the file is refused for what it does not hold.
    #expect(throws: PNGError.morePixelsThanData(width: side, height: side, byteCount: bytes.count)) {
        try PNGDecoder.decode(resized(bytes, width: UInt32(side), height: UInt32(side)).rawBytes)
    }
    let larger = (side + 1) * (side + 1) * pixelBytes
    let shape = ImageLimitError.tooManyBytes(width: side + 1, height: side + 1, byteCount: larger, limit: ImageLimits.limitByteCount)
    #expect(throws: PNGError.shape(shape)) {
        try PNGDecoder.decode(resized(bytes, width: UInt32(side + 1), height: UInt32(side + 1)).rawBytes)
    }
}

@Test func refusesWhatIsNoPNG() {
    #expect(throws: PNGError.truncated(byteCount: 0)) { try PNGDecoder.decode([UInt8]().rawBytes) }
    #expect(throws: PNGError.notAPNGFile) { try PNGDecoder.decode([UInt8](repeating: 0x41, count: 64).rawBytes) }
}
