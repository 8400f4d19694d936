import TernBytes
import TernDICOM
import TernImage
import TernImageTesting
import TernJPEG
import TernJPEG2000
import TernJPEGLossless
import TernPrepare
import Testing

private func littleEndian(_ value: Int, _ byteCount: Int) -> [UInt8] { (0..<byteCount).map { UInt8(value >> (8 * $0) & 255) } }

/// A data element in explicit VR little endian.
private func element(_ group: Int, _ number: Int, _ representation: String, _ value: [UInt8]) -> [UInt8] {
    let padded = value + [UInt8](repeating: representation == "UI" ? 0 : 32, count: value.count % 2)
    return littleEndian(group, 2) + littleEndian(number, 2) + [UInt8](representation.utf8) + littleEndian(padded.count, 2) + padded
}

/// A DICOM file of one frame around a code stream.
private func file(_ frame: [UInt8], syntax: String, image: DecodedImage, bitsAllocated: Int, isSigned: Bool = false) -> [UInt8] {
    var body = element(0x0008, 0x0016, "UI", [UInt8]("1.2.840.10008.5.1.4.1.1.7".utf8))
    body += element(0x0008, 0x0018, "UI", [UInt8]("2.25.1".utf8))
    body += element(0x0028, 0x0002, "US", littleEndian(image.channels, 2))
    body += element(0x0028, 0x0004, "CS", [UInt8]((image.channels == 1 ? "MONOCHROME2" : "RGB").utf8))
    if image.channels == 3 { body += element(0x0028, 0x0006, "US", [0, 0]) }
    for (number, value) in [(0x10, image.height), (0x11, image.width), (0x100, bitsAllocated), (0x101, image.bitsStored), (0x102, image.bitsStored - 1)] {
        body += element(0x0028, number, "US", littleEndian(value, 2))
    }
    body += element(0x0028, 0x0103, "US", [isSigned ? 1 : 0, 0])
    let fragment = frame + [UInt8](repeating: 0, count: frame.count % 2)
    body += [0xE0, 0x7F, 0x10, 0, 0x4F, 0x42, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]
    body += [0xFE, 0xFF, 0, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0, 0xE0] + littleEndian(fragment.count, 4) + fragment
    body += [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]
    let meta = element(0x0002, 0x0010, "UI", [UInt8](syntax.utf8))
    return [UInt8](repeating: 0, count: 128) + [UInt8]("DICM".utf8) + element(0x0002, 0, "UL", littleEndian(meta.count, 4)) + meta + body
}

private func decoded(_ bytes: [UInt8]) throws(PrepareError) -> DecodedImage {
    try ImageFile(parsing: bytes.rawBytes, as: .dicom).frame(0, of: bytes.rawBytes)
}

@Test(arguments: [
    ("TernJPEGLossless", "dcmtk_grey_16_selection_4.jpg", "1.2.840.10008.1.2.4.57"), ("TernJPEGLossless", "grey_12_bits.jpg", "1.2.840.10008.1.2.4.70"),
    ("TernJPEGLossless", "rgb_separate.jpg", "1.2.840.10008.1.2.4.57"), ("TernJPEG2000", "grey_12.j2k", "1.2.840.10008.1.2.4.90"),
    ("TernJPEG2000", "grey_8_lossy.j2k", "1.2.840.10008.1.2.4.91"), ("TernJPEG2000", "rgb.j2k", "1.2.840.10008.1.2.4.90"),
    ("TernJPEG2000", "signed_16.j2k", "1.2.840.10008.1.2.4.90"),
])
func decodesTheCodecsInsideDICOM(folder: String, name: String, syntax: String) throws {
    let vectors = try ImageVectors(folder)
    let item = try #require(vectors.cases.first { $0.file == name })
    let expected = try #require(try vectors.expectedImage(item))
    let bytes = try file(
        vectors.bytes(name), syntax: syntax, image: expected, bitsAllocated: expected.bitsStored <= 8 ? 8 : 16, isSigned: item.type == "int16")
    let image = try decoded(bytes)
    #expect(image.samples == expected.samples)
    #expect((image.width, image.height, image.channels, image.bitsStored) == (expected.width, expected.height, expected.channels, expected.bitsStored))
}

@Test func namesTheCodecThatRefusesAFrame() throws {
    let vectors = try ImageVectors("TernJPEG2000")
    let item = try #require(vectors.cases.first { $0.file == "grey_12.j2k" })
    let expected = try #require(try vectors.expectedImage(item))
    let stream = try vectors.bytes("grey_12.j2k")
    let short = file([UInt8](stream[..<600]), syntax: "1.2.840.10008.1.2.4.90", image: expected, bitsAllocated: 16)
    #expect(throws: PrepareError.jpeg2000(.truncated(offset: 600))) { try decoded(short) }
    let other = file(stream, syntax: "1.2.840.10008.1.2.4.57", image: expected, bitsAllocated: 16)
    #expect(throws: PrepareError.jpegLossless(.notAJPEGFile)) { try decoded(other) }
}

@Test func givesEveryErrorOfTheCodecsAClassACodeAndASentence() {
    let shape = ImageLimitError.sideTooLong(width: 60_000, height: 60_000, limit: 16_384)
    let lossless: [(JPEGLosslessError, PrepareError.Category)] = [
        (.notAJPEGFile, .unreadable), (.truncated(offset: 1), .unreadable), (.unexpectedMarker(code: 2, offset: 1), .unreadable),
        (.segmentByteCount(marker: 2, offset: 1), .unreadable), (.unsupportedProcess(marker: 0xC0), .unfit), (.precision(17), .unreadable),
        (.unsupportedComponents(count: 4), .unfit), (.unsupportedSampling, .unfit), (.heightUnknown, .unfit), (.shape(shape), .tooLarge),
        (.moreSamplesThanData(width: 1, height: 2, channels: 3, byteCount: 4), .unreadable), (.huffmanTable(offset: 1), .unreadable),
        (.missingHuffmanTable(index: 1, offset: 2), .unreadable), (.scanHeader(offset: 1), .unreadable),
        (.restartInterval(3, sampleCountOfLine: 2), .unreadable), (.lineTruncated(row: 1, column: 2, offset: 3), .unreadable),
        (.invalidCode(row: 1, column: 2, offset: 3), .unreadable), (.sampleOutOfRange(row: 1), .unreadable), (.extraData(offset: 1), .unreadable),
        (.restartMarker(row: 1, offset: 2), .unreadable), (.missingComponent(index: 1), .unreadable),
    ]
    let wavelet: [(JPEG2000Error, PrepareError.Category)] = [
        (.notAJPEG2000File, .unreadable), (.truncated(offset: 1), .unreadable), (.unexpectedMarker(code: 2, offset: 1), .unreadable),
        (.segment(marker: 2, offset: 1), .unreadable), (.box(offset: 1), .unreadable), (.tilePart(offset: 1), .unreadable),
        (.missingTile(index: 1), .unreadable), (.precision(17), .unfit), (.unsupportedComponents(count: 4), .unfit),
        (.unsupported(.highThroughput), .unfit), (.unsupported(.extensions), .unfit), (.unsupported(.packedHeaders), .unfit),
        (.unsupported(.progressionChange), .unfit), (.unsupported(.componentSampling), .unfit), (.unsupported(.palette), .unfit),
        (.unsupported(.luminanceChrominance), .unfit), (.shape(shape), .tooLarge), (.tooMany(.samples, count: 2, limit: 1), .tooLarge),
        (.corrupt, .unreadable), (.outOfMemory, .tooLarge),
    ]
    let errors = lossless.map { (PrepareError.jpegLossless($0.0), $0.1) } + wavelet.map { (PrepareError.jpeg2000($0.0), $0.1) }
        + [(.jpeg(.unsupportedPrecision(bits: 12)), .unfit), (.jpeg(.unsupportedProcess(marker: 0xC3)), .unfit)]
    for (error, category) in errors {
        #expect(error.category == category, "\(error)")
        #expect(error.reason.value.utf8.count <= 16 && error.reason.meaning.utf8.count <= 64 && error.message.hasSuffix("."), "\(error)")
    }
}
