import Testing
import TernFindings
import TernImage

@testable import TernService

/// A head as the table of `FrameHead` says, little endian.
private func head(
    kind: UInt32 = 16, flags: UInt32 = 0, deadline: UInt32 = 0, byteCount: UInt64 = 64, token: UInt64 = 7, shape: [UInt32] = [8, 8, 8, 0],
    modality: String = "", version: UInt32 = 1
) -> [UInt8] {
    var bytes = Array("TERNFRAM".utf8)
    func add(_ value: UInt64, _ count: Int) { for index in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) } }
    for word in [version, kind, flags, deadline] { add(UInt64(word), 4) }
    add(byteCount, 8)
    add(token, 8)
    for word in shape { add(UInt64(word), 4) }
    bytes += Array(modality.utf8) + [UInt8](repeating: 0, count: 16 - modality.utf8.count)
    return bytes + [UInt8](repeating: 0, count: 24)
}

private func code(_ bytes: [UInt8]) -> String? {
    do throws(Problem) {
        _ = try FrameHead(parsing: bytes)
        return nil
    } catch {
        return error.code
    }
}

@Test func readsTheHeadOfAPicture() throws {
    let read = try FrameHead(parsing: head(kind: 17, deadline: 40, byteCount: 4096, shape: [30, 20, 64, 12], modality: "US"))
    guard case .pixels(let pixels) = read.content else { return #expect(Bool(false), "pixels") }
    #expect((pixels.format, pixels.width, pixels.height) == (.grey16, 30, 20))
    #expect((pixels.byteStride, pixels.bitsStored, pixels.byteCount) == (64, 12, 19 * 64 + 60))
    #expect((read.byteCount, read.deadlineMilliseconds, read.modality?.term, read.isStudy) == (4096, 40, "US", false))
    #expect(FrameHead.token(of: head(token: 7)) == 7)
}

@Test func readsTheHeadsOfFiles() throws {
    for (code, kind) in [(1, InputKind.dicom), (2, .jpeg), (3, .png), (4, .nifti)] {
        let read = try FrameHead(parsing: head(kind: UInt32(code), flags: 1, shape: [0, 0, 0, 0]))
        #expect(read.content == .file(kind) && read.isStudy && read.deadlineMilliseconds == nil && read.modality == nil)
    }
}

@Test func hasNoTokenOfWhatIsNoHead() {
    #expect(FrameHead.token(of: Array(head().dropLast())) == nil)
    #expect(FrameHead.token(of: head() + [0]) == nil)
    #expect(FrameHead.token(of: []) == nil)
    #expect(FrameHead.token(of: head(version: 2)) == nil)
    #expect(FrameHead.token(of: head(token: 1 << 63)) == nil)
    #expect(FrameHead.token(of: head(token: (1 << 63) - 1)) == Int.max)
    var other = head()
    other[0] = 0x55
    #expect(FrameHead.token(of: other) == nil && code(other) == "bad_head")
}

@Test func refusesHeadsThatLie() {
    #expect(code(head()) == nil)
    let bad: [[UInt8]] = [
        head(flags: 2), head(flags: 1), head(deadline: 3_600_001), head(byteCount: 0), head(byteCount: 1 << 63), head(byteCount: 63), head(kind: 0),
        head(kind: 5), head(kind: 19), head(kind: .max), head(shape: [0, 8, 8, 0]), head(shape: [8, 0, 8, 0]), head(shape: [8, 8, 7, 0]),
        head(shape: [8, 8, .max, 0]), head(shape: [8, 8, 8, 9]), head(kind: 3), head(modality: "Doe"), head(kind: 17, shape: [8, 4, 15, 0]),
    ]
    for bytes in bad { #expect(code(bytes) == "bad_head") }
    for index in 72..<96 {
        var bytes = head()
        bytes[index] = 1
        #expect(code(bytes) == "bad_head")
    }
    for shape: [UInt32] in [[16_385, 1, 16_385, 0], [1, 16_385, 1, 0], [.max, .max, .max, 0], [16_384, 16_384, 16_384, 0]] {
        #expect(code(head(byteCount: 1 << 40, shape: shape)) == "too_large")
    }
}

@Test func rowsOfRawPixelsStayInsideTheirMemory() throws {
    #expect(throws: RawPixelsError.byteStride(5, needed: 6, limit: RawPixels.limitByteStride)) {
        _ = try RawPixels(format: .rgb8, width: 2, height: 2, byteStride: 5)
    }
    #expect(throws: RawPixelsError.bitsStored(17)) { _ = try RawPixels(format: .grey16, width: 1, height: 1, byteStride: 2, bitsStored: 17) }
    #expect(throws: RawPixelsError.shape(.emptySide(width: 0, height: 1))) { _ = try RawPixels(format: .grey8, width: 0, height: 1, byteStride: 1) }
    let pixels = try RawPixels(format: .rgb8, width: 2, height: 3, byteStride: 10)
    #expect(pixels.byteCount == 26 && pixels.channels == 3 && pixels.bitsStored == 8)
}
