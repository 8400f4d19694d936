import TernBytes
public import TernImage
public import TernModel

/// What is measured of an image before the model sees it; numbers of rule N-14 of Models/NUMERICS.md.
public struct QualityMeasures: Equatable, Sendable {
    /// Shorter side of the picture as it came, pixels.
    public var shortSide: Int
    /// Share of coloured pixels of the picture as it came, 0 ... 1; 0 for a grey one.
    public var colour: Float
    /// Mean of the display values of the model's input, 0 ... 255.
    public var brightness: Float
    /// Their standard deviation, 0 ... 127.5.
    public var contrast: Float
    /// Share of those that are at least 250, 0 ... 1.
    public var saturation: Float
    /// `blurEffect(of:)` of the model's input, 0 ... 1; nil when it is smaller than 9 x 9.
    public var blur: Float?
    /// Share of the field under burned-in text, 0 ... 1; nil when no rule asks for it.
    public var text: Float?

    /// The measure that a criterion looks at; nil for a criterion that is none, or that could not be measured.
    public func value(of criterion: QualityCriterion) -> Float? {
        switch criterion {
        case .viewPosition, .burnedInAnnotation, .lossyCompression: nil
        case .shortSide: Float(shortSide)
        case .mostColour, .leastColour: colour
        case .contrast: contrast
        case .brightness: brightness
        case .saturation: saturation
        case .blur: blur
        case .text: text
        }
    }
}

extension QualityCriterion {
    /// The measure's name in results, and its unit; the criteria that are not measured have none.
    public var measureName: (name: String, unit: String)? {
        switch self {
        case .viewPosition, .burnedInAnnotation, .lossyCompression: nil
        case .shortSide: ("shortSide", "pixels")
        case .mostColour, .leastColour: ("colour", "share of pixels")
        case .contrast: ("contrast", "display levels, standard deviation")
        case .brightness: ("brightness", "display levels, mean")
        case .saturation: ("saturation", "share of pixels at 250 or above")
        case .blur: ("blur", "blur effect, 0 sharp to 1 blurred")
        case .text: ("text", "share of the field")
        }
    }
}

/// The model's input as it looks: prepared values brought back to display values, colour as luminance.
///
/// Display value = round((p - b) / a) in binary32, ties to even, clipped to 0 ... 255, 0 where it is not a number; the luminance is that of the
/// 8-bit way of TernPrepare. Prepared values that came from 8-bit samples give those samples again.
///
/// - Shapes: `prepared` [recipe.channels, recipe.height, recipe.width]; the result [recipe.height, recipe.width].
/// - Precondition: `prepared` has the count of its shape, and the recipe comes from a validated model.
public func displayPlane(of prepared: Span<Float>, recipe: InputRecipe) -> GreyPlane {
    let count = recipe.height * recipe.width
    precondition(prepared.count == recipe.channels * count, "a value for each channel and pixel")
    var values = [UInt8](repeating: 0, count: count)
    if recipe.channels == 1 {
        for index in 0..<count { values[index] = display(prepared[index], recipe, 0) }
    } else {
        for index in 0..<count {
            let (red, green, blue) = (
                display(prepared[index], recipe, 0), display(prepared[count + index], recipe, 1), display(prepared[2 * count + index], recipe, 2)
            )
            // ITU-R BT.601 in 16 fractional bits; at most 255 after the shift.
            var sum: UInt32 = 19_595 * UInt32(red)
            sum += 38_470 * UInt32(green)
            sum += 7_471 * UInt32(blue)
            values[index] = UInt8((sum + 32_768) >> 16)
        }
    }
    return GreyPlane(width: recipe.width, height: recipe.height, values: values)
}

private func display(_ prepared: Float, _ recipe: InputRecipe, _ channel: Int) -> UInt8 {
    let value = ((prepared - recipe.offset[channel]) / recipe.scale[channel]).rounded(.toNearestOrEven)
    // A factor of 0 gives an infinity or no number.
    return value >= 255 ? 255 : value > 0 ? UInt8(value) : 0
}

/// Mean, standard deviation and saturated share of a plane, from exact integer sums, each rounded once to binary32.
func levels(of plane: GreyPlane) -> (brightness: Float, contrast: Float, saturation: Float) {
    var histogram = [Int](repeating: 0, count: 256)
    for value in plane.values { histogram[Int(value)] += 1 }
    var (sum, squares, saturated) = (0, 0, 0)
    // At most 2^28 pixels fit in an arena: squares stay below 2^44.
    for (level, count) in histogram.enumerated() {
        sum += count * level
        squares += count * level * level
        if level >= 250 { saturated += count }
    }
    let count = Double(plane.values.count)
    let mean = Double(sum) / count
    let variance = Double(squares) / count - mean * mean
    return (Float(mean), variance > 0 ? Float(variance.squareRoot()) : 0, Float(Double(saturated) / count))
}

/// The share of coloured pixels of a picture: largest and smallest of red, green and blue lie more than 24 of 255 levels apart, which chroma of JPEG does
/// not reach on grey. Pixels are looked at on a grid of at most 256 by 256.
///
/// - Returns: 0 for a grey picture.
public func colourShare(of image: DecodedImage) -> Float {
    guard image.channels == 3 else { return 0 }
    switch image.samples {
    case .uint8(let samples): return colourShare(image.width, image.height, rowStride: image.width * 3, bits: image.bitsStored) { Int(samples[$0]) }
    case .uint16(let samples): return colourShare(image.width, image.height, rowStride: image.width * 3, bits: image.bitsStored) { Int(samples[$0]) }
    // Colour is unsigned and of 16 bits at most.
    case .int16, .uint32, .int32, .real: return 0
    }
}

/// The same of a picture in memory that somebody else holds.
func colourShare(of pixels: RawPixels, in bytes: RawSpan) -> Float {
    guard pixels.format == .rgb8 else { return 0 }
    return colourShare(pixels.width, pixels.height, rowStride: pixels.byteStride, bits: 8) { Int(bytes.uint8(at: $0)) }
}

private func colourShare(_ width: Int, _ height: Int, rowStride: Int, bits: Int, _ sample: (Int) -> Int) -> Float {
    let most = ((1 << bits) - 1) * 24 / 255
    let (columnStep, rowStep) = ((width + 255) / 256, (height + 255) / 256)
    var (coloured, count) = (0, 0)
    for y in stride(from: rowStep / 2, to: height, by: rowStep) {
        for x in stride(from: columnStep / 2, to: width, by: columnStep) {
            let at = y * rowStride + 3 * x
            let (red, green, blue) = (sample(at), sample(at + 1), sample(at + 2))
            if max(red, green, blue) - min(red, green, blue) > most { coloured += 1 }
            count += 1
        }
    }
    return Float(Double(coloured) / Double(count))
}
