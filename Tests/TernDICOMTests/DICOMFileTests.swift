import TernBytes
import TernDICOM
import TernImage
import TernImageTesting
import Testing

/// The first frame of a file.
private func firstFrame(_ bytes: [UInt8]) throws(DICOMError) -> DICOMFrame {
    let file = try DICOMFile(parsing: bytes.rawBytes)
    return try file.frame(0, of: bytes.rawBytes)
}

@Test func decodesEveryGoldenDICOMExactly() throws {
    let vectors = try ImageVectors("TernDICOM")
    #expect(vectors.cases.count > 50)
    for item in vectors.cases {
        let bytes = try vectors.bytes(item.file)
        if let refused = item.refused {
            let error = #expect(throws: DICOMError.self, "\(item.file)") { try firstFrame(bytes) }
            #expect(error.map { caseName($0) } == refused, "\(item.file)")
            continue
        }
        let file = try DICOMFile(parsing: bytes.rawBytes)
        #expect(file.modality == "DX")
        #expect(file.sopInstanceUID?.description == "2.25.329800735698586629295641978511506172918")
        #expect(file.frameCount == item.frames ?? 1, "\(item.file)")
        let expected = try vectors.expectedFrames(item)
        for (index, image) in expected.enumerated() {
            switch try file.frame(index, of: bytes.rawBytes) {
            case .native(let decoded):
                #expect(item.jpegByteCount == nil)
                #expect(decoded == image, "\(item.file) \(index)")
            case .encapsulated(let frame):
                // Fragments are padded to even lengths, each by at most one byte; the first marker is the start of the image.
                let byteCount = try #require(item.jpegByteCount)
                #expect((byteCount...(byteCount + (item.frames == nil ? 3 : 200))).contains(frame.bytes.count), "\(item.file)")
                #expect(Array(frame.bytes.prefix(2)) == [0xFF, 0xD8])
                #expect((frame.width, frame.height) == (image.width, image.height))
                #expect((frame.colour == .grey) == (image.channels == 1))
                var codecImage = image
                codecImage.greyscale = nil
                #expect(try file.image(from: codecImage, frame: index) == image, "\(item.file)")
            }
        }
    }
}

@Test func survivesEveryTruncationOfADICOMFile() throws {
    let vectors = try ImageVectors("TernDICOM")
    for name in ["sequences_undefined_explicit.dcm", "sequences_undefined_implicit.dcm", "jpeg_grey_fragments.dcm", "mono2_8_implicit_bare.dcm"] {
        let bytes = try vectors.bytes(name)
        for count in 0..<bytes.count {
            #expect(throws: DICOMError.self, "\(name) \(count)") { try firstFrame([UInt8](bytes[..<count])) }
        }
    }
}

@Test func survivesFlippedBitsAndLengthsOfAllOnes() throws {
    let vectors = try ImageVectors("TernDICOM")
    var outcomes: [String: Int] = [:]
    for name in ["sequences_undefined_explicit.dcm", "sequences_defined_implicit.dcm", "ct_signed_implicit.dcm", "jpeg_grey.dcm"] {
        let bytes = try vectors.bytes(name)
        for index in stride(from: 0, to: bytes.count - 4, by: 1) {
            var damaged = bytes
            damaged[index] ^= 1 << UInt8(index % 8)
            do throws(DICOMError) { _ = try DICOMFile(parsing: damaged.rawBytes, strictness: .strict) } catch { outcomes[caseName(error), default: 0] += 1 }
            damaged = bytes
            for byte in 0..<4 { damaged[index + byte] = 0xFF }
            do throws(DICOMError) { _ = try DICOMFile(parsing: damaged.rawBytes, strictness: .strict) } catch { outcomes[caseName(error), default: 0] += 1 }
        }
    }
    // The damage reaches every part of the reader.
    for name in ["truncated", "unknownValueRepresentation", "oddByteCount", "undefinedLength", "unexpectedTag", "invalidValue", "missingElement"] {
        #expect(outcomes[name, default: 0] > 0, "\(name)")
    }
}

/// An explicit little-endian element with a short value.
private func element(_ group: UInt16, _ element: UInt16, _ representation: String, _ value: [UInt8]) -> [UInt8] {
    short(group) + short(element) + [UInt8](representation.utf8) + short(UInt16(value.count)) + value
}
private func short(_ value: UInt16) -> [UInt8] { [UInt8(value & 255), UInt8(value >> 8)] }

/// A bare explicit data set of the given shape with no pixel bytes.
private func header(rows: UInt16, columns: UInt16) -> [UInt8] {
    var bytes = element(0x0008, 0x0060, "CS", [UInt8]("DX".utf8)) + element(0x0028, 0x0002, "US", short(1))
    bytes += element(0x0028, 0x0004, "CS", [UInt8]("MONOCHROME2 ".utf8)) + element(0x0028, 0x0010, "US", short(rows))
    bytes += element(0x0028, 0x0011, "US", short(columns)) + element(0x0028, 0x0100, "US", short(16)) + element(0x0028, 0x0101, "US", short(12))
    bytes += element(0x0028, 0x0102, "US", short(11)) + element(0x0028, 0x0103, "US", short(0))
    return bytes + short(0x7FE0) + short(0x0010) + [UInt8]("OW".utf8) + [0, 0, 0, 0, 0, 0]
}

@Test func refusesAHugeHeaderBeforeAllocating() {
    #expect(throws: DICOMError.shape(.sideTooLong(width: 60_000, height: 60_000, limit: ImageLimits.limitSide))) {
        try firstFrame(header(rows: 60_000, columns: 60_000))
    }
    let limit = ImageLimits.limitByteCount
    #expect(throws: DICOMError.shape(.tooManyBytes(width: 8_192, height: 4_097, byteCount: 2 * 8_192 * 4_097, limit: limit))) {
        try firstFrame(header(rows: 4_097, columns: 8_192))
    }
    #expect(throws: DICOMError.pixelDataByteCount(expected: limit, actual: 0)) {
        try firstFrame(header(rows: 4_096, columns: 8_192))
    }
}

@Test func refusesSequencesThatNestWithoutEnd() {
    // An item, a sequence of undefined length in it, and so on.
    let sequence = short(0x0040) + short(0xA730) + [UInt8]("SQ".utf8) + [0, 0, 0xFF, 0xFF, 0xFF, 0xFF]
    let item = short(0xFFFE) + short(0xE000) + [0xFF, 0xFF, 0xFF, 0xFF]
    var bytes = element(0x0008, 0x0060, "CS", [UInt8]("DX".utf8))
    for _ in 0..<100_000 { bytes += sequence + item }
    let error = #expect(throws: DICOMError.self) { try firstFrame(bytes) }
    #expect(error.map { caseName($0) } == "sequencesTooDeep")
}

@Test func readsUnknownContentOfUndefinedLengthAsImplicit() throws {
    let endless: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF]
    let item = short(0xFFFE) + short(0xE000) + endless
    let itemEnd = short(0xFFFE) + short(0xE00D) + [0, 0, 0, 0]
    let sequenceEnd = short(0xFFFE) + short(0xE0DD) + [0, 0, 0, 0]
    // An implicit element whose length would be read as letters that are no representation.
    let implicit = short(0x0008) + short(0x0100) + [2, 0, 0, 0, 0x41, 0x42]
    let unknown = short(0x0009) + short(0x1010) + [UInt8]("UN".utf8) + [0, 0] + endless + item + implicit + itemEnd + sequenceEnd
    let nested = short(0x0040) + short(0xA730) + [UInt8]("SQ".utf8) + [0, 0] + endless + item + unknown + itemEnd + sequenceEnd
    for content in [unknown, nested] {
        var bytes = element(0x0008, 0x0060, "CS", [UInt8]("DX".utf8)) + content
        #expect(throws: DICOMError.noPixelData) { try firstFrame(bytes) }
        bytes.removeLast(8)
        #expect(throws: DICOMError.truncated(offset: bytes.count, needed: 2, available: 0)) { try firstFrame(bytes) }
    }
}

@Test func refusesARepeatedElement() {
    let rows = element(0x0028, 0x0010, "US", short(5))
    #expect(throws: DICOMError.repeatedElement(tag: DICOMTag(0x0028, 0x0010))) {
        try firstFrame(element(0x0008, 0x0060, "CS", [UInt8]("DX".utf8)) + rows + rows)
    }
}

@Test func refusesWhatIsNoDICOM() {
    #expect(throws: DICOMError.notADICOMFile) { try firstFrame([]) }
    #expect(throws: DICOMError.notADICOMFile) { try firstFrame([UInt8]("a text file that is long enough".utf8)) }
    let mark = [UInt8](repeating: 0, count: 128) + [UInt8]("DICM".utf8)
    #expect(throws: DICOMError.truncated(offset: 132, needed: 8, available: 0)) { try firstFrame(mark) }
}

@Test func namesTransferSyntaxes() throws {
    #expect(transferSyntaxName(try #require(DICOMUID(characters: [UInt8]("1.2.840.10008.1.2.5".utf8)))) == "RLE Lossless")
    #expect(transferSyntaxName(try #require(DICOMUID(characters: [UInt8]("1.2.3".utf8)))) == "unknown transfer syntax")
    #expect(DICOMUID(characters: [UInt8]("1.2.3 ".utf8)) == nil)
}

/// An encapsulated data set of run lengths with one fragment for a frame.
private func runLengths(rows: UInt16, columns: UInt16, frames: String, fragments: [[UInt8]], functionalGroups: Int = 0) -> [UInt8] {
    let syntax = element(0x0002, 0x0010, "UI", [UInt8]("1.2.840.10008.1.2.5\0".utf8))
    var bytes = [UInt8](repeating: 0, count: 128) + [UInt8]("DICM".utf8) + syntax + element(0x0008, 0x0060, "CS", [UInt8]("DX".utf8))
    bytes += element(0x0028, 0x0002, "US", short(1)) + element(0x0028, 0x0004, "CS", [UInt8]("MONOCHROME2 ".utf8))
    bytes += element(0x0028, 0x0008, "IS", [UInt8](frames.utf8)) + element(0x0028, 0x0010, "US", short(rows))
    bytes += element(0x0028, 0x0011, "US", short(columns)) + element(0x0028, 0x0100, "US", short(8)) + element(0x0028, 0x0101, "US", short(8))
    bytes += element(0x0028, 0x0102, "US", short(7)) + element(0x0028, 0x0103, "US", short(0))
    let item = short(0xFFFE) + short(0xE000)
    if functionalGroups > 0 {
        bytes += short(0x5200) + short(0x9230) + [UInt8]("SQ".utf8) + [0, 0] + [0xFF, 0xFF, 0xFF, 0xFF]
        for _ in 0..<functionalGroups { bytes += item + [0, 0, 0, 0] }
        bytes += short(0xFFFE) + short(0xE0DD) + [0, 0, 0, 0]
    }
    bytes += short(0x7FE0) + short(0x0010) + [UInt8]("OB".utf8) + [0, 0, 0xFF, 0xFF, 0xFF, 0xFF] + item + [0, 0, 0, 0]
    for fragment in fragments { bytes += item + short(UInt16(fragment.count)) + [0, 0] + fragment }
    return bytes + short(0xFFFE) + short(0xE0DD) + [0, 0, 0, 0]
}

@Test func refusesRunLengthsThatCannotPayForTheirFrame() throws {
    let header: [UInt8] = [1, 0, 0, 0, 64, 0, 0, 0] + [UInt8](repeating: 0, count: 56)
    let bytes = runLengths(rows: 8_192, columns: 8_192, frames: "1 ", fragments: [header + [0x81, 7, 0x81, 7]])
    let file = try DICOMFile(parsing: bytes.rawBytes)
    #expect(throws: DICOMError.runLength) { try file.frame(0, of: bytes.rawBytes) }
    // 128 pixels of two bytes are what a run gives at most.
    let dense = runLengths(rows: 2, columns: 128, frames: "1 ", fragments: [header + [0x81, 7, 0x81, 9]])
    guard case .native(let image) = try firstFrame(dense) else {
        Issue.record("run lengths are decoded here")
        return
    }
    #expect(image.samples == .uint8([UInt8](repeating: 7, count: 128) + [UInt8](repeating: 9, count: 128)))
}

@Test func findsManyFramesInOnePass() throws {
    let header: [UInt8] = [1, 0, 0, 0, 64, 0, 0, 0] + [UInt8](repeating: 0, count: 56)
    let count = 5_000
    let fragments = (0..<count).map { header + [0, UInt8($0 & 255)] }
    let bytes = runLengths(rows: 1, columns: 1, frames: "\(count)", fragments: fragments, functionalGroups: 3 * count)
    let file = try DICOMFile(parsing: bytes.rawBytes)
    #expect(file.frameCount == count)
    for index in stride(from: 0, to: count, by: 7) {
        guard case .native(let image) = try file.frame(index, of: bytes.rawBytes) else { continue }
        #expect(image.samples == .uint8([UInt8(index & 255)]))
    }
    let tooMany = runLengths(rows: 1, columns: 1, frames: "99999999", fragments: fragments)
    let limit = DICOMFile.limitFrameCount(fileByteCount: tooMany.count)
    #expect(limit < DICOMFile.limitFrameCount && limit > count)
    #expect(throws: DICOMError.tooManyFrames(99_999_999, limit: limit)) { try firstFrame(tooMany) }
    #expect(throws: DICOMError.invalidValue(tag: DICOMTag(0x5200, 0x9230))) {
        try firstFrame(runLengths(rows: 1, columns: 1, frames: "2 ", fragments: Array(fragments[..<2]), functionalGroups: 1))
    }
}
