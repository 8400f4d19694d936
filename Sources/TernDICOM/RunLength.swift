import TernBytes

/// Decodes the run lengths of PS3.5 2024d annex G: a header of 16 words, then one segment for each byte of a sample, most significant first.
///
/// - Returns: `sampleCount` values for each of `channels` planes, one plane after the other.
/// - Throws: `.runLength` when the header or a segment is damaged. More bytes than a plane has are padding.
/// - Cost: one pass. Two bytes give at most 128: planes that the frame cannot pay for are refused before they are allocated.
func decodeRunLengths(_ frame: RawSpan, pixelCount: Int, channels: Int, bytesPerSample: Int) throws(DICOMError) -> StoredSamples {
    let planeCount = channels * bytesPerSample
    guard frame.byteCount >= 64, frame.uint32LE(at: 0) == UInt32(planeCount), planeCount <= 15 else { throw .runLength }
    guard (frame.byteCount - 64) * 64 >= pixelCount * planeCount else { throw .runLength }
    var starts = (0..<planeCount).map { Int(frame.uint32LE(at: 4 + 4 * $0)) }
    starts.append(frame.byteCount)
    var segments: [[UInt8]] = []
    for index in 0..<planeCount {
        guard starts[index] >= 64, starts[index] <= starts[index + 1], starts[index + 1] <= frame.byteCount else { throw .runLength }
        segments.append(try decodeSegment(frame.extracting(starts[index]..<starts[index + 1]), count: pixelCount))
    }
    switch bytesPerSample {
    case 1: return .bytes(segments.count == 1 ? segments[0] : Array(segments.joined()))
    case 2: return .words(assembled(segments, channels: channels, pixelCount: pixelCount))
    default: return .longs(assembled(segments, channels: channels, pixelCount: pixelCount))
    }
}

private func decodeSegment(_ segment: RawSpan, count: Int) throws(DICOMError) -> [UInt8] {
    var plane: [UInt8] = []
    plane.reserveCapacity(count)
    var offset = 0
    while plane.count < count {
        guard offset < segment.byteCount else { throw .runLength }
        let control = Int(segment.uint8(at: offset))
        offset += 1
        if control < 128 {
            let taken = min(control + 1, count - plane.count)
            guard offset + taken <= segment.byteCount else { throw .runLength }
            for index in 0..<taken { plane.append(segment.uint8(at: offset + index)) }
            offset += control + 1
        } else if control > 128 {
            guard offset < segment.byteCount else { throw .runLength }
            plane.append(contentsOf: repeatElement(segment.uint8(at: offset), count: min(257 - control, count - plane.count)))
            offset += 1
        }
    }
    return plane
}

/// Puts the bytes of each sample together.
private func assembled<Value: FixedWidthInteger>(_ segments: [[UInt8]], channels: Int, pixelCount: Int) -> [Value] {
    let bytesPerSample = segments.count / channels
    var values: [Value] = []
    values.reserveCapacity(channels * pixelCount)
    for channel in 0..<channels {
        for pixel in 0..<pixelCount {
            var value: Value = 0
            for byte in 0..<bytesPerSample { value = value << 8 | Value(segments[channel * bytesPerSample + byte][pixel]) }
            values.append(value)
        }
    }
    return values
}
