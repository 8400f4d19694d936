// fuzz-targets: TernNIfTI
// fuzz-sources: Tests/Fuzz/support/Prefixes.swift
// fuzz-seeds: Tests/Vectors/TernNIfTI build/corpora
// fuzz-options: -max_len=4096 -malloc_limit_mb=64
import TernBytes
import TernImage
import TernNIfTI

/// Any bytes are a volume of which every frame has the shape that it names, or an error: as they are, as either half of a pair, and behind a header that was
/// made valid.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    _ = NIfTIFile.recognises(bytes.rawBytes)
    if let file = try? NIfTIFile(parsing: bytes.rawBytes) { check(file, bytes) }
    guard count >= 16 else { return 0 }
    let twin = repaired(bytes)
    if let file = try? NIfTIFile(parsing: twin.rawBytes) { check(file, twin) }
    // The first byte says where the halves of a pair part.
    let split = min(count, 1 + 4 * Int(bytes[0]))
    let (header, data) = (Array(bytes[..<split]), Array(bytes[split...]))
    if let file = try? NIfTIFile(pairHeader: header.rawBytes, data: data.rawBytes) { check(file, data) }
    return 0
}

/// A header of the chosen version and byte order with small counts, a datatype of the standard and samples behind it; the rest is the input's.
private func repaired(_ bytes: [UInt8]) -> [UInt8] {
    let isTwo = bytes[0] & 1 == 1
    let isBigEndian = bytes[0] & 2 == 2
    let headerByteCount = isTwo ? 544 : 352
    var twin = bytes + [UInt8](repeating: bytes[1], count: max(0, headerByteCount - bytes.count))
    func put(_ value: Int, at offset: Int, byteCount: Int) {
        for index in 0..<byteCount {
            let place = isBigEndian ? byteCount - 1 - index : index
            twin[offset + place] = UInt8(truncatingIfNeeded: value >> (8 * index))
        }
    }
    put(isTwo ? 540 : 348, at: 0, byteCount: 4)
    let magic: [UInt8] = isTwo ? [0x6E, 0x2B, 0x32, 0, 13, 10, 26, 10] : [0x6E, 0x2B, 0x31, 0]
    for (index, byte) in magic.enumerated() { twin[(isTwo ? 4 : 344) + index] = byte }
    let rank = 2 + Int(bytes[2] % 4)
    var sampleCount = 1
    for axis in 0..<8 {
        let axisCount = axis == 0 ? rank : axis <= min(rank, 4) ? 1 + Int(bytes[3 + axis] % 5) : 1
        if axis > 0 { sampleCount *= axisCount }
        put(axisCount, at: isTwo ? 16 + 8 * axis : 40 + 2 * axis, byteCount: isTwo ? 8 : 2)
    }
    let codes = [2, 4, 8, 16, 64, 128, 256, 512, 768, 1024, 1280, 32]
    put(codes[Int(bytes[11]) % codes.count], at: isTwo ? 12 : 70, byteCount: 2)
    // vox_offset 0: right after the header.
    put(0, at: isTwo ? 168 : 108, byteCount: isTwo ? 8 : 4)
    // Codes 0 ... 2 of either transformation; numbers of the transformations stay the input's.
    put(Int(bytes[12] % 3), at: isTwo ? 344 : 252, byteCount: isTwo ? 4 : 2)
    put(Int(bytes[13] % 3), at: isTwo ? 348 : 254, byteCount: isTwo ? 4 : 2)
    let missing = headerByteCount + 8 * sampleCount - twin.count
    if missing > 0 { twin += (0..<missing).map { bytes[$0 % bytes.count] } }
    return twin
}

private func check(_ file: NIfTIFile, _ bytes: [UInt8]) {
    precondition(file.frameCount == file.sliceCount * file.volumeCount && file.frameCount > 0)
    precondition(file.sliceSpacing > 0 && (file.attributes.pixelSpacing?.row ?? 0) > 0)
    for index in 0..<min(file.frameCount, 64) {
        guard let image = try? file.frame(index, of: bytes.rawBytes) else { continue }
        precondition(image.width == file.width && image.height == file.height)
        precondition(image.samples.count == image.width * image.height * image.channels)
        if let window = image.greyscale?.window { precondition(window.width > 0 && window.centre.isFinite) }
        if case .real(let values) = image.samples { precondition(values.allSatisfy { $0.isFinite }) }
    }
}
