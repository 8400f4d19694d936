// fuzz-targets: TernPrepare
// fuzz-libraries: jpeg png16 z m sodium event_extra event_core
// fuzz-seeds: Tests/Vectors/TernDICOM
// fuzz-options: -max_len=8192 -malloc_limit_mb=64
import TernBytes
import TernDICOM
import TernImage
import TernModel
import TernPrepare

/// Any bytes are an image of the shape that it names, or an error with a sentence; an image can be prepared.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    _ = ImageKind(recognising: bytes.rawBytes)
    do throws(PrepareError) {
        let file = try ImageFile(parsing: bytes.rawBytes, as: .dicom)
        let image = try file.frame(0, of: bytes.rawBytes)
        precondition(image.samples.count == image.width * image.height * image.channels)
        let recipe = InputRecipe(
            modality: "", channels: 3, height: 7, width: 9, crop: .centreSquare, filter: .lanczos, intensity: .fileWindow, scale: [1, 1, 1],
            offset: [0, 0, 0])
        for value in try prepare(image, recipe: recipe).values { precondition((0...255).contains(value), "a value outside 0 ... 255") }
    } catch {
        precondition(error.message.utf8.count > 5 && error.reason.value.utf8.count <= 16)
    }
    return 0
}
