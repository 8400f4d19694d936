// fuzz-targets: TernPrepare
// fuzz-sources: Tests/Fuzz/support/Prefixes.swift
// fuzz-seeds: Tests/Vectors/TernJPEG
// fuzz-options: -max_len=16384 -malloc_limit_mb=400
import TernBytes
import TernImage
import TernJPEG

/// Any bytes are an image of the shape that it names, or an error. The colour and orientation rules take turns.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    do throws(JPEGError) {
        let isInsideDICOM = count % 2 == 0
        let image = try JPEGDecoder.decode(
            bytes.rawBytes, orientation: isInsideDICOM ? .ignore : .apply, colour: isInsideDICOM ? .redGreenBlueUnlessMarked : .fromMarkers)
        guard case .uint8(let samples) = image.samples else { preconditionFailure("JPEG has 8 bits") }
        precondition(samples.count == image.width * image.height * image.channels && image.bitsStored == 8)
        precondition(image.width * image.height / JPEGDecoder.limitPixelsPerByte <= count, "more pixels than the bytes can pay for")
    } catch {
        precondition(error != .shape(.emptySide(width: 1, height: 1)))
    }
    return 0
}
