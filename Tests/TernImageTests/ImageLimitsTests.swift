import TernBytes
import TernImage
import Testing

@Test func countsSamplesWithinTheLimits() throws {
    #expect(ImageLimits.limitByteCount == 64 << 20)
    // The last shape that is accepted and the first that is not, for each number of channels and bytes.
    for (channels, bytes, width, height) in [(1, 1, 4096, 16_384), (1, 2, 2048, 16_384), (2, 2, 4096, 4096), (4, 1, 1024, 16_384), (4, 2, 2048, 4096)] {
        let count = try ImageLimits.sampleCount(width: width, height: height, channels: channels, bytesPerSample: bytes)
        #expect(count * bytes == ImageLimits.limitByteCount)
        let larger = (width + 1) * height * channels * bytes
        #expect(throws: ImageLimitError.tooManyBytes(width: width + 1, height: height, byteCount: larger, limit: 64 << 20)) {
            try ImageLimits.sampleCount(width: width + 1, height: height, channels: channels, bytesPerSample: bytes)
        }
    }
}

@Test func acceptsTheLargestRadiographs() throws {
    #expect(try ImageLimits.sampleCount(width: 3000, height: 2500, channels: 1, bytesPerSample: 2) == 7_500_000)
    #expect(try ImageLimits.sampleCount(width: 4728, height: 5928, channels: 1, bytesPerSample: 2) == 28_027_584)
    #expect(try ImageLimits.sampleCount(width: 3000, height: 10_000, channels: 1, bytesPerSample: 2) == 30_000_000)
    #expect(try ImageLimits.sampleCount(width: 6000, height: 4000, channels: 1, bytesPerSample: 1) == 24_000_000)
}

@Test func refusesSidesThatAreNone() {
    #expect(throws: ImageLimitError.sideTooLong(width: 1, height: .max, limit: 16_384)) {
        try ImageLimits.sampleCount(width: 1, height: .max, channels: 1, bytesPerSample: 1)
    }
    #expect(throws: ImageLimitError.emptySide(width: 0, height: 1)) {
        try ImageLimits.sampleCount(width: 0, height: 1, channels: 1, bytesPerSample: 1)
    }
}

/// A TIFF header and one directory entry.
private func exif(isLittleEndian: Bool, orientation: UInt16) -> [UInt8] {
    let short = { (value: UInt16) in isLittleEndian ? [UInt8(value & 255), UInt8(value >> 8)] : [UInt8(value >> 8), UInt8(value & 255)] }
    let long = { (value: UInt16) in isLittleEndian ? short(value) + [0, 0] : [0, 0] + short(value) }
    return [UInt8](repeating: isLittleEndian ? 0x49 : 0x4D, count: 2) + short(42) + long(8) + short(1) + short(0x0112) + short(3) + long(1)
        + short(orientation) + [0, 0]
}

@Test func readsTheOrientationInBothByteOrders() {
    for value in UInt16(1)...8 {
        for isLittleEndian in [true, false] {
            let block = exif(isLittleEndian: isLittleEndian, orientation: value)
            #expect(Orientation(parsingEXIF: block.rawBytes) == Orientation(rawValue: value))
            for count in 0..<(block.count - 2) {
                #expect(Orientation(parsingEXIF: [UInt8](block[..<count]).rawBytes) == .upright)
            }
        }
    }
    #expect(Orientation(parsingEXIF: exif(isLittleEndian: true, orientation: 9).rawBytes) == .upright)
}

@Test func undoesEveryOrientation() {
    // Rows abc / def, as stored.
    let stored = DecodedImage(width: 3, height: 2, channels: 1, bitsStored: 8, samples: .uint8([UInt8]("abcdef".utf8)), greyscale: nil)
    let expected = ["abcdef", "cbafed", "fedcba", "defabc", "adbecf", "daebfc", "fcebda", "cfbead"]
    for (index, text) in expected.enumerated() {
        let orientation = Orientation(rawValue: UInt16(index + 1)) ?? .upright
        let image = stored.upright(from: orientation)
        #expect(image.samples == .uint8([UInt8](text.utf8)), "\(orientation)")
        #expect(image.width == (index < 4 ? 3 : 2))
    }
}
