/// Reads a decimal string (VR DS, PS3.5 2024d 6.2): optional sign, digits with at most one point, optional exponent, spaces around.
///
/// Correctly rounded to binary64 for every string of up to 19 significant digits; further digits are dropped, which moves the value by less than
/// 2⁻⁶⁰ of itself.
///
/// - Range: the decimal exponent after the digits is -19 ... 19, or the digits are all zero. A DS has at most 16 characters; those that need more
///   describe no pixel.
/// - Parameter isAnyExponent: for positions and distances, whose writers give numbers like 2.2204460492503131e-16: outside that range a value
///   is good to some units of its last place instead, and none is refused for its exponent.
/// - Returns: nil when the text is not a decimal string or is out of range.
func parseDecimalString(_ text: [UInt8], isAnyExponent: Bool = false) -> Double? {
    var index = 0
    var end = text.count
    while index < end, text[index] == 0x20 { index += 1 }
    while end > index, text[end - 1] == 0x20 || text[end - 1] == 0 { end -= 1 }
    guard index < end else { return nil }
    let isNegative = text[index] == 0x2D
    if isNegative || text[index] == 0x2B { index += 1 }

    var digits: UInt64 = 0
    var keptDigitCount = 0
    var exponent = 0
    var digitCount = 0
    var hasPoint = false
    while index < end {
        let character = text[index]
        if character == 0x2E, !hasPoint {
            hasPoint = true
        } else if (0x30...0x39).contains(character) {
            digitCount += 1
            if keptDigitCount < 19 {
                // At most 19 decimal digits: below 10^19 < 2^64.
                digits = digits * 10 + UInt64(character - 0x30)
                if digits > 0 { keptDigitCount += 1 }
                if hasPoint { exponent -= 1 }
            } else if !hasPoint {
                exponent += 1
            }
        } else {
            break
        }
        index += 1
    }
    guard digitCount > 0 else { return nil }
    if index < end {
        guard text[index] | 0x20 == 0x65, let written = parseExponent(text[(index + 1)..<end]) else { return nil }
        exponent += written
    }
    guard digits > 0 else { return isNegative ? -0.0 : 0 }
    guard let magnitude = isAnyExponent ? scaledInSteps(digits, byPowerOfTen: exponent) : scaled(digits, byPowerOfTen: exponent) else { return nil }
    return isNegative ? -magnitude : magnitude
}

private func parseExponent(_ text: ArraySlice<UInt8>) -> Int? {
    var index = text.startIndex
    guard index < text.endIndex else { return nil }
    let isNegative = text[index] == 0x2D
    if isNegative || text[index] == 0x2B { index += 1 }
    // Three digits are past every binary64.
    guard (1...3).contains(text.endIndex - index) else { return nil }
    var value = 0
    while index < text.endIndex {
        guard (0x30...0x39).contains(text[index]) else { return nil }
        value = value * 10 + Int(text[index] - 0x30)
        index += 1
    }
    return isNegative ? -value : value
}

/// digits * 10^exponent, rounded once. The 128-bit product or quotient is cut to 64 bits with a sticky last bit: more than the 55 that rounding to
/// nearest, ties to even, needs.
private func scaled(_ digits: UInt64, byPowerOfTen exponent: Int) -> Double? {
    guard (-19...19).contains(exponent) else { return nil }
    var power: UInt64 = 1
    for _ in 0..<abs(exponent) { power *= 10 }
    if exponent >= 0 {
        let (high, low) = digits.multipliedFullWidth(by: power)
        guard high > 0 else { return Double(low) }
        let shift = high.leadingZeroBitCount
        let kept = high << UInt64(shift) | (shift == 0 ? 0 : low >> UInt64(64 - shift))
        let lost = low << UInt64(shift)
        return Double(kept | (lost == 0 ? 0 : 1)) * powerOfTwo(64 - shift)
    }
    let numeratorShift = digits.leadingZeroBitCount
    let divisorShift = power.leadingZeroBitCount
    let numerator = digits << UInt64(numeratorShift)
    let divisor = power << UInt64(divisorShift)
    // The numerator is halved: its high word is then below the divisor, whose highest bit is set.
    let (quotient, remainder) = divisor.dividingFullWidth((numerator >> 1, numerator << 63))
    return Double(quotient | (remainder == 0 ? 0 : 1)) * powerOfTwo(divisorShift - numeratorShift - 63)
}

private func scaledInSteps(_ digits: UInt64, byPowerOfTen exponent: Int) -> Double? {
    // A binary64 ends at 10^308 and at 10^-324; there are at most 20 digits.
    guard exponent <= 308 else { return nil }
    guard exponent >= -360 else { return 0 }
    var rest = exponent
    var value = 1.0
    while rest < -19 {
        value /= 1e19
        rest += 19
    }
    while rest > 19 {
        value *= 1e19
        rest -= 19
    }
    guard let head = scaled(digits, byPowerOfTen: rest), (head * value).isFinite else { return nil }
    return head * value
}

/// Exact for the exponents that occur here, -126 ... 64.
private func powerOfTwo(_ exponent: Int) -> Double { Double(sign: .plus, exponent: exponent, significand: 1) }
