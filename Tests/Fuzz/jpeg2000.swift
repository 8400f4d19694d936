// fuzz-targets: TernJPEG2000
// fuzz-sources: Tests/Fuzz/support/Prefixes.swift
// fuzz-seeds: Tests/Vectors/TernJPEG2000
// fuzz-options: -max_len=4096 -malloc_limit_mb=100
// fuzz-rss-mib: 384
import TernBytes
import TernImage
import TernJPEG2000

/// Any bytes are an image of the shape that it names, or an error. The shim is instrumented, the distribution's OpenJPEG behind it is not; its
/// allocations are seen and limited.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let image = try? JPEG2000Decoder.decode(bytes.rawBytes) else { return 0 }
    precondition(image.samples.count == image.width * image.height * image.channels)
    let top = 1 << image.bitsStored
    switch image.samples {
    case .uint8(let samples): precondition(image.bitsStored <= 8 && samples.allSatisfy { Int($0) < top })
    case .uint16(let samples): precondition(image.bitsStored > 8 && samples.allSatisfy { Int($0) < top })
    case .int16(let samples): precondition(samples.allSatisfy { -top <= 2 * Int($0) && 2 * Int($0) < top })
    default: preconditionFailure("JPEG 2000 has 16 bits at most")
    }
    return 0
}
