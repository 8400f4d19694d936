// fuzz-targets: TernPrepare
// fuzz-options: -max_len=4096 -malloc_limit_mb=100
// fuzz-rss-mib: 384
import Foundation
import TernBytes
import TernImage
import TernPrepare

/// Encapsulated DICOM through the real codecs: the fuzzer's bytes are the code streams, in a data set whose attributes agree with what their headers
/// say, unless the second byte has them differ. What is fuzzed are the codecs behind DICOM, and the finishing of what they give: sign, depth, palettes,
/// colour. The seeds are real streams of each codec.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard count > choiceCount else { return 0 }
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    let bytes = dataSet(choices: Array(input[..<choiceCount]), stream: Array(input[choiceCount...]))
    do throws(PrepareError) {
        let file = try ImageFile(parsing: bytes.rawBytes, as: .dicom)
        for index in 0..<file.frameCount {
            let image = try file.frame(index, of: bytes.rawBytes)
            precondition(image.samples.count == image.width * image.height * image.channels)
            precondition((1...16).contains(image.bitsStored))
        }
    } catch {
        precondition(error.reason.scheme == "99TERN" && error.reason.value.utf8.count <= 16 && error.reason.meaning.utf8.count <= 64)
    }
    return 0
}

/// Writes a seed of each real stream of the vectors, with the choices that fit it.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(_ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>>>) -> CInt {
    guard let folder = ProcessInfo.processInfo.environment["TERN_FUZZ_SEEDS"] else { return 0 }
    for (syntax, set) in [(0, "TernJPEG"), (2, "TernJPEGLossless"), (4, "TernJPEG2000")] {
        let source = "Tests/Vectors/\(set)"
        for name in (try? FileManager.default.contentsOfDirectory(atPath: source)) ?? [] {
            guard [".jpg", ".j2k", ".jp2"].contains(where: name.hasSuffix), let data = FileManager.default.contents(atPath: "\(source)/\(name)") else {
                continue
            }
            // A grey and a colour reading of each.
            for colour in [UInt8(0), 1] {
                let seed = Data([UInt8(syntax), 0, colour, 0]) + data
                FileManager.default.createFile(atPath: "\(folder)/\(set)-\(name)-\(colour)", contents: seed)
            }
        }
    }
    return 0
}

private let choiceCount = 4
private let syntaxes = [
    "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
]

/// What the header of a code stream says.
private struct Shape {
    var rows = 8
    var columns = 8
    var components = 1
    var bits = 8
    var isSigned = false

    init(_ stream: [UInt8]) {
        func two(_ offset: Int) -> Int { Int(stream[offset]) << 8 | Int(stream[offset + 1]) }
        for offset in stream.indices where offset + 44 < stream.count && stream[offset] == 0xFF {
            switch stream[offset + 1] {
            case 0xC0, 0xC1, 0xC2, 0xC3:
                (bits, rows, columns, components) = (Int(stream[offset + 4]), two(offset + 5), two(offset + 7), Int(stream[offset + 9]))
            case 0x51:
                // Corner and origin of the grid, of which the low halves are enough here.
                (columns, rows) = (two(offset + 8) - two(offset + 16), two(offset + 12) - two(offset + 20))
                (components, bits, isSigned) = (two(offset + 38), Int(stream[offset + 40] & 0x7F) + 1, stream[offset + 40] & 0x80 != 0)
            default: continue
            }
            return
        }
    }
}

private func dataSet(choices: [UInt8], stream: [UInt8]) -> [UInt8] {
    var shape = Shape(stream)
    let syntax = syntaxes[Int(choices[0]) % syntaxes.count]
    if choices[1] & 1 == 1 { shape.bits = 1 + Int(choices[3] % 16) }
    if choices[1] & 2 == 2 { shape.isSigned.toggle() }
    let names = shape.components == 3 ? ["RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT"] : ["MONOCHROME2", "MONOCHROME1", "PALETTE COLOR"]
    let photometric = names[Int(choices[2]) % names.count]
    let frames = choices[1] & 4 == 4 ? 2 : 1
    var bytes = [UInt8](repeating: 0, count: 128) + [UInt8]("DICM".utf8) + text(0x0002, 0x0010, "UI", syntax)
    bytes += short(0x0028, 0x0002, shape.components) + text(0x0028, 0x0004, "CS", photometric) + short(0x0028, 0x0006, 0)
    bytes += text(0x0028, 0x0008, "IS", "\(frames)") + short(0x0028, 0x0010, shape.rows) + short(0x0028, 0x0011, shape.columns)
    bytes += short(0x0028, 0x0100, shape.bits > 8 ? 16 : 8) + short(0x0028, 0x0101, shape.bits) + short(0x0028, 0x0102, shape.bits - 1)
    bytes += short(0x0028, 0x0103, shape.isSigned ? 1 : 0)
    if photometric == "PALETTE COLOR" {
        for plane in 1...3 { bytes += value(0x0028, UInt16(0x1100 + plane), "US", two(4) + two(Int(choices[3])) + two(16)) }
        for plane in 1...3 { bytes += long(0x0028, UInt16(0x1200 + plane), "OW", 8) + [UInt8](repeating: choices[3], count: 8) }
    }
    bytes += long(0x7FE0, 0x0010, "OB", nil) + item(0)
    let half = stream.count / 2 & ~1
    for part in frames == 2 ? [stream[...], stream[...]] : choices[1] & 8 == 8 ? [stream[..<half], stream[half...]] : [stream[...]] {
        let padded = Array(part) + (part.count % 2 == 0 ? [] : [0])
        bytes += item(padded.count) + padded
    }
    return bytes + two(0xFFFE) + two(0xE0DD) + [0, 0, 0, 0]
}

private func two(_ value: Int) -> [UInt8] { [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)] }
private func four(_ value: Int) -> [UInt8] { two(value) + two(value >> 16) }
private func item(_ count: Int) -> [UInt8] { two(0xFFFE) + two(0xE000) + four(count) }
private func tag(_ group: UInt16, _ element: UInt16) -> [UInt8] { two(Int(group)) + two(Int(element)) }
private func value(_ group: UInt16, _ element: UInt16, _ letters: String, _ value: [UInt8]) -> [UInt8] {
    let padded = value.count % 2 == 0 ? value : value + [letters == "UI" ? 0 : 0x20]
    return tag(group, element) + [UInt8](letters.utf8) + two(padded.count) + padded
}
private func text(_ group: UInt16, _ element: UInt16, _ letters: String, _ text: String) -> [UInt8] { value(group, element, letters, [UInt8](text.utf8)) }
private func short(_ group: UInt16, _ element: UInt16, _ number: Int) -> [UInt8] { value(group, element, "US", two(number)) }
private func long(_ group: UInt16, _ element: UInt16, _ letters: String, _ count: Int?) -> [UInt8] {
    tag(group, element) + [UInt8](letters.utf8) + [0, 0] + four(count ?? 0xFFFF_FFFF)
}
