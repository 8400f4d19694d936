// fuzz-targets: TernJPEG2000
// fuzz-options: -max_len=2048 -malloc_limit_mb=32
// fuzz-rss-mib: 256
import TernBytes
import TernImage
import TernJPEG2000

/// The structure-aware twin of `jpeg2000`: the first bytes choose a valid main header, the others are the packets of its tiles, so that every input
/// reaches OpenJPEG's decoder of packets and code blocks.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard count > headerChoices else { return 0 }
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    let header = Header(input)
    let file = header.bytes + tiles(header, input[headerChoices...]) + [0xFF, 0xD9]
    do throws(JPEG2000Error) {
        let image = try JPEG2000Decoder.decode(file.rawBytes)
        precondition((image.width, image.height, image.channels) == (header.width, header.height, header.components))
        precondition(image.samples.count == image.width * image.height * image.channels)
        let top = 1 << image.bitsStored
        switch image.samples {
        case .uint8(let samples): precondition(samples.allSatisfy { Int($0) < top })
        case .uint16(let samples): precondition(samples.allSatisfy { Int($0) < top })
        case .int16(let samples): precondition(samples.allSatisfy { -top <= 2 * Int($0) && 2 * Int($0) < top })
        default: preconditionFailure("JPEG 2000 has 16 bits at most")
        }
    } catch {
        switch error {
        // Packets that are none, and more of them than bytes.
        case .corrupt, .tooMany: break
        default: preconditionFailure("a valid header was refused: \(error)")
        }
    }
    return 0
}

private let headerChoices = 16

private struct Header {
    let width, height, tileWidth, tileHeight, components: Int
    let bytes: [UInt8]
    var tileCount: Int { ((width + tileWidth - 1) / tileWidth) * ((height + tileHeight - 1) / tileHeight) }

    init(_ choices: [UInt8]) {
        width = 1 + Int(choices[0] % 80)
        height = 1 + Int(choices[1] % 80)
        // Few tiles, most of the time one.
        tileWidth = choices[2] & 3 == 0 ? (width + 1) / 2 : width
        tileHeight = choices[2] & 12 == 0 ? (height + 1) / 2 : height
        components = choices[3] & 1 == 1 ? 3 : 1
        let depth = choices[4] % 16 | (choices[3] & 2 == 2 ? 0x80 : 0)
        let levels = choices[5] % 6
        let isReversible = choices[6] & 1 == 1
        let hasPrecincts = choices[6] & 2 == 2
        let (blockWidth, blockHeight) = (choices[7] % 5, choices[8] % 5)
        var shape: [UInt8] = [0, 0] + four(width) + four(height) + four(0) + four(0) + four(tileWidth) + four(tileHeight) + four(0) + four(0)
        shape += [0, UInt8(components)]
        for _ in 0..<components { shape += [depth, 1, 1] }
        let marks = choices[6] & 12 == 4 ? choices[6] >> 4 & 6 : 0
        var style: [UInt8] = [(hasPrecincts ? 1 : 0) | marks, choices[9] % 5, 0, 1 + choices[10] % 3, components == 3 ? choices[11] & 1 : 0, levels]
        style += [blockWidth, blockHeight, choices[12] & 0x3F, isReversible ? 1 : 0]
        if hasPrecincts { for level in 0...levels { style.append(0x33 + (choices[13] &+ level) % 3 * 0x11) } }
        let guardBits = (1 + choices[14] % 3) << 5
        var steps: [UInt8] = [guardBits | (isReversible ? 0 : 1)]
        if isReversible {
            for band in 0..<(1 + 3 * levels) { steps.append((choices[15] % 18 + 1 + band % 3) << 3) }
        } else {
            steps += [(choices[15] % 18 + 6) << 3, choices[15]]
        }
        bytes = [0xFF, 0x4F] + segment(0x51, shape) + segment(0x52, style) + segment(0x5C, steps)
    }
}

/// One tile-part a tile, of equal shares.
private func tiles(_ header: Header, _ data: ArraySlice<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    let share = data.count / header.tileCount
    for tile in 0..<header.tileCount {
        let start = data.startIndex + tile * share
        let part = data[start..<(tile == header.tileCount - 1 ? data.endIndex : start + share)]
        bytes += segment(0x90, [0, UInt8(tile)] + four(14 + part.count) + [0, 1]) + [0xFF, 0x93] + part
    }
    return bytes
}

private func segment(_ marker: UInt8, _ content: [UInt8]) -> [UInt8] {
    let count = content.count + 2
    return [0xFF, marker, UInt8(count >> 8), UInt8(count & 255)] + content
}

private func four(_ value: Int) -> [UInt8] { [UInt8(value >> 24 & 255), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)] }
