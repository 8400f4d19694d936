public import TernImage
import TernModel

/// A picture as a screen shows it: the file's own rescale, values of interest and inversion (PS3.3 2024d C.11), colour as it is stored, shrunk by a box
/// where it is larger than asked.
///
/// A window of the model's recipe has no say: this is the picture as its maker shows it. Values of interest that break a rule of the standard count as
/// none, and the whole range is shown.
///
/// - Shapes: the longer side has at most `limitSide` pixels; a smaller picture keeps its size. The ratio of the sides is kept to a pixel. One channel
///   stays one, three stay three.
/// - Returns: nil where preparing refuses the image: there is no picture, which a black one would hide.
/// - Precondition: `limitSide` is positive, and the image's samples have the count of its shape.
/// - Cost: one pass over the image, and four bytes for each sample of the result.
/// - Source: Pillow's box filter, bit for bit, for samples of 8 bits; others are rounded once, to the nearest.
public func shownImage(of image: DecodedImage, limitSide: Int) -> ShownImage? {
    shownImage(of: image, limitSide: limitSide) { (image, recipe) throws(PrepareError) -> PreparedInput in try prepare(image, recipe: recipe) }
}

/// The same with another way to prepare.
func shownImage(
    of image: DecodedImage, limitSide: Int, preparing: (DecodedImage, InputRecipe) throws(PrepareError) -> PreparedInput
) -> ShownImage? {
    precondition(limitSide > 0, "a picture has pixels")
    var image = image
    if case .unusable = image.greyscale?.voi { image.greyscale?.voi = nil }
    let side = shownSides(width: image.width, height: image.height, limitSide: limitSide)
    let channels = image.channels == 3 ? 3 : 1
    if case .uint8(let samples) = image.samples, image.channels == channels, side == (image.width, image.height), image.isShownAsStored {
        let flip: UInt8 = image.greyscale?.isInverted == true ? 255 : 0
        return ShownImage(width: side.width, height: side.height, channels: channels, samples: flip == 0 ? samples : samples.map { $0 ^ flip })
    }
    let recipe = InputRecipe(
        modality: "", channels: channels, height: side.height, width: side.width, crop: .stretch, filter: .box, intensity: .fileWindow,
        scale: [Float](repeating: 1, count: channels), offset: [Float](repeating: 0, count: channels))
    guard let prepared = try? preparing(image, recipe) else { return nil }
    return ShownImage(width: side.width, height: side.height, channels: channels, samples: interleaved(prepared.values, channels: channels))
}

/// The sides of a picture whose longer one is to have at most `limitSide` pixels; the other is rounded half up and stays above zero.
public func shownSides(width: Int, height: Int, limitSide: Int) -> (width: Int, height: Int) {
    let longer = max(width, height)
    guard longer > limitSide else { return (width, height) }
    func side(_ count: Int) -> Int { max((count * limitSide + longer / 2) / longer, 1) }
    return (side(width), side(height))
}

/// [channels, pixels] of 0 ... 255 to [pixels, channels] of bytes.
private func interleaved(_ planes: [Float], channels: Int) -> [UInt8] {
    let pixelCount = planes.count / channels
    var samples: [UInt8] = []
    samples.reserveCapacity(planes.count)
    for pixel in 0..<pixelCount {
        for channel in 0..<channels {
            samples.append(UInt8(min(max(planes[channel * pixelCount + pixel].rounded(.toNearestOrEven), 0), 255)))
        }
    }
    return samples
}
