// fuzz-targets: TernDICOM
// fuzz-options: -max_len=4096 -malloc_limit_mb=64
import TernBytes
import TernDICOM
import TernImage

/// A valid header of any transfer syntax, depth and colour around the fuzzer's bytes: what is fuzzed are frames, fragments, run lengths, palettes and
/// tables, behind attributes that fit together. The first bytes choose; the rest are the values.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var choices = Choices(bytes: Array(UnsafeBufferPointer(start: start, count: count)))
    let bytes = dataSet(&choices)
    do throws(DICOMError) {
        let file = try DICOMFile(parsing: bytes.rawBytes)
        for index in 0..<min(file.frameCount, 16) {
            switch try file.frame(index, of: bytes.rawBytes) {
            case .native(let image): check(image, file)
            case .encapsulated(let frame):
                precondition(!frame.bytes.isEmpty && frame.bytes.count <= bytes.count)
                check(try file.image(from: stand(for: frame), frame: index), file)
            }
        }
    } catch {}
    return 0
}

/// What a codec might give: the bytes of the frame as samples, of either depth. The codecs themselves are in `dicomcodecs`.
private func stand(for frame: EncapsulatedFrame) -> DecodedImage {
    let count = frame.width * frame.height * frame.channels
    let bytes = (0..<count).map { frame.bytes[$0 % frame.bytes.count] }
    let isWide = frame.bitsAllocated == 16 && frame.bytes[0] & 1 == 1
    let samples: DecodedImage.Samples =
        !isWide
        ? .uint8(bytes) : frame.isSigned ? .int16(bytes.map { Int16($0) &* 257 &- 20_000 }) : .uint16(bytes.map { UInt16($0) &* 257 })
    return DecodedImage(
        width: frame.width, height: frame.height, channels: frame.channels, bitsStored: isWide ? 16 : 8, samples: samples, greyscale: nil)
}

private func check(_ image: DecodedImage, _ file: DICOMFile) {
    precondition(image.width == file.width && image.height == file.height)
    precondition(image.samples.count == image.width * image.height * image.channels)
    let limit = UInt64(1) << UInt64(image.bitsStored)
    switch image.samples {
    case .uint8(let values): precondition(values.allSatisfy { UInt64($0) < limit })
    case .uint16(let values): precondition(values.allSatisfy { UInt64($0) < limit })
    case .uint32(let values): precondition(values.allSatisfy { UInt64($0) < limit })
    case .int16(let values): precondition(values.allSatisfy { 2 * Int64($0).magnitude <= limit })
    case .int32(let values): precondition(values.allSatisfy { 2 * Int64($0).magnitude <= limit })
    case .real: preconditionFailure("DICOM has no real samples here")
    }
}

/// The fuzzer's bytes, taken one after the other.
private struct Choices {
    var bytes: [UInt8]
    var offset = 0
    mutating func next() -> Int {
        guard offset < bytes.count else { return 0 }
        defer { offset += 1 }
        return Int(bytes[offset])
    }
    mutating func pick<Value>(_ values: [Value]) -> Value { values[next() % values.count] }
    mutating func take(_ count: Int) -> [UInt8] {
        let end = min(offset + count, bytes.count)
        defer { offset = end }
        return Array(bytes[offset..<end])
    }
}

private func dataSet(_ choices: inout Choices) -> [UInt8] {
    let (syntax, isEncapsulated) = choices.pick([
        ("1.2.840.10008.1.2", false), ("1.2.840.10008.1.2.1", false), ("1.2.840.10008.1.2.2", false), ("1.2.840.10008.1.2.5", true),
        ("1.2.840.10008.1.2.5", true), ("1.2.840.10008.1.2.1.98", true), ("1.2.840.10008.1.2.4.50", true), ("1.2.840.10008.1.2.4.70", true),
        ("1.2.840.10008.1.2.4.90", true),
    ])
    var writer = Writer(isExplicit: syntax != "1.2.840.10008.1.2", isBigEndian: syntax == "1.2.840.10008.1.2.2")
    let (photometric, channels) = choices.pick([
        ("MONOCHROME2", 1), ("MONOCHROME1", 1), ("PALETTE COLOR", 1), ("RGB", 3), ("YBR_FULL", 3), ("YBR_FULL_422", 3), ("YBR_RCT", 3),
    ])
    let allocated = choices.pick([1, 8, 16, 16, 32])
    let stored = choices.next() % 3 == 0 ? 1 + choices.next() % allocated : allocated
    let frames = choices.pick([1, 1, 2, 3, 7])
    writer.text(0x0008, 0x0060, "CS", "OT")
    if choices.next() % 4 == 0 {
        // Tables come before the pixels, their sequences of undefined length.
        writer.table(choices.pick([0x3000, 0x3010]), choices.take(3), choices.take(64))
    }
    writer.short(0x0028, 0x0002, channels)
    writer.text(0x0028, 0x0004, "CS", photometric)
    writer.short(0x0028, 0x0006, choices.next() % 2)
    writer.text(0x0028, 0x0008, "IS", "\(frames)")
    writer.short(0x0028, 0x0010, 1 + choices.next() % 40)
    writer.short(0x0028, 0x0011, 1 + choices.next() % 40)
    writer.short(0x0028, 0x0100, allocated)
    writer.short(0x0028, 0x0101, stored)
    writer.short(0x0028, 0x0102, stored - 1)
    writer.short(0x0028, 0x0103, choices.next() % 4 == 0 ? 1 : 0)
    if photometric == "PALETTE COLOR" { writer.palette(&choices) }
    writer.pixels(&choices, isEncapsulated: isEncapsulated, frames: frames)
    var meta = Writer(isExplicit: true, isBigEndian: false)
    meta.text(0x0002, 0x0010, "UI", syntax)
    return [UInt8](repeating: 0, count: 128) + [UInt8]("DICM".utf8) + meta.bytes + writer.bytes
}

/// Writes elements of one encoding.
private struct Writer {
    var isExplicit: Bool
    var isBigEndian: Bool
    var bytes: [UInt8] = []

    init(isExplicit: Bool, isBigEndian: Bool) {
        self.isExplicit = isExplicit
        self.isBigEndian = isBigEndian
    }
    func two(_ value: Int) -> [UInt8] {
        let low = UInt8(truncatingIfNeeded: value)
        let high = UInt8(truncatingIfNeeded: value >> 8)
        return isBigEndian ? [high, low] : [low, high]
    }
    func four(_ value: Int) -> [UInt8] { isBigEndian ? two(value >> 16) + two(value) : two(value) + two(value >> 16) }
    mutating func head(_ group: Int, _ element: Int, _ letters: String, _ count: Int?) {
        bytes += two(group) + two(element)
        let length = count ?? 0xFFFF_FFFF
        if !isExplicit || group == 0xFFFE {
            bytes += four(length)
        } else if ["SQ", "OB", "OW", "UN"].contains(letters) {
            bytes += [UInt8](letters.utf8) + [0, 0] + four(length)
        } else {
            bytes += [UInt8](letters.utf8) + two(length)
        }
    }
    mutating func value(_ group: Int, _ element: Int, _ letters: String, _ value: [UInt8]) {
        let padded = value.count % 2 == 0 ? value : value + [letters == "UI" || letters == "OB" ? 0 : 0x20]
        head(group, element, letters, padded.count)
        bytes += padded
    }
    mutating func text(_ group: Int, _ element: Int, _ letters: String, _ text: String) { value(group, element, letters, [UInt8](text.utf8)) }
    mutating func short(_ group: Int, _ element: Int, _ number: Int) { value(group, element, "US", two(number)) }

    mutating func table(_ sequence: Int, _ descriptor: [UInt8], _ data: [UInt8]) {
        head(0x0028, sequence, "SQ", nil)
        head(0xFFFE, 0xE000, "", nil)
        let numbers = descriptor.map { Int($0) } + [0, 0, 0]
        value(0x0028, 0x3002, "US", two(numbers[0] % 33) + two(numbers[1]) + two(8 + numbers[2] % 9))
        value(0x0028, 0x3006, "OW", data)
        head(0xFFFE, 0xE00D, "", 0)
        head(0xFFFE, 0xE0DD, "", 0)
    }
    mutating func palette(_ choices: inout Choices) {
        let count = 1 + choices.next() % 64
        let first = choices.next()
        let bits = choices.pick([8, 16])
        let isSegmented = choices.next() % 3 == 0
        for plane in 1...3 { value(0x0028, 0x1100 + plane, "US", two(count) + two(first) + two(bits)) }
        for plane in 1...3 {
            value(0x0028, (isSegmented ? 0x1220 : 0x1200) + plane, "OW", choices.take(isSegmented ? 24 : count * bits / 8))
        }
    }
    mutating func pixels(_ choices: inout Choices, isEncapsulated: Bool, frames: Int) {
        guard isEncapsulated else {
            value(0x7FE0, 0x0010, choices.pick(["OB", "OW"]), choices.take(choices.bytes.count))
            return
        }
        let perFrame = 1 + choices.next() % 2
        let hasTable = choices.next() % 2 == 0
        let isRunLength = choices.next() % 2 == 0
        var fragments: [[UInt8]] = []
        var starts: [Int] = []
        var offset = 0
        for _ in 0..<frames {
            starts.append(offset)
            for part in 0..<perFrame {
                var fragment = choices.take(2 * (choices.next() % 128))
                // A header of run lengths with one to twelve segments of equal share.
                if isRunLength, part == 0 {
                    let count = choices.pick([1, 2, 3, 4, 6, 12])
                    let share = fragment.count / count
                    fragment = four(count) + (0..<15).flatMap { four($0 < count ? 64 + $0 * share : 0) } + fragment
                }
                fragments.append(fragment)
                offset += 8 + fragment.count
            }
        }
        head(0x7FE0, 0x0010, "OB", nil)
        head(0xFFFE, 0xE000, "", hasTable ? 4 * frames : 0)
        if hasTable { bytes += starts.flatMap { four($0) } }
        for fragment in fragments {
            head(0xFFFE, 0xE000, "", fragment.count)
            bytes += fragment
        }
        head(0xFFFE, 0xE0DD, "", 0)
    }
}
