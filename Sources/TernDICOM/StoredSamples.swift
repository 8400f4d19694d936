import TernBytes
import TernImage

/// Samples as they lie in the pixels, before their unused bits, their sign and their planes are dealt with.
enum StoredSamples {
    case bytes([UInt8])
    case words([UInt16])
    case longs([UInt32])
    /// Signed samples of native pixels, read as such: they are copied once.
    case signedWords([Int16])
    case signedLongs([Int32])
}

extension PixelFormat {
    /// Reads the native samples of one frame, PS3.5 2024d 8.1 and annex D.
    ///
    /// - Parameter value: the whole value of Pixel Data, in which the frame is number `index` and lies completely.
    func nativeSamples(_ value: RawSpan, frame index: Int, isBigEndian: Bool, isSwappedInPairs: Bool) throws(DICOMError) -> StoredSamples {
        let start = index * frameBitCount
        let byteCount = frameBitCount / 8
        do throws(ReadError) {
            if bitsAllocated == 1 { return .bytes(try bits(value, from: start, isSwappedInPairs: isSwappedInPairs)) }
            var reader = ByteReader(value)
            try reader.seek(to: start / 8)
            switch bitsAllocated {
            case 8:
                if isSwappedInPairs { return .bytes(try swapped(value, from: start / 8, count: byteCount)) }
                return .bytes(try reader.readUInt8Array(count: byteCount))
            case 16 where isSigned:
                var words = try reader.readLittleEndianArray(of: Int16.self, count: sampleCount)
                if isBigEndian { swapBytes(&words) }
                return .signedWords(words)
            case 16:
                var words = try reader.readLittleEndianArray(of: UInt16.self, count: sampleCount)
                if isBigEndian { swapBytes(&words) }
                return .words(words)
            case 32 where isSigned:
                var longs = try reader.readLittleEndianArray(of: Int32.self, count: sampleCount)
                if isBigEndian { swapBytes(&longs) }
                return .signedLongs(longs)
            default:
                var longs = try reader.readLittleEndianArray(of: UInt32.self, count: sampleCount)
                if isBigEndian { swapBytes(&longs) }
                return .longs(longs)
            }
        } catch {
            throw DICOMError(error)
        }
    }

    /// Single bits, the first pixel in the lowest bit (PS3.5 2024d 8.1.1, annex D); a frame may start inside a byte.
    private func bits(_ value: RawSpan, from start: Int, isSwappedInPairs: Bool) throws(ReadError) -> [UInt8] {
        let flip = isSwappedInPairs ? 1 : 0
        guard (start + sampleCount - 1) >> 3 | flip < value.byteCount else {
            throw .truncated(offset: value.byteCount, needed: 1, available: 0)
        }
        var samples: [UInt8] = []
        samples.reserveCapacity(sampleCount)
        for bit in start..<(start + sampleCount) { samples.append(value.uint8(at: bit >> 3 ^ flip) >> UInt8(bit & 7) & 1) }
        return samples
    }

    /// Bytes that lie in big-endian words: neighbours change places.
    private func swapped(_ value: RawSpan, from start: Int, count: Int) throws(ReadError) -> [UInt8] {
        guard (start + count - 1) | 1 < value.byteCount else {
            throw .truncated(offset: value.byteCount, needed: 1, available: 0)
        }
        var samples: [UInt8] = []
        samples.reserveCapacity(count)
        for offset in start..<(start + count) { samples.append(value.uint8(at: offset ^ 1)) }
        return samples
    }

    /// Clears or fills the bits above the stored ones and gives the samples of a grey or an RGB image.
    ///
    /// Bits above the stored ones are no part of the sample (PS3.5 2024d 8.1.1); they are looked for first, since few files use them.
    func samples(_ stored: consuming StoredSamples) -> DecodedImage.Samples {
        switch consume stored {
        case .bytes(var values):
            if isSigned { return samples(.signedWords(values.map { Int16($0) })) }
            clearUnusedBits(&values)
            return .uint8(values)
        case .words(var values):
            if isSigned { return samples(.signedWords(values.map { Int16(bitPattern: $0) })) }
            clearUnusedBits(&values)
            return .uint16(values)
        case .longs(var values):
            if isSigned { return samples(.signedLongs(values.map { Int32(bitPattern: $0) })) }
            clearUnusedBits(&values)
            return .uint32(values)
        case .signedWords(var values):
            extendSigns(&values)
            return .int16(values)
        case .signedLongs(var values):
            extendSigns(&values)
            return .int32(values)
        }
    }

    /// Spreads the sign bit, bit `bitsStored` - 1, over the bits above it.
    private func extendSigns<Value: FixedWidthInteger & BitwiseCopyable>(_ values: inout [Value]) {
        guard bitsStored < Value.bitWidth else { return }
        let shift = Value(truncatingIfNeeded: Value.bitWidth - bitsStored)
        var target = values.mutableSpan
        for index in target.indices { target[index] = (target[index] &<< shift) &>> shift }
    }

    private func clearUnusedBits<Value: FixedWidthInteger & BitwiseCopyable>(_ values: inout [Value]) {
        guard bitsStored < Value.bitWidth else { return }
        let mask = Value.max >> Value(truncatingIfNeeded: Value.bitWidth - bitsStored)
        guard hasBits(values.storageBytes, outside: UInt64(mask), width: Value.bitWidth) else { return }
        var target = values.mutableSpan
        for index in target.indices { target[index] &= mask }
    }
}

/// Whether a value of `width` bits has a bit that `mask` has not. Eight bytes are looked at together.
private func hasBits(_ bytes: RawSpan, outside mask: UInt64, width: Int) -> Bool {
    var outside = ~mask & (UInt64.max >> UInt64(64 - width))
    var covered = width
    while covered < 64 {
        outside |= outside << UInt64(covered)
        covered *= 2
    }
    var offset = 0
    var found: UInt64 = 0
    while offset + 32 <= bytes.byteCount {
        found |= bytes.uint64LE(at: offset) | bytes.uint64LE(at: offset + 8)
        found |= bytes.uint64LE(at: offset + 16) | bytes.uint64LE(at: offset + 24)
        offset += 32
    }
    var shift: UInt64 = 0
    while offset < bytes.byteCount {
        // Values start at multiples of their own width, which divides 64.
        found |= UInt64(bytes.uint8(at: offset)) << shift
        shift = (shift + 8) % 64
        offset += 1
    }
    return found & outside != 0
}

func swapBytes<Value: FixedWidthInteger & BitwiseCopyable>(_ values: inout [Value]) {
    var target = values.mutableSpan
    for index in target.indices { target[index] = target[index].byteSwapped }
}

/// Turns one plane after the other into the samples of one pixel after the other.
func interleaved<Value>(_ planes: [Value], channels: Int) -> [Value] {
    let pixelCount = planes.count / channels
    var values: [Value] = []
    values.reserveCapacity(planes.count)
    for pixel in 0..<pixelCount {
        for channel in 0..<channels { values.append(planes[channel * pixelCount + pixel]) }
    }
    return values
}
