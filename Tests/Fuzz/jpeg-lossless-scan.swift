// fuzz-targets: TernJPEGLossless
// fuzz-options: -max_len=2048 -malloc_limit_mb=32
import TernBytes
import TernImage
import TernJPEGLossless

/// The structure-aware twin of `jpeg-lossless`: the first bytes choose a valid header, the others are the entropy-coded data, so that every input
/// reaches the decoder of lines.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard count > 8 else { return 0 }
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    let precision = 2 + input[0] % 15
    let selection = 1 + input[1] % 7
    let isColour = input[2] & 1 == 1
    let isSeparate = isColour && input[2] & 2 == 2
    let (width, height) = (1 + Int(input[3] % 24), 1 + Int(input[4] % 24))
    let shift = input[5] % precision
    let interval = Int(input[6] % 4) * width
    let components: [UInt8] = isColour ? [1, 2, 3] : [1]
    var file: [UInt8] = [0xFF, 0xD8, 0xFF, 0xC3, 0, UInt8(8 + 3 * components.count), precision, 0, UInt8(height), 0, UInt8(width), UInt8(components.count)]
    for component in components { file += [component, 0x11, 0] }
    // Categories 0 ... 16 with lengths 2 ... 16, as an encoder would choose them, or all of five bits.
    let lengths: [UInt8] = input[7] & 1 == 1 ? [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1] : [0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    file += [0xFF, 0xC4, 0, 36, 0] + lengths + (0...16).map { UInt8($0) }
    if interval > 0 { file += [0xFF, 0xDD, 0, 4, UInt8(interval >> 8), UInt8(interval & 255)] }
    let data = stuffed(input[8...], restarts: interval > 0)
    for scan in isSeparate ? components.map({ [$0] }) : [components] {
        file += [0xFF, 0xDA, 0, UInt8(6 + 2 * scan.count), UInt8(scan.count)]
        for component in scan { file += [component, 0] }
        file += [selection, 0, shift]
        file += data
    }
    file += [0xFF, 0xD9]
    check(file)
    return 0
}

/// Data in which 0xFF begins nothing but a restart marker.
private func stuffed(_ bytes: ArraySlice<UInt8>, restarts: Bool) -> [UInt8] {
    var data: [UInt8] = []
    var marker: UInt8 = 0xD0
    for byte in bytes {
        data.append(byte)
        guard byte == 0xFF else { continue }
        data.append(restarts ? marker : 0)
        marker = marker == 0xD7 ? 0xD0 : marker + 1
    }
    return data
}

private func check(_ file: [UInt8]) {
    do throws(JPEGLosslessError) {
        let image = try JPEGLosslessDecoder.decode(file.rawBytes)
        precondition(image.samples.count == image.width * image.height * image.channels)
    } catch {
        switch error {
        case .lineTruncated, .invalidCode, .sampleOutOfRange, .extraData, .restartMarker, .moreSamplesThanData: break
        // A restart marker where the scan is complete.
        case .unexpectedMarker(let code, _) where (0xD0...0xD7).contains(code): break
        default: preconditionFailure("a valid header was refused: \(error)")
        }
    }
}
