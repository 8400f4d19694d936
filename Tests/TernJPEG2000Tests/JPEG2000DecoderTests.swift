import TernBytes
import TernImage
import TernImageTesting
import TernJPEG2000
import Testing

private func vector(_ name: String) throws -> [UInt8] { try ImageVectors("TernJPEG2000").bytes(name) }

private func decoded(_ bytes: [UInt8]) throws(JPEG2000Error) -> DecodedImage { try JPEG2000Decoder.decode(bytes.rawBytes) }

/// The offset behind the marker `code`.
private func place(of code: UInt8, in bytes: [UInt8]) throws -> Int {
    try #require(bytes.indices.dropLast().first { bytes[$0] == 0xFF && bytes[$0 + 1] == code }) + 2
}

@Test func decodesEveryGoldenJPEG2000Exactly() throws {
    let vectors = try ImageVectors("TernJPEG2000")
    #expect(vectors.cases.count > 35)
    for item in vectors.cases {
        let bytes = try vectors.bytes(item.file)
        if let refused = item.refused {
            let error = #expect(throws: JPEG2000Error.self, "\(item.file)") { try decoded(bytes) }
            #expect(error.map { caseName($0) } == refused, "\(item.file)")
        } else {
            do {
                let image = try decoded(bytes)
                #expect(try image == vectors.expectedImage(item), "\(item.file)")
            } catch {
                Issue.record("\(item.file): \(error)")
            }
        }
    }
}

@Test func refusesEveryTruncationOfAJPEG2000() throws {
    for name in ["grey_7.j2k", "tiles.j2k", "grey.jp2", "rpcl.j2k"] {
        let bytes = try vector(name)
        for count in 0..<bytes.count {
            #expect(throws: JPEG2000Error.self, "\(name) \(count)") { try decoded([UInt8](bytes[..<count])) }
        }
    }
}

@Test func refusesATruncatedTilePartEvenWithAnEnd() throws {
    let bytes = try vector("grey_12.j2k")
    let part = try place(of: 0x90, in: bytes)
    let cut = 200
    var short = [UInt8](bytes[..<(bytes.count - 2 - cut)]) + [0xFF, 0xD9]
    // The byte count of the tile-part says what is there; OpenJPEG finds packets that want more.
    let byteCount = short.count - 2 - (part - 2)
    for index in 0..<4 { short[part + 4 + index] = UInt8(byteCount >> (24 - 8 * index) & 255) }
    #expect(throws: JPEG2000Error.corrupt) { try decoded(short) }
}

@Test func survivesFlippedBitsInAJPEG2000() throws {
    var random = SeededGenerator(seed: 6)
    var refusedCount = 0
    for name in ["grey_7.j2k", "tiles_offset.j2k", "rgb_lossy.jp2", "pcrl.j2k"] {
        let bytes = try vector(name)
        for _ in 0..<200 {
            var damaged = bytes
            // Most flips in packets stay unseen by design of the format; headers are in front.
            damaged[Int.random(in: 0..<min(bytes.count, 400), using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            do { _ = try decoded(damaged) } catch { refusedCount += 1 }
        }
    }
    #expect(refusedCount > 100)
}

@Test func ignoresBytesBehindTheEndOfCodeStream() throws {
    let bytes = try vector("grey_12.j2k")
    let expected = try decoded(bytes)
    #expect(try decoded(bytes + [0, 0]) == expected)
}

@Test func readsBlackFrames() throws {
    for (name, width, height, channels, bits) in [
        ("black_2048.j2k", 2_048, 2_048, 1, 8), ("black_2048_16.j2k", 2_048, 2_048, 1, 16), ("black_1920_rgb.j2k", 1_920, 1_080, 3, 8),
    ] {
        let bytes = try vector(name)
        #expect(bytes.count < 1_024, "\(name)")
        let image = try decoded(bytes)
        #expect((image.width, image.height, image.channels, image.bitsStored) == (width, height, channels, bits), "\(name)")
        let count = width * height * channels
        #expect(image.samples == (bits == 8 ? .uint8([UInt8](repeating: 0, count: count)) : .uint16([UInt16](repeating: 0, count: count))), "\(name)")
    }
}

@Test func refusesHeadersThatPromiseTooMuch() throws {
    let bytes = try vector("grey_8.j2k")
    let shape = try place(of: 0x51, in: bytes)
    let style = try place(of: 0x52, in: bytes)
    func changed(_ offset: Int, _ values: [UInt8]) -> JPEG2000Error? {
        var copy = bytes
        copy.replaceSubrange(offset..<offset + values.count, with: values)
        do throws(JPEG2000Error) {
            _ = try decoded(copy)
            return nil
        } catch {
            return error
        }
    }
    // The sides of the image, then those of the tile, follow two bytes of count and two of capabilities.
    #expect(changed(shape + 4, [0, 0, 0xFF, 0xFF]) == .shape(.sideTooLong(width: 65_535, height: 37, limit: ImageLimits.limitSide)))
    let wide = changed(shape + 4, [0, 0, 0x20, 0, 0, 0, 0x20, 0])
    #expect(
        wide
            == .tooMany(
                .samples, count: 8_192 * 8_192, limit: min(32 << 20, (6 << 20) + 2_048 * bytes.count)))
    // Blocks of 4 x 4: a plane of 2,048 x 2,048 has more of them than so few bytes are good for.
    var fine = bytes
    fine.replaceSubrange(shape + 4..<shape + 12, with: [0, 0, 8, 0, 0, 0, 8, 0])
    fine.replaceSubrange(shape + 20..<shape + 28, with: [0, 0, 8, 0, 0, 0, 8, 0])
    fine.replaceSubrange(style + 8..<style + 10, with: [0, 0])
    #expect(throws: JPEG2000Error.tooMany(.codeBlocks, count: 1 << 18, limit: (1 << 16) + 32 * fine.count)) { try decoded(fine) }
    #expect(changed(shape + 20, [0, 0, 0, 1, 0, 0, 0, 1]) == .tooMany(.tiles, count: 37 * 41, limit: bytes.count / 14))
    #expect(changed(shape + 2, [0x40, 0]) == .unsupported(.highThroughput))
    #expect(changed(shape + 2, [0x80, 0]) == .unsupported(.extensions))
    #expect(changed(shape + 36, [0, 4]) == .unsupportedComponents(count: 4))
    #expect(changed(shape + 38, [16]) == .precision(17))
    #expect(changed(shape + 39, [2]) == .unsupported(.componentSampling))
    #expect(changed(style + 4, [0xFF, 0xFF]) == .tooMany(.packets, count: 6 * 65_535, limit: bytes.count))
    #expect(changed(style + 10, [0x40]) == .unsupported(.highThroughput))
    #expect(changed(style + 8, [9]) == .segment(marker: 0xFF52, offset: style - 2))
    #expect(changed(style - 1, [0x5F]) == .unsupported(.progressionChange))
    let part = try place(of: 0x90, in: bytes)
    #expect(changed(part + 3, [1]) == .tilePart(offset: part - 2))
    #expect(changed(0, [0]) == .notAJPEG2000File || changed(0, [0]) == .truncated(offset: 0))
}

/// A code stream of one tile-part whose header gets `segment`.
private func inserted(_ segment: [UInt8], intoTileOf bytes: [UInt8]) throws -> [UInt8] {
    let part = try place(of: 0x90, in: bytes)
    var copy = bytes
    copy.insert(contentsOf: segment, at: part + 10)
    let byteCount = (4..<8).reduce(0) { $0 << 8 | Int(bytes[part + $1]) } + segment.count
    for index in 0..<4 { copy[part + 4 + index] = UInt8(byteCount >> (24 - 8 * index) & 255) }
    return copy
}

@Test func readsTheCodingStyleOfATile() throws {
    let bytes = try vector("grey_12.j2k")
    let style = try place(of: 0x52, in: bytes)
    let segment = [UInt8](bytes[style - 2..<style + 12])
    let expected = try decoded(bytes)
    #expect(try decoded(inserted(segment, intoTileOf: bytes)) == expected)
    var layers = segment
    layers.replaceSubrange(6..<8, with: [0xFF, 0xFF])
    let hostile = try inserted(layers, intoTileOf: bytes)
    #expect(throws: JPEG2000Error.tooMany(.packets, count: 6 * 65_535, limit: hostile.count)) { try decoded(hostile) }
}

@Test func countsTheParts() throws {
    var bytes = try vector("grey_12.j2k")
    let part = try place(of: 0x90, in: bytes)
    bytes[part + 9] = 2
    #expect(throws: JPEG2000Error.missingTile(index: 0)) { try decoded(bytes) }
    bytes[part + 9] = 0
    let expected = try decoded(vector("grey_12.j2k"))
    #expect(try decoded(bytes) == expected)
}

@Test func refusesBoxesThatContradictTheirFile() throws {
    let bytes = try vector("grey.jp2")
    let header = try #require(bytes.indices.dropLast(3).first { [UInt8](bytes[$0..<$0 + 4]) == [UInt8]("jp2h".utf8) })
    var copy = bytes
    copy[header - 1] = 7
    #expect(throws: JPEG2000Error.box(offset: header - 4)) { try decoded(copy) }
    copy = bytes
    copy[header - 4] = 0x7F
    #expect(throws: JPEG2000Error.truncated(offset: bytes.count)) { try decoded(copy) }
    let stream = try #require(bytes.indices.dropLast(3).first { [UInt8](bytes[$0..<$0 + 4]) == [UInt8]("jp2c".utf8) })
    #expect(throws: JPEG2000Error.box(offset: stream - 4)) { try decoded([UInt8](bytes[..<(stream - 4)])) }
}
