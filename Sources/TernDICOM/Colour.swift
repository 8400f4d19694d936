/// Turns luminance and colour differences into red, green and blue, PS3.3 2024d C.7.6.3.1.2 (YBR_FULL).
///
/// Equal to pydicom's `convert_color_space` for all 2^24 colours: red and blue are rounded to the nearest, halves up; green is the sum in binary32,
/// each product added with one rounding, of luminance, blue difference and red difference, then rounded likewise.
///
/// - Parameter samples: of one pixel after the other.
func convertToRGB(_ samples: inout [UInt8]) {
    let red = differences { 1_402 * $0 + 500 }
    let blue = differences { 1_772 * $0 + 500 }
    // 0.114 * 1.772 / 0.587 and 0.299 * 1.402 / 0.587.
    let fromBlue = Double(Float(-0.114 * 1.772 / 0.587))
    let fromRed = Double(Float(-0.299 * 1.402 / 0.587))
    var target = samples.mutableSpan
    for start in stride(from: 0, to: target.count - target.count % 3, by: 3) {
        let luminance = Int(target[start])
        let blueDifference = Int(target[start + 1])
        let redDifference = Int(target[start + 2])
        // The product of a binary32 and a whole number of 8 bits is exact in binary64, and so is its sum with the luminance: one rounding each.
        let first = Float(Double(luminance) + Double(blueDifference - 128) * fromBlue)
        let green = Float(Double(first) + Double(redDifference - 128) * fromRed)
        target[start] = clamped(luminance + red[redDifference])
        target[start + 1] = clamped(floored(green + 0.5))
        target[start + 2] = clamped(luminance + blue[blueDifference])
    }
}

/// floor(thousandths / 1000) for each difference -128 ... 127.
private func differences(_ thousandths: (Int) -> Int) -> [Int] {
    (0..<256).map { index in
        let value = thousandths(index - 128)
        return value >= 0 ? value / 1_000 : -((999 - value) / 1_000)
    }
}

/// The largest whole number that is not above a small value; without a call of the C library.
private func floored(_ value: Float) -> Int {
    let whole = Int(value)
    return Float(whole) > value ? whole - 1 : whole
}

private func clamped(_ value: Int) -> UInt8 { UInt8(min(max(value, 0), 255)) }

/// Gives each of two pixels that share their colour differences its own: Y Y B R becomes Y B R, Y B R.
func expandSubsampled(_ samples: [UInt8]) -> [UInt8] {
    var values: [UInt8] = []
    values.reserveCapacity(samples.count / 4 * 6)
    for start in stride(from: 0, to: samples.count - samples.count % 4, by: 4) {
        for pixel in 0..<2 {
            values.append(samples[start + pixel])
            values.append(samples[start + 2])
            values.append(samples[start + 3])
        }
    }
    return values
}
