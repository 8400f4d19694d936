// fuzz-targets: TernJPEGLossless
// fuzz-sources: Tests/Fuzz/support/Prefixes.swift
// fuzz-seeds: Tests/Vectors/TernJPEGLossless
// fuzz-options: -max_len=8192 -malloc_limit_mb=32
import TernBytes
import TernImage
import TernJPEGLossless

/// Any bytes are an image of the shape that it names, or an error; memory is bounded by the bytes.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let image = try? JPEGLosslessDecoder.decode(bytes.rawBytes) else { return 0 }
    precondition(image.samples.count == image.width * image.height * image.channels && image.samples.count <= 8 * count)
    switch image.samples {
    case .uint8(let samples): precondition(image.bitsStored <= 8 && samples.allSatisfy { Int($0) >> image.bitsStored == 0 })
    case .uint16(let samples): precondition(image.bitsStored > 8 && samples.allSatisfy { Int($0) >> image.bitsStored == 0 })
    default: preconditionFailure("lossless JPEG is unsigned and has 16 bits at most")
    }
    return 0
}
