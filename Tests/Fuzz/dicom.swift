// fuzz-targets: TernPrepare
// fuzz-sources: Tests/Fuzz/support/Prefixes.swift
// fuzz-seeds: Tests/Vectors/TernDICOM build/corpora
// fuzz-options: -max_len=8192 -malloc_limit_mb=64
import TernBytes
import TernDICOM
import TernImage
import TernModel
import TernPrepare

/// Any bytes are frames of the shape that the file names, or an error with a sentence; a frame can be prepared.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    _ = ImageKind(recognising: bytes.rawBytes)
    for strictness in [DICOMStrictness.lenient, .strict] {
        do throws(DICOMError) {
            let file = try DICOMFile(parsing: bytes.rawBytes, strictness: strictness)
            precondition(file.frameCount >= 1 && file.width >= 1 && file.height >= 1)
            for index in 0..<min(file.frameCount, 8) { try check(file, index, bytes) }
            _ = try file.frame(file.frameCount - 1, of: bytes.rawBytes)
        } catch {
            check(.dicom(error))
        }
    }
    do throws(PrepareError) {
        let file = try ImageFile(parsing: bytes.rawBytes, as: .dicom)
        for index in 0..<min(file.frameCount, 8) { _ = try file.frame(index, of: bytes.rawBytes) }
    } catch {
        check(error)
    }
    return 0
}

private func check(_ error: PrepareError) { precondition(error.message.utf8.count > 5 && error.reason.value.utf8.count <= 16) }

private func check(_ file: DICOMFile, _ index: Int, _ bytes: [UInt8]) throws(DICOMError) {
    _ = file.geometry(ofFrame: index)
    _ = file.milliseconds(toFrame: index)
    guard case .native(let image) = try file.frame(index, of: bytes.rawBytes) else { return }
    precondition(image.width == file.width && image.height == file.height)
    precondition(image.samples.count == image.width * image.height * image.channels)
    let recipe = InputRecipe(
        modality: "", channels: 3, height: 7, width: 9, crop: .centreSquare, filter: .lanczos, intensity: .fileWindow, scale: [1, 1, 1],
        offset: [0, 0, 0])
    do throws(PrepareError) {
        for value in try prepare(image, recipe: recipe).values { precondition((0...255).contains(value), "a value outside 0 ... 255") }
    } catch {
        check(error)
    }
}
