// fuzz-targets: TernService
// fuzz-options: -max_len=128
import Glibc
import TernImage
import TernService

/// Any message is a head or is refused with a code; rows of a picture stay inside the memory that it says it has.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    check(Array(UnsafeBufferPointer(start: start, count: count)))
    // The twin of a valid beginning: the fields behind it are reached.
    var head = Array(UnsafeBufferPointer(start: start, count: min(count, 84)))
    head += [UInt8](repeating: 0, count: 84 - head.count)
    check(Array("TERNFRAM".utf8) + [1, 0, 0, 0] + head)
    return 0
}

private func check(_ bytes: [UInt8]) {
    let token = FrameHead.token(of: bytes)
    precondition(token ?? 0 >= 0 && (token == nil || bytes.count == FrameHead.byteCount))
    do throws(Problem) {
        let head = try FrameHead(parsing: bytes)
        precondition(token != nil && head.byteCount > 0)
        precondition((1...FrameHead.limitDeadlineMilliseconds).contains(head.deadlineMilliseconds ?? 1))
        guard case .pixels(let pixels) = head.content else { return }
        let lastRow = pixels.byteStride * (pixels.height - 1)
        precondition(!head.isStudy && pixels.width > 0 && pixels.height > 0 && pixels.byteStride >= pixels.width * pixels.format.pixelByteCount)
        precondition(lastRow + pixels.width * pixels.format.pixelByteCount <= head.byteCount && (1...16).contains(pixels.bitsStored))
    } catch {
        precondition(error.code == "bad_head" || error.code == "too_large")
    }
}
