import Foundation
import TernBytes
import TernImage
import TernPlatform
import Testing

@testable import TernEvaluation

private func bytes(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: GoldenFigures.folder.appending(path: name))) }

private func read(_ bytes: [UInt8], split: String? = "test", classCount: Int = 2) throws -> ([Dataset.Case], ImageArray) {
    let archive = try ZipArchive(validating: try MappedFile(copying: bytes))
    let dataset = try Dataset(reading: archive, title: "", split: split, classCount: classCount)
    return (dataset.cases, try #require(dataset.images))
}

private struct Pixels: Decodable {
    var grey: [[[UInt8]]]
    var colour: [[[[UInt8]]]]
    var labels: [Int]
}

@Test(arguments: ["grey-deflated.npz", "grey-stored.npz"])
func readsGreyArchives(name: String) throws {
    let expected = try JSONDecoder().decode(Pixels.self, from: Data(bytes("archives.json")))
    let (cases, images) = try read(try bytes(name))
    #expect(cases.map(\.truth) == expected.labels)
    #expect(cases[2].name == "test_images[2]" && cases[2].source == .array(2))
    for (index, pixels) in expected.grey.enumerated() {
        let image = images.image(at: index)
        #expect(image == DecodedImage(width: 5, height: 4, channels: 1, bitsStored: 8, samples: .uint8(pixels.flatMap { $0 }), greyscale: nil))
    }
}

@Test(arguments: ["colour-v2.npz", "colour-v3.npz"])
func readsColourArchives(name: String) throws {
    let expected = try JSONDecoder().decode(Pixels.self, from: Data(bytes("archives.json")))
    let (cases, images) = try read(try bytes(name))
    #expect(cases.map(\.truth) == Array(expected.labels.prefix(2)))
    #expect(images.image(at: 1).samples == .uint8(expected.colour[1].flatMap { $0.flatMap { $0 } }))
    #expect(images.channels == 3)
}

@Test func readsTheSplitAskedFor() throws {
    let archive = try bytes("grey-deflated.npz")
    #expect(try read(archive, split: "val").0.count == 1)
    #expect(throws: DatasetError.splitNeeded(splits: ["test", "val"])) { try read(archive, split: nil) }
    #expect(throws: DatasetError.unknownSplit(name: "train", splits: ["test", "val"])) { try read(archive, split: "train") }
}

@Test(arguments: [
    ("float.npz", DatasetError.elementType(entry: "test_images.npy", found: "<f4", wanted: "uint8 pixels")),
    ("multi-label.npz", .shape(entry: "test_labels.npy", found: [3, 14], wanted: "[N] or [N, 1], one class an image,")),
    ("by-columns.npz", .fortranOrder(entry: "test_images.npy")),
    ("counts.npz", .countsDiffer(images: 3, labels: 2)),
    ("range.npz", .labelOutOfRange(entry: "test_labels.npy", index: 2, value: 7, classCount: 2)),
    ("many.npz", .tooManyCases(entry: "test_labels.npy", count: 2_000_001, limit: 2_000_000)),
    ("no-labels.npz", .noArray(entry: "test_labels.npy", splits: ["test"])),
])
func refusesWhatIsNoLabelledSet(name: String, expected: DatasetError) throws {
    #expect(throws: expected) { try read(try bytes(name)) }
    #expect(!expected.message.isEmpty)
}

@Test(arguments: ["grey-deflated.npz", "grey-stored.npz"])
func refusesEveryTruncationOfAnArchive(name: String) throws {
    let whole = try bytes(name)
    for count in 1..<whole.count {
        #expect(throws: DatasetError.self, "\(count) bytes") { try read(Array(whole[..<count])) }
    }
}

/// A flipped bit is refused or changes nothing that is read: names of other entries, times, notes.
@Test(arguments: ["grey-deflated.npz", "grey-stored.npz"])
func noFlippedBitChangesPixelsOrLabels(name: String) throws {
    let whole = try bytes(name)
    let (cases, images) = try read(whole)
    var refused = 0
    for index in whole.indices {
        for bit in 0..<8 {
            var damaged = whole
            damaged[index] ^= 1 << UInt8(bit)
            do {
                let found = try read(damaged)
                #expect(found.0 == cases && found.1.image(at: 0) == images.image(at: 0), "byte \(index), bit \(bit)")
            } catch is DatasetError {
                refused += 1
            }
        }
    }
    #expect(refused > 2 * whole.count)
}

/// An archive of one entry whose directory declares `byteCount` bytes.
private func bomb(byteCount: UInt32) throws -> [UInt8] {
    var archive = try bytes("no-labels.npz")
    // The record of the central directory: signature, then the count at 24.
    let record = try #require(archive.indices.first { $0 + 4 <= archive.count && archive[$0..<($0 + 4)].elementsEqual([0x50, 0x4B, 1, 2]) })
    for byte in 0..<4 { archive[record + 24 + byte] = UInt8(truncatingIfNeeded: byteCount >> UInt32(8 * byte)) }
    return archive
}

@Test func refusesAnArchiveThatUnpacksToTooMuch() throws {
    let entry = "test_images.npy"
    let huge = try ZipArchive(validating: try MappedFile(copying: try bomb(byteCount: 0xFFFF_FFF0)))
    let stored = huge.entries[0].storedByteCount
    #expect(throws: DatasetError.moreThanDeflateHolds(entry: entry, byteCount: 0xFFFF_FFF0, stored: stored)) { try huge.contents(of: entry) }
    #expect(throws: DatasetError.tooManyBytes(entry: entry, byteCount: 0xFFFF_FFF0, limit: 1 << 20)) { try huge.contents(of: entry, limit: 1 << 20) }
    let real = try ZipArchive(validating: try MappedFile(copying: try bytes("no-labels.npz"))).entries[0].byteCount
    for wrong in [real - 1, real + 1] {
        let archive = try ZipArchive(validating: try MappedFile(copying: try bomb(byteCount: UInt32(wrong))))
        #expect(throws: DatasetError.damaged(entry: entry)) { try archive.contents(of: entry) }
    }
}

@Test func refusesTwoEntriesOfOneName() throws {
    let archive = try bytes("grey-deflated.npz")
    var twice = archive
    // "val_images.npy" and "val_labels.npy" have names of one length.
    let (from, to) = (Array("val_images".utf8), Array("val_labels".utf8))
    for index in twice.indices.dropLast(from.count) where twice[index..<(index + from.count)].elementsEqual(from) {
        twice.replaceSubrange(index..<(index + from.count), with: to)
    }
    #expect(throws: DatasetError.duplicateEntry(entry: "val_labels.npy")) { try read(twice) }
}

private func npy(_ header: String, version: UInt8 = 1, data: Int = 0) -> [UInt8] {
    let text = Array(header.utf8)
    return [0x93] + Array("NUMPY".utf8) + [version, 0, UInt8(text.count), 0] + (version > 1 ? [0, 0] : []) + text
        + [UInt8](repeating: 7, count: data)
}

@Test func readsHeadersOfEveryWriting() throws {
    let array = try NumpyArray(parsing: npy("{\"shape\":(2,3L),'fortran_order' : False , 'descr':'|u1'}\n", data: 6), entry: "a")
    #expect(array.shape == [2, 3] && array.elementType == "|u1" && !array.isColumnMajor)
    #expect(try NumpyArray(parsing: npy("{'descr': '<i8', 'fortran_order': True, 'shape': (), }"), entry: "a").shape == [])
}

@Test(arguments: [
    "", "{", "{}", "{'descr': '|u1', 'fortran_order': False}", "{'descr': '|u1', 'fortran_order': False, 'shape': (2)} x",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}", "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,)}",
    "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (1,)}", "{'descr': '|u1', 'descr': '|u1', 'shape': (1,)}",
    "{'descr': '|u1' 'fortran_order': False, 'shape': (1,)}", "{'other': '|u1'}", "{'descr': '|u1",
])
func refusesOtherHeaders(header: String) {
    let error = #expect(throws: DatasetError.self) { try NumpyArray(parsing: npy(header), entry: "a") }
    guard case .arrayHeader? = error else {
        Issue.record("\(header): \(String(describing: error))")
        return
    }
}

@Test func refusesOtherVersionsAndSizes() throws {
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (4611686018427387904, 4)}"
    #expect(throws: DatasetError.arrayVersion(entry: "a", major: 4, minor: 0)) { try NumpyArray(parsing: npy(header, version: 4), entry: "a") }
    #expect(throws: DatasetError.notAnArray(entry: "a")) { try NumpyArray(parsing: [1, 2, 3], entry: "a") }
    let array = try NumpyArray(parsing: npy(header), entry: "a")
    #expect(throws: DatasetError.dataByteCount(entry: "a", expected: .max, found: 0)) { try array.integers(of: npy(header), entry: "a") }
}

@Test func readsSignedAndForeignIntegers() throws {
    func values(_ type: String, _ data: [UInt8], _ count: Int) throws -> [Int] {
        let file = npy("{'descr': '\(type)', 'fortran_order': False, 'shape': (\(count),)}") + data
        return try NumpyArray(parsing: file, entry: "a").integers(of: file, entry: "a")
    }
    #expect(try values("<i2", [0xFF, 0xFF, 1, 0], 2) == [-1, 1])
    #expect(try values(">i4", [0, 0, 1, 2], 1) == [258])
    #expect(try values("<u8", [UInt8](repeating: 255, count: 8), 1) == [.max])
    #expect(try values("|b1", [1, 0], 2) == [1, 0])
    #expect(throws: DatasetError.self) { try values("<f4", [0, 0, 0, 0], 1) }
    #expect(throws: DatasetError.self) { try values("<U3", [0, 0, 0, 0], 1) }
}
