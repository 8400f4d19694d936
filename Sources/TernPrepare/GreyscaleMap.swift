import TernImage

/// The grey value 0 ... 255 of a stored value: rescale, values of interest, inversion, in the order of PS3.3 2024d C.11.
///
/// Total: every stored value gives a number in 0 ... 255, one that no arithmetic gives (infinity less infinity) gives 0.
struct GreyscaleMap {
    /// What makes the shown value of a rescaled one.
    private enum Step {
        /// low ... high of the rescaled values become 0 ... 255; `high` is above `low`.
        case range(low: Double, high: Double)
        /// One value only: shown as 0.
        case constant
        case window(DecodedImage.Window)
        case table(DecodedImage.LookupTable)
    }
    private let slope: Double
    private let intercept: Double
    private let modalityTable: DecodedImage.LookupTable?
    private let step: Step
    private let isInverted: Bool

    /// The map of an image with its own greyscale steps, `voi` in place of its own transformation of values of interest.
    ///
    /// Without one, the whole range of the rescaled values is shown: that of the modality table's entries, that of the stored bits for samples of at most 16
    /// bits, and for 32-bit and real samples, which never use their whole range, that of the image's own values.
    /// An image without greyscale steps (16-bit PNG) is one with slope 1 and intercept 0.
    init(image: DecodedImage, voi: DecodedImage.VOI?) {
        slope = image.greyscale?.slope ?? 1
        intercept = image.greyscale?.intercept ?? 0
        modalityTable = image.greyscale?.modalityTable
        isInverted = image.greyscale?.isInverted ?? false
        switch voi {
        case .window(let window): step = .window(window)
        case .table(let table): step = .table(table)
        // Refused before, by `prepare`.
        case .unusable: step = .constant
        case nil:
            if let modalityTable {
                step = .range(low: 0, high: Double(1 << modalityTable.bits) - 1)
            } else {
                let stored = image.storedRange
                // Rescaling is monotonic, so the ends of the range are the images of its ends.
                let ends = (stored.low * slope + intercept, stored.high * slope + intercept)
                let (low, high) = ends.0 <= ends.1 ? ends : (ends.1, ends.0)
                step = low < high ? .range(low: low, high: high) : .constant
            }
        }
    }

    /// The grey value of one stored value.
    func shown(_ stored: Double) -> Double {
        let rescaled = if let modalityTable { Double(modalityTable.entry(at: stored)) } else { stored * slope + intercept }
        let value: Double =
            switch step {
            case .range(let low, let high): (rescaled - low) / (high - low) * 255
            case .constant: 0
            case .window(let window): windowed(rescaled, window)
            case .table(let table): Double(table.entry(at: rescaled)) / (Double(1 << table.bits) - 1) * 255
            }
        let clipped = clippedToGrey(value)
        return isInverted ? 255 - clipped : clipped
    }

    /// The map of values of at most 16 bits as clip(stored * slope + intercept) when it is one to within 1e-8 of full scale; nil when it is not.
    ///
    /// The limit on the terms bounds the error when they cancel: a few times 2^32 * 2^-53, that is 1e-6 of 255.
    var affine: (slope: Double, intercept: Double)? {
        guard modalityTable == nil else { return nil }
        var (factor, addend): (Double, Double)
        switch step {
        case .constant, .table: return nil
        case .range(let low, let high): (factor, addend) = (255 / (high - low), -low * (255 / (high - low)))
        case .window(let window):
            let (centre, width) = window.linearBounds
            guard window.function != .sigmoid, width > 0 else { return nil }
            (factor, addend) = (255 / width, (0.5 - centre / width) * 255)
        }
        addend += intercept * factor
        factor *= slope
        if isInverted { (factor, addend) = (-factor, 255 - addend) }
        let limit = 0x1p32
        guard abs(factor) * 65_536 <= limit, abs(addend) <= limit, abs(intercept * factor) <= limit else { return nil }
        return (factor, addend)
    }

    /// The grey values of all stored values of at most 16 bits, indexed by their low `bitsStored` bits.
    func table(bitsStored: Int, isSigned: Bool) -> [Double] {
        let count = 1 << bitsStored
        let lowest = isSigned ? -(count / 2) : 0
        var values = [Double](repeating: 0, count: count)
        for stored in lowest..<(lowest + count) { values[stored & (count - 1)] = shown(Double(stored)) }
        return values
    }
}

/// The nearest value of 0 ... 255; 0 for what is no number.
func clippedToGrey(_ value: Double) -> Double { value > 0 ? (value < 255 ? value : 255) : 0 }

extension DecodedImage {
    /// The least and greatest stored value: of the type's bits, or of the samples where they have more than 16 bits.
    fileprivate var storedRange: (low: Double, high: Double) {
        switch samples {
        case .uint8, .uint16: (0, Double(1 << bitsStored) - 1)
        case .int16: (-Double(1 << (bitsStored - 1)), Double(1 << (bitsStored - 1)) - 1)
        case .uint32(let values): range(values) { Double($0) }
        case .int32(let values): range(values) { Double($0) }
        case .real(let values): range(values) { Double($0) }
        }
    }

    private func range<Sample: Comparable>(_ values: [Sample], _ real: (Sample) -> Double) -> (low: Double, high: Double) {
        guard var low = values.first else { return (0, 0) }
        var high = low
        for value in values {
            if value < low { low = value }
            if value > high { high = value }
        }
        return (real(low), real(high))
    }
}

extension DecodedImage.LookupTable {
    /// The entry of a value: the first below the table's first input, the last above its last; between two inputs that of the lower.
    ///
    /// An entry with more bits than the table says counts as the highest.
    fileprivate func entry(at value: Double) -> UInt16 {
        guard let last = entries.indices.last else { return 0 }
        let position = value - Double(firstInput)
        // False for what is no number, too.
        guard position >= 1 else { return limited(entries[0]) }
        return limited(entries[position < Double(last) ? Int(position) : last])
    }

    private func limited(_ entry: UInt16) -> UInt16 { min(entry, UInt16(truncatingIfNeeded: (1 << bits) - 1)) }
}

extension DecodedImage.Window {
    /// Centre and width of the ramp.
    fileprivate var linearBounds: (centre: Double, width: Double) { function == .linear ? (centre - 0.5, width - 1) : (centre, width) }
}

/// PS3.3 2024d C.11.2.1.2.1, C.11.2.1.3.1 and C.11.2.1.3.2 with an output range of 0 ... 255.
private func windowed(_ x: Double, _ window: DecodedImage.Window) -> Double {
    let (centre, width) = window.linearBounds
    if window.function == .sigmoid { return 255 / (1 + exponential(-4 * (x - centre) / width)) }
    if x <= centre - width / 2 { return 0 }
    if x > centre + width / 2 { return 255 }
    return ((x - centre) / width + 0.5) * 255
}

/// e to the power `x`, the same bits on every CPU: additions, products and one scaling of binary64.
///
/// Error: below 1.5 units in the last place where the result is normal. Infinite above 709, 0 below -708; a NaN stays one.
func exponential(_ x: Double) -> Double {
    if x > 709 { return .infinity }
    if x < -708 { return 0 }
    guard x == x else { return x }
    let count = (x * 0x1.71547652b82fep0).rounded(.toNearestOrEven)
    // ln 2 in two parts, the first with 33 bits: its product with a count of 11 bits is exact.
    let rest = (x - count * 0x1.62e42feep-1) - count * 0x1.a39ef35793c76p-33
    // Taylor to the 14th power: |rest| is at most 0.347, the first term left out is below 2^-63 of the sum.
    var sum = 1.0
    for k in [14.0, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2] { sum = 1 + sum * rest / k }
    let power = 1 + rest * sum
    // The exponent stays within -1021 ... 1023.
    return power * Double(sign: .plus, exponent: Int(count), significand: 1)
}
