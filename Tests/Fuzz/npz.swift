// fuzz-targets: TernEvaluation
// fuzz-seeds: Tests/Vectors/TernEvaluation
// fuzz-options: -max_len=16384 -malloc_limit_mb=400
import TernEvaluation
import TernPlatform

/// Any bytes are an archive whose entries unpack to what the directory declares and whose images are as many as its labels, or an error.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard !bytes.isEmpty else { return 0 }
    // The header of an array alone, which a checksum keeps mutations of an archive from reaching.
    _ = try? NumpyArray(parsing: bytes, entry: "array")
    _ = try? NumpyArray(parsing: [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, UInt8(bytes.count & 0xFF), UInt8(bytes.count >> 8 & 0xFF)] + bytes, entry: "array")
    guard let mapping = try? MappedFile(copying: bytes), let archive = try? ZipArchive(validating: mapping) else { return 0 }
    for name in archive.names { _ = try? archive.contents(of: name, limit: 1 << 24) }
    guard let dataset = try? Dataset(reading: archive, title: "", split: "test", classCount: 2), let images = dataset.images else { return 0 }
    precondition(images.count == dataset.cases.count)
    for one in dataset.cases {
        guard case .array(let index) = one.source else { preconditionFailure("a case of an archive is in its array") }
        precondition(images.image(at: index).width == images.width && (0..<2).contains(one.truth))
    }
    return 0
}
