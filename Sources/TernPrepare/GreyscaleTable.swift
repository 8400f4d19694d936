import TernImage
import TernModel

/// The grey value 0 ... 255 of every stored value: rescale, window, inversion, in the order of PS3.3 2024d C.11.
struct GreyscaleTable {
    /// Indexed by the stored value's low `bitsStored` bits.
    let values: [Float]

    /// For an image without greyscale steps (16-bit PNG) the stored range becomes 0 ... 255.
    init(image: DecodedImage, window: DecodedImage.Window?) {
        let count = 1 << image.bitsStored
        var isSigned = false
        if case .int16 = image.samples { isSigned = true }
        let slope = image.greyscale?.slope ?? 1
        let intercept = image.greyscale?.intercept ?? 0
        let isInverted = image.greyscale?.isInverted ?? false
        let lowest = isSigned ? -(count / 2) : 0
        let ends = (Double(lowest) * slope + intercept, Double(lowest + count - 1) * slope + intercept)
        var table = [Float](repeating: 0, count: count)
        for stored in lowest..<(lowest + count) {
            let rescaled = Double(stored) * slope + intercept
            let shown =
                if let window { windowed(rescaled, window) } else {
                    (rescaled - min(ends.0, ends.1)) / (max(ends.0, ends.1) - min(ends.0, ends.1)) * 255
                }
            table[stored & (count - 1)] = Float(isInverted ? 255 - shown : shown)
        }
        values = table
    }
}

/// PS3.3 2024d C.11.2.1.2.1 and C.11.2.1.3.2 with an output range of 0 ... 255.
private func windowed(_ x: Double, _ window: DecodedImage.Window) -> Double {
    var centre = window.centre
    var width = window.width
    if window.function == .linear {
        centre -= 0.5
        width -= 1
    }
    if x <= centre - width / 2 { return 0 }
    if x > centre + width / 2 { return 255 }
    return ((x - centre) / width + 0.5) * 255
}
