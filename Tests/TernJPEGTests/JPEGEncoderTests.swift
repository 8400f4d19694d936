import Testing
import TernBytes
import TernImage
import TernJPEG

private func pattern(_ width: Int, _ height: Int, _ channels: Int) -> ShownImage {
    var samples: [UInt8] = []
    for y in 0..<height {
        for x in 0..<width {
            for channel in 0..<channels { samples.append(UInt8((x * 3 + y * 2 + channel * 60) % 256 / 2 + 40)) }
        }
    }
    return ShownImage(width: width, height: height, channels: channels, samples: samples)
}

@Test(arguments: [(1, 1, 1), (1, 1, 3), (8, 8, 1), (17, 5, 3), (200, 33, 3), (640, 480, 1), (2, 16_384, 1)])
func whatIsEncodedIsDecodedAgain(width: Int, height: Int, channels: Int) throws {
    let image = pattern(width, height, channels)
    let decoded = try JPEGDecoder.decode(JPEGEncoder.encode(image, quality: 95).rawBytes)
    #expect((decoded.width, decoded.height, decoded.channels) == (width, height, channels))
    guard case .uint8(let samples) = decoded.samples else { return #expect(Bool(false), "8 bits") }
    #expect(zip(samples, image.samples).allSatisfy { abs(Int($0) - Int($1)) <= 24 })
    let difference = zip(samples, image.samples).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
    #expect(difference <= samples.count * 3)
}

@Test func theSamePictureGivesTheSameBytesAndColourAtEveryPixel() throws {
    let bytes = JPEGEncoder.encode(pattern(40, 24, 3), quality: 90)
    #expect(bytes == JPEGEncoder.encode(pattern(40, 24, 3), quality: 90))
    // T.81 B.2.2: the frame header of a baseline file; each component is sampled 1 by 1.
    let start = bytes.indices.first { bytes[$0...].starts(with: [0xFF, 0xC0, 0, 17, 8, 0, 24, 0, 40, 3]) }
    let frame = try #require(start)
    #expect((0..<3).map { bytes[frame + 11 + $0 * 3] } == [0x11, 0x11, 0x11])
    #expect(JPEGEncoder.encode(pattern(40, 24, 3), quality: 30).count < bytes.count)
}

@Test func aPictureOfManyPiecesIsWhole() throws {
    // Noise: more bytes than the encoder's first two pieces.
    var state: UInt32 = 1
    let samples = (0..<(512 * 512)).map { _ -> UInt8 in
        state = state &* 1_664_525 &+ 1_013_904_223
        return UInt8(truncatingIfNeeded: state >> 24)
    }
    let bytes = JPEGEncoder.encode(ShownImage(width: 512, height: 512, channels: 1, samples: samples), quality: 95)
    #expect(bytes.count > 128 << 10 && Array(bytes.suffix(2)) == [0xFF, 0xD9])
    #expect(try JPEGDecoder.decode(bytes.rawBytes).samples.count == samples.count)
}
