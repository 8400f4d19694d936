// fuzz-targets: TernPrepare
// fuzz-sources: Tests/Fuzz/support/Prefixes.swift
// fuzz-seeds: Tests/Vectors/TernPNG
// fuzz-options: -max_len=16384 -malloc_limit_mb=400
import TernBytes
import TernImage
import TernPNG

/// Any bytes are an image of the shape that it names, or an error. Checksums are repaired first: a mutation would otherwise never pass them.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var bytes = Array(UnsafeBufferPointer(start: start, count: count))
    check(bytes)
    repairChecksums(&bytes)
    check(bytes)
    return 0
}

private func check(_ bytes: [UInt8]) {
    guard let image = try? PNGDecoder.decode(bytes.rawBytes) else { return }
    let count = image.width * image.height * image.channels
    switch image.samples {
    case .uint8(let samples): precondition(samples.count == count && image.bitsStored == 8)
    case .uint16(let samples): precondition(samples.count == count && image.bitsStored == 16)
    default: preconditionFailure("PNG is unsigned and has 16 bits at most")
    }
}

private func repairChecksums(_ bytes: inout [UInt8]) {
    var offset = 8
    while offset + 12 <= bytes.count {
        let byteCount = (0..<4).reduce(0) { $0 << 8 | Int(bytes[offset + $1]) }
        let end = offset + 8 + byteCount
        guard end + 4 <= bytes.count else { return }
        var sum = UInt32.max
        for byte in bytes[(offset + 4)..<end] {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
        }
        for byte in 0..<4 { bytes[end + byte] = UInt8((~sum >> UInt32(24 - 8 * byte)) & 255) }
        offset = end + 4
    }
}
